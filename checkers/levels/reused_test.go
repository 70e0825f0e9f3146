package levels

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// reusedSheet is a history in which only so many values are stored, again and again, also the initial one.
func reusedSheet(rng *rand.Rand, d dice, values int32) *sheet {
	fold := func(v int32) int32 { return v % values }
	h := d.roll(rng).eachOp(func(_ int, o *linear.Op) { o.Value, o.From = fold(o.Value), fold(o.From) })
	h.Object.Values = int(values) + 1
	return h
}

// bruteWhole is bruteLinearizable with compare-and-sets that failed, whose answers may be late too.
func bruteWhole(h *sheet, delta int64) bool {
	ops := h.Object.Ops
	before := func(i, j int) bool {
		return ops[i].Return < ops[j].Call && (delta == 0 || !readsLate(&ops[j]) || h.Return[i] < h.Call[j]-delta)
	}
	p := puzzle{ops: ops, before: before, optional: pendingOf(h)}
	return p.solved()
}

// bruteWholeSequential is bruteSequential with compare-and-sets that failed.
func bruteWholeSequential(h *sheet) bool {
	p := puzzle{ops: h.Object.Ops, before: processOrder(h), optional: pendingOf(h)}
	return p.solved()
}

// bruteSource is a store that a read can have seen.
type bruteSource struct{ call, ret int64 }

func bruteSources(h *sheet, value int32, until int64) (all []bruteSource) {
	if value == 0 {
		all = append(all, bruteSource{-1, -1})
	}
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; bruteStores(o) && o.Value == value && o.Call < until {
			all = append(all, bruteSource{o.Call, o.Return})
		}
	}
	return all
}

func bruteReusedVersions(h *sheet) (most, stale int, regular bool) {
	regular = true
	for i := range h.Object.Ops {
		r := &h.Object.Ops[i]
		if r.Kind != linear.Read || r.Pending() {
			continue
		}
		fewest, fits := math.MaxInt, false
		for _, s := range bruteSources(h, r.Value, r.Return) {
			between := 0
			for j := range h.Object.Ops {
				if w := &h.Object.Ops[j]; bruteStores(w) && s.ret < w.Call && w.Return < r.Call {
					between++
				}
			}
			fewest, fits = min(fewest, between), fits || s.ret > r.Call || between == 0
		}
		regular = regular && fits
		if fewest < math.MaxInt {
			most, stale = max(most, fewest), stale+min(1, fewest)
		}
	}
	return most, stale, regular
}

// bruteNewer: everybody who can have stored what was seen until then had returned before the newer was stored.
func bruteNewer(h *sheet, seen int32, until int64, newer []bruteSource) bool {
	sources := bruteSources(h, seen, until)
	for _, s := range sources {
		for _, n := range newer {
			if s.ret >= n.call {
				return false
			}
		}
	}
	return len(sources) > 0 && len(newer) > 0
}

func bruteReusedSessions(h *sheet) (held [guarantees]bool, asked [guarantees]int) {
	held = [guarantees]bool{true, true, true, true}
	for j := range h.Object.Ops {
		b := &h.Object.Ops[j]
		can := [guarantees]bool{}
		for i := range h.Object.Ops {
			a := &h.Object.Ops[i]
			if h.Process[i] != h.Process[j] || a.Return >= b.Call || b.Pending() {
				continue
			}
			wrote := []bruteSource{{a.Call, a.Return}}
			seen, saw := bruteSaw(a)
			sees, looks := bruteSaw(b)
			check := func(g Guarantee, applies, broken bool) {
				can[g] = can[g] || applies
				held[g] = held[g] && !(applies && broken)
			}
			stored := bruteSources(h, seen, math.MaxInt64)
			check(ReadYourWrites, bruteStores(a) && looks, bruteNewer(h, sees, b.Return, wrote))
			check(MonotonicReads, saw && looks, bruteNewer(h, sees, b.Return, stored))
			check(MonotonicWrites, bruteStores(a) && bruteStores(b), b.Return < a.Call)
			future := len(stored) > 0
			for _, s := range stored {
				future = future && b.Return < s.call
			}
			check(WritesFollowReads, saw && bruteStores(b), future)
		}
		for g := range can {
			if can[g] {
				asked[g]++
			}
		}
	}
	return held, asked
}

