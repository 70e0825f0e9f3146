package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sets is the trade of StreamSets.
var sets = trade{
	name:  "set",
	open:  func(rng *rand.Rand) stall { return &setStall{listStall{twice: rng.IntN(3) == 0}, rng} },
	step:  setStep,
	model: func(o *Object) Model { return spell(o, setStep) },
}

func setStep(o *Object, op *Op, state string) (string, bool) {
	in := strings.Fields(state)
	if op.Kind == Append {
		if e := fmt.Sprint(op.Value); !slices.Contains(in, e) {
			in = append(in, e)
			slices.Sort(in)
		}
		return strings.Join(in, " "), true
	}
	var shown []string
	for _, e := range o.Elements[op.From:][:op.Value] {
		shown = append(shown, fmt.Sprint(e))
	}
	slices.Sort(shown)
	return state, slices.Equal(in, shown)
}

// setStall shows its elements in any order.
type setStall struct {
	listStall
	rng *rand.Rand
}

func (s *setStall) perform(op *Op) {
	if op.Kind == Append && slices.Contains(s.state, op.Value) {
		return
	}
	s.listStall.perform(op)
	s.stir(op)
}

func (s *setStall) stir(op *Op) {
	if op.Kind == Read {
		shown := s.elements[op.From:]
		s.rng.Shuffle(len(shown), func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })
	}
}

func (s *setStall) lie(rng *rand.Rand, op *Op) {
	s.listStall.lie(rng, op)
	s.stir(op)
}

// spelled is the model of a trade that spells its states.
type spelled struct {
	o      *Object
	step   func(o *Object, op *Op, state string) (string, bool)
	ids    map[string]int32
	states []string
	steps  map[stepOf]int32 // that were taken; below 0 those that do not fit
}

type stepOf struct {
	state int32
	op    *Op
}

func spell(o *Object, step func(o *Object, op *Op, state string) (string, bool)) *spelled {
	return &spelled{o: o, step: step, ids: map[string]int32{"": 0}, states: []string{""}, steps: map[stepOf]int32{}}
}

func (*spelled) Init() int32 { return 0 }

func (s *spelled) Step(state int32, op *Op) (int32, bool) {
	at := stepOf{state, op}
	next, taken := s.steps[at]
	if taken {
		return next, next >= 0
	}
	spelt, fits := s.step(s.o, op, s.states[state])
	next, known := s.ids[spelt]
	switch {
	case !fits:
		next = -1
	case !known:
		next = int32(len(s.states))
		s.ids[spelt], s.states = next, append(s.states, spelt)
	}
	s.steps[at] = next
	return next, fits
}

// TestStreamSetsWithFailures compares what is known after every event where some adds failed, with every order of what
// has happened until then: until it failed an add may still happen.
func TestStreamSetsWithFailures(t *testing.T) {
	t.Parallel()
	rounds := 1500
	if *streamLong > 0 {
		rounds = 10 * *streamLong
	}
	seen := map[string]int{}
	for n, lies := range []int{0, 15, 40} {
		rng := rand.New(rand.NewPCG(81, uint64(n)))
		for range rounds {
			o := sets.roll(rng, crowd{9, 3 + rng.IntN(2), 10, lies, 0})
			failed := map[int]bool{}
			for i := range o.Ops {
				failed[i] = o.Ops[i].Kind == Append && !o.Ops[i].Pending() && rng.IntN(4) == 0
			}
			seen[withFailures(t, o, failed)]++
		}
	}
	t.Log(seen)
	for _, rule := range []string{"", Nowhere, Future, Disorder, Lacking, Branched, Doubled} {
		if seen[rule] < rounds/500 {
			t.Errorf("%q came up %d times", rule, seen[rule])
		}
	}
}

