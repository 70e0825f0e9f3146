package levels

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// effected is a history whose operations are made anew: apply is called for each in the order in which they take
// effect, in which every process keeps its own, and says whether it stays. Of those that never returned some take none.
// Of so many per cent of the others it is at another time than between call and return.
func effected(rng *rand.Rand, d dice, away int, apply func(i int, h *sheet) bool) *sheet {
	d.swaps, d.failed = false, false
	h := d.roll(rng)
	at, byProcess := make([]int64, len(h.Call)), map[int][]int64{}
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		*o = linear.Op{Call: o.Call, Return: o.Return}
		end := min(o.Return, o.Call+12)
		at[i] = o.Call*1000 + rng.Int64N((end-o.Call)*1000)
		if rng.IntN(100) < away {
			at[i] += (rng.Int64N(24) - 16) * 1000
		}
		byProcess[h.Process[i]] = append(byProcess[h.Process[i]], at[i])
	}
	order := make([]int, 0, len(at))
	for i := range at { // by call
		own := byProcess[h.Process[i]]
		slices.Sort(own)
		at[i], byProcess[h.Process[i]] = own[0], own[1:]
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	gone := make([]bool, len(at))
	for _, i := range order {
		gone[i] = !apply(i, h)
	}
	return h.without(func(i int) bool {
		return gone[i] || h.Object.Ops[i].Pending() && h.Object.Ops[i].Kind.Observes()
	})
}

// stringPuzzle asks for an order in which everything fits of an object whose states are strings, and of which an
// operation may leave any of several.
type stringPuzzle struct {
	puzzle
	step func(o *linear.Op, state string) []string
	dead map[string]map[uint64]bool
}

func (p *stringPuzzle) from(done uint64, state string) bool {
	if p.dead[state][done] {
		return false
	}
	finished := true
	for i := range p.ops {
		finished = finished && (done&(1<<i) != 0 || p.optional(i))
	}
	if finished {
		return true
	}
	for i := range p.ops {
		if done&(1<<i) != 0 || !p.free(i, done) {
			continue
		}
		for _, next := range p.step(&p.ops[i], state) {
			if p.from(done|1<<i, next) {
				return true
			}
		}
	}
	if p.dead[state] == nil {
		p.dead[state] = map[uint64]bool{}
	}
	p.dead[state][done] = true
	return false
}

func fitsInto(h *sheet, before func(i, j int) bool, step func(o *linear.Op, state string) []string) bool {
	whole := puzzle{ops: h.Object.Ops, before: before, optional: pendingOf(h), ignored: no}
	p := stringPuzzle{whole, step, map[string]map[uint64]bool{}}
	return p.from(0, "")
}

// lateBy is what comes before what where some answers are late.
func lateBy(h *sheet, delta int64, late func(o *linear.Op) bool) func(i, j int) bool {
	ops := h.Object.Ops
	return func(i, j int) bool {
		return ops[i].Return < ops[j].Call && (delta == 0 || !late(&ops[j]) || h.Return[i] < h.Call[j]-delta)
	}
}

// toldOf are a kind's levels that are told, and how often each answer came up.
func toldOf(t *testing.T, h *sheet, r *Report, step, weaker func(o *linear.Op, state string) []string,
	late func(o *linear.Op) bool, seen map[string]int,
) {
	t.Helper()
	wrong := func(what string, got, want any) {
		if got != want {
			t.Fatalf("%s: %v, want %v\n%+v\n%s", what, got, want, *r, show(h))
		}
	}
	delta, bounded := bruteDelta(h, func(h *sheet, delta int64) bool {
		return fitsInto(h, lateBy(h, delta, late), step)
	})
	wrong("staleness is known", r.Staleness.Unknown, false)
	wrong("bounded", r.Staleness.Bounded, bounded)
	wrong("delta", int64(r.Staleness.Delta), delta)
	legal := bounded && delta == 0
	wrong("linearizable", r.Levels[Linearizable].Held, legal)
	sequential := fitsInto(h, processOrder(h), step)
	if !r.Levels[Sequential].Unknown {
		wrong("sequential", r.Levels[Sequential].Held, sequential)
		seen["known"]++
	}
	wrong("asked", r.Relaxed.Asked, weaker != nil)
	if weaker != nil {
		wrong("relaxed", r.Relaxed.Held, fitsInto(h, lateBy(h, 0, late), weaker))
		wrong("relaxed is known", r.Relaxed.Unknown, false)
	}
	if s := r.Staleness; s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != delta {
		t.Fatalf("%+v\n%s", s, show(h))
	}
	wrong("regular", r.Regular.Unknown, true)
	for what, is := range map[string]bool{
		"linearizable": legal, "late": delta > 0, "never": !bounded, "sequential": sequential && !legal,
		"broken": !sequential, "relaxed": r.Relaxed.Held && !legal, "not relaxed": r.Relaxed.Asked && !r.Relaxed.Held,
	} {
		if is {
			seen[what]++
		}
	}
}

func enough(t *testing.T, seen map[string]int, what ...string) {
	t.Helper()
	t.Log(seen)
	for _, w := range what {
		if seen[w] < *long/50 {
			t.Errorf("%s: only %d", w, seen[w])
		}
	}
}

// letter stands for a value.
func letter(v int32) string { return string(rune('A' + v)) }

func without(state string, at int) string { return state[:at] + strings.Clone(state[at+1:]) }
