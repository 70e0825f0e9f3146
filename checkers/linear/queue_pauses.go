package linear

import (
	"cmp"
	"slices"
)

// pause is a dequeue that found nothing, and the event after which the queue can have been empty.
type pause struct {
	op int32
	at int64
}

// turn is an event at which it changes what is certainly in a queue.
type turn struct {
	event int64
	sort  turnSort
	op    int32 // of one that finds nothing
}

type turnSort uint8

const (
	goesIn   turnSort = iota // a value is in from here on, for certain
	mayGo                    // a value may be out from here on
	stays                    // a value is in for good, but for dequeues that never returned
	mayTake                  // one of those was called
	asks                     // a dequeue that finds nothing was called
	hasAsked                 // it returned
)

// pauses finds for each dequeue that found nothing the first event after which the queue can have been empty: no value
// is in that came out later, and of those that stay there are no more than dequeues that never returned have been
// called.
func (q *Queues) pauses() {
	q.points = q.points[:0]
	inside, stayed, open := 0, 0, []int32(nil)
	for _, t := range q.turns() {
		switch t.sort {
		case goesIn:
			inside++
		case mayGo:
			inside--
		case stays:
			stayed++
		case mayTake:
			stayed--
		case asks:
			open = append(open, t.op)
		case hasAsked:
			if at := slices.Index(open, t.op); at >= 0 {
				q.full(t.op)
				return
			}
		}
		if inside == 0 && stayed <= 0 {
			for _, i := range open {
				q.points = append(q.points, pause{i, t.event})
			}
			open = open[:0]
		}
	}
}

func (q *Queues) turns() []turn {
	if len(q.empties) == 0 {
		return nil
	}
	var turns []turn
	ops := q.object.Ops
	for _, value := range q.given {
		switch v := &q.items[value]; {
		case v.out < 0:
			turns = append(turns, turn{v.ret, stays, 0})
		case v.ret < v.taken:
			turns = append(turns, turn{v.ret, goesIn, 0}, turn{v.taken, mayGo, 0})
		}
	}
	for _, i := range q.takers {
		turns = append(turns, turn{ops[i].Call, mayTake, 0})
	}
	for _, i := range q.empties {
		turns = append(turns, turn{ops[i].Call, asks, i}, turn{ops[i].Return, hasAsked, i})
	}
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Compare(a.event, b.event) })
	return turns
}

// full notes a dequeue that found nothing although at every moment some value was certainly in the queue: one that came
// out later, or more that stayed than can have been taken.
func (q *Queues) full(i int32) {
	ops := q.object.Ops
	o := &ops[i]
	called, _ := slices.BinarySearchFunc(q.takers, o.Return, func(t int32, at int64) int {
		return cmp.Compare(ops[t].Call, at)
	})
	takers := q.takers[:called]
	stayed := q.stayed[:min(q.in(o.Return), called+1)]
	witness, needed := []int32{i}, false
	for at := o.Call; at < o.Return; {
		for len(takers) > 0 && ops[takers[0]].Call <= at {
			takers = takers[1:]
		}
		if q.in(at) > called-len(takers) {
			needed = true
			if at = o.Return; len(takers) > 0 {
				at = ops[takers[0]].Call
			}
			continue
		}
		best := int32(-1)
		for _, value := range q.given {
			v := &q.items[value]
			if v.out >= 0 && v.ret <= at && v.taken > at && (best < 0 || v.taken > q.items[best].taken) {
				best = value
			}
		}
		witness = append(witness, q.items[best].in, q.items[best].out)
		at = q.items[best].taken
	}
	if needed {
		witness = append(witness, q.takers[:called]...)
		for _, value := range stayed {
			witness = append(witness, q.items[value].in)
		}
	}
	q.note(NotEmpty, witness...)
}

// in returns how many of the values that stay were certainly in by some event.
func (q *Queues) in(event int64) int {
	n, _ := slices.BinarySearchFunc(q.stayed, event+1, func(v int32, at int64) int {
		return cmp.Compare(q.items[v].ret, at)
	})
	return n
}
