package levels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// dirty makes memory that was used for something else.
func dirty(rng *rand.Rand, n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = rng.Int32N(50) - 10
	}
	return s
}

// TestPool takes and gives back at random. Nobody's numbers change, and what was lent is whole again in the end.
func TestPool(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range *long {
		var p pool
		lent := 1 + rng.IntN(200)
		p.lend(nil, dirty(rng, lent))
		held := map[int32][]int32{}
		for round := range int32(30) {
			switch s := p.take(rng.IntN(60)); rng.IntN(3) {
			case 0:
				p.give(s)
			case 1:
				s = p.cut(s, rng.IntN(len(s)+1))
				fallthrough
			default:
				for i := range s {
					s[i] = round
				}
				held[round] = s
			}
			for of, s := range held { // in any order
				if slices.ContainsFunc(s, func(n int32) bool { return n != of }) {
					t.Fatalf("what was taken in round %d was overwritten: %v", of, s)
				}
				if rng.IntN(4) == 0 {
					p.give(s[:0])
					delete(held, of)
				}
			}
		}
		for _, s := range held {
			p.give(s)
		}
		if len(p.used) > 0 || !slices.ContainsFunc(p.free, func(s []int32) bool { return len(s) == lent }) {
			t.Fatalf("%d pieces are still in use, and of %d numbers no piece is left as it was", len(p.used), lent)
		}
	}
}

// TestSpareMemory: whatever stands in it, the answers are the same; and it is used.
func TestSpareMemory(t *testing.T) {
	rng, used := rand.New(rand.NewPCG(15, 16)), 0
	for n := range 4 * *long {
		d := dice{swaps: n%2 == 0, ops: 4 + rng.IntN(40), processes: 1 + rng.IntN(5), pending: 10, lies: n % 3 * 10}
		h := d.roll(rng)
		spare := dirty(rng, rng.IntN(12*d.ops))
		before := slices.Clone(spare)
		with := h.history()
		with.Spare = [][]int32{spare[:len(spare)/3], spare[len(spare)/3:]}
		r, err := Judge(with)
		plain, plainErr := h.judge()
		if got, want := fmt.Sprintf("%+v %v", r, err), fmt.Sprintf("%+v %v", plain, plainErr); got != want {
			t.Fatalf("%s\n%s\n%s", got, want, show(h))
		}
		if !slices.Equal(spare, before) {
			used++
		}
	}
	if used < 3**long {
		t.Fatalf("the spare memory was used %d times", used)
	}
}

// TestMarked: many witnesses are shown as few are.
func TestMarked(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for range *long {
		h := dice{swaps: true, ops: 1 + rng.IntN(200), processes: 3, lies: 10}.roll(rng)
		r, err := newRegister(h.history())
		if err != nil {
			t.Fatal(err)
		}
		ops := make([]int32, rng.IntN(50))
		for i := range ops {
			ops[i] = rng.Int32N(int32(len(r.ops)))
		}
		if few, many := r.withWriters(ops), r.marked(ops); !slices.Equal(few, many) {
			t.Fatalf("of %v: %v and %v", ops, few, many)
		}
	}
}
