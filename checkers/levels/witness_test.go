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
		check := func(what string, witness []int32, most int, wrong func(*sheet) bool) {
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
		check("staleness", r.Staleness.Witness, 6, func(part *sheet) bool {
			delta, bounded := bruteDelta(part, bruteLinearizable)
			return bounded == r.Staleness.Bounded && delta == int64(r.Staleness.Delta)
		})
		if s := r.Staleness; s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != int64(s.Delta) ||
			r.Versions.Read >= 0 && versionsOf(h, r.Versions.Read) != r.Versions.Max {
			t.Fatalf("%+v\n%s", r, show(h))
		}
		check("regular", r.Regular.Witness, 3, func(part *sheet) bool {
			_, held := bruteVersions(part)
			return !held
		})
		for l, held := range map[Level]func(*sheet) bool{
			Sequential: bruteSequential, Causal: bruteCausal, PRAM: brutePRAM,
		} {
			check(l.String(), r.Levels[l].Witness, len(h.Call), func(part *sheet) bool { return !held(part) })
		}
		for g := range r.Sessions {
			name := Guarantee(g).String()
			check(name, r.Sessions[g].Witness, 4, func(part *sheet) bool { return !bruteSessions(part)[g] })
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
func (h *sheet) only(ops []int32) *sheet {
	return h.without(func(i int) bool { return !slices.Contains(ops, int32(i)) })
}

// versionsOf is how far behind one read was.
func versionsOf(h *sheet, read int32) int {
	most, _ := bruteVersions(h.without(func(i int) bool {
		other := &h.Object.Ops[i] // those of the same value and before it are behind no further
		return other.Kind == linear.Read && i != int(read) &&
			(other.Value != h.Object.Ops[read].Value || other.Call > h.Object.Ops[read].Call)
	}))
	return most
}

// TestRing compares with taking away what nothing comes before, on random bonds.
func TestRing(t *testing.T) {
	rng, rings := rand.New(rand.NewPCG(4, 5)), 0
	for range 10 * *long {
		nodes := 2 + rng.IntN(8)
		list := make([]bond, rng.IntN(2*nodes))
		demands := make([][]bool, nodes)
		for i := range demands {
			demands[i] = make([]bool, nodes)
		}
		for i := range list {
			from := rng.IntN(nodes)
			to := (from + 1 + rng.IntN(nodes-1)) % nodes
			list[i] = bond{int32(from), int32(to), int32(i), -1}
			demands[to][from] = true
		}
		// Every other number is no bond.
		all := bonds{int32(2 * len(list)), func(n int32) (bond, bool) { return list[n/2], n%2 == 1 }}
		place := make([]int32, nodes)
		for n := range place {
			place[n] = int32(n)
		}
		var p pool
		found := p.ring(place, all, []reach{{0, int32(nodes) - 1}})
		if (found == nil) != arrangeable(demands) {
			t.Fatalf("%v in %v", found, list)
		}
		for n, at := range rng.Perm(nodes) {
			place[n] = int32(at)
		}
		if c := p.cycle(place, all); (c == nil) != (found == nil) {
			t.Fatalf("%v in %v with places %v", c, list, place)
		}
		met := map[int32]bool{}
		for i, n := range found { // each is told before the one that leads to it
			b, next := list[n/2], list[found[(i+1)%len(found)]/2]
			if next.to != b.from || met[b.from] {
				t.Fatalf("%v in %v", found, list)
			}
			met[b.from] = true
		}
		rings += min(1, len(found))
	}
	if rings < *long || rings > 9**long {
		t.Fatalf("the dice are loaded: %d", rings)
	}
}
