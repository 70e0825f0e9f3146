package linear

import (
	"context"
	"unsafe"
)

// mostAtOnce is how many configurations Refute goes on with.
const mostAtOnce = 1 << 15

// Refute looks for the first return at which no order of an object is left, event by event and all orders at once (see
// configurations). It is what [Search] is not good at: where many operations never returned, a search that goes deep
// first uses up some of them here and others there, again and again, while of all orders at once only those stay that
// used up least. Of what is legal it finds no order.
//
// It returns the operation that returned there. Otherwise that is -1, and the cause says what ended it early: that of the
// context, [ErrSteps], where each configuration at each event is a step, or [ErrMemory], also where there would be more
// than 32,768 configurations at once or more than 64 operations open, or more than 1,024 because of operations that never
// returned, and then neither of two bounds knows. Without a cause the object is legal.
//
// Cost: as for Search, O(c 2^c n) and less; memory for the configurations of one event.
func Refute(ctx context.Context, o *Object, m Valued, budget Budget) (at int32, cause error) {
	c := newConfigurations(m, mostAtOnce)
	returns := byReturn(o.Ops, returned(o.Ops))
	slots := make([]int, len(o.Ops))
	called, steps := 0, int64(0)
	for _, i := range returns {
		for ; called < len(o.Ops) && o.Ops[called].Call < o.Ops[i].Return; called++ {
			slots[called] = c.start(o.Ops[called])
		}
		c.end(slots[i])
		steps += int64(len(c.now)) + 1
		if budget.Watch != nil {
			budget.Watch(steps, c.bytes())
		}
		switch {
		case c.tooMany, budget.Memory > 0 && c.bytes() > budget.Memory:
			return -1, ErrMemory
		case c.broken:
			return i, nil
		case ctx.Err() != nil:
			return -1, context.Cause(ctx)
		case budget.Steps > 0 && steps > budget.Steps:
			return -1, ErrSteps
		}
	}
	return -1, nil
}

// bytes is about how much memory the configurations take, and what is used to make them.
func (c *configurations) bytes() int64 {
	const each = int64(unsafe.Sizeof(configuration{})) + 16
	n := each * int64(cap(c.now)+cap(c.next.all)+cap(c.work.all))
	if c.high != nil {
		n += c.high.bytes()
	}
	return n
}
