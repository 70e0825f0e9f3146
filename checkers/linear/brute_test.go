package linear

import (
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
)

// brute decides by trying every order, with rules of its own: it shares nothing with the deciders but the object. A
// pending operation may be left out.
func brute(o *Object) bool {
	b := &bruteForce{o: o, dead: map[bruteState]bool{}}
	return b.from(0, "")
}

// bruteForce remembers what led nowhere: which operations were done, and the state as text.
type bruteForce struct {
	o    *Object
	dead map[bruteState]bool
}

type bruteState struct {
	done  uint64
	state string
}

func (b *bruteForce) from(done uint64, state string) bool {
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
		if next, fits := bruteStep(b.o, i, state); fits && b.from(done|1<<i, next) {
			return true
		}
	}
	b.dead[s] = true
	return false
}

// bruteStep keeps every object as the text of its elements: a register is at most one of them.
func bruteStep(o *Object, i int, state string) (string, bool) {
	op := &o.Ops[i]
	text := func(v ...int32) string {
		if len(v) == 1 && v[0] == 0 {
			return ""
		}
		return string(v)
	}
	switch op.Kind {
	case Write:
		return text(op.Value), true
	case Swap:
		return text(op.Value), state == text(op.From)
	case SwapFailed:
		return state, state != text(op.From)
	case Append:
		return state + string(op.Value), true
	case Read:
		if listed(o) {
			return state, state == string(o.Seen(i))
		}
		return state, state == text(op.Value)
	}
	return state, false
}

func listed(o *Object) bool {
	return slices.ContainsFunc(o.Ops, func(op Op) bool { return op.Kind == Append }) || len(o.Elements) > 0
}

// referee decides with porcupine, for objects that are too large for brute force. What never returned gets a return
// after everything else: there a swap may find anything.
func referee(o *Object) bool {
	var history []porcupine.Operation
	for i, op := range o.Ops {
		history = append(history, porcupine.Operation{Input: i, Call: op.Call, Return: op.Return})
	}
	return porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			i := input.(int)
			next, fits := bruteStep(o, i, state.(string))
			if !fits && o.Ops[i].Pending() {
				return true, state
			}
			return fits, next
		},
	}, history)
}
