package linear

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// brute decides by trying every order, with rules of its own: it shares nothing with the deciders but the object. A
// pending operation may be left out.
func brute(o *Object) bool {
	b := &bruteForce{o: o, dead: map[bruteState]bool{}}
	return b.from(0, 0)
}

// bruteForce remembers what led nowhere: which operations were done, and the state.
type bruteForce struct {
	o    *Object
	dead map[bruteState]bool
}

type bruteState struct {
	done  uint64
	state int32
}

func (b *bruteForce) from(done uint64, state int32) bool {
	s := bruteState{done, state}
	if b.dead[s] {
		return false
	}
	deadline, finished := int64(math.MaxInt64), true
	for i, op := range b.o.Ops {
		if done&(1<<i) == 0 && !op.Pending() {
			deadline, finished = min(deadline, op.Return), false
		}
	}
	if finished {
		return true
	}
	for i := range b.o.Ops {
		if done&(1<<i) != 0 || b.o.Ops[i].Call > deadline {
			continue
		}
		if next, fits := bruteStep(&b.o.Ops[i], state); fits && b.from(done|1<<i, next) {
			return true
		}
	}
	b.dead[s] = true
	return false
}

// bruteStep is a register, whose state is its value.
func bruteStep(op *Op, state int32) (next int32, fits bool) {
	switch op.Kind {
	case Write:
		return op.Value, true
	case Swap:
		return op.Value, state == op.From
	case SwapFailed:
		return state, state != op.From
	}
	return state, state == op.Value
}

// referee decides with porcupine, for objects that are too large for brute force. What never returned gets a return
// after everything else: there a swap may find anything.
func referee(o *Object) bool {
	var history []porcupine.Operation
	for i, op := range o.Ops {
		history = append(history, porcupine.Operation{Input: i, Call: op.Call, Return: op.Return})
	}
	return porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return int32(0) },
		Step: func(state, input, _ any) (bool, any) {
			op := &o.Ops[input.(int)]
			next, fits := bruteStep(op, state.(int32))
			if !fits && op.Pending() {
				return true, state
			}
			return fits, next
		},
	}, history)
}
