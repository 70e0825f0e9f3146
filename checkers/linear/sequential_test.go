package linear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// cells is the trade of registers, whose values are stored once or again and again, with compare-and-sets.
var cells = trade{
	name: "register",
	open: func(rng *rand.Rand) stall {
		return &cellStall{values: []int32{0, 2, 3}[rng.IntN(3)], swaps: rng.IntN(2) == 0, failed: rng.IntN(2) == 0}
	},
	model: func(*Object) Model { return RegisterModel() },
	step: func(_ *Object, op *Op, state string) (string, bool) {
		value, _ := strconv.Atoi(state) // "" is 0
		next, fits := bruteStep(op, int32(value))
		return strconv.Itoa(int(next)), fits
	},
}

type cellStall struct {
	values        int32 // how many there are; 0 means that each is new
	swaps, failed bool
	fresh, now    int32
	ever          []int32
}

func (s *cellStall) call(rng *rand.Rand, _ int32) Op {
	s.fresh++
	v := s.fresh
	if s.values > 0 {
		v = rng.Int32N(s.values) + 1
	}
	switch n := rng.IntN(10); {
	case n < 5:
		return Op{Kind: Read}
	case n < 7 && s.swaps:
		return Op{Kind: Swap, From: s.now, Value: v}
	}
	return Op{Kind: Write, Value: v}
}

func (s *cellStall) perform(op *Op) {
	switch {
	case op.Kind == Read:
		op.Value = s.now
		return
	case op.Kind == Swap && s.now != op.From:
		op.Kind = SwapFailed
		return
	}
	s.now = op.Value
	s.ever = append(s.ever, s.now)
}

func (s *cellStall) lie(rng *rand.Rand, op *Op) {
	switch {
	case op.Kind == Read && len(s.ever) > 0:
		op.Value = s.ever[rng.IntN(len(s.ever))]
	case op.Kind == Swap && rng.IntN(2) == 0:
		op.Kind = SwapFailed
	case op.Kind == SwapFailed && rng.IntN(2) == 0:
		op.Kind = Swap
	}
}

func (s *cellStall) forget(op *Op) {
	if op.Kind == SwapFailed {
		op.Kind = Swap
	}
}

func (s *cellStall) object(ops []Op) *Object {
	var kept []Op
	for _, op := range ops {
		if op.Kind != SwapFailed || s.failed {
			kept = append(kept, op)
		}
	}
	return &Object{Ops: kept, Values: int(max(s.fresh, s.values)) + 1}
}

// interleaves decides by trying every order that respects the order of every process.
func (t trade) interleaves(o *Object, processes []int32) bool {
	type place struct {
		done  uint64
		state string
	}
	dead := map[place]bool{}
	var from func(p place) bool
	from = func(p place) bool {
		if dead[p] {
			return false
		}
		finished := true
		for i := range o.Ops {
			finished = finished && (p.done&(1<<i) != 0 || o.Ops[i].Pending())
		}
		if finished {
			return true
		}
		for i := range o.Ops {
			if p.done&(1<<i) != 0 {
				continue
			}
			blocked := false
			for j := range i {
				blocked = blocked || processes[i] == processes[j] && p.done&(1<<j) == 0 && o.Ops[j].Precedes(&o.Ops[i])
			}
			if blocked {
				continue
			}
			if next, fits := t.step(o, &o.Ops[i], p.state); fits && from(place{p.done | 1<<i, next}) {
				return true
			}
		}
		dead[p] = true
		return false
	}
	return from(place{})
}

// mingled lets every process be as it was, and some earlier or later than they were: that changes nothing of sequential
// consistency.
func mingled(rng *rand.Rand, o *Object, processes []int32, lag int64) (*Object, []int32) {
	type event struct {
		at   int64
		op   int
		ends bool
	}
	var events []event
	shift := make([]int64, len(o.Ops)) // by process
	for p := range shift {
		shift[p] = rng.Int64N(lag)
	}
	for i := range o.Ops {
		op, by := &o.Ops[i], shift[processes[i]]
		events = append(events, event{op.Call + by, i, false})
		if !op.Pending() {
			events = append(events, event{op.Return + by, i, true})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(processes[a.op], processes[b.op]))
	})
	m := &Object{Elements: o.Elements, Values: o.Values}
	var who []int32
	to := map[int]int{}
	for n, e := range events {
		if e.ends {
			m.Ops[to[e.op]].Return = int64(n)
			continue
		}
		op := o.Ops[e.op]
		op.Call = int64(n)
		to[e.op] = len(m.Ops)
		m.Ops, who = append(m.Ops, op), append(who, processes[e.op])
	}
	return m, who
}

// TestSequentialAgainstEveryOrder compares the search with every order of small objects of every sort.
func TestSequentialAgainstEveryOrder(t *testing.T) {
	rounds := 250
	if *long > 0 {
		rounds = *long
	}
	for _, tr := range append(trades(), cells) {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			var s Sequential
			for n, pending := range []int{0, 10, 30} {
				for _, lies := range []int{0, 10, 30} {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(lies)))
					for range rounds {
						c := crowd{5 + rng.IntN(7), 2 + rng.IntN(3), pending, lies, rng.IntN(2) * 10}
						o, processes := tr.rollProcesses(rng, c)
						compareSequential(t, tr, &s, rng, o, processes, seen)
					}
				}
			}
			t.Log(seen)
			for _, what := range []string{"held", "not linearizable, but held", "broken"} {
				if seen[what] < rounds/10 {
					t.Errorf("%q came up %d times", what, seen[what])
				}
			}
		})
	}
}

