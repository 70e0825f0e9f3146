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

// Guess returns which model of this package fits the operations of transactions, and a few words why.
func Guess(h history.History) (model, why string) {
	writes := map[any]int{}
	stores, manyReads, alone := false, false, true
	for i := range h.Pairs {
		ops, _ := values.Elements(h.Pairs[i].Input)
		reads, own := 0, 0
		for _, op := range ops {
			parts, _ := op.([]any)
			if len(parts) != 3 {
				continue
			}
			switch parts[0] {
			case "append":
				return "list-append", "its transactions append"
			case "w", "write":
				stores, own = true, own+1
				writes[values.Identity(parts[1])]++
			default:
				reads++
			}
		}
		manyReads = manyReads || reads > 1
		alone = alone && (own == 0 || own == 1 && reads == 0)
	}
	once := true
	for _, n := range writes {
		once = once && n == 1
	}
	if stores && manyReads && alone && once && len(writes) > 2 {
		return "long-fork", "its transactions write one key, once, or read several"
	}
	if !stores && readsLists(h) {
		return "list-append", "its transactions read lists"
	}
	return "rw-register", "its transactions read and write single values"
}

func readsLists(h history.History) bool {
	for i := range h.Pairs {
		ops, _ := values.Elements(h.Pairs[i].Output)
		for _, op := range ops {
			if parts, _ := op.([]any); len(parts) == 3 {
				switch parts[2].(type) {
				case []any, []int64:
					return true
				}
			}
		}
	}
	return false
}

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

// store is where a value was stored.
type store struct {
	value word
	micro int32 // 1 more than its position; 0 where the slot is empty
	txn   int32
}

// stores finds who stored a value in a key: for each key an open hash table, at most half full. Keys that are used at one
// time are few, so that what is looked for stays in the cache.
type stores struct {
	slots []store
	from  []int32  // by key, where its table begins
	mask  []uint32 // and its size less one
}

func newStores(sizes []int32) *stores {
	t := &stores{from: make([]int32, len(sizes)), mask: make([]uint32, len(sizes))}
	total := int32(0)
	for key, n := range sizes {
		size := int32(4)
		for size < 2*n {
			size *= 2
		}
		t.from[key], t.mask[key] = total, uint32(size-1)
		total += size
	}
	t.slots = make([]store, total)
	return t
}

func (t *stores) slot(key int32, value word) *store {
	h := uint64(value) * 0x9e3779b97f4a7c15
	mask := t.mask[key]
	slots := t.slots[t.from[key]:][:mask+1]
	for at := uint32(h>>40) & mask; ; at = (at + 1) & mask {
		if s := &slots[at]; s.micro == 0 || s.value == value {
			return s
		}
	}
}

// find returns who stored the value, or nil.
func (t *stores) find(key int32, value word) *store {
	if s := t.slot(key, value); s.micro != 0 {
		return s
	}
	return nil
}

// index notes every store. The error names one that stores what was stored before.
func (s *script) index() (*stores, error) {
	table := newStores(s.storesOf)
	for t := range s.txns {
		for i := s.txns[t].from; i < s.txns[t].to; i++ {
			m := &s.micros[i]
			if m.read {
				continue
			}
			slot := table.slot(m.key, m.value)
			if slot.micro != 0 {
				return nil, fmt.Errorf("operations %d and %d both store %s in key %s: every value must be stored once in a key",
					s.txns[slot.txn].call, s.txns[t].call, words.Spell(s.value(m.value)), s.spellKey(m.key))
			}
			*slot = store{m.value, i + 1, int32(t)}
		}
	}
	return table, nil
}

func (s *script) spellKey(k int32) string {
	if text, isText := s.keys[k].(string); isText {
		return text
	}
	return words.Spell(s.keys[k])
}

// order adds to a graph who came before whom by session and by the clock.
//
// Of the clock it makes one vertex for each call, from which the later ones are reached: whoever returned leads to the
// first call after that. So it takes O(n) edges, however much went on at once.
func (s *script) order(g *graph, vertexOf []int32) {
	type event struct {
		at  int
		txn int32
	}
	calls := make([]event, 0, len(s.txns))
	last := map[int]int32{}
	for t := range s.txns {
		v := vertexOf[t]
		if v < 0 {
			continue
		}
		tx := &s.txns[t]
		if before, has := last[tx.process]; has {
			g.edge(before, v, session)
		}
		last[tx.process] = v
		calls = append(calls, event{tx.call, v})
	}
	if len(calls) == 0 {
		return
	}
	first := int32(g.vertices)
	for i := range calls {
		c := g.vertex()
		g.edge(c, calls[i].txn, 0)
		if i > 0 {
			g.edge(c-1, c, 0)
		}
	}
	// The history is in the order of the calls. The returns come in the order of the calls that they are before.
	for t := range s.txns {
		v, ret := vertexOf[t], s.txns[t].ret
		if v < 0 || !s.txns[t].committed {
			continue
		}
		low, high := 0, len(calls)
		for low < high {
			if middle := (low + high) / 2; calls[middle].at > ret {
				high = middle
			} else {
				low = middle + 1
			}
		}
		if low < len(calls) {
			g.edge(v, first+int32(low), clock)
		}
	}
}