func withFailures(t *testing.T, o *Object, failed map[int]bool) string {
	t.Helper()
	s := StreamSets()
	for _, e := range eventsOf(o) {
		if e.end && failed[e.op] {
			s.Fail(e.op)
		} else {
			tell(s, o, e)
		}
		now := *o
		now.Ops = nil
		for i, op := range o.Ops {
			if !failed[i] || op.Return > e.at {
				now.Ops = append(now.Ops, op)
			}
		}
		if want := sets.legal(now.Until(e.at)); (s.Illegal() == "") != want {
			t.Fatalf("after event %d: %q, but legal is %t; failed: %v\n%s", e.at, s.Illegal(), want, failed,
				sets.show(o))
		}
		if s.Illegal() != "" {
			break
		}
	}
	return s.Illegal()
}

// TestStreamSetsForget: where reads follow each other what is kept of a set is the elements, and not what has been.
func TestStreamSetsForget(t *testing.T) {
	s := StreamSets().(*setStream)
	const elements = 1000
	at, shown := int64(0), []any{}
	do := func(id int, d Deed) {
		s.Call(id, at, Deed{Kind: d.Kind, Value: d.Value})
		s.Return(id, at+1, d)
		at += 2
	}
	for i := range elements {
		e := any(fmt.Sprint("e", i))
		do(1, Deed{Kind: Append, Value: e})
		shown = append(shown, e)
		do(2, Deed{Kind: Read, Value: shown})
		do(2, Deed{Kind: Read, Value: shown})
	}
	if s.Illegal() != "" || s.fresh.n > 0 || len(s.stages) != 1 || len(s.settled) != elements || len(s.known) > 0 {
		t.Fatalf("%q: %d new, %d stages, %d settled, %d known", s.Illegal(), s.fresh.n, len(s.stages),
			len(s.settled), len(s.known))
	}
	do(1, Deed{Kind: Append, Value: "e7"}) // is in
	do(2, Deed{Kind: Read, Value: shown})
	if s.Illegal() != "" {
		t.Fatal(s.Illegal())
	}
	do(2, Deed{Kind: Read, Value: shown[1:]})
	if s.Illegal() != Lacking {
		t.Fatalf("%q", s.Illegal())
	}
}

// TestStreamSetsThatWereAddedTwice: an element counts as added when the first add of it was called that did not fail.
func TestStreamSetsThatWereAddedTwice(t *testing.T) {
	x, y := Deed{Kind: Append, Value: int64(1)}, Deed{Kind: Append, Value: int64(2)}
	read := func(s Stream, id int, at int64, elements ...int64) {
		s.Return(id, at, Deed{Kind: Read, Value: elements})
	}
	for name, c := range map[string]struct {
		do  func(s Stream)
		why string // once the first add of x failed, and before that nothing
	}{
		"seen before the second add": {func(s Stream) {
			read(s, 8, 20, 1)
			s.Call(2, 30, x)
		}, Future},
		"seen before it, and later alone": {func(s Stream) {
			s.Call(3, 18, y)
			read(s, 8, 20, 2, 1)
			s.Call(2, 30, x)
			read(s, 9, 35, 1)
		}, Future},
		"seen without what was added before it": {func(s Stream) {
			s.Call(3, 20, y)
			s.Return(3, 21, y)
			s.Call(2, 30, x)
			read(s, 8, 35, 1)
		}, Disorder},
		"seen with it": {func(s Stream) {
			s.Call(3, 20, y)
			s.Return(3, 21, y)
			s.Call(2, 30, x)
			read(s, 8, 35, 1, 2)
		}, ""},
		"seen, and nobody else added it": {func(s Stream) {
			read(s, 8, 20, 1)
		}, Nowhere},
		"not seen": {func(s Stream) {
			s.Call(2, 30, x)
			read(s, 8, 35)
		}, ""},
	} {
		s := StreamSets()
		s.Call(8, 1, Deed{Kind: Read})
		s.Call(9, 2, Deed{Kind: Read})
		s.Call(1, 10, x)
		c.do(s)
		if s.Illegal() != "" {
			t.Errorf("%s: %q before the add fails", name, s.Illegal())
		}
		if s.Fail(1); s.Illegal() != c.why {
			t.Errorf("%s: %q, expected %q", name, s.Illegal(), c.why)
		}
	}
}
