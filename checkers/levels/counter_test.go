package levels

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// countPuzzle asks for an order of additions and counts in which every count is what was added before it. The state
// follows from what was done.
type countPuzzle struct {
	puzzle
	dead map[uint64]bool
}

func (p *countPuzzle) from(done uint64, state int64) bool {
	if p.dead[done] {
		return false
	}
	finished := true
	for i := range p.ops {
		if done&(1<<i) == 0 && !p.optional(i) && !p.ignored(i) {
			finished = false
		}
	}
	if finished {
		return true
	}
	for i := range p.ops {
		if done&(1<<i) != 0 || p.ignored(i) || !p.free(i, done) {
			continue
		}
		next := state
		if op := &p.ops[i]; op.Kind == linear.Add {
			next += op.Amount()
		} else if op.Amount() != state {
			continue
		}
		if p.from(done|1<<i, next) {
			return true
		}
	}
	p.dead[done] = true
	return false
}

func bruteCounter(h *sheet, before func(i, j int) bool, ignored func(i int) bool) bool {
	p := puzzle{ops: h.Object.Ops, before: before, optional: pendingOf(h), ignored: ignored}
	return (&countPuzzle{p, map[uint64]bool{}}).from(0, 0)
}

func bruteCounterLinearizable(h *sheet, delta int64) bool {
	ops := h.Object.Ops
	return bruteCounter(h, func(i, j int) bool {
		return ops[i].Return < ops[j].Call &&
			(delta == 0 || ops[j].Kind != linear.Count || h.Return[i] < h.Call[j]-delta)
	}, no)
}

func bruteCounterPRAM(h *sheet) bool {
	for _, process := range h.Process {
		others := func(i int) bool { return h.Process[i] != process && h.Object.Ops[i].Kind == linear.Count }
		if !bruteCounter(h, processOrder(h), others) {
			return false
		}
	}
	return true
}

// bruteCounts looks at each count: by how much it is too low, and whether it is regular.
func bruteCounts(h *sheet) (most, stale int, regular bool) {
	regular = true
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		if o.Kind != linear.Count {
			continue
		}
		sure, sums, returned := int64(0), map[int64]bool{0: true}, 0
		for j := range h.Object.Ops {
			a := &h.Object.Ops[j]
			switch {
			case a.Kind != linear.Add || a.Call > o.Return:
			case a.Return < o.Call:
				sure += a.Amount()
				returned++
			default:
				more := map[int64]bool{}
				for s := range sums {
					more[s], more[s+a.Amount()] = true, true
				}
				sums = more
			}
		}
		regular = regular && sums[o.Amount()-sure]
		if behind := returned - int(o.Amount()); behind > 0 {
			most, stale = max(most, behind), stale+1
		}
	}
	return most, stale, regular
}

func bruteCounterSessions(h *sheet) (yourWrites, monotonic bool) {
	yourWrites, monotonic = true, true
	for j := range h.Object.Ops {
		b := &h.Object.Ops[j]
		own := int64(0)
		for i := range h.Object.Ops[:j] {
			a := &h.Object.Ops[i]
			if b.Kind != linear.Count || h.Process[i] != h.Process[j] || a.Pending() {
				continue
			}
			if a.Kind == linear.Add {
				own += a.Amount()
			} else if a.Amount() > b.Amount() {
				monotonic = false
			}
		}
		yourWrites = yourWrites && (own == 0 || b.Amount() >= own)
	}
	return yourWrites, monotonic
}

// rollCounter makes of a register's history that of a counter: a count is about what was added until the store that the
// read saw.
func rollCounter(rng *rand.Rand, d dice, amounts []int64) *sheet {
	h := d.roll(rng)
	sums := make([]int64, h.Object.Values+1)
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; o.Kind == linear.Write {
			amount := amounts[rng.IntN(len(amounts))]
			for v := int(o.Value); v < len(sums); v++ {
				sums[v] += amount
			}
			o.Kind = linear.Add
			o.SetAmount(amount)
		}
	}
	for i := range h.Object.Ops {
		if o := &h.Object.Ops[i]; o.Kind == linear.Read {
			count := sums[o.Value]
			if rng.IntN(100) < d.lies/4 {
				count += rng.Int64N(3) - 1
			}
			o.Kind = linear.Count
			o.SetAmount(count)
		}
	}
	h.Object.Values = 0
	return h
}

