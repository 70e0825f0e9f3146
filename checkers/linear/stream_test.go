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
	return v
}

func tell(s *Stream, o *Object, e event) {
	op := &o.Ops[e.op]
	switch {
	case e.end:
		s.Return(e.op, e.at, word(op.Value))
	default:
		s.Call(e.op, e.at, op.Kind, word(op.Value), word(op.From))
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
			s := NewStream()
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
		s := NewStream()
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
			s := NewStream()
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
	s := NewStream()
	s.Call(1, 1, Swap, "b", nil)
	s.Call(2, 2, Read, nil, nil)
	s.Fail(1)
	s.Return(2, 4, nil)
	if s.Illegal() != "" {
		t.Fatal(s.Illegal())
	}
	s.Call(3, 5, Write, "c", nil)
	s.Call(4, 6, Read, nil, nil)
	s.Return(4, 7, "c")
	s.Fail(3)
	if s.Illegal() == "" {
		t.Fatal("what failed was seen, and nothing is wrong")
	}
	again := NewStream()
	again.Call(1, 1, Write, "a", nil)
	again.Call(2, 2, Write, "a", nil)
	if !again.Unfit() {
		t.Fatal("a value was stored twice at once")
	}
}

// BenchmarkStream runs 20 clients that are always busy, half of their operations reads, against one register and tells a
// stream of it. -benchtime 50000000x shows that it remembers no more after fifty million.
func BenchmarkStream(b *testing.B) {
	for _, swaps := range []bool{false, true} {
		name := "register"
		if swaps {
			name = "cas-register"
		}
		b.Run(name, func(b *testing.B) {
			type client struct {
				step int
				kind Kind
				from any
				saw  any
				mine int64
			}
			rng := rand.New(rand.NewPCG(1, 2))
			clients := make([]client, 20)
			var state any
			at, fresh, size := int64(0), int64(0), 0
			s := NewStream()
			for done := 0; done < b.N; at++ {
				id := rng.IntN(len(clients))
				c := &clients[id]
				switch c.step {
				case 0:
					c.kind, c.from, c.mine = Kind(rng.IntN(2)), nil, 0
					if swaps && c.kind == Write && rng.IntN(2) == 0 {
						c.kind, c.from = Swap, state
					}
					if c.kind != Read {
						fresh++
						c.mine = fresh
					}
					s.Call(id, at, c.kind, c.mine, c.from)
				case 1:
					switch {
					case c.kind == Write, c.kind == Swap && state == c.from:
						state = c.mine
					case c.kind == Swap:
						c.mine = 0
					}
					c.saw = state
				default:
					if c.kind == Swap && c.mine == 0 {
						s.Fail(id)
					} else {
						s.Return(id, at, c.saw)
					}
					done++
					size = max(size, s.Size())
				}
				c.step = (c.step + 1) % 3
			}
			if s.Illegal() != "" || s.Unfit() {
				b.Fatal(s.Illegal())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric(float64(size), "remembered")
		})
	}
}
