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
	placed := make([]uint64, (len(o.Ops)+63)/64)
	state, latest := m.Init(), int64(math.MinInt64)
	for nth, i := range order {
		if i < 0 || int(i) >= len(o.Ops) {
			return fmt.Errorf("place %d of the order holds operation %d of %d", nth, i, len(o.Ops))
		}
		if placed[i/64]&(1<<(i%64)) != 0 {
			return fmt.Errorf("place %d of the order holds operation %d for the second time", nth, i)
		}
		placed[i/64] |= 1 << (i % 64)
		op := &o.Ops[i]
		if op.Return < latest {
			return fmt.Errorf("place %d of the order holds operation %d, after one that was called when it had returned", nth, i)
		}
		latest = max(latest, op.Call)
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
