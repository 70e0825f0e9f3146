package linear

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// event is a call or the end of an operation.
type event struct {
	at  int64
	op  int
	end bool
}

// eventsOf returns what happened in its order. What never returned is given up soon after its call.
func eventsOf(o *Object) []event {
	var all []event
	for i := range o.Ops {
		op := &o.Ops[i]
		all = append(all, event{op.Call, i, false})
		if !op.Pending() {
			all = append(all, event{op.Return, i, true})
		}
	}
	slices.SortFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return all
}

// word is a value as the stream is told of it.
func word(v int32) any {
	if v == 0 {
		return nil
	}
	return int64(v)
}

// deedOf is an operation as a stream is told of it.
func deedOf(o *Object, i int) Deed {
	op := &o.Ops[i]
	d := Deed{Kind: op.Kind, Value: word(op.Value), From: word(op.From)}
	switch {
	case o.Elements != nil && op.Kind == Read:
		all := []int64{}
		for _, e := range o.Seen(i) {
			all = append(all, int64(e))
		}
		d.Value, d.From = all, nil
	case op.Kind == Add, op.Kind == Count:
		d.Value, d.From = op.Amount(), nil
	}
	return d
}

// tell tells a stream of an event, of a call without what the operation sees.
func tell(s Stream, o *Object, e event) {
	op, d := &o.Ops[e.op], deedOf(o, e.op)
	switch {
	case e.end:
		s.Return(e.op, e.at, d)
	default:
		if op.Kind.Observes() || op.Kind == Dequeue || op.Kind == Acquire {
			d.Value = nil
		}
		s.Call(e.op, e.at, d)
		if op.Pending() {
			s.GiveUp(e.op)
		}
	}
}

// TestStreamEventByEvent compares what is known after every event with every order of what has happened until then.
func TestStreamEventByEvent(t *testing.T) {
	t.Parallel()
	legal, broken := 0, 0
	for n, d := range []dice{
		{ops: 9, processes: 3}, {ops: 10, processes: 2, lies: 50}, {ops: 9, processes: 3, lies: 60, pending: 20},
		{ops: 9, processes: 3, swaps: true}, {ops: 9, processes: 3, swaps: true, lies: 40},
		{ops: 9, processes: 4, swaps: true, lies: 20, pending: 30},
	} {
		rng := rand.New(rand.NewPCG(41, uint64(n)))
		for range 1500 {
			o := d.roll(rng)
			s := newRegisterStream()
			for _, e := range eventsOf(o) {
				tell(s, o, e)
				want := brute(o.Until(e.at))
				if s.Unfit() {
					t.Fatalf("%+v: unfit\n%s", d, show(o))
				}
				if (s.Illegal() == "") != want {
					t.Fatalf("%+v, after event %d: %q, but legal is %t\n%s", d, e.at, s.Illegal(), want, show(o))
				}
				if !want {
					break
				}
			}
			if s.Illegal() == "" {
				legal++
			} else {
				broken++
			}
		}
	}
	if legal < 1000 || broken < 1000 {
		t.Fatalf("%d legal, %d broken: too few of a kind", legal, broken)
	}
}

// TestStreamAgainstZones compares long registers, of which values are forgotten.
func TestStreamAgainstZones(t *testing.T) {
	t.Parallel()
	answers := map[Answer]int{}
	compare := func(o *Object) {
		want := Register(o).Answer
		answers[want]++
		s := newRegisterStream()
		for _, e := range eventsOf(o) {
			tell(s, o, e)
		}
		if s.Unfit() || (s.Illegal() == "") != (want == Legal) {
			t.Fatalf("%q, but zones say %v\n%s", s.Illegal(), want, show(o))
		}
	}
	for n, d := range []dice{
		{ops: 600, processes: 4}, {ops: 600, processes: 12, lies: 1}, {ops: 600, processes: 5, pending: 3},
		{ops: 600, processes: 5, swaps: true}, {ops: 600, processes: 12, swaps: true, lies: 1, pending: 1},
	} {
		rng := rand.New(rand.NewPCG(42, uint64(n)))
		for range 60 {
			compare(d.roll(rng))
		}
	}
	for n := range 60 {
		compare(busy(3000+n, 2+n%20, n%3, n%2 == 0, n%4 > 0))
	}
	if answers[Legal] < 50 || answers[Illegal] < 50 {
		t.Fatalf("%v: too few of a kind", answers)
	}
}

// TestStreamStaysSmall: with ten times the operations it remembers no more.
func TestStreamStaysSmall(t *testing.T) {
	t.Parallel()
	for _, swaps := range []bool{false, true} {
		sizes := map[int]int{}
		for _, ops := range []int{10_000, 100_000} {
			s := newRegisterStream()
			o := busy(ops, 20, 0, swaps, true)
			for _, e := range eventsOf(o) {
				tell(s, o, e)
				sizes[ops] = max(sizes[ops], s.Size())
			}
			if s.Illegal() != "" || s.Unfit() {
				t.Fatalf("%d operations, swaps %t: %q", ops, swaps, s.Illegal())
			}
		}
		if sizes[100_000] > 2*sizes[10_000] || sizes[100_000] > 1000 {
			t.Fatalf("swaps %t: it remembers %v", swaps, sizes)
		}
	}
}

// TestStreamFailures: what failed must not have been seen.
func TestStreamFailures(t *testing.T) {
	s := newRegisterStream()
	s.Call(1, 1, Deed{Kind: Swap, Value: "b"})
	s.Call(2, 2, Deed{Kind: Read, Value: nil})
	s.Fail(1)
	s.Return(2, 4, Deed{Kind: Read, Value: nil})
	if s.Illegal() != "" {
		t.Fatal(s.Illegal())
	}
	s.Call(3, 5, Deed{Kind: Write, Value: "c"})
	s.Call(4, 6, Deed{Kind: Read, Value: nil})
	s.Return(4, 7, Deed{Kind: Read, Value: "c"})
	s.Fail(3)
	if s.Illegal() == "" {
		t.Fatal("what failed was seen, and nothing is wrong")
	}
	again := newRegisterStream()
	again.Call(1, 1, Deed{Kind: Write, Value: "a"})
	again.Call(2, 2, Deed{Kind: Write, Value: "a"})
	if !again.Unfit() {
		t.Fatal("a value was stored twice at once")
	}
}
