package checkers

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/values"
)

// value stands for a value of the history within one key: equal values have equal numbers. The initial state of a
// register, nil, is 0.
type value = int32

const absent value = 0

// table numbers the values of one key, in the order in which it meets them. Most values are whole numbers, and most of
// those are small or unique to a process: they cost one look into an array each.
type table struct {
	words  []any   // of each value, as it stands in the history
	small  []value // of the whole numbers from 0 on; 0 where it was not met
	large  []slot  // of the other whole numbers: open addressing, a power of two, at most half full
	filled int     // slots of large
	others map[any]value
	room   int // whole numbers below it are kept in small
	likely int // how many values there are, and small whole numbers if they are small: half of the operations store one
	slots  int // how many large begins with
}

// slot is empty where its value is 0, which stands for nil alone.
type slot struct {
	number int64
	value  value
}

func newTable() *table {
	t := &table{}
	t.reset(0)
	return t
}

// reset makes the table as new, with its memory, for a key of so many operations.
func (t *table) reset(operations int) {
	t.likely = operations/2 + operations/32 + 1
	t.words = append(slices.Grow(t.words[:0], t.likely), nil)
	t.small, t.filled = t.small[:0], 0
	if len(t.others) > 64 {
		t.others = nil // to clear it would take as long for a small key
	}
	clear(t.others)
	t.room, t.slots = 4*operations+1024, 1<<bits.Len(uint(operations)|1023)
	t.large = t.large[:0]
	if cap(t.large) >= t.slots {
		t.large = t.large[:t.slots]
		clear(t.large)
	}
}

// intern returns the number of a value.
func (t *table) intern(v any) value {
	if i, whole := v.(int64); whole {
		return t.internWord(i, v)
	}
	if v == nil {
		return absent
	}
	id := values.Identity(v)
	n, known := t.others[id]
	if !known {
		if t.others == nil {
			t.others = map[any]value{}
		}
		n = t.number(v)
		t.others[id] = n
	}
	return n
}

// find returns the number of a value, if it has one.
func (t *table) find(v any) (n value, known bool) {
	i, whole := v.(int64)
	switch {
	case v == nil:
		return absent, true
	case !whole:
		n, known = t.others[values.Identity(v)]
		return n, known
	case i >= 0 && i < int64(t.room):
		if i < int64(len(t.small)) {
			n = t.small[i]
		}
	case len(t.large) > 0:
		n = t.large[t.slotOf(i)].value
	}
	return n, n != absent
}

func (t *table) internInt(i int64) value { return t.internWord(i, nil) }

// internWord numbers a whole number; word is the same as it stands in the history, nil where that is not at hand.
func (t *table) internWord(i int64, word any) value {
	at := t.place(i)
	if *at == absent {
		if word == nil {
			word = i
		}
		*at = t.number(word)
	}
	return *at
}

// place returns where the number of a whole number is kept.
func (t *table) place(i int64) *value {
	if i >= 0 && i < int64(t.room) {
		if i >= int64(len(t.small)) {
			t.extend(int(i) + 1)
		}
		return &t.small[i]
	}
	if 2*t.filled >= len(t.large) {
		t.rehash()
	}
	s := &t.large[t.slotOf(i)]
	if s.value == absent {
		s.number = i
		t.filled++
	}
	return &s.value
}

// extend makes room for small numbers below n, and for some more.
func (t *table) extend(n int) {
	before := len(t.small)
	n = max(2*n, 1024, t.likely)
	t.small = slices.Grow(t.small, n-before)[:n]
	clear(t.small[before:])
}

// slotOf returns the slot of a whole number, or the empty one where it belongs.
func (t *table) slotOf(i int64) int {
	mask := uint64(len(t.large) - 1)
	h := uint64(i) * 0x9e3779b97f4a7c15
	for at := (h ^ h>>32) & mask; ; at = (at + 1) & mask {
		if s := &t.large[at]; s.value == absent || s.number == i {
			return int(at)
		}
	}
}

func (t *table) rehash() {
	old := t.large
	t.large = make([]slot, max(2*len(old), t.slots))
	for _, s := range old {
		if s.value != absent {
			t.large[t.slotOf(s.number)] = s
		}
	}
}

func (t *table) number(v any) value {
	t.words = append(t.words, v)
	return value(len(t.words) - 1)
}

// internList appends the numbers of a list's elements, or returns false where it is no list. The absent list is empty.
func (t *table) internList(to []value, v any) ([]value, bool) {
	if ints, ok := v.([]int64); ok {
		to = slices.Grow(to, len(ints))
		for _, n := range ints {
			to = append(to, t.internInt(n))
		}
		return to, true
	}
	all, isList := values.Elements(v)
	for _, e := range all {
		to = append(to, t.intern(e))
	}
	return to, isList
}

// ascend gives whole numbers, and behind them all other values, new numbers in ascending order. It returns the new
// number of each old one.
func (t *table) ascend() []value {
	old := make([]value, len(t.words)-1)
	for i := range old {
		old[i] = value(i) + 1
	}
	slices.SortStableFunc(old, func(a, b value) int {
		x, wholeX := t.words[a].(int64)
		y, wholeY := t.words[b].(int64)
		switch {
		case wholeX && wholeY:
			return cmp.Compare(x, y)
		case wholeX:
			return -1
		case wholeY:
			return 1
		}
		return 0
	})
	now, words := make([]value, len(t.words)), make([]any, len(t.words))
	for i, v := range old {
		now[v], words[i+1] = value(i)+1, t.words[v]
	}
	t.words = words
	for i, v := range t.small {
		t.small[i] = now[v]
	}
	for i := range t.large {
		t.large[i].value = now[t.large[i].value]
	}
	for id, v := range t.others {
		t.others[id] = now[v]
	}
	return now
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
