package linear

import (
	"fmt"
	"math"
)

// Replay checks the proof of a legal answer: that the order holds every operation that returned exactly once and
// pending ones at most once, that no operation stands before one which had returned when it was called, and that every
// answer is the one which the model gives in this order. The error says what is wrong with it.
//
// It trusts nothing but the model. Cost: O(n), one pass over the order.
func Replay(o *Object, m Model, order []int32) error {
	latest := int64(math.MinInt64)
	return replay(o, m, order, func(op *Op, _ int32) string {
		if op.Return < latest {
			return "after one that was called when it had returned"
		}
		latest = max(latest, op.Call)
		return ""
	})
}

// ReplayInterleaving is [Replay] for an order that [Sequential] found: in place of real time it goes by the order of
// every process. processes are by operation, and numbered from 0.
func ReplayInterleaving(o *Object, processes []int32, m Model, order []int32) error {
	latest := make([]int64, len(o.Ops)) // by process, of which there are no more
	return replay(o, m, order, func(op *Op, i int32) string {
		last := &latest[processes[i]]
		if op.Return < *last {
			return "after one that its process called when it had returned"
		}
		*last = max(*last, op.Call)
		return ""
	})
}

// replay asks of every operation in its place what is against it.
func replay(o *Object, m Model, order []int32, against func(op *Op, i int32) string) error {
	placed := make([]uint64, (len(o.Ops)+63)/64)
	state := m.Init()
	for nth, i := range order {
		if i < 0 || int(i) >= len(o.Ops) {
			return fmt.Errorf("place %d of the order holds operation %d of %d", nth, i, len(o.Ops))
		}
		if placed[i/64]&(1<<(i%64)) != 0 {
			return fmt.Errorf("place %d of the order holds operation %d for the second time", nth, i)
		}
		placed[i/64] |= 1 << (i % 64)
		op := &o.Ops[i]
		if why := against(op, i); why != "" {
			return fmt.Errorf("place %d of the order holds operation %d, %s", nth, i, why)
		}
		next, fits := m.Step(state, op)
		if !fits {
			return fmt.Errorf("place %d of the order holds operation %d, whose answer does not fit there", nth, i)
		}
		state = next
	}
	for i := range o.Ops {
		if !o.Ops[i].Pending() && placed[i/64]&(1<<(i%64)) == 0 {
			return fmt.Errorf("operation %d had returned and is missing from the order", i)
		}
	}
	return nil
}
