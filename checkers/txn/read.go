package txn

import (
	"fmt"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// micro is one operation of a transaction on one key.
type micro struct {
	read bool
	key  int32
	// value is what was stored: a list's element, a register's value; or what was read of a register.
	value word
	list  []int64 // what was read of a list, each element as its word
}

// word stands for a value: equal values have equal words. Whole numbers stand for themselves.
type word = int64

// nothing is the word of nil, and the numbers from it on are those of values that are no whole numbers.
const (
	nothing  word = math.MinInt64
	reserved      = nothing + 1<<40
)

// transaction is one that took part, or failed.
type transaction struct {
	pair       int32 // its position in the history
	from, to   int32 // its operations
	call, ret  int   // ret is [never] where it did not return
	process    int
	committed  bool // it returned ok
	failed     bool
	takesPart  bool // it is known to have taken effect
	unanswered bool // reads are not known
}

const never = math.MaxInt

// script is a history of transactions: each as its operations.
type script struct {
	pairs  []history.Pair
	txns   []transaction
	micros []micro
	keys   []any // as they stand in the history
	lists  bool
	number map[any]int32
	small  []int32 // of keys that are small whole numbers
	others map[any]word
	values []any // of others
	reads  int   // operations that read, of committed transactions
	stores int
	// storesOf is how many operations store in a key, by key.
	storesOf []int32
}

// read brings a history into form. It keeps the history's lists where they are of whole numbers.
func read(h history.History, lists bool) (*script, error) {
	s := &script{
		pairs: h.Pairs, txns: make([]transaction, 0, len(h.Pairs)), lists: lists,
		micros: make([]micro, 0, 3*len(h.Pairs)), number: map[any]int32{}, others: map[any]word{},
	}
	for i := range h.Pairs {
		p := &h.Pairs[i]
		if p.F != "txn" {
			return nil, fmt.Errorf("operation %d calls %q, but this model is of transactions (txn)", p.Index, p.F)
		}
		if err := s.add(int32(i), p); err != nil {
			return nil, fmt.Errorf("operation %d: %w", p.Index, err)
		}
	}
	return s, nil
}

func (s *script) add(at int32, p *history.Pair) error {
	t := transaction{
		pair: at, from: int32(len(s.micros)), call: p.Index, ret: never, process: p.Process,
		committed: p.Outcome == history.OK, failed: p.Outcome == history.Fail,
	}
	t.takesPart, t.unanswered = t.committed, !t.committed
	if p.Returned() {
		t.ret = p.End
	}
	value := p.Input
	if t.committed {
		value = p.Output
	}
	ops, isList := values.Elements(value)
	if !isList || value == nil {
		return fmt.Errorf("%s is no transaction: expected a list of operations such as [[append 3 1] [r 3 nil]]", words.Spell(value))
	}
	for _, op := range ops {
		m, err := s.micro(op, t.committed)
		if err != nil {
			return err
		}
		s.micros = append(s.micros, m)
	}
	t.to = int32(len(s.micros))
	s.txns = append(s.txns, t)
	return nil
}

// micro reads an operation of a transaction.
func (s *script) micro(op any, committed bool) (micro, error) {
	parts, isList := op.([]any)
	if !isList || len(parts) != 3 {
		return micro{}, fmt.Errorf("%s is no operation of a transaction: expected [function key value]", words.Spell(op))
	}
	f, _ := parts[0].(string)
	m := micro{key: s.key(parts[1])}
	switch {
	case f == "r" || f == "read":
		m.read = true
		if !committed {
			break
		}
		s.reads++
		if !s.lists {
			m.value = s.word(parts[2])
			break
		}
		list, err := s.list(parts[2])
		if err != nil {
			return micro{}, err
		}
		m.list = list
	case s.lists && f == "append", !s.lists && (f == "w" || f == "write"):
		s.stores++
		s.storesOf[m.key]++
		m.value = s.word(parts[2])
		if n, whole := parts[2].(int64); parts[2] == nil || whole && n < reserved {
			return micro{}, fmt.Errorf("%s cannot be told from what capsize uses for itself: use another value", words.Spell(op))
		}
	default:
		want := "r and w"
		if s.lists {
			want = "r and append"
		}
		return micro{}, fmt.Errorf("%s is no operation of this model, whose transactions have %s", words.Spell(op), want)
	}
	return m, nil
}

func (s *script) list(v any) ([]int64, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []int64:
		return v, nil
	case []any:
		list := make([]int64, len(v))
		for i, e := range v {
			list[i] = s.word(e)
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s was read, which is no list: the model is rw-register", words.Spell(v))
}

// key numbers a key.
func (s *script) key(k any) int32 {
	i, whole := k.(int64)
	if whole && i >= 0 && i < 1<<20 {
		for int64(len(s.small)) <= i {
			s.small = append(s.small, make([]int32, max(1024, len(s.small)))...)
		}
		if s.small[i] == 0 {
			s.keys, s.storesOf = append(s.keys, k), append(s.storesOf, 0)
			s.small[i] = int32(len(s.keys))
		}
		return s.small[i] - 1
	}
	id := values.Identity(k)
	n, known := s.number[id]
	if !known {
		n = int32(len(s.keys))
		s.keys, s.storesOf = append(s.keys, k), append(s.storesOf, 0)
		s.number[id] = n
	}
	return n
}

func (s *script) word(v any) word {
	if n, whole := v.(int64); whole {
		return n
	}
	if v == nil {
		return nothing
	}
	id := values.Identity(v)
	w, known := s.others[id]
	if !known {
		s.values = append(s.values, v)
		w = nothing + word(len(s.values))
		s.others[id] = w
	}
	return w
}

// value is the value of a word.
func (s *script) value(w word) any {
	switch {
	case w == nothing:
		return nil
	case w < reserved && w-nothing <= word(len(s.values)):
		return s.values[w-nothing-1]
	}
	return w
}

func (s *script) ops(t int32) []micro { return s.micros[s.txns[t].from:s.txns[t].to] }

func (s *script) pairOf(t int32) history.Pair { return s.pairs[s.txns[t].pair] }

func (s *script) spellKey(k int32) string {
	if text, isText := s.keys[k].(string); isText {
		return text
	}
	return words.Spell(s.keys[k])
}

// reader returns the transaction of an operation.
func (s *script) reader(micro int32) int32 {
	at, _ := slices.BinarySearchFunc(s.txns, micro, func(t transaction, m int32) int { return int(t.to) - 1 - int(m) })
	for s.txns[at].from > micro || s.txns[at].to <= micro { // transactions without operations
		at++
	}
	return int32(at)
}

// enumerate numbers the transactions that take part.
func (s *script) enumerate() (vertexOf, txnOf []int32) {
	vertexOf, txnOf = make([]int32, len(s.txns)), make([]int32, 0, len(s.txns))
	for t := range s.txns {
		vertexOf[t] = -1
		if s.txns[t].takesPart {
			vertexOf[t] = int32(len(txnOf))
			txnOf = append(txnOf, int32(t))
		}
	}
	return vertexOf, txnOf
}
