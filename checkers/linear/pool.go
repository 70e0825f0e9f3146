package linear

import "math/bits"

// pool is configurations none of which is as good as another of the same state, with the same effects.
type pool struct {
	all    []configuration
	change uint64  // the positions of those that do not only observe
	stays  bool    // what is in it stays, for somebody walks through it
	next   []int32 // of each the next of the same place in the table, plus one
	first  []place // the table, of a power of two
	filled uint32  // which times of the table count
}

// place is a chain of configurations, as the table had it at a time.
type place struct {
	filled uint32
	first  int32 // plus one
}

// fewConfigurations are looked through one by one.
const fewConfigurations = 12

func (p *pool) reset(change uint64) {
	p.all, p.next, p.change = p.all[:0], p.next[:0], change
}

func (p *pool) same(a, b *configuration) bool {
	return a.state == b.state && (a.placed^b.placed)&p.change == 0
}

// add takes a configuration in, unless there is one that is as good.
func (p *pool) add(n *configuration) {
	if len(p.all) < fewConfigurations {
		for i := range p.all {
			if p.same(&p.all[i], n) && p.settled(i, n) {
				return
			}
		}
		p.all = append(p.all, *n)
		return
	}
	if len(p.next) == 0 || 2*len(p.all) > len(p.first) {
		p.index()
	}
	at := p.at(n)
	for i := at.first; i > 0; i = p.next[i-1] {
		if p.same(&p.all[i-1], n) && p.settled(int(i-1), n) {
			return
		}
	}
	p.all = append(p.all, *n)
	p.next = append(p.next, at.first)
	at.first = int32(len(p.all))
}

// settled reports whether of two of the same state and effects one is enough, and keeps that one.
func (p *pool) settled(i int, n *configuration) bool {
	switch {
	case p.all[i].covers(n):
	case !p.stays && n.covers(&p.all[i]):
		p.all[i] = *n
	default:
		return false
	}
	return true
}

// at returns the place in the table of those of the same state and effects.
func (p *pool) at(n *configuration) *place {
	const mix = 0x9e3779b97f4a7c15
	h := (n.placed&p.change ^ uint64(uint32(n.state))*mix) * mix
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

// covers reports whether whatever comes of another of the same state and effects comes of this one too.
func (n *configuration) covers(other *configuration) bool {
	return n.placed&other.placed == other.placed && n.free&other.free == other.free && n.used.within(other.used)
}
