package linear

import (
	"math/bits"
	"slices"
)

// extend makes the configurations in which the operation has taken effect of those in which it has not. Where there are
// too many it goes on with bounds.
func (c *configurations) extend(slot int) {
	if c.bound != below && !c.explore(slot, true) {
		if c.tooMany = c.tooMany || c.bound == above || len(c.class) == 0; c.tooMany {
			return
		}
		c.split(slot)
	}
	if c.bound == below {
		c.descend(slot)
	}
	c.now = c.now[:0]
	for i := range c.next.all {
		if c.next.all[i].state != gone {
			c.now = append(c.now, c.next.all[i])
		}
	}
	if c.bound == below {
		c.cheapest()
	}
}

// explore fills next, with what never returned or without. It reports whether it did not find too many.
func (c *configurations) explore(slot int, lost bool) bool {
	bit, most := uint64(1)<<slot, c.most
	if c.lost = lost && len(c.class) > 0; c.lost && c.bound == exactly {
		most = min(most, mostExactly)
	}
	c.next.reset(c)
	c.work.reset(c)
	for i := range c.now {
		c.reach(&c.now[i], bit)
	}
	for i := 0; i < len(c.work.all); i++ {
		n := c.work.all[i]
		if c.work.seen = i + 1; n.state == gone {
			continue
		}
		if c.change&bit != 0 {
			c.place(n, slot, bit)
			if n.free&bit != 0 {
				m := n
				m.free &^= bit
				c.next.add(&m)
			}
		}
		c.others(&n, bit)
		if len(c.work.all)+len(c.next.all) > most {
			return false
		}
	}
	return true
}

// reach sorts a configuration to those in which the operation that returns has taken effect, or the others.
func (c *configurations) reach(n *configuration, bit uint64) {
	m := *n
	if n.placed&bit == 0 {
		c.work.add(&m)
		return
	}
	m.placed &^= bit
	m.free &^= bit
	c.next.add(&m)
}

// place lets an open operation take effect where it fits, while the one of bit returns.
func (c *configurations) place(n configuration, slot int, bit uint64) {
	switch {
	case c.valued == nil:
		n.state, _ = c.model.Step(n.state, &c.ops[slot])
	case c.needs[slot] != anyState && c.needs[slot] != n.state:
		return
	default:
		n.state = c.makes[slot]
	}
	n.placed |= 1 << slot
	if c.blind&(1<<slot) != 0 {
		n.free = c.blind
	}
	c.arrive(&n, bit)
}

// arrive lets those look who wait for the state, once it has changed.
func (c *configurations) arrive(n *configuration, bit uint64) {
	if c.valued == nil && n.state >= near {
		c.tooMany = true // the model would remember every such count
	}
	c.settle(n)
	c.reach(n, bit)
}

// settle lets observers look, and notes which blind writes bring about nothing new.
func (c *configurations) settle(n *configuration) {
	n.placed |= of(c.seek, n.state) &^ c.change
	for left := c.vague &^ n.placed; left != 0; left &= left - 1 {
		if i := bits.TrailingZeros64(left); c.fits(n.state, i) {
			n.placed |= 1 << i
		}
	}
	n.free = (n.free | of(c.bring, n.state)) &^ n.placed
}

// others places one other operation than the one of bit, whichever are of use.
func (c *configurations) others(n *configuration, bit uint64) {
	left := c.change &^ n.placed &^ bit
	if c.valued == nil {
		c.towards(n, left, bit)
		return
	}
	for fit := of(c.seek, n.state) & left; fit != 0; fit &= fit - 1 {
		if i := bits.TrailingZeros64(fit); c.earlier[i]&^n.placed == 0 {
			c.place(*n, i, bit)
		}
	}
	if c.lost {
		c.wants(n)
	}
	anything := c.vague&^n.placed != 0
	for left &= c.blind; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		made := c.makes[i]
		if c.earlier[i]&^n.placed == 0 && c.changes(n, made, 1<<i) && (anything || c.wanted(n, made)) {
			c.place(*n, i, bit)
		}
	}
	switch {
	case !c.lost:
	case anything:
		for class := range c.waiting {
			c.lose(n, int32(class), bit)
		}
	default:
		for _, made := range c.want {
			for _, class := range c.suppliers(made) {
				c.lose(n, class, bit)
			}
		}
	}
}

