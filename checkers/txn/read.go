package txn

import (
	"fmt"
	"math"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// micro is one operation of a transaction on one key.
type micro struct {
	// value is what was stored: a list's element, a register's value; or what was read of a register; or where in the
	// script what was read of a list is.
	value word
	key   int32
	txn   int32
	read  bool
	// unfit marks a read that is not how its key's longest read begins, or not what its transaction had to see.
	unfit bool
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
	call, ret int   // ret is [never] where it did not return
	from, to  int32 // its operations
	session   int32 // its process, numbered
	committed bool  // it returned ok: what it read is known
	failed    bool
	takesPart bool // it is known to have taken effect
}

const never = math.MaxInt

// script is a history of transactions, in the order of the history: each as its operations.
type script struct {
	pairs    []history.Pair
	txns     []transaction
	micros   []micro
	lists    bool
	shown    [][]int64 // what was read of lists, each element as its word; the first is nil, where nothing is known
	keys     []any     // as they stand in the history
	numbers  numbering // of keys
	sessions numbering // of processes
	others   map[any]word
	values   []any // of others
	reads    int   // operations that read, of committed transactions
	stores   int
	// storesOf is how many operations store in a key, by key.
	storesOf []int32
}

// read brings a history into form. It keeps the history's lists where they are of whole numbers.
func read(h history.History, lists bool) (*script, error) {
	s := &script{
		pairs: h.Pairs, txns: make([]transaction, 0, len(h.Pairs)), lists: lists,
		micros: make([]micro, 0, 3*len(h.Pairs)), shown: make([][]int64, 1), others: map[any]word{},
	}
	if lists {
		s.shown = make([][]int64, 1, 1+2*len(h.Pairs))
	}
	for i := range h.Pairs {
		p := &h.Pairs[i]
		if p.F != "txn" {
			return nil, fmt.Errorf("operation %d calls %q, but this model is of transactions (txn)", p.Index, p.F)
		}
		if err := s.add(p); err != nil {
			return nil, fmt.Errorf("operation %d: %w", p.Index, err)
		}
	}
	return s, nil
}

func (s *script) add(p *history.Pair) error {
	t := transaction{
		call: p.Index, ret: never, from: int32(len(s.micros)),
		committed: p.Outcome == history.OK, failed: p.Outcome == history.Fail, takesPart: p.Outcome == history.OK,
	}
	t.session, _ = s.sessions.whole(int64(p.Process))
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
		if err := s.operation(op, t.committed); err != nil {
			return err
		}
	}
	t.to = int32(len(s.micros))
	s.txns = append(s.txns, t)
	return nil
}

// operation reads an operation of the next transaction.
func (s *script) operation(op any, committed bool) error {
	p, err := parse(op, s.lists)
	if err != nil {
		return err
	}
	m := micro{key: s.key(p.key), txn: int32(len(s.txns)), read: p.read}
	switch {
	case !p.read:
		s.stores++
		s.storesOf[m.key]++
		m.value = s.word(p.value)
	case !committed:
	case !s.lists:
		s.reads++
		m.value = s.word(p.value)
	default:
		s.reads++
		list, err := s.list(p.value)
		if err != nil {
			return err
		}
		m.value = word(len(s.shown))
		s.shown = append(s.shown, list)
	}
	s.micros = append(s.micros, m)
	return nil
}

// parsed is an operation of a transaction as it stands in a history.
type parsed struct {
	key, value any
	read       bool
}

func parse(op any, lists bool) (parsed, error) {
	parts, isList := op.([]any)
	if !isList || len(parts) != 3 {
		return parsed{}, fmt.Errorf("%s is no operation of a transaction: expected [function key value]", words.Spell(op))
	}
	p := parsed{key: parts[1], value: parts[2]}
	switch f, _ := parts[0].(string); {
	case f == "r" || f == "read":
		p.read = true
	case lists && f == "append", !lists && (f == "w" || f == "write"):
		if n, whole := p.value.(int64); p.value == nil || whole && n < reserved {
			return p, fmt.Errorf("%s cannot be told from what capsize uses for itself: use another value", words.Spell(op))
		}
	default:
		want := "r and w"
		if lists {
			want = "r and append"
		}
		return p, fmt.Errorf("%s is no operation of this model, whose transactions have %s", words.Spell(op), want)
	}
	return p, nil
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
	n, isNew := s.numbers.of(k)
	if isNew {
		s.keys, s.storesOf = append(s.keys, k), append(s.storesOf, 0)
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

// listOf is what a read of a committed transaction shows of a list.
func (s *script) listOf(m *micro) []int64 { return s.shown[m.value] }

func (s *script) ops(t int32) []micro { return s.micros[s.txns[t].from:s.txns[t].to] }

func (s *script) spellKey(k int32) string { return keyName(s.keys[k]) }

// keyName is a key as it is shown.
func keyName(key any) string {
	if text, isText := key.(string); isText {
		return text
	}
	return words.Spell(key)
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
