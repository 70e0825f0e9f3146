package txn

// order adds to a graph who came before whom by session and by the clock.
//
// Of the clock it makes one vertex for each call, from which the later ones are reached: whoever returned leads to the
// first call after that. So it takes O(n) edges, however much went on at once.
func (s *script) order(g *graph, vertexOf []int32) {
	type event struct {
		at  int
		txn int32
	}
	calls := make([]event, 0, len(s.txns))
	last := map[int]int32{}
	for t := range s.txns {
		v := vertexOf[t]
		if v < 0 {
			continue
		}
		tx := &s.txns[t]
		if before, has := last[tx.process]; has {
			g.edge(before, v, session)
		}
		last[tx.process] = v
		calls = append(calls, event{tx.call, v})
	}
	if len(calls) == 0 {
		return
	}
	first := int32(g.vertices)
	for i := range calls {
		c := g.vertex()
		g.edge(c, calls[i].txn, 0)
		if i > 0 {
			g.edge(c-1, c, 0)
		}
	}
	// The history is in the order of the calls. The returns come in the order of the calls that they are before.
	for t := range s.txns {
		v, ret := vertexOf[t], s.txns[t].ret
		if v < 0 || !s.txns[t].committed {
			continue
		}
		low, high := 0, len(calls)
		for low < high {
			if middle := (low + high) / 2; calls[middle].at > ret {
				high = middle
			} else {
				low = middle + 1
			}
		}
		if low < len(calls) {
			g.edge(v, first+int32(low), clock)
		}
	}
}
