package linear

import (
	"cmp"
	"slices"
)

// bound is whether configurations are all that are possible. What multiplies them is which of those that never returned
// were used up, and then they go on as two: below are some that are possible, and above is for each way in which it may
// stand at least as much left as there can be. While there are some below the object is legal, and once there are none
// above it is not. Where there are none below and some above nobody knows.
type bound uint8

const (
	exactly bound = iota
	below
	above
)

const (
	// mostExactly is how many configurations may come up before there are bounds.
	mostExactly = 1024
	// mostBelow is how many configurations may come up below.
	mostBelow = 512
	// mostAbove is the same above.
	mostAbove = 1 << 15
	// keptBelow is with how many of them it goes on.
	keptBelow = 128
	// alikeBelow is how many there are of one state and the same effects.
	alikeBelow = 4
)

// split goes on with bounds, from before a return.
func (c *configurations) split(slot int) {
	c.high = c.copied()
	c.high.bound, c.bound = above, below
	c.high.most = mostAbove
	c.high.end(slot)
}

// descend fills next below: where that goes without what never returned, without it, and otherwise with as few
// configurations as it takes.
func (c *configurations) descend(slot int) {
	c.most = mostBelow
	c.explore(slot, false)
	for whole := false; len(c.next.all) == 0 && !whole && c.most <= mostAbove; c.most *= 4 {
		whole = c.explore(slot, true)
	}
}

// judge finds out what it means if none are left.
func (c *configurations) judge() {
	switch h := c.high; {
	case h == nil:
		c.broken = len(c.now) == 0
	case h.tooMany:
		c.tooMany = true
	case h.broken:
		c.broken = true
	default:
		c.tooMany = c.tooMany || len(c.now) == 0
	}
}

// price is what it costs to use up one of a class: the more the fewer there are, and more for what fits everywhere.
func (w *idlers) price() int32 {
	price := int32(1<<16) / w.count
	if w.needs == anyState {
		price *= 2
	}
	return price
}

// reckon finds the price of what is used.
func (c *configurations) reckon(n *configuration) {
	n.price = 0
	for u := n.used; u != nil; u = u.next {
		n.price += u.count * c.waiting[u.class].price()
	}
}

// cheapest lets those go that used up most.
func (c *configurations) cheapest() {
	if len(c.now) > keptBelow {
		slices.SortStableFunc(c.now, func(a, b configuration) int { return cmp.Compare(a.price, b.price) })
		c.now = c.now[:keptBelow]
	}
}
