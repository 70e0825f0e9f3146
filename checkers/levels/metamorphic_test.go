package levels

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// copied is a history that can be changed.
func (h *sheet) copied() *sheet { return h.without(func(int) bool { return false }) }

func (h *sheet) eachOp(do func(i int, o *linear.Op)) *sheet {
	h = h.copied()
	for i := range h.Object.Ops {
		do(i, &h.Object.Ops[i])
	}
	return h
}

// changes turn a history into one of which the same is found, word by word.
var changes = map[string]func(rng *rand.Rand, h *sheet) *sheet{
	"later and with gaps": func(_ *rand.Rand, h *sheet) *sheet {
		return h.eachOp(func(i int, o *linear.Op) {
			o.Call = 1_000_003 + 97*o.Call
			if !o.Pending() {
				o.Return = 1_000_003 + 97*o.Return
			}
			h.Call[i], h.Return[i] = h.Call[i]+1e15, h.Return[i]+1e15
		})
	},
	"values renamed": func(rng *rand.Rand, h *sheet) *sheet {
		to := make([]int32, h.Object.Values)
		for i, n := range rng.Perm(h.Object.Values - 1) {
			to[i+1] = int32(n) + 1
		}
		return h.eachOp(func(_ int, o *linear.Op) { o.Value, o.From = to[o.Value], to[o.From] })
	},
	"processes permuted": func(rng *rand.Rand, h *sheet) *sheet {
		h = h.copied()
		for i := range h.Process {
			h.Process[i] = -7*h.Process[i] + 1000
		}
		return h
	},
	"a write at the end": func(_ *rand.Rand, h *sheet) *sheet {
		h = h.copied()
		h.Object.Ops = append(h.Object.Ops, linear.Op{
			Kind: linear.Write, Value: int32(h.Object.Values), Call: 1e6, Return: 1e6 + 1,
		})
		h.Object.Values++
		h.Process, h.Call, h.Return = append(h.Process, -1), append(h.Call, 1e6), append(h.Return, 1e6+1)
		return h
	},
}

// told is what does not depend on the names of values. Witnesses of rings depend on them.
func told(r Report) string {
	s := r.Staleness
	text := fmt.Sprint(r.Strongest, s.Bounded, s.Delta, r.Versions, r.Regular, r.Failed, r.Sentence())
	for _, s := range r.Sessions {
		text += fmt.Sprint(s)
	}
	return text
}

func TestChangesThatMustNotMatter(t *testing.T) {
	for _, swaps := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(7, 8))
		for range 4 * *long {
			d := dice{swaps: swaps, failed: true, ops: 4 + rng.IntN(20), processes: 4, pending: 10, lies: 40}
			h := d.roll(rng)
			before := told(judge(t, h))
			for name, change := range changes {
				for i := range h.Return { // nobody looks at it
					if h.Object.Ops[i].Pending() {
						h.Return[i] = rng.Int64()
					}
				}
				if after := told(judge(t, change(rng, h.copied()))); after != before {
					t.Fatalf("%s:\n%s\n%s\n%s", name, before, after, show(h))
				}
			}
		}
	}
}

// TestLessIsNotWorse: without a read nothing gets worse, and with all times multiplied so is the staleness.
func TestLessIsNotWorse(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for n := range 4 * *long {
		h := dice{swaps: n%2 == 0, ops: 20, processes: 4, lies: 30}.roll(rng)
		r := judge(t, h)
		tripled := h.copied()
		for i := range tripled.Call {
			tripled.Call[i], tripled.Return[i] = 3*h.Call[i], 3*h.Return[i]
		}
		if s := judge(t, tripled).Staleness; r.Staleness.Delta > 1 && s.Delta != 3*r.Staleness.Delta {
			t.Fatalf("%+v became %+v\n%s", r.Staleness, s, show(h))
		}
		out := rng.IntN(len(h.Call))
		less := judge(t, h.without(func(i int) bool { return i == out && h.Object.Ops[i].Kind == linear.Read }))
		worse := less.Strongest < r.Strongest || less.Versions.Max > r.Versions.Max ||
			r.Regular.Held && !less.Regular.Held ||
			r.Staleness.Bounded && (!less.Staleness.Bounded || less.Staleness.Delta > r.Staleness.Delta)
		for g := range r.Sessions {
			worse = worse || r.Sessions[g].Broken < less.Sessions[g].Broken
		}
		if worse {
			t.Fatalf("without %d:\n%+v\n%+v\n%s", out, r, less, show(h))
		}
	}
}

// shifted is the object as if reads had been called earlier: another way to the same staleness, by way of the zones.
func (h *sheet) shifted(delta time.Duration) *linear.Object {
	type event struct {
		at, now int64
		set     *int64
		call    bool
	}
	o := &linear.Object{Ops: slices.Clone(h.Object.Ops), Values: h.Object.Values}
	var events []event
	for i := range o.Ops {
		op := &o.Ops[i]
		now := h.Call[i]
		if op.Kind == linear.Read {
			now -= int64(delta)
		}
		events = append(events, event{op.Call, now, &op.Call, true})
		if !op.Pending() {
			events = append(events, event{op.Return, h.Return[i], &op.Return, false})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		switch {
		case delta == 0 || a.now == b.now && a.call == b.call:
			return cmp.Compare(a.at, b.at)
		case a.now == b.now && a.call: // what touches is concurrent
			return -1
		case a.now == b.now:
			return 1
		}
		return cmp.Compare(a.now, b.now)
	})
	for n, e := range events {
		*e.set = int64(n)
	}
	slices.SortFunc(o.Ops, func(a, b linear.Op) int { return cmp.Compare(a.Call, b.Call) })
	return o
}

// TestStalenessByZones compares longer histories with the zones. No two events happen in the same nanosecond.
func TestStalenessByZones(t *testing.T) {
	rng, never, some := rand.New(rand.NewPCG(11, 12)), 0, 0
	for n := range 4 * *long {
		d := dice{swaps: n%2 == 0, ops: 20 + rng.IntN(80), processes: 5, lies: 8, pending: 5}
		h := d.roll(rng).timed(10)
		s := judge(t, h).Staleness
		legal := func(delta time.Duration) bool { return linear.Register(h.shifted(delta)).Answer == linear.Legal }
		switch {
		case !s.Bounded:
			never++
			if legal(1e6) {
				t.Fatalf("%+v\n%s", s, show(h))
			}
		case !legal(s.Delta) || s.Delta > 0 && legal(s.Delta-1):
			t.Fatalf("%+v\n%s", s, show(h))
		case s.Delta > 0:
			some++
		}
	}
	if never < 10 || some < 10 {
		t.Fatalf("the dice are loaded: %d, %d", never, some)
	}
}
