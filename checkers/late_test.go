package checkers

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// TestTellingObservers: without those that tell nothing, and by the engine that doubts, the answer is the same.
func TestTellingObservers(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	for _, model := range []string{"cas-register", "counter", "member-set", "lock", "append"} {
		object, dropped, seen := modelNamed(t, model).object, 0, map[linear.Answer]int{}
		for i := range 1000 {
			d := dice{model: model, values: 2, ops: 4 + rng.IntN(30), processes: 4, pending: 5, fails: 10,
				lies: 10 * (i % 2), spurious: 5}
			keys, err := split(object, history.History{Pairs: d.roll(rng)})
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				ops := k.ops
				for n := range ops { // as if reads were called earlier
					if back := rng.IntN(20); ops[n].kind.Observes() && n%2 == 0 {
						ops[n].call -= 2 * back
					}
				}
				ops = byCall(ops)
				want, _ := decide(t.Context(), searching{}, object, ops, new(meter))
				less := telling(ops)
				got, cause := decide(t.Context(), searching{doubts: true}, object, less, new(meter))
				if got != want || got == linear.Undecided {
					t.Fatalf("%s: %v without %d, otherwise %v (%v)", model, got, len(ops)-len(less), want, cause)
				}
				dropped += len(ops) - len(less)
				seen[got]++
			}
		}
		if model != "append" && dropped < 100 || seen[linear.Legal] < 50 || seen[linear.Illegal] < 20 {
			t.Errorf("%s: %d dropped, %v", model, dropped, seen)
		}
	}
}

// byCall sorts operations by their calls, and numbers the events anew so that no two are the same.
func byCall(ops []op) []op {
	type event struct {
		at  int
		set *int
		end bool
	}
	var events []event
	for i := range ops {
		events = append(events, event{ops[i].call, &ops[i].call, false})
		if !ops[i].pending {
			events = append(events, event{ops[i].ret, &ops[i].ret, true})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), map[bool]int{true: 1}[a.end]-map[bool]int{true: 1}[b.end])
	})
	for n, e := range events {
		*e.set = n
	}
	slices.SortFunc(ops, func(a, b op) int { return cmp.Compare(a.call, b.call) })
	return ops
}
