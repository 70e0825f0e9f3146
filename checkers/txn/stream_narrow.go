package txn

import (
	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/harness/history"
)

// Narrow returns what leaves of every transaction only its operations on some keys, which [stream.Suspects] named, and
// reports whether there are any. What is wrong with these is wrong with the whole: in an order of all transactions,
// what is left of each would see the same.
func (*stream) Narrow(names map[string]bool) func(*history.Op) bool {
	if names[everything] {
		return func(*history.Op) bool { return true }
	}
	open := map[int]bool{}
	return func(op *history.Op) bool {
		invoked := op.Type == history.Invoke
		if !invoked && !open[op.Process] {
			return false
		}
		delete(open, op.Process)
		ops, _ := values.Elements(op.Value)
		var left []any
		for _, o := range ops {
			if parts, _ := o.([]any); len(parts) == 3 && names[keyName(parts[1])] {
				left = append(left, o)
			}
		}
		if invoked && len(left) == 0 {
			return false
		}
		open[op.Process] = invoked
		if len(left) > 0 {
			op.Value = left
		}
		return true
	}
}
