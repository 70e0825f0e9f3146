package linear

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// trade is a sort of object as tests use it: one that is right, those who call it, and how their answers are spoiled.
type trade struct {
	name string
	// open begins an object without history: fresh numbers are for whoever wants them.
	open func(rng *rand.Rand) stall
	// step is the object one operation after the other, with states of its own. What never returned is left out by
	// those who ask.
	step  func(o *Object, op *Op, state string) (string, bool)
	model func(o *Object) Model // for the search
	// fits says that the decider has to know the answer.
	fits   func(o *Object) bool
	decide func() specialist
	rules  []string // what can be broken
}

// specialist is a special decider.
type specialist interface {
	Decide(o *Object) Result
	Model() Model
}

// stall is one object in use.
type stall interface {
	// call returns what the process, which has nothing open, does next.
	call(rng *rand.Rand, process int32) Op
	// perform lets an operation take effect, and notes its answer in it.
	perform(op *Op)
	// lie spoils an answer.
	lie(rng *rand.Rand, op *Op)
	// forget takes the answer out of an operation that did not return.
	forget(op *Op)
	// object makes the whole of the operations.
	object(ops []Op) *Object
}

type crowd struct {
	ops, processes, pending, lies int
	// late is how often at most a client waits before it calls what it has already looked at: one in three looks late.
	late int
}

// roll runs clients against an object that is right and lies about some answers.
func (t trade) roll(rng *rand.Rand, c crowd) *Object {
	o, _ := t.rollProcesses(rng, c)
	return o
}

// rollProcesses is roll that tells who did what.
func (t trade) rollProcesses(rng *rand.Rand, c crowd) (*Object, []int32) {
	by := map[int64]int32{} // by call
	type client struct {
		op           Op
		busy, effect bool
		process      int32
		wait         int // before it is called
	}
	s := t.open(rng)
	clients := make([]client, c.processes)
	for i := range clients {
		clients[i].process = int32(i) + 1
	}
	var out []Op
	event, started := int64(0), 0
	for {
		cl := &clients[rng.IntN(len(clients))]
		switch {
		case cl.wait > 0:
			if cl.wait--; cl.wait == 0 {
				event++
				cl.op.Call = event
			}
		case cl.busy && !cl.effect && rng.IntN(3) > 0:
			s.perform(&cl.op)
			cl.effect = true
		case cl.busy && (cl.effect || rng.IntN(100) < c.pending):
			cl.busy = false
			if !cl.effect || rng.IntN(100) < c.pending {
				s.forget(&cl.op)
				cl.process += int32(c.processes)
				if by[cl.op.Call] = cl.process - int32(c.processes); !cl.op.Kind.Observes() {
					out = append(out, cl.op)
				}
				break
			}
			event++
			cl.op.Return = event
			if rng.IntN(100) < c.lies {
				s.lie(rng, &cl.op)
			}
			out, by[cl.op.Call] = append(out, cl.op), cl.process
		case !cl.busy && started < c.ops:
			started++
			event++
			cl.op = s.call(rng, cl.process)
			cl.op.Call, cl.op.Return = event, Never
			cl.busy, cl.effect = true, false
			if c.late > 0 && looksOnly(&cl.op) && rng.IntN(3) == 0 {
				s.perform(&cl.op)
				cl.effect, cl.wait = true, 1+rng.IntN(c.late)
			}
		case started == c.ops && !slices.ContainsFunc(clients, func(c client) bool { return c.busy }):
			slices.SortFunc(out, func(a, b Op) int { return int(a.Call - b.Call) })
			o := s.object(out)
			return o, numbered(o, by)
		}
	}
}

// looksOnly: of a queue what may come late is what takes, and of a lock what gives it back.
func looksOnly(op *Op) bool {
	return op.Kind.Observes() || op.Kind == Dequeue || op.Kind == Release
}

// numbered are the processes of an object, from 0 on.
func numbered(o *Object, by map[int64]int32) []int32 {
	processes, numbers := make([]int32, len(o.Ops)), map[int32]int32{}
	for i := range o.Ops {
		who := by[o.Ops[i].Call]
		if _, known := numbers[who]; !known {
			numbers[who] = int32(len(numbers))
		}
		processes[i] = numbers[who]
	}
	return processes
}

