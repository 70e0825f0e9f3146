package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// queues are the trades of Queues: first in first out, and any order.
func queues() []trade {
	var all []trade
	for _, fifo := range []bool{true, false} {
		t := trade{
			name:   fmt.Sprintf("queue, first in first out %t", fifo),
			open:   func(rng *rand.Rand) stall { return &queueStall{fifo: fifo, rng: rng, twice: rng.IntN(8) == 0} },
			model:  func(*Object) Model { return QueueModel(fifo) },
			step:   func(_ *Object, op *Op, state string) (string, bool) { return queueStep(fifo, op, state) },
			fits:   func(o *Object) bool { return fitsQueue(o, fifo) },
			decide: func() specialist { return NewQueues(fifo) },
			rules:  []string{Nowhere, Future, Redelivered, NotEmpty, "unfit"},
		}
		if fifo {
			t.rules = append(t.rules, Overtaken, Passed)
		}
		all = append(all, t)
	}
	return all
}

// queueStep is a queue in a string of one letter for each value. A dequeue that never returned may take any one where
// the order is any: then "-" is a value that will be missing, whichever it is. It is wrong to take away what others
// got.
func queueStep(fifo bool, op *Op, state string) (string, bool) {
	letter := string(rune('A' + op.Value))
	at := strings.Index(state, letter)
	switch {
	case op.Kind == Enqueue:
		return state + letter, true
	case op.empty(): // from here on it is decided what they took
		return "", strings.Count(state, "-")*2 >= len(state)
	case op.Pending() && !fifo:
		return state + "-", strings.Count(state, "-")*2 < len(state)
	case op.Pending():
		return state[min(1, len(state)):], true
	case at < 0, at > 0 && fifo:
		return state, false
	}
	state = state[:at] + state[at+1:]
	return state, strings.Count(state, "-")*2 <= len(state)
}

func fitsQueue(o *Object, fifo bool) bool {
	in := map[int32]int{}
	empties, takers, stayed := false, false, map[int32]bool{}
	for i := range o.Ops {
		if op := &o.Ops[i]; op.Kind == Enqueue {
			in[op.Value]++
			stayed[op.Value] = !op.Pending()
		}
	}
	for i := range o.Ops {
		op := &o.Ops[i]
		empties, takers = empties || op.empty(), takers || op.Kind == Dequeue && op.Pending()
		if op.Kind == Dequeue {
			stayed[op.Value] = false
		}
	}
	for v, n := range in {
		if n > 1 || fifo && stayed[v] && empties && takers {
			return false
		}
	}
	return true
}

type queueStall struct {
	fifo, twice bool
	rng         *rand.Rand
	fresh       int32
	state, ever []int32
}

func (s *queueStall) call(rng *rand.Rand, _ int32) Op {
	if rng.IntN(2) == 0 {
		return Op{Kind: Dequeue}
	}
	if s.fresh == 0 || !s.twice || rng.IntN(5) > 0 {
		s.fresh++
	}
	return Op{Kind: Enqueue, Value: s.fresh}
}

func (s *queueStall) perform(op *Op) {
	switch {
	case op.Kind == Enqueue:
		s.state = append(s.state, op.Value)
		s.ever = append(s.ever, op.Value)
	case len(s.state) > 0:
		at := 0
		if !s.fifo {
			at = s.rng.IntN(len(s.state))
		}
		op.Value = s.state[at]
		s.state = slices.Delete(s.state, at, at+1)
	}
}

func (s *queueStall) lie(rng *rand.Rand, op *Op) {
	if op.Kind == Enqueue {
		return
	}
	switch n := len(s.ever); {
	case rng.IntN(3) == 0:
		op.Value = 0
	case n > 0 && rng.IntN(4) > 0:
		op.Value = s.ever[max(0, n-1-rng.IntN(4))]
	default:
		op.Value = s.fresh + rng.Int32N(3)
	}
}

func (*queueStall) forget(op *Op) { op.forget() }

func (s *queueStall) object(ops []Op) *Object { return &Object{Ops: ops, Values: int(s.fresh) + 3} }

// longQueue is a queue of so many operations, four open at once; where it is to be illegal, two values near the end
// change places, or one that is still there is overlooked.
func longQueue(ops int, legal bool) *Object {
	o := &Object{Values: ops/2 + 1}
	for i := range ops {
		op := Op{Call: int64(2 * i), Return: int64(2*i) + 7, Value: int32(i/2) + 1, Kind: Enqueue}
		if i%2 == 1 {
			if op.Kind = Dequeue; i < 200 {
				op.Kind, op.Value = Enqueue, 0
			}
		}
		o.Ops = append(o.Ops, op)
	}
	n := int32(0)
	for i := range o.Ops { // the first hundred stay in front
		if o.Ops[i].Kind == Enqueue {
			n++
			o.Ops[i].Value = n
		}
	}
	o.Values, n = int(n)+1, 0
	for i := range o.Ops {
		if o.Ops[i].Kind == Dequeue {
			n++
			o.Ops[i].Value = n
		}
	}
	if !legal {
		o.Ops[ops-1].Value, o.Ops[ops-101].Value = o.Ops[ops-101].Value, 0
	}
	return o
}

func BenchmarkQueue(b *testing.B) {
	for _, fifo := range []bool{true, false} {
		for _, legal := range []bool{true, false} {
			b.Run(fmt.Sprintf("fifo=%t/legal=%t", fifo, legal), func(b *testing.B) {
				judged(b, longQueue(1_000_000, legal), NewQueues(fifo), legal)
			})
		}
	}
}
