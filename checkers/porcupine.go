package checkers

import (
	"context"

	"github.com/anishathalye/porcupine"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// porcupineEngine is porcupine's depth-first search (Wing & Gong 1993 with Lowe's memory of configurations, 2017). It is
// the referee of every illegal answer before it is shown, and an engine for those who ask for it.
//
// Operations that never returned are given a return after everything else. That is enough, because every one of them
// may be ordered at the very end, where nobody observes its effect: a write harms nobody there, and a compare-and-set
// whose expectation does not hold leaves the state as it is. So "it happened at some time" and "it never happened" are
// both among the orders tried.
type porcupineEngine struct{}

func (porcupineEngine) name() string { return "porcupine" }

// patience is how many steps pass between two looks at the context.
const patience = 1024

func (porcupineEngine) decide(
	ctx context.Context, o *linear.Object, m linear.Model, meter *meter,
) (linear.Answer, error) {
	if len(o.Ops) == 0 {
		return linear.Legal, nil
	}
	// Each configuration that it has seen names every operation with a bit.
	each := int64(len(o.Ops))/8 + 96
	input := make([]porcupine.Operation, len(o.Ops))
	for i := range o.Ops {
		input[i] = porcupine.Operation{Input: &o.Ops[i], Call: o.Ops[i].Call, Return: o.Ops[i].Return}
	}
	var stopped error
	// Once stopped, nothing fits any more: the search backs out along its path and returns, without a goroutine left.
	step := func(state, input, _ any) (bool, any) {
		if stopped != nil {
			return false, state
		}
		n := meter.steps.Add(1)
		if meter.limit > 0 && n > meter.limit {
			stopped = linear.ErrSteps
			return false, state
		}
		if n%patience == 1 {
			meter.bytes.Store(n * each)
			if ctx.Err() != nil {
				stopped = context.Cause(ctx)
				return false, state
			}
		}
		next, fits := m.Step(state.(int32), input.(*linear.Op))
		return fits, next
	}
	ok := porcupine.CheckOperations(porcupine.Model{
		Init:  func() any { return m.Init() },
		Step:  step,
		Equal: func(a, b any) bool { return a.(int32) == b.(int32) },
		Hash:  func(state any) uint64 { return uint64(uint32(state.(int32))) * 0x9e3779b97f4a7c15 },
	}, input)
	switch {
	case stopped != nil:
		return linear.Undecided, stopped
	case ok:
		return linear.Legal, nil
	}
	return linear.Illegal, nil
}