// wanted reports whether an open operation waits for the state, or would for its return, or one that never returned
// would on the way to a state that an open one waits for.
func (c *configurations) wanted(n *configuration, state int32) bool {
	waits := of(c.seek, state) &^ n.placed
	if state == n.state {
		waits &= c.change
	}
	return waits != 0 || c.lost && slices.Contains(c.want, state)
}

// suppliers are the classes that leave a state.
func (c *configurations) suppliers(state int32) []int32 {
	if int(state) < len(c.supply) {
		return c.supply[state]
	}
	return nil
}

// wants finds the states that open operations wait for, directly or by way of some that never returned.
func (c *configurations) wants(n *configuration) {
	c.want = c.want[:0]
	for left := c.open &^ n.placed; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		v := c.needs[i]
		if v != anyState && (v != n.state || c.change&(1<<i) != 0) && !slices.Contains(c.want, v) {
			c.want = append(c.want, v)
		}
	}
	for i := 0; i < len(c.want); i++ {
		for _, class := range c.suppliers(c.want[i]) {
			w := &c.waiting[class]
			if w.needs != anyState && w.count > n.used.of(class) && !slices.Contains(c.want, w.needs) {
				c.want = append(c.want, w.needs)
			}
		}
	}
}

// lose lets one of a class that never returned take effect, where there is one, it can, it is of use, and nothing that is
// less of use later does the same: an open operation, which has to take effect anyway, or instead of one that fits
// everywhere one that fits here. Whatever follows could use the one instead of the other.
func (c *configurations) lose(n *configuration, class int32, bit uint64) {
	w := &c.waiting[class]
	switch {
	case w.count == 0, w.needs != anyState && (w.needs != n.state || w.makes == n.state), w.count <= n.used.of(class):
		return
	case w.needs == anyState && (!c.changes(n, w.makes, 0) || of(c.bring, w.makes)&^n.placed != 0):
		return
	}
	for fit := of(c.seek, n.state) & c.change &^ n.placed; fit != 0; fit &= fit - 1 {
		if c.makes[bits.TrailingZeros64(fit)] == w.makes {
			return
		}
	}
	if w.needs == anyState {
		for _, other := range c.supply[w.makes] {
			if o := &c.waiting[other]; o.needs == n.state && o.count > n.used.of(other) {
				return
			}
		}
	}
	m := *n
	m.state, m.used, m.price = w.makes, n.used.with(class), n.price+w.price()
	if w.needs == anyState {
		m.free = c.blind
	}
	c.arrive(&m, bit)
}

// changes reports whether it is of use that a blind write brings a state about: it is another one, or some blind write
// that is not among those of the bits could have stood unseen before it.
func (c *configurations) changes(n *configuration, state int32, besides uint64) bool {
	return state != n.state || c.blind&^n.placed&^n.free&^besides != 0
}

// towards places one of the additions of left, or one that never returned, where that brings a counter nearer to what
// somebody waits for.
func (c *configurations) towards(n *configuration, left, bit uint64) {
	limit := int64(ever) // the highest
	for looks := c.vague &^ n.placed; looks != 0; looks &= looks - 1 {
		limit = max(limit, c.ops[bits.TrailingZeros64(looks)].Amount())
	}
	if limit == ever {
		return
	}
	nearer := func(op *Op) bool { return c.falls || int64(n.state)+op.Amount() <= limit }
	for ; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		if c.earlier[i]&^n.placed == 0 && nearer(&c.ops[i]) {
			c.place(*n, i, bit)
		}
	}
	for class := range c.waiting {
		w := &c.waiting[class]
		if !c.lost || w.count <= n.used.of(int32(class)) || !nearer(&w.op) {
			continue
		}
		m := *n
		m.state, _ = c.model.Step(n.state, &w.op)
		m.used = n.used.with(int32(class))
		c.arrive(&m, bit)
	}
}
