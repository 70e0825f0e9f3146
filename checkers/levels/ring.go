package levels

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// bond says that a node has to come before another, and which two operations demand it; -1 is none.
type bond struct{ from, to, before, after int32 }

// reach is a stretch of places.
type reach struct{ first, last int32 }

// cycle returns bonds that lead from a node back to itself, none where there is no such node. It goes through the bonds
// three times at most.
//
// Every node has a place of its own, and a way back to itself crosses the border between two places backwards if it
// crosses it at all. So no ring leaves the stretch that bonds against the order of the places cover without a gap, and
// where that order fits nearly everything there is little to look at.
//
// Cost: O(nodes + bonds), and O(n log n) in those against the order.
func cycle(place []int32, bonds iter.Seq[bond]) []bond {
	var stretches []reach
	for b := range bonds {
		if from, to := place[b.from], place[b.to]; to < from {
			stretches = append(stretches, reach{to, from})
		}
	}
	if len(stretches) == 0 {
		return nil
	}
	stretches = joined(stretches)
	stretch := func(n int32) int { // the last that begins at the node or before it
		at := place[n]
		return sort.Search(len(stretches), func(i int) bool { return stretches[i].first > at }) - 1
	}
	within := func(b bond) bool {
		s := stretch(b.from)
		return s >= 0 && s == stretch(b.to) && max(place[b.from], place[b.to]) <= stretches[s].last
	}
	count := 0
	for b := range bonds {
		if within(b) {
			count++
		}
	}
	inside := make([]bond, 0, count)
	for b := range bonds {
		if within(b) {
			inside = append(inside, b)
		}
	}
	return ring(len(place), inside)
}

// joined are the stretches with those made one that cross a border together.
func joined(all []reach) []reach {
	slices.SortFunc(all, func(a, b reach) int { return cmp.Compare(a.first, b.first) })
	n := 0
	for _, s := range all[1:] {
		if s.first <= all[n].last { // also where they meet at a node, which must belong to one of them
			all[n].last = max(all[n].last, s.last)
		} else {
			n++
			all[n] = s
		}
	}
	return all[:n+1]
}

// ring returns bonds that lead from a node back to itself, as few as there are for that node; none where there is no
// such node.
//
// Cost: O(nodes + bonds).
func ring(nodes int, bonds []bond) []bond {
	start, demands := make([]int32, nodes+1), make([]int32, nodes) // demands: how many must still come before
	for _, b := range bonds {
		start[b.from]++
		demands[b.to]++
	}
	sum := int32(0)
	for n := range start {
		sum, start[n] = sum+start[n], sum
	}
	out, fill := make([]int32, len(bonds)), slices.Clone(start[:nodes])
	for i, b := range bonds {
		out[fill[b.from]] = int32(i)
		fill[b.from]++
	}
	free := fill[:0]
	for n, d := range demands {
		if d == 0 {
			free = append(free, int32(n))
		}
	}
	for done := 0; done < len(free); done++ {
		n := free[done]
		for _, i := range out[start[n]:start[n+1]] {
			to := bonds[i].to
			if demands[to]--; demands[to] == 0 {
				free = append(free, to)
			}
		}
	}
	if len(free) == nodes {
		return nil
	}
	left := func(n int32) bool { return demands[n] > 0 }
	outOf := func(n int32) []int32 { return out[start[n]:start[n+1]] }
	return around(nodes, onRing(nodes, bonds, left), bonds, outOf, left)
}

// onRing returns a node of a ring: each of those that are left has another before it, so that going back leads into
// one.
func onRing(nodes int, bonds []bond, left func(int32) bool) int32 {
	before := unset(nodes)
	at := int32(-1)
	for _, b := range bonds {
		if left(b.from) && left(b.to) {
			before[b.to], at = b.from, b.to
		}
	}
	for range nodes {
		at = before[at]
	}
	return at
}

// around finds the shortest way from a node back to itself.
func around(nodes int, node int32, bonds []bond, out func(int32) []int32, left func(int32) bool) []bond {
	came := unset(nodes) // the bond by which a node was reached first
	for queue := []int32{node}; ; queue = queue[1:] {
		for _, i := range out(queue[0]) {
			to := bonds[i].to
			if came[to] >= 0 || !left(to) {
				continue
			}
			came[to] = i
			queue = append(queue, to)
		}
		if i := came[node]; i >= 0 {
			way := []bond{bonds[i]}
			for bonds[i].from != node {
				i = came[bonds[i].from]
				way = append(way, bonds[i])
			}
			return way
		}
	}
}
