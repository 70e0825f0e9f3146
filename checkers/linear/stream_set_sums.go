package linear

import (
	"hash/maphash"
	"math/bits"
)

// newcomers finds them by their sums: open addressing, at most a quarter full.
type newcomers struct {
	slots []*newcomer
	n     int
}

// find goes by the halves of a sum.
func (t *newcomers) find(a, b uint64) *newcomer {
	if t.n == 0 {
		return nil
	}
	mask := uint64(len(t.slots) - 1)
	for at := a & mask; ; at = (at + 1) & mask {
		if n := t.slots[at&mask]; n == nil || n.sum[0] == a && n.sum[1] == b {
			return n
		}
	}
}

func (t *newcomers) add(n *newcomer) {
	if t.n++; 4*t.n > len(t.slots) {
		t.resize()
	}
	t.put(n)
}

func (t *newcomers) put(n *newcomer) {
	mask := uint64(len(t.slots) - 1)
	at := n.sum[0] & mask
	for t.slots[at] != nil {
		at = (at + 1) & mask
	}
	t.slots[at] = n
}

func (t *newcomers) resize() {
	old := t.slots
	t.slots = make([]*newcomer, 1<<bits.Len(uint(8*t.n+8)))
	for _, n := range old {
		if n != nil {
			t.put(n)
		}
	}
}

// remove closes the gap that it leaves.
func (t *newcomers) remove(n *newcomer) {
	mask := uint64(len(t.slots) - 1)
	at := n.sum[0] & mask
	for t.slots[at] != n {
		at = (at + 1) & mask
	}
	t.slots[at] = nil
	for at = (at + 1) & mask; t.slots[at] != nil; at = (at + 1) & mask {
		moved := t.slots[at]
		t.slots[at] = nil
		t.put(moved)
	}
	if t.n--; 64*t.n+1024 < len(t.slots) {
		t.resize()
	}
}

// The sum of the digests of its elements stands for a set.

func (d digest) plus(e digest) digest  { return digest{d[0] + e[0], d[1] + e[1]} }
func (d digest) minus(e digest) digest { return digest{d[0] - e[0], d[1] - e[1]} }

func digestOf(v any) digest {
	if n, whole := v.(int64); whole {
		a, b := halves(n)
		return digest{a, b}
	}
	return digest{maphash.Comparable(seeds[0], v), maphash.Comparable(seeds[1], v)}
}

// halves are those of the digest of a whole number.
func halves(v int64) (a, b uint64) {
	a = mix(uint64(v))
	high, low := bits.Mul64(a, 0x9fb21c651e98df25)
	return a, high ^ low
}

func sumOf(ints []int64, all []any) digest {
	var a, b uint64 // faster than a digest
	for _, v := range ints {
		x, y := halves(v)
		a, b = a+x, b+y
	}
	sum := digest{a, b}
	for _, v := range all {
		sum = sum.plus(digestOf(v))
	}
	return sum
}