func TestCountersAgainstEveryOrder(t *testing.T) {
	for name, c := range map[string]struct {
		amounts  []int64
		ones, up bool
	}{
		"ones":     {[]int64{1}, true, true},
		"up":       {[]int64{0, 1, 2, 5}, false, true},
		"up, down": {[]int64{1, -1}, false, false},
		"anything": {[]int64{1, -1, 3, -4, 1 << 40}, false, false},
	} {
		for _, pending := range []int{0, 10, 30} {
			t.Run(fmt.Sprint(name, pending), func(t *testing.T) {
				t.Parallel()
				rng, seen := rand.New(rand.NewPCG(51, uint64(pending))), map[string]int{}
				for n := range 3 * *long {
					d := dice{ops: 3 + rng.IntN(8), processes: 2 + rng.IntN(3), pending: pending,
						lies: []int{0, 15, 60}[n%3], local: rng.IntN(2) == 0}
					h := rollCounter(rng, d, c.amounts)
					decide := searched(linear.CounterModel())
					if c.ones {
						decide = countersOf
					}
					r, err := JudgeCounter(t.Context(), h.history(), decide)
					if err != nil {
						t.Fatal(err)
					}
					compareCounter(t, h, &r, seen)
				}
				for _, what := range []string{"late", "never", "linearizable", "irregular"} {
					if seen[what] < *long/50 {
						t.Errorf("%s: only %d", what, seen[what])
					}
				}
			})
		}
	}
}

func countersOf(_ context.Context, o *linear.Object) linear.Result {
	return new(linear.Counters).Decide(o)
}

func compareCounter(t *testing.T, h *sheet, r *Report, seen map[string]int) {
	t.Helper()
	wrong := func(what string, got, want any) {
		if got != want {
			t.Fatalf("%s: %v, want %v\n%+v\n%s", what, got, want, *r, showCounter(h))
		}
	}
	c, err := newCounter(h.history())
	if err != nil {
		t.Fatal(err)
	}
	delta, bounded := bruteDelta(h, bruteCounterLinearizable)
	wrong("bounded", r.Staleness.Bounded, bounded)
	wrong("delta", int64(r.Staleness.Delta), delta)
	most, stale, regular := bruteCounts(h)
	wrong("regular", r.Regular.Held, regular)
	wrong("regular is known", r.Regular.Unknown, false)
	yourWrites, monotonic := bruteCounterSessions(h)
	legal := bounded && delta == 0
	levelIs := func(l Level, exact bool, held bool) {
		switch f := r.Levels[l]; {
		case exact || legal || f.Refuted():
			wrong(l.String(), f.Held, held)
			wrong(l.String()+" is known", f.Unknown, false)
		case f.Held:
			t.Fatalf("%s: nobody can know\n%+v\n%s", l, *r, showCounter(h))
		}
	}
	levelIs(Linearizable, true, legal)
	sequential, pram := bruteCounter(h, processOrder(h), no), bruteCounterPRAM(h)
	levelIs(Sequential, true, sequential)
	levelIs(PRAM, c.ones || sequential, pram)
	wrong("versions are known", !r.Versions.Unknown, c.ones)
	if c.ones {
		wrong("versions", r.Versions.Max, most)
		wrong("stale", r.Versions.Stale, stale)
		wrong("causal", r.Levels[Causal].Held, sequential)
		wrong("causal is unknown", r.Levels[Causal].Unknown, !sequential && pram)
	}
	if c.up {
		wrong("read your writes", r.Sessions[ReadYourWrites].Held, yourWrites)
		wrong("monotonic reads", r.Sessions[MonotonicReads].Held, monotonic)
		if !monotonic || !yourWrites {
			wrong("PRAM without sessions", r.Levels[PRAM].Refuted(), true)
		}
	} else {
		wrong("sessions are unknown", r.Sessions[ReadYourWrites].Unknown && r.Sessions[MonotonicReads].Unknown, true)
	}
	if s := r.Staleness; s.Read >= 0 && max(1, h.Call[s.Read]-h.Return[s.Newer]) != delta {
		t.Fatalf("%+v\n%s", s, showCounter(h))
	}
	for what, is := range map[string]bool{
		"linearizable": legal, "late": delta > 0, "never": !bounded, "irregular": !regular,
		"sequential": !legal && sequential, "PRAM": pram && !sequential,
	} {
		if is {
			seen[what]++
		}
	}
}

