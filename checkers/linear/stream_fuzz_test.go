package linear

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var streamLong = flag.Int("long-stream", 0, "small objects of each sort that TestStreamsLong judges event by event")

// flow is a sort of objects that are streamed.
type flow struct {
	name   string
	stream func() Stream
	roll   func(rng *rand.Rand, c crowd) *Object
	legal  func(o *Object) bool
	model  func(o *Object) Model
	show   func(o *Object) string
	often  int // per cent of the objects of which the stream must know all
	// late says that something may be known of an object only when all that was open is over.
	late func(o *Object) bool
}

// flows are all of them: registers with values that are used again, and the trades.
func flows() []flow {
	var all []flow
	for _, values := range []int{0, 2, 4} {
		for _, swaps := range []bool{false, true} {
			all = append(all, flow{
				name: fmt.Sprintf("register, %d values, swaps %t", values, swaps), stream: StreamMembers, legal: brute,
				model: func(*Object) Model { return RegisterModel() }, show: show, often: 100,
				roll: func(rng *rand.Rand, c crowd) *Object {
					return dice{
						ops: c.ops, processes: c.processes, pending: c.pending, lies: c.lies,
						values: values, swaps: swaps,
					}.roll(rng)
				},
			})
		}
	}
	for _, swaps := range []bool{false, true} {
		all = append(all, flow{
			name: fmt.Sprintf("register, bounds, swaps %t", swaps), stream: streamBounds, legal: brute,
			model: func(*Object) Model { return RegisterModel() }, show: show, often: 40,
			roll: func(rng *rand.Rand, c crowd) *Object {
				return dice{
					ops: c.ops, processes: c.processes, pending: c.pending + 10, lies: c.lies,
					values: 3, swaps: swaps, failed: swaps,
				}.roll(rng)
			},
		})
	}
	for n, values := range []int{2, 4, 6, 4, 6, 9} {
		swaps := n > 2
		all = append(all, flow{
			name: fmt.Sprintf("register, retold, %d values, swaps %t", values, swaps), stream: streamRetold, legal: brute,
			model: func(*Object) Model { return RegisterModel() }, show: show, often: 100,
			roll: func(rng *rand.Rand, c crowd) *Object {
				d := dice{
					ops: c.ops, processes: c.processes, pending: c.pending, lies: c.lies, values: values, swaps: swaps,
				}
				if c.ops > 20 {
					d.values *= 8
				}
				return d.roll(rng)
			},
		})
	}
	of := func(tr trade, stream func() Stream, often int) {
		all = append(all, flow{tr.name, stream, tr.roll, tr.legal, tr.model, tr.show, often, nil})
	}
	for n, tr := range locks() {
		of(tr, func() Stream { return StreamLocks(n == 1) }, 100)
	}
	of(counters, StreamCounters, 75) // some amounts are more than it takes
	of(members, StreamMembers, 100)
	of(lists, StreamLists, 50) // elements may be appended twice
	of(sets, StreamSets, 100)
	for n, tr := range queues() {
		of(tr, func() Stream { return StreamQueues(n == 0) }, 50)
		all[len(all)-1].late = func(o *Object) bool {
			return slices.ContainsFunc(o.Ops, func(op Op) bool { return op.empty() })
		}
	}
	return all
}

// streamBounds is a stream that goes on with bounds as soon as something never returned and there is more than one way in
// which it may stand.
func streamBounds() Stream {
	s := newStateStream(RegisterModel())
	s.front.most = 2
	return s
}

// streamRetold is a register that forgets as soon as it can, and keeps no events.
func streamRetold() Stream {
	s := newRegisterStream()
	s.few = -1 << 20
	return &either{exact: s, late: true}
}

// everyBeginning tells a stream of an object and compares what it says after every event with every order of what has
// happened until then. It reports how that ended.
func (f flow) everyBeginning(t *testing.T, o *Object) string {
	t.Helper()
	s, late := f.stream(), f.stream()
	events, mayBeLate := eventsOf(o), f.late != nil && f.late(o)
	for n, e := range events {
		tell(s, o, e)
		tell(late, o, e)
		want := f.legal(o.Until(e.at))
		switch why := s.Illegal(); {
		case s.Unfit():
			return "unfit"
		case why == "" && !want && mayBeLate && n < len(events)-1:
			continue
		case (why == "") != want:
			t.Fatalf("after event %d: %q, but legal is %t\n%s", e.at, why, want, f.show(o))
		}
		if !want {
			return "illegal"
		}
	}
	if late.Illegal() != "" { // that was not asked on the way
		t.Fatalf("%q, but it is legal\n%s", late.Illegal(), f.show(o))
	}
	return "legal"
}

// everyOther is the same for objects that are too large for every order: the search is asked about the moment at which
// the stream knows that no order fits, the one before it, and the end.
func (f flow) everyOther(t *testing.T, o *Object) string {
	t.Helper()
	var search Search
	check := func(at int64, not Answer) {
		part := o.Until(at)
		if r := search.Decide(context.Background(), part, f.model(part), Budget{Steps: 20_000}); r.Answer == not {
			t.Fatalf("at event %d of %d it is %v\n%s", at, len(o.Ops), r.Answer, f.show(part))
		}
	}
	s, at, mayBeLate := f.stream(), int64(0), f.late != nil && f.late(o)
	for _, e := range eventsOf(o) {
		tell(s, o, e)
		at = e.at
		switch why := s.Illegal(); {
		case s.Unfit():
			return "unfit"
		case why != "":
			check(at, Legal)
			if !mayBeLate {
				check(at-1, Illegal)
			}
			return "illegal"
		}
	}
	check(at, Illegal)
	return "legal"
}

func compareStreams(t *testing.T, rounds int) {
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for n, pending := range []int{0, 10, 30} {
				for _, lies := range []int{0, 40} {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(lies)))
					for range rounds {
						seen[f.everyBeginning(t, f.roll(rng, crowd{10, 3, pending, lies, 0}))]++
						seen[f.everyBeginning(t, f.roll(rng, crowd{12, 5, pending, lies, 0}))]++
						seen["long "+f.everyOther(t, f.roll(rng, crowd{80, 6, pending / 3, lies / 20, 0}))]++
					}
				}
			}
			t.Log(seen)
			total := seen["legal"] + seen["illegal"] + seen["unfit"]
			if seen["legal"] < rounds || seen["illegal"] < rounds/2 || 100*seen["unfit"] > (100-f.often)*total {
				t.Errorf("%v: too few or too many of a kind", seen)
			}
		})
	}
}

func TestStreamsAfterEveryEvent(t *testing.T) {
	t.Parallel()
	compareStreams(t, 100)
}

// TestStreamsLong is the same for the night: -long-stream 20000 makes a quarter of a million objects of each sort.
func TestStreamsLong(t *testing.T) {
	if *streamLong == 0 {
		t.Skip("only with -long-stream N")
	}
	compareStreams(t, *streamLong)
}