// TestReusedAgainstTheDefinitions compares all that is found of registers whose values are stored again and again.
func TestReusedAgainstTheDefinitions(t *testing.T) {
	for _, values := range []int32{2, 3, 5} {
		t.Run(fmt.Sprint(values), func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(41, uint64(values))), map[string]int{}
			for n := range 6 * *long {
				d := dice{swaps: n%2 == 0, failed: n%4 == 0, ops: 3 + rng.IntN(8), processes: 3, pending: 10,
					lies: []int{0, 20, 60}[n%3]}
				h := reusedSheet(rng, d, values)
				r, err := JudgeReused(t.Context(), h.history(), Values, searched(linear.RegisterModel()))
				if err != nil {
					t.Fatal(err)
				}
				compareReused(t, h, &r, seen)
			}
			for _, what := range []string{
				"linearizable", "late", "never", "irregular", "behind", "session 0", "session 1",
				"sequential", "not sequential",
			} {
				if seen[what] < *long/50 {
					t.Errorf("%s: only %d", what, seen[what])
				}
			}
		})
	}
}

func compareReused(t *testing.T, h *sheet, r *Report, seen map[string]int) {
	t.Helper()
	wrong := func(what string, got, want any) {
		if got != want {
			t.Fatalf("%s: %v, want %v\n%+v\n%s", what, got, want, *r, show(h))
		}
	}
	count := func(what string, is bool) {
		if is {
			seen[what]++
		}
	}
	delta, bounded := bruteDelta(h, bruteWhole)
	wrong("bounded", r.Staleness.Bounded, bounded)
	wrong("delta", int64(r.Staleness.Delta), delta)
	wrong("linearizable", r.Levels[Linearizable].Held, bounded && delta == 0)
	sequential := bruteWholeSequential(h)
	wrong("sequential", r.Levels[Sequential].Held, sequential)
	wrong("sequential is known", r.Levels[Sequential].Unknown, false)
	wrong("unclear", r.Unclear, !sequential)
	most, stale, regular := bruteReusedVersions(h)
	wrong("versions", r.Versions.Max, most)
	wrong("stale", r.Versions.Stale, stale)
	wrong("regular", r.Regular.Held, regular)
	wrong("regular is known", r.Regular.Unknown || r.Versions.Unknown, false)
	held, asked := bruteReusedSessions(h)
	for g := range held {
		wrong(Guarantee(g).String(), r.Sessions[g].Held, held[g])
		wrong(Guarantee(g).String()+" asked", r.Sessions[g].Asked, asked[g])
		wrong(Guarantee(g).String()+" broken", r.Sessions[g].Broken > 0, !held[g])
		count(fmt.Sprint("session ", g), !held[g])
	}
	if s := r.Staleness; s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != delta {
		t.Fatalf("%+v\n%s", s, show(h))
	}
	count("linearizable", bounded && delta == 0)
	count("late", delta > 0)
	count("never", !bounded)
	count("sequential", sequential && !(bounded && delta == 0))
	count("not sequential", !sequential)
	count("irregular", !regular)
	count("behind", most > 0)
}

// TestReusedIsNoStricterThanUnique: of unique values it finds no more than is known of them, and the same where it is
// exact.
func TestReusedIsNoStricterThanUnique(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	for range 2 * *long {
		h := dice{ops: 4 + rng.IntN(12), processes: 3, pending: 10, lies: 30}.roll(rng)
		want := judge(t, h)
		got, err := JudgeReused(t.Context(), h.history(), Values, searched(linear.RegisterModel()))
		if err != nil {
			t.Fatal(err)
		}
		same := got.Staleness.Bounded == want.Staleness.Bounded && got.Staleness.Delta == want.Staleness.Delta &&
			got.Versions.Max == want.Versions.Max && got.Regular.Held == want.Regular.Held &&
			got.Levels[Sequential].Held == want.Levels[Sequential].Held && !got.Levels[Sequential].Unknown
		for g := range got.Sessions {
			same = same && (got.Sessions[g].Held || !want.Sessions[g].Held)
		}
		if !same {
			t.Fatalf("%+v\n%+v\n%s", got, want, show(h))
		}
	}
}

