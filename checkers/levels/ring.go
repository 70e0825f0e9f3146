package levels

import (
	"cmp"
	"slices"
	"sort"
)

// bond says that a node has to come before another, and which two operations demand it; -1 is none.
type bond struct{ from, to, before, after int32 }

// bonds are numbered from 0 on. They are not kept: there are as many as operations, and each is made out again when
// somebody looks at it.
type bonds struct {
	count int32
	// at returns a bond. Not every number stands for one.
	at func(n int32) (b bond, is bool)
}

// reach is a stretch of places.
type reach struct{ first, last int32 }

// cycle returns the numbers of bonds that lead from a node back to itself, none where there is no such node. It goes
// through all bonds three times at most.
//
// Every node has a place of its own, and a way back to itself crosses the border between two places backwards if it
// crosses it at all. So no ring leaves the stretch that bonds against the order of the places cover without a gap, and
// where that order fits nearly everything there is little to look at.
//
// Cost: O(nodes + bonds), and O(n log n) in those against the order.
func (p *pool) cycle(place []int32, all bonds) []int32 {
	if stretches := against(place, all); len(stretches) > 0 {
		return p.ring(place, all, stretches)
	}
	return nil
}

// against returns the stretches that bonds against the order of the places cover, in order. Those that meet at a node
// are one, for it must belong to one of them.
func against(place []int32, all bonds) []reach {
	var found []reach
	for n := range all.count {
		b, is := all.at(n)
		if !is {
			continue
		}
		s := reach{place[b.to], place[b.from]}
		if s.last <= s.first {
			continue
		}
		if last := len(found) - 1; last >= 0 && s.first <= found[last].last && s.last >= found[last].first {
			found[last] = reach{min(found[last].first, s.first), max(found[last].last, s.last)}
		} else {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b reach) int { return cmp.Compare(a.first, b.first) })
	n := 0
	for _, s := range found[1:] {
		if s.first <= found[n].last {
			found[n].last = max(found[n].last, s.last)
		} else {
			n++
			found[n] = s
		}
	}
	return found[:n+1]
}

// graph is the bonds inside some stretches.
type graph struct {
	place   []int32
	all     bonds
	within  []reach
	start   []int32 // by node: where those that lead from it begin in out, and where the last ones end
	demands []int32 // by node: how many nodes must still come before it
	out, to []int32 // the numbers of the bonds, and beside them the nodes to which they lead
}

// each calls a function for the bonds, in order.
func (g *graph) each(do func(n int32, b bond)) {
	here := reach{0, -1} // the stretch that was looked at last
	for n := range g.all.count {
		b, is := g.all.at(n)
		if !is {
			continue
		}
		first, last := g.place[b.from], g.place[b.to]
		if last < first {
			first, last = last, first
		}
		if first < here.first || first > here.last {
			at := sort.Search(len(g.within), func(i int) bool { return g.within[i].last >= first })
			if at == len(g.within) || g.within[at].first > first {
				continue
			}
			here = g.within[at]
		}
		if last <= here.last {
			do(n, b)
		}
	}
}

// ring is cycle inside some stretches. It returns as few bonds as there are for one node.
//
// Cost: O(nodes + bonds).
func (p *pool) ring(place []int32, all bonds, within []reach) []int32 {
	nodes := len(place)
	g := graph{place: place, all: all, within: within, start: p.zeros(nodes + 1), demands: p.zeros(nodes)}
	g.each(func(_ int32, b bond) {
		g.start[b.from]++
		g.demands[b.to]++
	})
	sum := int32(0)
	for n, count := range g.start {
		g.start[n], sum = sum, sum+count
	}
	one, other := p.take(nodes), p.take(nodes+1)
	g.out, g.to = p.take(int(sum)), p.take(int(sum))
	copy(one, g.start)
	g.each(func(n int32, b bond) {
		at := one[b.from]
		g.out[at], g.to[at], one[b.from] = n, b.to, at+1
	})
	var found []int32
	if g.clear(one[:0]) < nodes {
		found = g.around(g.onRing(one, other), one, other)
	}
	p.give(g.start, g.demands, g.out, g.to, one, other)
	return found
}

// from are the bonds that lead from a node: where they begin in out and to, and where they end.
func (g *graph) from(node int32) (first, end int32) { return g.start[node], g.start[node+1] }

// clear takes away what nothing comes before, again and again, and returns how many nodes that were.
func (g *graph) clear(free []int32) int {
	for n, d := range g.demands {
		if d == 0 {
			free = append(free, int32(n))
		}
	}
	for done := 0; done < len(free); done++ {
		first, end := g.from(free[done])
		for _, to := range g.to[first:end] {
			if g.demands[to]--; g.demands[to] == 0 {
				free = append(free, to)
			}
		}
	}
	return len(free)
}

// left reports whether a node is on a ring, or comes after one.
func (g *graph) left(node int32) bool { return g.demands[node] > 0 }

// onRing returns a node of a ring: each of those that are left has another before it, so that going back leads into
// one. It goes back by the last bonds. Before and by are memory, a number for each node.
func (g *graph) onRing(before, by []int32) int32 {
	for n := range by {
		by[n] = -1
	}
	at, last := int32(-1), int32(-1)
	for n := range int32(len(g.place)) {
		if !g.left(n) {
			continue
		}
		first, end := g.from(n)
		for i := first; i < end; i++ {
			if to := g.to[i]; g.left(to) {
				if g.out[i] > by[to] {
					before[to], by[to] = n, g.out[i]
				}
				if g.out[i] > last {
					at, last = to, g.out[i]
				}
			}
		}
	}
	for range g.place {
		at = before[at]
	}
	return at
}

// around finds the shortest way from a node back to itself. Came and queue are memory, a number for each node and one
// more in the queue.
func (g *graph) around(node int32, came, queue []int32) []int32 {
	for n := range came {
		came[n] = -1 // the bond by which a node was reached first
	}
	queue = append(queue[:0], node)
	for next := 0; came[node] < 0; next++ {
		first, end := g.from(queue[next])
		for i := first; i < end; i++ {
			if to := g.to[i]; came[to] < 0 && g.left(to) {
				came[to] = g.out[i]
				queue = append(queue, to)
			}
		}
	}
	way := queue[:0]
	for n := node; len(way) == 0 || n != node; {
		way = append(way, came[n])
		b, _ := g.all.at(came[n])
		n = b.from
	}
	return slices.Clone(way)
}
