package levels

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

var long = flag.Int("long", 500, "how many random histories of each sort are compared with brute force")

// sorts are the sorts of histories that are compared with brute force.
func sorts() []dice {
	var all []dice
	for _, swaps := range []bool{false, true} {
		for _, pending := range []int{0, 10, 30} {
			for _, lies := range []int{0, 15, 60} {
				for _, local := range []bool{false, true} {
					d := dice{swaps: swaps, failed: pending == 10, pending: pending, lies: lies, local: local}
					if lies > 0 || !local {
						all = append(all, d)
					}
				}
			}
		}
	}
	return all
}

// sheet is a history that is written down.
type sheet struct {
	Object       *linear.Object
	Process      []int
	Call, Return []int64
}

func (h *sheet) history() *History {
	return &History{
		Object:  h.Object,
		Process: func(op int32) int { return h.Process[op] },
		Call:    func(op int32) int64 { return h.Call[op] },
		Return:  func(op int32) int64 { return h.Return[op] },
	}
}

func (h *sheet) judge() (Report, error) { return Judge(h.history()) }

func judge(t testing.TB, h *sheet) Report {
	t.Helper()
	r, err := h.judge()
	if err != nil {
		t.Fatalf("%v\n%s", err, show(h))
	}
	return r
}

// TestAgainstEveryOrder compares everything that is found with its definition.
func TestAgainstEveryOrder(t *testing.T) {
	for nth, d := range sorts() {
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(1, uint64(nth))), map[Level]int{}
			for range *long {
				d.ops, d.processes = 3+rng.IntN(7), 2+rng.IntN(3)
				h := d.roll(rng)
				r := judge(t, h)
				compare(t, h, &r)
				seen[r.Strongest]++
			}
			t.Log(seen)
			if seen[Linearizable] == 0 || (d.lies > 0) != (seen[Linearizable] < *long) {
				t.Fatalf("the dice are loaded: %v", seen)
			}
		})
	}
}

func compare(t *testing.T, h *sheet, r *Report) {
	t.Helper()
	wrong := func(what string, got, want any) {
		if got != want {
			t.Fatalf("%s: %v, want %v\n%+v\n%s", what, got, want, *r, show(h))
		}
	}
	delta, bounded := bruteDelta(h, bruteLinearizable)
	wrong("bounded", r.Staleness.Bounded, bounded)
	wrong("delta", int64(r.Staleness.Delta), delta)
	wrong("linearizable", r.Levels[Linearizable].Held, bruteLinearizable(h, 0))
	wrong("sequential", r.Levels[Sequential].Held, bruteSequential(h))
	wrong("causal", r.Levels[Causal].Held, bruteCausal(h))
	wrong("PRAM", r.Levels[PRAM].Held, brutePRAM(h))
	if !slices.ContainsFunc(h.Object.Ops, func(o linear.Op) bool { return swaps(&o) }) {
		wrong("causal without swaps", r.Levels[Causal].Held, r.Levels[Sequential].Held)
	}
	most, regular := bruteVersions(h)
	wrong("versions", r.Versions.Max, most)
	wrong("regular", r.Regular.Held, regular)
	for g, held := range bruteSessions(h) {
		wrong(Guarantee(g).String(), r.Sessions[g].Held, held)
	}
	for l := None; l < r.Strongest; l++ {
		wrong(l.String()+" below "+r.Strongest.String(), r.Levels[l].Held, true)
	}
	if !hasFailed(h) {
		wrong("zones", linear.Register(h.Object).Answer == linear.Legal, bruteLinearizable(h, 0))
	}
}

func hasFailed(h *sheet) bool {
	return slices.ContainsFunc(h.Object.Ops, func(o linear.Op) bool { return o.Kind == linear.SwapFailed })
}