// TestFailedCompareAndSets: how late answers were goes for all of them, and sequential too; of what else held without
// them it is not known.
func TestFailedCompareAndSets(t *testing.T) {
	rng, seen := rand.New(rand.NewPCG(45, 46)), [3]int{}
	for range 6 * *long {
		h := dice{swaps: true, failed: true, ops: 4 + rng.IntN(7), processes: 3, pending: 5, lies: 20}.roll(rng)
		h = h.eachOp(func(_ int, o *linear.Op) { // some of those who saw a value are told that it is not there
			if o.Kind == linear.Read && rng.IntN(8) == 0 {
				o.Kind, o.From = linear.SwapFailed, o.Value
			}
		})
		r, err := JudgeRegister(t.Context(), h.history(), searched(linear.RegisterModel()))
		if err != nil {
			t.Fatal(err)
		}
		without := judge(t, h)
		delta, bounded := bruteDelta(h, bruteWhole)
		sequential := bruteWholeSequential(h)
		ok := r.Staleness.Bounded == bounded && int64(r.Staleness.Delta) == delta && r.Failed == 0
		for l := PRAM; l <= Sequential; l++ {
			switch {
			case without.Failed == 0:
				ok = ok && r.Levels[l].Held == without.Levels[l].Held && !r.Levels[l].Unknown
			case delta == 0 && bounded, sequential:
				ok = ok && r.Levels[l].Held
			case l == Sequential:
				ok = ok && r.Levels[l].Refuted()
			default:
				ok = ok && !r.Levels[l].Held && r.Levels[l].Refuted() == without.Levels[l].Refuted()
			}
		}
		if !ok {
			t.Fatalf("%t %d: %+v\n%+v\n%s", bounded, delta, r, without, show(h))
		}
		switch {
		case without.Failed > 0 && without.Levels[Linearizable].Held && delta > 0:
			seen[0]++
		case without.Failed > 0 && r.Unclear:
			seen[1]++
		case r.Levels[Linearizable].Held:
			seen[2]++
		}
	}
	if min(seen[0], seen[1], seen[2]) < *long/50 {
		t.Errorf("the dice are loaded: %v", seen)
	}
}

// TestReusedExamples: what is said of registers whose values were stored again.
func TestReusedExamples(t *testing.T) {
	for _, e := range []struct {
		name    string
		history []string
		says    string
	}{
		{"all is well", []string{"1 write 1", "1 write 2", "1 write 1", "2 read 1"}, "linearizable"},
		{"stale", []string{"1 write 1", "1 write 1", "1 write 2", "1 write 3", "2 read 1"},
			"not linearizable: reads were up to 3 ms and 2 versions stale, but it was sequential"},
		{"its own", []string{"1 write 2", "1 write 2", "1 write 1", "1 read 2"},
			"not linearizable: reads were up to 1 ms and 1 version stale and a client read a value older than its own"},
		{"from nowhere", []string{"1 write 1", "1 write 1", "2 read 2"},
			"not linearizable: a value was seen that nothing stored"},
		{"from the future", []string{"2 read 1", "1 write 1", "1 write 1"},
			"not linearizable: a value was seen before it was stored, but it was sequential"},
		{"a swap in the past", []string{"1 write 1", "1 write 1", "1 write 2", "2 swap 1 3"},
			"not linearizable: no delay of answers explains what was seen, but it was sequential and regular"},
		{"a failure without a reason", []string{"1 write 1", "1 write 2", "1 write 1", "2 failed 1 2"},
			"not linearizable: answers were up to 1 ms stale, but it was sequential and regular"},
		{"a failure without a reason, of values stored once", []string{"1 write 1", "2 failed 1 2"},
			"not linearizable: answers were up to 1 ms stale, but it was sequential and regular"},
	} {
		r, err := JudgeRegister(t.Context(), script(e.history...).history(), searched(linear.RegisterModel()))
		if says := r.Sentence(); err != nil || says != e.says {
			t.Errorf("%s: %v\n%s, want\n%s", e.name, err, says, e.says)
		}
	}
}

// TestReusedThatIsNotKnown: without a decision how late reads were is not known, and everything else is.
func TestReusedThatIsNotKnown(t *testing.T) {
	h := script("1 write 1", "1 write 1", "1 write 2", "1 write 3", "2 read 1")
	r, err := JudgeReused(t.Context(), h.history(), Values, func(context.Context, *linear.Object) linear.Result {
		return linear.Result{Cause: errors.New("no time")}
	})
	if err != nil || !r.Staleness.Unknown || !r.Levels[Linearizable].Unknown || !r.Unclear || r.Versions.Max != 2 {
		t.Errorf("%v, %+v", err, r)
	}
	r.Refute()
	if says := r.Sentence(); says != "not linearizable: reads were up to 2 versions stale, but it was sequential" {
		t.Error(says)
	}
	list := script("1 write 1")
	list.Object.Ops[0].Kind = linear.Append
	for _, h := range []*sheet{script("1 write 1 …", "1 write 1"), list} {
		if _, err := JudgeReused(t.Context(), h.history(), Values, nil); !errors.Is(err, linear.ErrUnfit) {
			t.Error(err)
		}
	}
}
