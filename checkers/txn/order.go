package txn

import "slices"

// order adds to a graph who came before whom by session and by the clock.
func (s *script) order(g *graph, txnOf []int32) {
	last := make([]int32, s.sessions.count) // plus 1
	for v, t := range txnOf {
		before := &last[s.txns[t].session]
		if *before > 0 {
			g.edge(*before-1, int32(v), session)
		}
		*before = int32(v) + 1
	}
	s.realTime(g, txnOf)
}

// realTime adds who had returned when another was called.
//
// Where calls follow whose that have returned, it makes a vertex from which they and all later calls are reached: whoever
// returned leads to the first such after it. So it takes O(n) edges, however much went on at once.
func (s *script) realTime(g *graph, txnOf []int32) {
	calls := s.callsOf(txnOf)
	next := make([]int32, len(txnOf))     // by vertex, the first that was called when it had returned
	before := make([]int32, len(txnOf)+1) // by vertex, the one that leads to it and all later ones, where one is needed
	for v, t := range txnOf {
		next[v] = int32(len(txnOf))
		if s.txns[t].committed {
			next[v] = calls.after(s.txns[t].ret)
			before[next[v]] = 1
		}
	}
	at := int32(-1)
	for v := range int32(len(txnOf)) {
		if before[v] > 0 {
			before[v] = g.vertex()
			if at >= 0 {
				g.edge(at, before[v], 0)
			}
			at = before[v]
		}
		if at >= 0 {
			g.edge(at, v, 0)
		}
	}
	for v, then := range next {
		if int(then) < len(txnOf) {
			g.edge(int32(v), before[then], clock)
		}
	}
}

// calls finds the first call after an event: it cuts the history into pieces of equal length, about as many as there are
// events, so that few calls are in one.
type calls struct {
	*script
	txnOf []int32
	width uint    // of a piece, as a power of 2
	first []int32 // by piece, the first vertex called in it or later
}

func (s *script) callsOf(txnOf []int32) *calls {
	c := &calls{script: s, txnOf: txnOf}
	if len(txnOf) == 0 {
		return c
	}
	last := s.txns[txnOf[len(txnOf)-1]].call
	for last>>c.width > 4*len(txnOf) {
		c.width++
	}
	c.first = make([]int32, last>>c.width+2)
	piece := 0
	for v, t := range txnOf { // in the order of their calls
		for ; piece <= s.txns[t].call>>c.width; piece++ {
			c.first[piece] = int32(v)
		}
	}
	c.first[piece] = int32(len(txnOf))
	return c
}

// after returns the first vertex that was called after an event, or how many there are.
func (c *calls) after(event int) int32 {
	piece := max(0, event>>c.width)
	if piece > len(c.first)-2 {
		return int32(len(c.txnOf))
	}
	from, to := c.first[piece], c.first[piece+1]
	n, _ := slices.BinarySearchFunc(c.txnOf[from:to], event, func(t int32, event int) int {
		if c.txns[t].call > event {
			return 1
		}
		return -1
	})
	return from + int32(n)
}
