package linear

import (
	"math"
	"math/bits"
)

// pool is configurations none of which covers another.
type pool struct {
	all         []configuration // those of state gone count no more
	change      uint64          // the positions of those that do not only observe
	blind       uint64
	waiting     []idlers
	bound       bound
	alike, dear int     // below, of the configuration that is added: how many there are of its effects, and which costs most
	seen        int     // those before it stay, for somebody has walked past them
	next        []int32 // of each the next of the same place in the table, plus one
	first       []place // the table, of a power of two
	filled      uint32  // which times of the table count
}

// gone is no state.
const gone = math.MinInt32

// place is a chain of configurations, as the table had it at a time.
type place struct {
	filled uint32
	first  int32 // plus one
}

// fewConfigurations are looked through one by one.
const fewConfigurations = 12

func (p *pool) reset(c *configurations) {
	p.all, p.next, p.seen = p.all[:0], p.next[:0], 0
	p.change, p.blind, p.waiting, p.bound = c.change, c.blind, c.waiting, c.bound
}

// add takes a configuration in, unless there is one that covers it, and lets those go that it covers.
func (p *pool) add(n *configuration) {
	p.alike = 0
	if len(p.all) < fewConfigurations {
		for i := range p.all {
			if !p.adds(n, i) {
				return
			}
		}
		if p.room(n) {
			p.all = append(p.all, *n)
		}
		return
	}
	if len(p.next) == 0 || 2*len(p.all) > len(p.first) {
		p.index()
	}
	at := p.at(n)
	for i := at.first; i > 0; i = p.next[i-1] {
		if !p.adds(n, int(i-1)) {
			return
		}
	}
	if p.room(n) {
		p.all = append(p.all, *n)
		p.next = append(p.next, at.first)
		at.first = int32(len(p.all))
	}
}

// adds reports whether a configuration adds anything to the one at a position, and lets that go where the new one covers
// it.
func (p *pool) adds(n *configuration, i int) bool {
	o := &p.all[i]
	switch {
	case o.state != n.state:
	case p.covers(o, n):
		return false
	case i >= p.seen && p.covers(n, o):
		o.state = gone
	case p.bound != exactly && (o.placed^n.placed)&p.change == 0:
		p.merge(n, i)
	}
	return true
}

// merge is for two of the same effects of which neither covers the other. Above there is one, which covers both: the new
// one becomes that. Below it notes which one cost most.
func (p *pool) merge(n *configuration, i int) {
	o := &p.all[i]
	if p.bound == above {
		n.placed |= o.placed
		n.free |= o.free
		n.used = n.used.least(o.used)
		if i >= p.seen {
			o.state = gone
		}
		return
	}
	if p.alike++; p.alike == 1 || o.price > p.all[p.dear].price {
		p.dear = i
	}
}

// room makes room for another one below, of which few are kept of the same effects: those that cost least. False: it is
// none of them.
func (p *pool) room(n *configuration) bool {
	if p.bound != below || p.alike < alikeBelow {
		return true
	}
	o := &p.all[p.dear]
	if o.price <= n.price {
		return false
	}
	if p.dear >= p.seen {
		o.state = gone
	}
	return true
}

// covers reports whether whatever comes of another of the same state comes of this one too: it has at least as much left
// to take effect, no more that still has to, and used up no more of what never returned. A blind write that may as well
// have stood unseen is left, and does not have to.
func (p *pool) covers(n, other *configuration) bool {
	return n.placed&^other.placed&p.change == 0 && (other.placed|other.free)&^(n.placed|n.free) == 0 &&
		n.used.within(other.used, p.waiting)
}

// at returns the place in the table of those that can cover each other: of one state, with the same effects but for blind
// writes.
func (p *pool) at(n *configuration) *place {
	const mix = 0x9e3779b97f4a7c15
	h := (n.placed&p.change&^p.blind ^ uint64(uint32(n.state))*mix) * mix
	at := &p.first[h>>(64-bits.Len(uint(len(p.first)-1)))]
	if at.filled != p.filled {
		*at = place{filled: p.filled}
	}
	return at
}

// index fills a table, at least four times as large as what there is.
func (p *pool) index() {
	if 4*len(p.all) > len(p.first) {
		p.first, p.filled = make([]place, 1<<bits.Len(uint(4*len(p.all)))), 0
	}
	if p.filled++; p.filled == 0 {
		clear(p.first)
		p.filled = 1
	}
	p.next = p.next[:0]
	for i := range p.all {
		at := p.at(&p.all[i])
		p.next = append(p.next, at.first)
		at.first = int32(i + 1)
	}
}
