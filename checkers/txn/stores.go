package txn

import (
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

// stores finds which operation stored a value in a key: for each key an open hash table, at most half full. Keys that are
// used at one time are few, so that what is looked for stays in the cache.
type stores struct {
	micros []micro
	rooms
	slots []int32 // 1 more than the operation; 0 where the slot is empty
}

// none is no operation.
const none = -1

func (t *stores) slot(key int32, value word) *int32 {
	from, mask := t.of(key)
	slots := t.slots[from:][:mask+1]
	for at := hash(value) & mask; ; at = (at + 1) & mask {
		if s := &slots[at]; *s == 0 || t.micros[*s-1].value == value {
			return s
		}
	}
}

// find returns the operation that stored the value, or none.
func (t *stores) find(key int32, value word) int32 { return *t.slot(key, value) - 1 }

// index notes every store. The error names one that stores what was stored before.
func (s *script) index() (*stores, error) {
	table := &stores{micros: s.micros, rooms: newRooms(s.storesOf)}
	table.slots = make([]int32, table.size)
	for i := range s.micros {
		m := &s.micros[i]
		if m.read {
			continue
		}
		slot := table.slot(m.key, m.value)
		if *slot != 0 {
			before := s.micros[*slot-1].txn
			return nil, fmt.Errorf("operations %d and %d both store %s in key %s: every value must be stored once in a key",
				s.txns[before].call, s.txns[m.txn].call, words.Spell(s.value(m.value)), s.spellKey(m.key))
		}
		*slot = int32(i) + 1
	}
	return table, nil
}

// rooms are the places of a hash table for each key, one behind the other.
type rooms struct {
	from []int32  // by key, where its table begins
	mask []uint32 // and its size less one
	size int      // of all
}

// newRooms makes room for so many entries of each key.
func newRooms(entries []int32) rooms {
	r := rooms{from: make([]int32, len(entries)), mask: make([]uint32, len(entries))}
	for key, n := range entries {
		size := int32(4)
		for size < 2*n {
			size *= 2
		}
		r.from[key], r.mask[key] = int32(r.size), uint32(size-1)
		r.size += int(size)
	}
	return r
}

func (r *rooms) of(key int32) (from int32, mask uint32) { return r.from[key], r.mask[key] }

// hash is Knuth's multiplicative one.
func hash(v int64) uint32 { return uint32(uint64(v) * 0x9e3779b97f4a7c15 >> 40) }
