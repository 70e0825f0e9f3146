package linear

import (
	"cmp"
	"context"
	"slices"
)

// The rules that a queue can break, besides Nowhere and Future.
const (
	Redelivered = "a value that was taken out twice"
	Overtaken   = "values that came out against the order in which they went in"
	Passed      = "a value that never came out although later ones did"
	NotEmpty    = "an empty queue with values in it"
)

// Queues decides queues, first in first out or in any order, into which every value was put once (Henzinger, Sezgin &
// Vafeiadis, Aspect-oriented linearizability proofs, 2013). It is exact for them but for one case, some of which it
// leaves with [ErrUnfit]: first in first out, dequeues that never returned, values that never came out, and dequeues
// that found nothing, all together.
//
// A value that certainly was in the queue for some time, from the return of its enqueue to the call of its dequeue,
// keeps a dequeue from finding nothing there; and of two values of which one went in first, the other must not come
// out first.
//
// Cost: O(n log n). A Queues keeps its memory for the next object; it is for one goroutine at a time.
type Queues struct {
	fifo    bool
	object  *Object
	items   []item  // by value
	given   []int32 // the values that take part
	takers  []int32 // dequeues that never returned
	empties []int32 // dequeues that found nothing
	stayed  []int32 // the values that did not come out, by the return of their enqueues
	points  []pause
	order   []int32
	found   []Result
	unfit   bool
}

// item is a value of a queue. Of operations it names the positions, -1 where there is none.
type item struct {
	in, out      int32
	call, ret    int64 // of the enqueue; it had returned when the dequeue had
	taken, until int64 // call and return of the dequeue; it was not before the enqueue was called. Never: it stayed
	next         int32 // of one that stayed: the value that came out first of those which went in later
	part         int32 // after how many of the moments at which the queue was empty it came and went
	gone         bool  // it has its place in the line
}

// NewQueues returns a decider of queues: first in first out, or in any order.
func NewQueues(fifo bool) *Queues { return &Queues{fifo: fifo} }

// Model is what the order of the last legal answer is replayed on. It serves one pass.
func (q *Queues) Model() Model { return &queueReplay{fifo: q.fifo, in: make([]bool, q.object.Values)} }

// Decide answers legal or illegal for good, or [ErrUnfit]. The order of a legal answer is overwritten by the next call.
func (q *Queues) Decide(o *Object) Result {
	switch q.judge(o) {
	case Legal:
		return Result{Answer: Legal, By: "queues", Order: q.order, At: -1}
	case Illegal:
		return proven(o, "queues", q.found, q.judgePart)
	}
	return Result{By: "queues", At: -1, Cause: ErrUnfit}
}

// judgePart decides what is left of a witness at some moment, also where that needs a search.
func (q *Queues) judgePart(o *Object) Answer {
	if a := NewQueues(q.fifo).judge(o); a != Undecided {
		return a
	}
	return new(Search).Decide(context.Background(), o, QueueModel(q.fifo), Budget{Steps: fewSteps}).Answer
}

// fewSteps are enough for a witness.
const fewSteps = 100_000

func (q *Queues) judge(o *Object) Answer {
	q.object, q.found, q.unfit = o, nil, false
	if !q.gather() {
		return Undecided
	}
	q.settle()
	if q.fifo && len(q.found) == 0 {
		q.overtaking()
		q.followed()
	}
	if len(q.found) == 0 {
		q.pauses()
	}
	if len(q.found) == 0 {
		q.lend()
	}
	switch {
	case len(q.found) > 0:
		return Illegal
	case q.unfit:
		return Undecided
	}
	q.write()
	return Legal
}

// note keeps the first violation of each rule, and a few of values from nowhere.
func (q *Queues) note(rule string, witness ...int32) {
	n := 0
	for i := range q.found {
		if q.found[i].Rule == rule {
			n++
		}
	}
	if n == 0 || rule == Nowhere && n < mostOfRule {
		q.found = append(q.found, Result{Rule: rule, Witness: witness})
	}
}

// gather finds who put each value in and who took it out. False: a value was put in twice, or this is no queue.
func (q *Queues) gather() bool {
	q.items = slices.Grow(q.items[:0], q.object.Values)[:q.object.Values]
	for v := range q.items {
		q.items[v] = item{in: -1, out: -1}
	}
	q.takers, q.empties = q.takers[:0], q.empties[:0]
	for i := range q.object.Ops {
		o := &q.object.Ops[i]
		v := &q.items[o.Value]
		switch {
		case o.Kind == Enqueue && v.in >= 0:
			return false
		case o.Kind == Enqueue:
			v.in = int32(i)
		case o.Kind == Dequeue && o.Pending():
			q.takers = append(q.takers, int32(i))
		case o.Kind != Dequeue:
			return false
		case o.empty():
			q.empties = append(q.empties, int32(i))
		case v.out < 0:
			v.out = int32(i)
		}
	}
	for i := range q.object.Ops { // now that it is known who put in what
		o := &q.object.Ops[i]
		if v := &q.items[o.Value]; o.Kind == Dequeue && !o.Pending() && !o.empty() && v.in >= 0 && v.out != int32(i) {
			q.note(Redelivered, v.in, v.out, int32(i))
		}
	}
	return true
}

