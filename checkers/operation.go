package checkers

import (
	"math"
	"slices"
	"strconv"

	"github.com/capsize-dev/capsize/harness/history"
)

// kind is what an operation does to its object.
type kind uint8

const (
	reads    kind = iota // returns the whole state, changes nothing
	writes               // replaces the state
	swaps                // replaces the state where it is what was expected: compare-and-set
	appendsE             // adds an element at the end of a list, or to a set
)

// value stands for a value of the history within one key: equal values have equal numbers. The initial state of a
// register, nil, is 0.
type value int32

const absent value = 0

// never is the return of an operation that did not return.
const never = math.MaxInt

// op is an operation as the searches see it. Times are line numbers of the history, so no two events are at one time.
type op struct {
	pair      int  // position in keyHistory.pairs
	kind      kind //
	pending   bool // never returned: it may happen at any time after its call, or not at all
	from      value
	value     value   // read: what it saw; write, swap: what it stores; append: the element
	list      []value // read of a list: what it saw
	call, ret int     // ret is never where pending
}

// seen is the value of a register that the operation is known to have seen.
func (o *op) seen() (value, bool) {
	switch {
	case o.pending:
	case o.kind == reads:
		return o.value, true
	case o.kind == swaps:
		return o.from, true
	}
	return 0, false
}

// stores reports whether the operation changes the state, or may.
func (o *op) stores() bool { return o.kind != reads }

func (o *op) precedes(p *op) bool { return o.ret < p.call }

// keyHistory is what was done to one key, ready to be judged.
type keyHistory struct {
	key    string
	reader reader
	pairs  []*history.Pair // every operation of the key, in the order of the calls; they are the history's own
	ops    []op            // those that took part: not the failed ones, not reads without an answer
	failed map[value][]int // what definitely failed operations would have stored -> positions in pairs
	words  []any           // of each value, as it stands in the history
	ids    map[any]value
	ints   map[int64]value // the same for whole numbers, which most values are
}

func newKeyHistory(key string, r reader) *keyHistory {
	k := &keyHistory{key: key, reader: r, failed: map[value][]int{}, ids: map[any]value{}, ints: map[int64]value{}}
	k.intern(nil)
	return k
}

// forget gives back what only judging needs: of a legal key nothing more is asked than its name.
func (k *keyHistory) forget() { *k = keyHistory{key: k.key, reader: k.reader} }

// intern returns the number of a value.
func (k *keyHistory) intern(v any) value {
	if i, whole := v.(int64); whole {
		return k.internInt(i)
	}
	id := identity(v)
	n, known := k.ids[id]
	if !known {
		n = k.number(v)
		k.ids[id] = n
	}
	return n
}

func (k *keyHistory) internInt(i int64) value {
	n, known := k.ints[i]
	if !known {
		n = k.number(i)
		k.ints[i] = n
	}
	return n
}

func (k *keyHistory) number(v any) value {
	k.words = append(k.words, v)
	return value(len(k.words) - 1)
}

// internList returns the numbers of a list's elements, or false where it is no list. The absent list is empty.
func (k *keyHistory) internList(v any) ([]value, bool) {
	if ints, ok := v.([]int64); ok {
		out := make([]value, len(ints))
		for i, n := range ints {
			out[i] = k.internInt(n)
		}
		return out, true
	}
	all, isList := elements(v)
	out := make([]value, len(all))
	for i, e := range all {
		out[i] = k.intern(e)
	}
	return out, isList
}

// identity returns a comparable stand-in for a value in the normal form of history.Op.
func identity(v any) any {
	switch v := v.(type) {
	case float64:
		if v == 0 {
			v = 0 // not -0
		}
		return math.Float64bits(v)
	case []int64, []any:
		return encoded(encode(nil, v))
	}
	return v
}

// encoded is its own type so that a list is never taken for the string that spells it.
type encoded string

func encode(to []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(to, 'n')
	case bool:
		return strconv.AppendBool(to, v)
	case int64:
		return append(strconv.AppendInt(append(to, 'i'), v, 10), ';')
	case float64:
		return append(strconv.AppendUint(append(to, 'f'), math.Float64bits(v), 16), ';')
	case string:
		return strconv.AppendQuote(to, v)
	case []int64:
		to = append(to, '[')
		for _, e := range v {
			to = encode(to, e)
		}
		return append(to, ']')
	case []any:
		to = append(to, '[')
		for _, e := range v {
			to = encode(to, e)
		}
		return append(to, ']')
	}
	return to
}

// elements returns a list's elements, or false where the value is not a list. The absent list is empty.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case []any:
		return v, true
	case []int64:
		list := make([]any, len(v))
		for i, n := range v {
			list[i] = n
		}
		return list, true
	}
	return nil, false
}

// length is how many elements a list has.
func length(v any) int {
	switch v := v.(type) {
	case []int64:
		return len(v)
	case []any:
		return len(v)
	}
	return 0
}

// add puts a pair into the key's history. The verb says what its function means.
func (k *keyHistory) add(p *history.Pair, o op) {
	o.pair = len(k.pairs)
	k.pairs = append(k.pairs, p)
	o.call, o.ret, o.pending = p.Index, p.End, false
	if !p.Returned() {
		o.ret, o.pending = never, true
	}
	switch {
	case p.Outcome == history.Fail:
		if o.stores() {
			k.failed[o.value] = append(k.failed[o.value], o.pair)
		}
	case o.pending && !o.stores():
		// A read without an answer says nothing.
	default:
		k.ops = append(k.ops, o)
	}
}

// witness returns the pairs of some operations, by time of call. Where the operations show less of a list than was
// read, so do the pairs.
func (k *keyHistory) witness(ops []op) []history.Pair {
	ops = slices.Clone(ops)
	slices.SortFunc(ops, func(a, b op) int { return a.call - b.call })
	pairs := make([]history.Pair, len(ops))
	for i, o := range ops {
		pairs[i] = *k.pairs[o.pair]
		if o.kind == reads && k.reader.whole() && len(o.list) < length(pairs[i].Output) {
			pairs[i].Output = k.output(o.list)
		}
	}
	return pairs
}

// output spells a list in the normal form of history.Op.
func (k *keyHistory) output(list []value) any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = k.words[v]
	}
	normal, err := history.Normalize(out)
	if err != nil {
		return out // the words came from a history, so they are normal already
	}
	return normal
}
