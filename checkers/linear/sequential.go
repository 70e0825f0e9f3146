package linear

import (
	"context"
	"errors"
	"math"
	"slices"
)

// Sequential decides whether an object is sequentially consistent (Lamport 1979): whether any order of all operations
// fits that respects the order of every process. Real time does not matter. This is NP-complete already of registers
// (Gibbons & Korach 1997), and so this is a search: depth first over how far each process is and the state, with memory
// of what led nowhere, as [Search] has it.
//
//   - What only looks is placed as soon as it fits, without an alternative: it enables what comes after it, and hinders
//     nothing. So is a dequeue that gets its value.
//   - It first looks for orders that are near to real time: in which nothing stands before what had returned some
//     number of events before it was called. Where there is none it looks again with more of them, and at last without
//     a bound. A history of answers that are a little late is decided in about the time that a linearizable one takes.
//   - What never returned is optional, and nothing has to come after it. It is tried only while somebody waits for its
//     effect, and of several that do the same any one.
//   - A state that somebody still has to see is not left for good, where the model is [Valued]; a queue, first in first
//     out, takes nothing in that would come out against the order of who gets it; a lock gives tokens in their order.
//
// It keeps its memory from one object to the next, and serves one goroutine.
type Sequential struct {
	object  *Object
	machine machine
	budget  *Budget
	spent   int64 // steps
	window  int64 // by how many events an order may differ from real time

	next    []int32 // by operation that returned: the next one of its process, -1 for none
	heads   chain   // of every process the first one that is not placed, by call
	left    int     // how many that returned are not placed
	class   []int32
	classes map[does]int32
	pending []waiting // by class: those that never returned and can come next, as they could; the first ones are placed
	size    []int32   // by class: how many there are
	base    []int32   // by class: how many are in those before it
	after   []int32   // by operation, and on by pending ones: who can come once it is placed; -1 ends
	extra   []int32   // the classes of pending operations that are placed

	hash      [2]uint64
	extraHash [2]uint64
	trail     []int32
	path      []choice
	dead      deadEnds
	options   []option
	uses      []use
	stamp     []int32 // by class: the look that met it last
	looks     int32
	far       int
}

// option is an operation that can come next. The smallest are tried first.
type option struct {
	urgency int64
	op      int32
}

// The first bound of a search by events, and by how much it grows.
const (
	firstWindow  = 16
	windowGrowth = 2
	turnGrowth   = 8 // of the steps that all bounds are given, one after the other
)

// Decide looks for an order within the budget and until ctx ends. processes are by operation, and numbered from 0: each
// does one thing at a time. The model is fresh.
//
// Of a legal answer, which was replayed, Order is the order (see [ReplayInterleaving]). An illegal one rests on what
// that of [Search] does, and has no witness. What ended the search early is the cause: [context.Cause], [ErrSteps],
// [ErrMemory], or [ErrUnfit], where a value was put into a queue twice.
//
// Cost: O(n p) for p processes where the first attempt works, in general exponential; memory as for [Search].
func (s *Sequential) Decide(ctx context.Context, o *Object, processes []int32, m Model, budget Budget) Result {
	r := Result{By: "sequential", At: -1}
	s.object, s.budget, s.spent, s.far = o, &budget, 0, 0
	s.machine = machineOf(m)
	if r.Answer, r.Cause = s.machine.begin(o, processes); r.Answer != Undecided || r.Cause != nil {
		return r
	}
	r.Answer, r.Cause = s.turns(ctx, processes)
	if budget.Watch != nil {
		budget.Watch(s.spent, s.bytes())
	}
	switch {
	case r.Answer == Undecided:
		r.Far = int32(s.far)
	case r.Answer == Legal:
		r.Order = slices.Clone(s.trail)
		if err := ReplayInterleaving(o, processes, s.machine.replayed(), r.Order); err != nil {
			r.Answer, r.Order, r.Cause = Undecided, nil, err
		}
	}
	return r
}

func machineOf(m Model) machine {
	switch m := m.(type) {
	case *queueModel:
		return &queueMachine{fifo: m.fifo}
	case *counterModel:
		return &counterMachine{modelMachine: modelMachine{model: m}}
	case lockModel:
		return &lockMachine{}
	case *fencedModel:
		return &lockMachine{fenced: true}
	}
	return &modelMachine{model: m}
}

// turns gives every bound some steps, and those that did not come to an end more of them.
func (s *Sequential) turns(ctx context.Context, processes []int32) (Answer, error) {
	var windows []int64
	events := int64(0)
	for i := range s.object.Ops {
		if events = max(events, s.object.Ops[i].Call); !s.object.Ops[i].Pending() {
			events = max(events, s.object.Ops[i].Return)
		}
	}
	for w := int64(firstWindow); w < events; w *= windowGrowth {
		windows = append(windows, w)
	}
	windows = append(windows, math.MaxInt64/2)
	for turn := int64(2*len(s.object.Ops) + 2048); ; turn *= turnGrowth {
		var open []int64
		for _, s.window = range windows {
			if _, err := s.machine.begin(s.object, processes); err != nil {
				return Undecided, err
			}
			s.prepare(processes)
			answer, cause := s.run(ctx, s.spent+turn)
			switch {
			case answer == Legal, answer == Illegal && s.window == math.MaxInt64/2:
				return answer, nil
			case answer == Illegal:
			case !errors.Is(cause, errTurn):
				return Undecided, cause
			default:
				open = append(open, s.window)
			}
		}
		windows = open
	}
}

// errTurn ends a turn.
var errTurn = errors.New("turn")

func (s *Sequential) run(ctx context.Context, until int64) (Answer, error) {
	s.path = append(s.path[:0], choice{})
	s.settle()
	for {
		if s.left == 0 {
			return Legal, nil
		}
		here := &s.path[len(s.path)-1]
		next := s.option(int(here.tried))
		if next < 0 {
			s.remember()
			s.back(here.placed)
			s.path = s.path[:len(s.path)-1]
			if len(s.path) == 0 {
				return Illegal, nil
			}
			continue
		}
		if s.spent++; s.spent%patience == 1 || s.spent >= until {
			if err := s.over(ctx, until); err != nil {
				return Undecided, err
			}
		}
		here.tried++
		s.path = append(s.path, choice{placed: len(s.trail)})
		s.machine.take(next, &s.object.Ops[next])
		s.place(next)
		s.settle()
		if s.hopeless() {
			s.back(s.path[len(s.path)-1].placed)
			s.path = s.path[:len(s.path)-1]
		}
	}
}

func (s *Sequential) over(ctx context.Context, until int64) error {
	bytes := s.bytes()
	if s.budget.Watch != nil {
		s.budget.Watch(s.spent, bytes)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.budget.Steps > 0 && s.spent >= s.budget.Steps:
		return ErrSteps
	case s.budget.Memory > 0 && bytes+s.dead.growth() > s.budget.Memory:
		return ErrMemory
	case s.spent >= until:
		return errTurn
	}
	return nil
}

func (s *Sequential) bytes() int64 {
	return s.dead.bytes() + int64(cap(s.path))*16 + int64(len(s.object.Ops))*200
}