// settle gives every value its times. What was put in by an operation that never returned, and did not come out, is
// left out: it can stand at the end of any order, and no order needs it.
func (q *Queues) settle() {
	ops := q.object.Ops
	q.given, q.stayed = q.given[:0], q.stayed[:0]
	for value := range q.items {
		v := &q.items[value]
		if v.in < 0 {
			if v.out >= 0 {
				q.note(Nowhere, v.out)
			}
			continue
		}
		v.call, v.ret, v.taken, v.until = ops[v.in].Call, ops[v.in].Return, Never, Never
		if v.out < 0 {
			if v.ret != Never {
				q.given, q.stayed = append(q.given, int32(value)), append(q.stayed, int32(value))
			}
			continue
		}
		q.given = append(q.given, int32(value))
		v.taken, v.until = ops[v.out].Call, ops[v.out].Return
		if v.until < v.call {
			q.note(Future, v.in, v.out)
		}
		v.ret, v.taken = min(v.ret, v.until), max(v.taken, v.call)
	}
	slices.SortFunc(q.given, func(a, b int32) int { return cmp.Compare(q.items[a].call, q.items[b].call) })
	slices.SortFunc(q.stayed, func(a, b int32) int { return cmp.Compare(q.items[a].ret, q.items[b].ret) })
}

// byReturn returns the values in the order in which their enqueues had returned.
func (q *Queues) byReturn() []int32 {
	by := slices.Clone(q.given)
	slices.SortFunc(by, func(a, b int32) int { return cmp.Compare(q.items[a].ret, q.items[b].ret) })
	return by
}

// overtaking looks for values that went in one after the other and came out the other way round.
func (q *Queues) overtaking() {
	before, last := q.byReturn(), int32(-1) // of those that went in before: the one whose dequeue was called last
	for _, b := range q.given {
		for ; len(before) > 0 && q.items[before[0]].ret < q.items[b].call; before = before[1:] {
			a := before[0]
			if q.items[a].out >= 0 && (last < 0 || q.items[a].taken > q.items[last].taken) {
				last = a
			}
		}
		if v := &q.items[b]; v.out >= 0 && last >= 0 && v.until < q.items[last].taken {
			a := &q.items[last]
			q.note(Overtaken, a.in, a.out, v.in, v.out)
			return
		}
	}
}

// followed finds values that did not come out although one which went in later did. Dequeues that never returned must
// have taken them by then: there have to be enough of them in time.
func (q *Queues) followed() {
	next := int32(-1) // of those that went in later: the one that came out first
	after, due := q.given, q.stayed[len(q.stayed):]
	for _, a := range slices.Backward(q.stayed) {
		for ; len(after) > 0 && q.items[after[len(after)-1]].call > q.items[a].ret; after = after[:len(after)-1] {
			if b := after[len(after)-1]; q.items[b].out >= 0 && (next < 0 || q.items[b].until < q.items[next].until) {
				next = b
			}
		}
		if next >= 0 {
			q.items[a].next, q.items[a].until = next, q.items[next].until
			due = append(due, a)
		}
	}
	q.byUntil(due)
	for n, a := range due {
		if q.late(n, a) {
			q.passed(due[:n+1])
			return
		}
	}
}

func (q *Queues) byUntil(values []int32) {
	slices.SortFunc(values, func(a, b int32) int {
		return cmp.Or(cmp.Compare(q.items[a].until, q.items[b].until), cmp.Compare(q.items[a].ret, q.items[b].ret))
	})
}

// late reports whether, of the dequeues that never returned, the nth cannot have taken the value in time.
func (q *Queues) late(n int, value int32) bool {
	return n >= len(q.takers) || q.object.Ops[q.takers[n]].Call > q.items[value].until
}

// passed notes values that must have come out by a time until which too few dequeues had been called.
func (q *Queues) passed(due []int32) {
	var witness []int32
	for _, a := range due {
		b := &q.items[q.items[a].next]
		witness = append(witness, q.items[a].in, b.in, b.out)
	}
	q.note(Passed, append(witness, q.takers[:min(len(due)-1, len(q.takers))]...)...)
}

// lend gives values that did not come out, but have to before a later one does or before the queue was empty, to
// dequeues that never returned: the first such value to the one that was called first. Where the order is any there
// are enough of them; in a queue that is first in first out another choice of the moments at which it was empty might
// do.
func (q *Queues) lend() {
	due := q.stayed[:0:0]
	for _, value := range q.stayed {
		v := &q.items[value]
		if n := q.pauseFrom(v.ret); n < len(q.points) {
			v.until = min(v.until, q.points[n].at)
		}
		if v.until != Never {
			due = append(due, value)
		}
	}
	q.byUntil(due)
	for n, value := range due {
		if q.late(n, value) {
			q.unfit = true
			return
		}
		v := &q.items[value]
		v.out = q.takers[n]
		v.taken = max(q.object.Ops[v.out].Call, v.call)
	}
}

// pauseFrom returns the first of the moments at which the queue was empty that is not before an event.
func (q *Queues) pauseFrom(event int64) int {
	n, _ := slices.BinarySearchFunc(q.points, event, func(p pause, at int64) int { return cmp.Compare(p.at, at) })
	return n
}