func showCounter(h *sheet) string {
	out := ""
	for i := range h.Object.Ops {
		op := &h.Object.Ops[i]
		out += fmt.Sprintf("  %d: process %d [%d @%d, %d @%d] %v %d\n", i, h.Process[i], op.Call, h.Call[i], op.Return,
			h.Return[i], op.Kind == linear.Add, op.Amount())
	}
	return out
}

// tallied makes of a script that of a counter: writes add and reads count.
func tallied(lines ...string) *sheet {
	h := script(lines...)
	for i := range h.Object.Ops {
		o := &h.Object.Ops[i]
		amount := int64(o.Value)
		o.Kind = map[linear.Kind]linear.Kind{linear.Write: linear.Add, linear.Read: linear.Count}[o.Kind]
		o.SetAmount(amount)
	}
	return h
}

func TestCounterExamples(t *testing.T) {
	for _, e := range []struct {
		name    string
		history []string
		says    string
	}{
		{"all is well", []string{"1 write 1", "2 read 1", "1 write 1", "1 read 2"}, "linearizable"},
		{"behind", []string{"1 write 1", "1 write 1", "1 write 1", "1 write 1", "2 read 1"},
			"not linearizable: counts were up to 5 ms and 3 increments behind, but it was sequential"},
		{"a count that goes down", []string{"1 write 1", "1 write 1", "2 read 2", "2 read 1"},
			"not linearizable: counts were up to 3 ms and 1 increment behind and " +
				"a client saw a smaller count after a larger one"},
		{"its own", []string{"1 write 1", "1 read 0"},
			"not linearizable: counts were up to 1 ms and 1 increment behind and a client's count lacked what it had " +
				"added itself"},
		{"more than there was", []string{"1 write 1", "2 read 1", "2 read 2"},
			"not linearizable: a count was above all that can have been added by then, but no client saw a smaller " +
				"count after a larger one"},
		{"two who disagree", []string{"1 write 1 …", "2 write 1 …", "3 read 1", "3 read 0"},
			"not linearizable: counts were up to 1 ms behind and a client saw a smaller count after a larger one, " +
				"but it was regular"},
		{"in steps", []string{"1 write 5", "1 write 2", "2 read 5"},
			"not linearizable: counts were up to 1 ms behind, but it was sequential"},
		{"below nothing", []string{"1 write 3", "1 write 2", "1 read 5", "2 read 1"},
			"not linearizable: no delay of answers explains what was seen, but every client's counts had what it had " +
				"added itself"},
	} {
		decide := countersOf
		if slices.ContainsFunc(e.history, func(line string) bool {
			return strings.Contains(line, "write") &&
				!strings.Contains(line, "write 1")
		}) {
			decide = searched(linear.CounterModel())
		}
		r, err := JudgeCounter(t.Context(), tallied(e.history...).history(), decide)
		if says := r.Sentence(); err != nil || says != e.says {
			t.Errorf("%s: %v\n%s, want\n%s", e.name, err, says, e.says)
		}
	}
}

// TestCountersThatAreNotKnown: what is too large, too many or no counter.
func TestCountersThatAreNotKnown(t *testing.T) {
	h := tallied("1 write 1", "1 write 1", "2 read 1")
	h.Object.Ops[0].SetAmount(math.MaxInt64)
	open := func(context.Context, *linear.Object) linear.Result { return linear.Result{} }
	r, err := JudgeCounter(t.Context(), h.history(), open)
	if err != nil || !r.Regular.Unknown || !r.Staleness.Unknown || !r.Sessions[MonotonicReads].Unknown ||
		!r.Levels[PRAM].Unknown {
		t.Errorf("%v, %+v", err, r)
	}
	var lines []string
	for range 20 {
		lines = append(lines, "1 write 3 ?")
	}
	for i := range lines {
		lines[i] = fmt.Sprint(i%9) + lines[i][1:]
	}
	many := tallied(append(lines, "9 read 9")...)
	for i := range 20 {
		many.Object.Ops[i].SetAmount(1 << i)
	}
	r, err = JudgeCounter(t.Context(), many.history(), open)
	if err != nil || !r.Regular.Unknown {
		t.Errorf("%v, %+v", err, r.Regular)
	}
	for _, h := range []*sheet{script("1 write 1"), tallied("1 write 1 …", "1 write 1")} {
		if _, err := JudgeCounter(t.Context(), h.history(), nil); !errors.Is(err, linear.ErrUnfit) {
			t.Error(err)
		}
	}
}
