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
// through all bonds twice at most.
//
// Every node has a place of its own, and a way back to itself crosses the border between two places backwards if it
// crosses it at all. So no ring leaves the stretch that bonds against the order of the places cover without a gap, and
// where that order fits nearly everything there is little to look at.
//
// Cost: O(nodes + bonds), and O(n log n) in those against the order.
func (p *pool) cycle(place []int32, all bonds) []int32 {
	stretches, count := against(place, all)
	if len(stretches) == 0 {
		return nil
	}
	g := graph{pool: p, nodes: len(place), all: all, inside: p.take(count)[:0]}
	g.start, g.demands = p.zeros(g.nodes+1), p.zeros(g.nodes)
	here := reach{0, -1} // the stretch that was looked at last
	for n := range all.count {
		b, is := all.at(n)
		if !is {
			continue
		}
		first, last := place[b.from], place[b.to]
		if last < first {
			first, last = last, first
		}
		if first < here.first || first > here.last {
			at := sort.Search(len(stretches), func(i int) bool { return stretches[i].last >= first })
			if at == len(stretches) || stretches[at].first > first {
				continue
			}
			here = stretches[at]
		}
		if last <= here.last {
			g.add(n, b)
		}
	}
	found := g.ring()
	p.give(g.inside, g.start, g.demands)
	return found
}

// against returns the stretches that bonds against the order of the places cover, in order, and how many bonds there
// are in all. Stretches that meet at a node are one, for it must belong to one of them.
func against(place []int32, all bonds) (found []reach, count int) {
	for n := range all.count {
		b, is := all.at(n)
		if !is {
			continue
		}
		count++
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
		return nil, count
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
	return found[:n+1], count
}

// graph is some of the bonds between nodes.
type graph struct {
	*pool
	nodes   int
	all     bonds
	inside  []int32 // the numbers of those bonds, ascending
	start   []int32 // by node: how many lead from it, and then where in out these begin, and where the last ones end
	demands []int32 // by node: how many nodes must still come before it
	out, to []int32 // bonds by the nodes from which they lead, and beside them the nodes to which
}

func (g *graph) add(n int32, b bond) {
	g.inside = append(g.inside, n)
	g.start[b.from]++
	g.demands[b.to]++
}

// ring returns bonds that lead from a node back to itself, as few as there are for that node; none where there is no
// such node.
//
// Cost: O(nodes + bonds).
func (g *graph) ring() []int32 {
	sum := int32(0)
	for n, count := range g.start {
		g.start[n], sum = sum, sum+count
	}
	fill := g.take(g.nodes)
	copy(fill, g.start)
	g.out, g.to = g.take(len(g.inside)), g.take(len(g.inside))
	for _, i := range g.inside {
		b, _ := g.all.at(i)
		at := fill[b.from]
		g.out[at], g.to[at], fill[b.from] = i, b.to, at+1
	}
	free := fill[:0]
	for n, d := range g.demands {
		if d == 0 {
			free = append(free, int32(n))
		}
	}
	for done := 0; done < len(free); done++ {
		n := free[done]
		for _, to := range g.to[g.start[n]:g.start[n+1]] {
			if g.demands[to]--; g.demands[to] == 0 {
				free = append(free, to)
			}
		}
	}
	var found []int32
	if len(free) < g.nodes {
		found = g.around(g.onRing(fill), fill)
	}
	g.give(fill, g.out, g.to)
	return found
}

// left reports whether a node is on a ring, or comes after one.
func (g *graph) left(n int32) bool { return g.demands[n] > 0 }

// onRing returns a node of a ring: each of those that are left has another before it, so that going back leads into
// one. It needs a number for each node.
func (g *graph) onRing(before []int32) int32 {
	at := int32(-1)
	for _, i := range g.inside {
		if b, _ := g.all.at(i); g.left(b.from) && g.left(b.to) {
			before[b.to], at = b.from, b.to
		}
	}
	for range g.nodes {
		at = before[at]
	}
	return at
}

// around finds the shortest way from a node back to itself. It needs a number for each node.
func (g *graph) around(node int32, came []int32) []int32 {
	for n := range came {
		came[n] = -1 // the bond by which a node was reached first
	}
	whole := g.take(g.nodes + 1)
	queue := append(whole[:0], node)
	for next := 0; came[node] < 0; next++ {
		n := queue[next]
		for at := g.start[n]; at < g.start[n+1]; at++ {
			if to := g.to[at]; came[to] < 0 && g.left(to) {
				came[to] = g.out[at]
				queue = append(queue, to)
			}
		}
	}
	way := append(queue[:0], came[node])
	for from := g.from(came[node]); from != node; from = g.from(came[from]) {
		way = append(way, came[from])
	}
	found := slices.Clone(way)
	g.give(whole)
	return found
}

// from is where a bond leads from.
func (g *graph) from(n int32) int32 {
	b, _ := g.all.at(n)
	return b.from
}
