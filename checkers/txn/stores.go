package txn

import (
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

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