func compareSequential(
	t *testing.T, tr trade, s *Sequential, rng *rand.Rand, o *Object, processes []int32, seen map[string]int,
) {
	t.Helper()
	if rng.IntN(2) == 0 {
		o, processes = mingled(rng, o, processes, 12)
	}
	want := tr.interleaves(o, processes)
	r := s.Decide(context.Background(), o, processes, tr.model(o), Budget{})
	switch {
	case r.Answer == Undecided && strings.HasPrefix(tr.name, "queue") && errors.Is(r.Cause, ErrUnfit):
		seen["unfit"]++
		return
	case (r.Answer == Legal) != want || r.Answer == Undecided:
		t.Fatalf("decided %d, %v; it is %t\nprocesses %v\n%s", r.Answer, r.Cause, want, processes, tr.show(o))
	case !want:
		seen["broken"]++
	case tr.legal(o):
		seen["held"]++
	default:
		seen["not linearizable, but held"]++
	}
	if want {
		if err := ReplayInterleaving(o, processes, s.machine.replayed(), r.Order); err != nil {
			t.Fatal(err)
		}
	}
}

// bustling are sorts of objects of which much happens.
func bustling() []trade {
	all := queues()
	for n, tr := range locks() {
		tr.open = func(*rand.Rand) stall { return &lockStall{fenced: n == 1, tries: true} }
		all = append(all, tr)
	}
	again := members
	again.open = func(*rand.Rand) stall { return &memberStall{again: true} }
	for _, values := range []int32{0, 5, 2} {
		tr := cells
		tr.name = fmt.Sprintf("register of %d values", values)
		tr.open = func(*rand.Rand) stall { return &cellStall{values: values, swaps: true, failed: true} }
		all = append(all, tr)
	}
	return append(all, again, counting(1), counting(1, -1))
}

// counting are counters to which such numbers are added.
func counting(amounts ...int64) trade {
	tr := counters
	tr.name = fmt.Sprint("counter ", amounts)
	tr.open = func(*rand.Rand) stall { return &counterStall{small: amounts} }
	return tr
}

// manyOf is a large object on which many look late: it is sequential by its making.
func manyOf(tr trade, seed uint64, c crowd) (*Object, []int32) {
	return tr.rollProcesses(rand.New(rand.NewPCG(seed, 20_000)), c)
}

// TestSequentialOfMany: what is sequential but not linearizable is found so with few steps for each operation.
func TestSequentialOfMany(t *testing.T) {
	for _, tr := range bustling() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			var s Sequential
			o, processes := manyOf(tr, 1, crowd{20_000, 5, 0, 0, 10})
			r := s.Decide(t.Context(), o, processes, tr.model(o), Budget{Steps: int64(50 * len(o.Ops))})
			if r.Answer != Legal {
				t.Fatalf("%d: %d after %d steps, %d placed, %v", len(o.Ops), r.Answer, s.spent, r.Far, r.Cause)
			}
			var answer Answer
			if tr.decide != nil {
				answer = tr.decide().Decide(o).Answer
			}
			if answer == Undecided {
				first := o.Until(400) // of the whole a search that finds no order would take long
				answer = new(Search).Decide(t.Context(), first, tr.model(first), Budget{}).Answer
			}
			if answer != Illegal || len(o.Ops) < 19_000 {
				t.Errorf("%d operations, linearizable: %d", len(o.Ops), answer)
			}
		})
	}
}

// TestSequentialThatIsHopeless: what cannot be decided is not, with each of the bounds.
func TestSequentialThatIsHopeless(t *testing.T) {
	o, processes := manyOf(counting(1, 2, -1), 2, crowd{2000, 12, 0, 0, 10})
	for i := range o.Ops {
		if op := &o.Ops[i]; op.Kind == Count && i > 1500 { // and now it cannot be
			op.SetAmount(op.Amount() + 1)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		budget Budget
		cause  error
	}{
		"steps":   {t.Context(), Budget{Steps: 30_000}, ErrSteps},
		"memory":  {t.Context(), Budget{Memory: 2 << 20}, ErrMemory},
		"context": {over, Budget{}, context.Canceled},
	} {
		var s Sequential
		var steps, bytes int64
		c.budget.Watch = func(n, m int64) { steps, bytes = n, max(bytes, m) }
		r := s.Decide(c.ctx, o, processes, CounterModel(), c.budget)
		if r.Answer != Undecided || !errors.Is(r.Cause, c.cause) || r.Order != nil || int(r.Far) > len(o.Ops) {
			t.Errorf("%s: %+v", name, r)
		}
		if c.budget.Steps > 0 && steps > c.budget.Steps+patience || c.budget.Memory > 0 && bytes > 2*c.budget.Memory {
			t.Errorf("%s: %d steps, %d bytes", name, steps, bytes)
		}
	}
}

// TestReplayInterleavingCatchesMistakes: an order against a process, or with a wrong answer, or not whole, is refused.
func TestReplayInterleavingCatchesMistakes(t *testing.T) {
	o := &Object{Values: 3, Ops: []Op{
		{Call: 1, Return: 2, Kind: Write, Value: 1}, {Call: 3, Return: 4, Kind: Write, Value: 2},
		{Call: 5, Return: 6, Kind: Read, Value: 1},
	}}
	for _, c := range []struct {
		processes, order []int32
		fits             bool
	}{
		{[]int32{0, 0, 1}, []int32{0, 2, 1}, true},
		{[]int32{0, 0, 0}, []int32{0, 2, 1}, false},
		{[]int32{0, 0, 1}, []int32{1, 0, 2}, false},
		{[]int32{0, 0, 1}, []int32{0, 1, 2}, false},
		{[]int32{0, 0, 1}, []int32{0, 2}, false},
	} {
		if err := ReplayInterleaving(o, c.processes, RegisterModel(), c.order); (err == nil) != c.fits {
			t.Errorf("%v %v: %v", c.processes, c.order, err)
		}
	}
}
