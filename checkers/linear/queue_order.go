package linear

import (
	"cmp"
	"container/heap"
	"slices"
)

// write writes the legal order down. The moments at which the queue was empty part it; every value comes and goes in
// one part.
func (q *Queues) write() {
	q.order = q.order[:0]
	slices.SortStableFunc(q.points, func(a, b pause) int { return cmp.Compare(a.at, b.at) })
	byPart := slices.Clone(q.given)
	for _, value := range byPart {
		v := &q.items[value]
		v.part = int32(q.pauseFrom(v.taken))
	}
	slices.SortStableFunc(byPart, func(a, b int32) int { return cmp.Compare(q.items[a].part, q.items[b].part) })
	for n := 0; n <= len(q.points); n++ {
		end := 0
		for end < len(byPart) && q.items[byPart[end]].part == int32(n) {
			end++
		}
		if q.fifo {
			q.writeOrdered(byPart[:end])
		} else {
			q.writeFree(byPart[:end])
		}
		byPart = byPart[end:]
		if n < len(q.points) {
			q.order = append(q.order, q.points[n].op)
		}
	}
}

// writeFree puts everything where it was called, a dequeue not before its enqueue.
func (q *Queues) writeFree(values []int32) {
	type move struct {
		call int64
		op   int32
	}
	moves := make([]move, 0, 2*len(values))
	for _, value := range values {
		v := &q.items[value]
		moves = append(moves, move{v.call, v.in})
		if v.out >= 0 {
			moves = append(moves, move{v.taken, v.out})
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(a.call, b.call) })
	for _, m := range moves {
		q.order = append(q.order, m.op)
	}
}

// writeOrdered finds an order of the values that fits both how they went in and how they came out, and then lets
// everything go in as early as it can.
func (q *Queues) writeOrdered(values []int32) {
	line := q.line(values)
	outs := make([]int64, len(line)+1) // from each place on, when the first of the dequeues had returned
	outs[len(line)] = Never
	for n := len(line) - 1; n >= 0; n-- {
		outs[n] = min(outs[n+1], q.items[line[n]].until)
	}
	in, out := 0, 0
	for in < len(line) {
		if v := &q.items[line[in]]; v.call < outs[out] || out == in {
			q.order = append(q.order, v.in)
			in++
			continue
		}
		q.order = append(q.order, q.items[line[out]].out)
		out++
	}
	for ; out < len(line) && q.items[line[out]].out >= 0; out++ {
		q.order = append(q.order, q.items[line[out]].out)
	}
}

// line returns the values, which are sorted by when they were put in, in the order in which they pass through. Of those
// that may be next in, it is the turn of the one whose dequeue was called first.
func (q *Queues) line(values []int32) []int32 {
	line := make([]int32, 0, len(values))
	byReturn := slices.Clone(values)
	slices.SortFunc(byReturn, func(a, b int32) int { return cmp.Compare(q.items[a].ret, q.items[b].ret) })
	ready := &exits{items: q.items}
	for len(line) < len(values) {
		for q.items[byReturn[0]].gone {
			byReturn = byReturn[1:]
		}
		first := q.items[byReturn[0]].ret
		for len(values) > len(line)+ready.Len() && q.items[values[len(line)+ready.Len()]].call < first {
			heap.Push(ready, values[len(line)+ready.Len()])
		}
		v := heap.Pop(ready).(int32)
		q.items[v].gone = true
		line = append(line, v)
	}
	return line
}

// exits is a heap of values by when their dequeues were called.
type exits struct {
	items  []item
	values []int32
}

func (e *exits) Len() int { return len(e.values) }
func (e *exits) Less(a, b int) bool {
	return e.items[e.values[a]].taken < e.items[e.values[b]].taken
}
func (e *exits) Swap(a, b int) { e.values[a], e.values[b] = e.values[b], e.values[a] }
func (e *exits) Push(v any)    { e.values = append(e.values, v.(int32)) }
func (e *exits) Pop() any {
	v := e.values[len(e.values)-1]
	e.values = e.values[:len(e.values)-1]
	return v
}
