package linear

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestBoundsAgainstEveryOrder: between bounds what is known is right, and most often something is known.
func TestBoundsAgainstEveryOrder(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for n, d := range []dice{
		{ops: 12, processes: 5, pending: 30, values: 3, lies: 30},
		{ops: 12, processes: 5, pending: 30, values: 3, lies: 30, swaps: true, failed: true},
		{ops: 14, processes: 6, pending: 50, values: 4, lies: 10, swaps: true},
	} {
		rng := rand.New(rand.NewPCG(51, uint64(n)))
		for range 1500 {
			o := d.roll(rng)
			s := streamBounds().(*stateStream)
			for _, e := range eventsOf(o) {
				tell(s, o, e)
			}
			if s.front.high == nil {
				continue
			}
			why, want := s.Illegal(), brute(o)
			switch {
			case s.Unfit():
				seen["unfit"]++
			case (why == "") != want:
				t.Fatalf("%q, but legal is %t\n%s", why, want, show(o))
			default:
				seen[fmt.Sprint(want)]++
			}
		}
	}
	if seen["true"] < 200 || seen["false"] < 100 || seen["unfit"] > seen["true"] {
		t.Fatalf("%v: too few or too many of a kind", seen)
	}
	t.Log(seen)
}
