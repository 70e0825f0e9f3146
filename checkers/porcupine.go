package checkers

import (
	"context"

	"github.com/anishathalye/porcupine"
)

// searcher is the engine behind everything: porcupine's depth-first search (Wing & Gong 1993 with Lowe's memory of
// configurations, 2017). This is the only file that knows porcupine.
//
// Operations that never returned are given a return after everything else. That is enough, because every one of them
// may be ordered at the very end, where nobody observes its effect: a write harms nobody there, and a compare-and-set
// whose expectation does not hold leaves the state as it is. So "it happened at some time" and "it never happened" are
// both among the orders tried.
type searcher struct{}

// patience is how many steps pass between two looks at the context.
const patience = 1024

func (searcher) decide(ctx context.Context, object sequential, ops []op, m *meter) (answer, error) {
	if len(ops) == 0 {
		return legal, nil
	}
	m.width.Store(int64(len(ops)))
	input := make([]porcupine.Operation, len(ops))
	for i := range ops {
		input[i] = porcupine.Operation{Input: &ops[i], Call: int64(ops[i].call), Return: int64(ops[i].ret)}
	}
	var stopped error
	// Once stopped, nothing fits any more: the search backs out along its path and returns, without a goroutine left.
	step := func(state, input, _ any) (bool, any) {
		if stopped != nil {
			return false, state
		}
		n := m.steps.Add(1)
		if m.limit > 0 && n > m.limit {
			stopped = errSteps
			return false, state
		}
		if n%patience == 1 && ctx.Err() != nil {
			stopped = context.Cause(ctx)
			return false, state
		}
		next, fits := object.step(state.(int32), input.(*op))
		return fits, next
	}
	ok := porcupine.CheckOperations(porcupine.Model{
		Init:  func() any { return int32(0) },
		Step:  step,
		Equal: func(a, b any) bool { return a.(int32) == b.(int32) },
		Hash:  func(state any) uint64 { return uint64(uint32(state.(int32))) * 0x9e3779b97f4a7c15 },
	}, input)
	switch {
	case stopped != nil:
		return undecided, stopped
	case ok:
		return legal, nil
	}
	return illegal, nil
}
