package levels

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// searched decides by a search.
func searched(model linear.Model) Decider {
	return func(ctx context.Context, o *linear.Object) linear.Result {
		return new(linear.Search).Decide(ctx, o, model, linear.Budget{})
	}
}

func isRead(o *linear.Op) bool { return o.Kind == linear.Read }

// TestLatenessAgainstEveryDelta: by zones, by a search, and of lists: the smallest delta is the smallest.
func TestLatenessAgainstEveryDelta(t *testing.T) {
	for name, c := range map[string]struct {
		roll   func(*rand.Rand) *sheet
		brute  func(h *sheet, delta int64) bool
		decide func() Decider
		ruled  bool // the decider has rules and witnesses
	}{
		"registers": {func(rng *rand.Rand) *sheet {
			return dice{swaps: rng.IntN(2) == 0, ops: 3 + rng.IntN(7), processes: 3, pending: 10, lies: 40}.roll(rng)
		}, bruteLinearizable, func() Decider {
			return func(_ context.Context, o *linear.Object) linear.Result { return linear.Register(o) }
		}, true},
		"registers, searched": {func(rng *rand.Rand) *sheet {
			return dice{swaps: true, ops: 3 + rng.IntN(7), processes: 3, pending: 10, lies: 40}.roll(rng)
		}, bruteLinearizable, func() Decider { return searched(linear.RegisterModel()) }, false},
		"lists": {func(rng *rand.Rand) *sheet {
			return rollList(rng, dice{ops: 3 + rng.IntN(6), processes: 3, pending: 10, lies: 30})
		}, bruteListLinearizable, func() Decider {
			return func(_ context.Context, o *linear.Object) linear.Result { return new(linear.Lists).Decide(o) }
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(31, 32)), [3]int{}
			for range 4 * *long {
				h := c.roll(rng)
				s := lateness(t.Context(), h.history(), isRead, c.decide())
				delta, bounded := bruteDelta(h, c.brute)
				if s.Unknown || s.Bounded != bounded || int64(s.Delta) != delta {
					t.Fatalf("%+v, want %t %d\n%s", s, bounded, delta, show(h))
				}
				late := !s.Bounded || s.Delta > 0
				if !slices.IsSorted(s.Witness) || len(s.Witness) > 0 != (c.ruled && late) ||
					c.ruled && (s.Rule == "") != s.Bounded {
					t.Fatalf("%+v\n%s", s, show(h))
				}
				if s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != delta {
					t.Fatalf("%+v\n%s", s, show(h))
				}
				switch {
				case !bounded:
					seen[2]++
				case delta > 0:
					seen[1]++
				default:
					seen[0]++
				}
			}
			if slices.Min(seen[:]) < *long/20 {
				t.Fatalf("the dice are loaded: %v", seen)
			}
		})
	}
}

// TestLatenessOfMany: the same as the closed form says of longer histories, with times that are far apart and near.
func TestLatenessOfMany(t *testing.T) {
	rng, some := rand.New(rand.NewPCG(33, 34)), 0
	decisions, zones := 0, func(_ context.Context, o *linear.Object) linear.Result { return linear.Register(o) }
	for n := range *long {
		h := dice{swaps: n%2 == 0, ops: 20 + rng.IntN(80), processes: 5, lies: 8, pending: 5}.roll(rng)
		if n%3 > 0 {
			h = h.timed([]int64{1, 1_000_003}[n%3-1])
		}
		got := lateness(t.Context(), h.history(), isRead, func(ctx context.Context, o *linear.Object) linear.Result {
			decisions++
			return zones(ctx, o)
		})
		want := judge(t, h).Staleness
		if got.Unknown || got.Bounded != want.Bounded || got.Delta != want.Delta {
			t.Fatalf("%+v, want %+v\n%s", got, want, show(h))
		}
		some += min(1, int(got.Delta))
	}
	if some < *long/10 || decisions > 20**long {
		t.Fatalf("%d late, %d decisions", some, decisions)
	}
}

// TestLatenessThatIsNotKnown: what is undecided is not known, at whatever delta it is, nor what there is no time for.
func TestLatenessThatIsNotKnown(t *testing.T) {
	h := script("1 write 1", "1 write 2", "1 write 3", "1 write 4", "2 read 1", "2 read 0")
	whole, calls := lateness(t.Context(), h.history(), isRead, searched(linear.RegisterModel())), 0
	if whole.Unknown || whole.Delta != 9*time.Millisecond {
		t.Fatalf("%+v", whole)
	}
	for fail := range 10 {
		calls = 0
		s := lateness(t.Context(), h.history(), isRead, func(ctx context.Context, o *linear.Object) linear.Result {
			if calls++; calls == fail+1 {
				return linear.Result{Cause: errors.New("no")}
			}
			return searched(linear.RegisterModel())(ctx, o)
		})
		if asked := calls > fail; s.Unknown != asked || s.Unknown && (!s.Bounded || s.Delta != 0) {
			t.Errorf("undecided at %d of %d: %+v", fail, calls, s)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if s := lateness(over, h.history(), isRead, searched(linear.RegisterModel())); !s.Unknown {
		t.Errorf("%+v", s)
	}
}

// TestBoundsAreBounds: what is tried first, and told by witnesses, does not change how late answers are found to be.
func TestBoundsAreBounds(t *testing.T) {
	rng, late, fewer := rand.New(rand.NewPCG(35, 36)), 0, 0
	for n := range *long {
		d := dice{ops: 20 + rng.IntN(60), processes: 5, lies: 8, pending: 5, swaps: n%4 == 0}
		decisions, model := 0, linear.Model(linear.RegisterModel())
		h := reusedSheet(rng, d, 6)
		if n%2 == 1 {
			d.swaps = false
			h, model = rollCounter(rng, d, []int64{1}), linear.CounterModel()
		}
		decide := func(ctx context.Context, o *linear.Object) linear.Result {
			decisions++
			if n%2 == 1 {
				return countersOf(ctx, o)
			}
			return searched(model)(ctx, o)
		}
		want := lateness(t.Context(), h.history(), func(o *linear.Op) bool { return o.Kind.Observes() }, decide)
		plain := decisions
		decisions = 0
		var r Report
		var err error
		if n%2 == 1 {
			r, err = JudgeCounter(t.Context(), h.history(), decide)
		} else {
			r, err = JudgeReused(t.Context(), h.history(), Values, decide)
		}
		if got := r.Staleness; err != nil || got.Unknown || got.Bounded != want.Bounded || got.Delta != want.Delta {
			t.Fatalf("%+v, want %+v (%v)", got, want, err)
		}
		if want.Delta > 0 {
			late++
			fewer += plain - decisions
		}
	}
	if late < *long/5 || fewer < 2*late {
		t.Errorf("%d late, and %d decisions fewer", late, fewer)
	}
}