// legal decides by trying every order.
func (t trade) legal(o *Object) bool {
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
		deadline, finished := int64(math.MaxInt64), true
		for i, op := range o.Ops {
			if p.done&(1<<i) == 0 && !op.Pending() {
				deadline, finished = min(deadline, op.Return), false
			}
		}
		if finished {
			return true
		}
		for i := range o.Ops {
			if p.done&(1<<i) != 0 || o.Ops[i].Call > deadline {
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

func (t trade) show(o *Object) string {
	out := fmt.Sprintf("  elements %v, %d values\n", o.Elements, o.Values)
	for i, op := range o.Ops {
		end := fmt.Sprint(op.Return)
		if op.Pending() {
			end = "never"
		}
		out += fmt.Sprintf("  %d: [%d %s] kind %d, %d from %d\n", i, op.Call, end, op.Kind, op.Value, op.From)
	}
	return out
}

// proves demands of a proof what checkProof does of those of registers.
func (t trade) proves(tb testing.TB, o *Object, r *Result) {
	tb.Helper()
	part := o.Part(r)
	if len(part.Ops) <= 14 && t.legal(part) {
		tb.Fatalf("%s: the witness %v is legal\n%s%s", r.Rule, r.Witness, t.show(part), t.show(o))
	}
	if !slices.IsSorted(r.Witness) || r.Rule == "" || r.By == "" {
		tb.Fatalf("%s: the proof is incomplete: %+v", r.Rule, r)
	}
	at, known := slices.BinarySearch(r.Witness, r.At)
	if !known {
		tb.Fatalf("%s: %d is not in the witness %v\n%s", r.Rule, r.At, r.Witness, t.show(o))
	}
	if end := part.Ops[at].Return; len(part.Ops) <= 14 && (t.legal(part.Until(end)) || !t.legal(part.Until(end-1))) {
		tb.Fatalf("%s: %d is not the moment\n%s", r.Rule, r.At, t.show(part))
	}
}

// compare judges objects of a crowd with the decider, the search, and every order where they are small.
func (t trade) compare(tb testing.TB, rng *rand.Rand, c crowd, rounds int, seen map[string]int) {
	tb.Helper()
	d := t.decide()
	var s Search
	for range rounds {
		c := c
		c.ops = c.ops/2 + rng.IntN(c.ops/2+1)
		o := t.roll(rng, c)
		r := d.Decide(o)
		want := Undecided
		if len(o.Ops) <= 12 {
			want = Illegal
			if t.legal(o) {
				want = Legal
			}
		}
		by := s.Decide(context.Background(), o, t.model(o), Budget{Steps: 10_000})
		if by.Answer != Undecided && want != Undecided && by.Answer != want {
			tb.Fatalf("%+v: the search says %d, not %d\n%s", c, by.Answer, want, t.show(o))
		}
		if m, is := t.model(o).(Valued); is && want != Undecided {
			if at, cause := Refute(context.Background(), o, m, Budget{}); cause != nil || (at >= 0) != (want == Illegal) {
				tb.Fatalf("%+v: refuted at %d, %v, not %d\n%s", c, at, cause, want, t.show(o))
			}
			seen["refuted or not"]++
		}
		if want == Undecided {
			want = t.porcupine(tb, o, by.Answer, seen)
		}
		if want == Undecided {
			seen["no referee"]++
			continue
		}
		if r.Answer == Undecided {
			if t.fits(o) {
				tb.Fatalf("%+v: undecided\n%s", c, t.show(o))
			}
			seen["unfit"]++
			continue
		}
		if r.Answer != want {
			tb.Fatalf("%+v: decided %d (%s %v), it is %d\n%s", c, r.Answer, r.Rule, r.Witness, want, t.show(o))
		}
		if r.Answer == Legal {
			seen["legal"]++
			if err := Replay(o, d.Model(), r.Order); err != nil {
				tb.Fatalf("%+v: the order %v: %v\n%s", c, r.Order, err, t.show(o))
			}
			continue
		}
		seen["illegal"]++
		for _, proof := range append([]Result{r}, r.More...) {
			seen[proof.Rule]++
			t.proves(tb, o, &proof)
		}
	}
}

// porcupine compares the answer of the search with porcupine's, where that has one soon.
func (t trade) porcupine(tb testing.TB, o *Object, by Answer, seen map[string]int) Answer {
	tb.Helper()
	m := t.model(o)
	history := make([]porcupine.Operation, len(o.Ops))
	for i := range o.Ops {
		history[i] = porcupine.Operation{Input: &o.Ops[i], Call: o.Ops[i].Call, Return: o.Ops[i].Return}
	}
	answer := porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return m.Init() },
		Step: func(state, input, _ any) (bool, any) {
			next, fits := m.Step(state.(int32), input.(*Op))
			return fits, next
		},
	}, history, 20*time.Millisecond)
	if answer == porcupine.Unknown {
		return by
	}
	seen["porcupine"]++
	its := Legal
	if answer == porcupine.Illegal {
		its = Illegal
	}
	if by != Undecided && by != its {
		tb.Fatalf("the search says %d, porcupine %s\n%s", by, answer, t.show(o))
	}
	return its
}

// trades are the sorts of objects that have a decider, besides registers.
func trades() []trade { return append(append(queues(), locks()...), lists, counters, members) }

func TestTradesAgainstEveryOrder(t *testing.T) {
	rounds := 600
	if *long > 0 {
		rounds = *long
	}
	for _, tr := range trades() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			for n, pending := range []int{0, 10, 30} {
				for _, lies := range []int{0, 20} {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(lies)))
					tr.compare(t, rng, crowd{10, 3, pending, lies, 0}, rounds, seen)
					tr.compare(t, rng, crowd{12, 5, pending, lies, 0}, rounds, seen)
					tr.compare(t, rng, crowd{40, 4, pending, lies / 4, 0}, rounds/5, seen)
				}
			}
			t.Log(seen)
			for _, rule := range append([]string{"legal", "illegal"}, tr.rules...) {
				if seen[rule] < 5 {
					t.Errorf("%q came up %d times", rule, seen[rule])
				}
			}
		})
	}
}

// judged benchmarks a decider on one object, whose order is replayed where it is legal.
func judged(b *testing.B, o *Object, d specialist, legal bool) {
	b.ReportAllocs()
	for b.Loop() {
		r := d.Decide(o)
		if (r.Answer == Legal) != legal || r.Answer == Undecided {
			b.Fatalf("%d: %s %v", r.Answer, r.Rule, r.Cause)
		}
		if legal {
			if err := Replay(o, d.Model(), r.Order); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(o.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
