package levels

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// TestWitnessesStandAlone: what is shown of a register without swaps is enough. By itself it is as wrong as the whole.
func TestWitnessesStandAlone(t *testing.T) {
	rng, shown := rand.New(rand.NewPCG(2, 3)), map[string]int{}
	for range 20 * *long {
		d := dice{ops: 4 + rng.IntN(10), processes: 2 + rng.IntN(3), pending: 10, lies: 40, local: rng.IntN(2) == 0}
		h := d.roll(rng)
		r := judge(t, h)
		check := func(what string, witness []int32, most int, wrong func(*History) bool) {
			t.Helper()
			if len(witness) == 0 {
				return
			}
			shown[what]++
			part := h.only(witness)
			if !slices.IsSorted(witness) || len(witness) > most || !wrong(part) {
				t.Fatalf("%s: %v\n%+v\n%s%s", what, witness, r, show(part), show(h))
			}
		}
		check("staleness", r.Staleness.Witness, 6, func(part *History) bool {
			delta, bounded := bruteDelta(part)
			return bounded == r.Staleness.Bounded && delta == int64(r.Staleness.Delta)
		})
		if s := r.Staleness; s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != int64(s.Delta) ||
			r.Versions.Read >= 0 && versionsOf(h, r.Versions.Read) != r.Versions.Max {
			t.Fatalf("%+v\n%s", r, show(h))
		}
		check("regular", r.Regular.Witness, 3, func(part *History) bool { _, held := bruteVersions(part); return !held })
		check("sequential", r.Levels[Sequential].Witness, len(h.Call), func(h *History) bool { return !bruteSequential(h) })
		check("causal", r.Levels[Causal].Witness, len(h.Call), func(h *History) bool { return !bruteCausal(h) })
		check("PRAM", r.Levels[PRAM].Witness, len(h.Call), func(h *History) bool { return !brutePRAM(h) })
		for g := range r.Sessions {
			check(Guarantee(g).String(), r.Sessions[g].Witness, 4, func(h *History) bool { return !bruteSessions(h)[g] })
		}
	}
	t.Log(shown)
	for _, what := range []string{
		"staleness", "regular", "sequential", "causal", "PRAM", "read your writes", "monotonic reads",
	} {
		if shown[what] < 10 {
			t.Errorf("%s: %d", what, shown[what])
		}
	}
}

// only leaves out all others.
func (h *History) only(ops []int32) *History {
	return h.without(func(i int) bool { return !slices.Contains(ops, int32(i)) })
}

// versionsOf is how far behind one read was.
func versionsOf(h *History, read int32) int {
	most, _ := bruteVersions(h.without(func(i int) bool {
		return i != int(read) && h.Object.Ops[i].Kind == linear.Read && h.Object.Ops[i].Value != h.Object.Ops[read].Value ||
			i != int(read) && h.Object.Ops[i].Kind == linear.Read && h.Object.Ops[i].Call > h.Object.Ops[read].Call
	}))
	return most
}
