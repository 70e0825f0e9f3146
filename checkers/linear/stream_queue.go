package linear

import (
	"math"
	"slices"
)

// StreamQueues judges an empty queue, first in first out or in any order, by the conditions of [Queues], value by
// value. A value must not be put in again before it is out. It is exact after every event, but for dequeues that found
// nothing: of these it is certain when all dequeues that were called before they returned are over. Where one of them
// is right only because dequeues that never returned have taken what was in, it chooses the first moment at which that
// can be so, and where that goes wrong later it gives up.
//
// That is: a value comes out once, and not before it is put in. First in first out, a value that was in when another
// was put in, which is out, is overdue: it was taken before by a dequeue that is open or never returned, and when it
// comes out that dequeue was called in time. Of those that are overdue the nth has the nth of such dequeues. And when
// nothing was found no value had gone in that was taken later.
func StreamQueues(fifo bool) Stream {
	return &queueStream{fifo: fifo, calls: newCalls(), items: map[any]*queued{}}
}

type queueStream struct {
	fifo bool
	calls
	items   map[any]*queued // those put in, but for those that are over and out
	in      []*queued       // those that certainly are in, or were: by return of their enqueues
	left    int             // how many of them are out
	takers  []*opened       // dequeues by call; those that are over but for such as never returned are taken away
	lost    int             // how many of them never returned
	stays   []period        // of values that are out
	swept   int
	empties []period // dequeues that found nothing and are not judged yet
	guessed bool
	why     string
	unfit   bool
}

// queued is a value that was put in.
type queued struct {
	by       *opened
	ret      int64
	deadline int64 // until when it must have been taken
	out      bool
}

// period is from when to when a value certainly was in, or a dequeue was open.
type period struct{ from, to int64 }

func (s *queueStream) Illegal() string { return s.why }
func (s *queueStream) Unfit() bool     { return s.unfit }
func (s *queueStream) Size() int {
	return len(s.items) + len(s.in) + len(s.takers) + len(s.stays) + len(s.empties) + len(s.open)
}
func (s *queueStream) done() bool { return s.why != "" || s.unfit }

// wrong notes what is wrong, unless another guess might have been right.
func (s *queueStream) wrong(rule string) {
	if s.guessed {
		s.unfit = true
		return
	}
	s.why = rule
}

func (s *queueStream) Call(id int, at int64, d Deed) {
	if s.done() {
		return
	}
	o := s.begin(id, at, d)
	switch {
	case d.Kind == Dequeue:
		s.takers = append(s.takers, o)
	case s.items[d.Value] != nil:
		s.unfit = true
	default:
		s.items[d.Value] = &queued{by: o, ret: Never, deadline: Never}
	}
}

func (s *queueStream) Fail(id int) {
	o := s.end(id)
	switch {
	case o == nil || s.done():
	case o.kind == Dequeue:
		s.settle(o)
	default:
		if s.items[o.value].out {
			s.wrong(Nowhere)
		}
		delete(s.items, o.value)
	}
}

func (s *queueStream) GiveUp(id int) {
	o := s.end(id)
	switch {
	case o == nil || s.done():
	case o.kind == Dequeue:
		s.lost++
		s.settle(nil)
	case s.items[o.value].out:
		delete(s.items, o.value)
	}
}

func (s *queueStream) Return(id int, at int64, d Deed) {
	o := s.end(id)
	switch {
	case o == nil || s.done():
	case o.kind == Dequeue && d.Value == nil:
		s.empties = append(s.empties, period{o.call, at})
		s.settle(o)
	case o.kind == Dequeue:
		s.take(o, at, d.Value)
		s.settle(o)
	case s.items[o.value].out:
		delete(s.items, o.value)
	default:
		v := s.items[o.value]
		v.ret = at
		s.in = append(s.in, v)
	}
}

// take takes a value out.
func (s *queueStream) take(o *opened, at int64, value any) {
	v := s.items[value]
	switch {
	case v == nil:
		s.wrong(Nowhere) // or it was out before
		return
	case v.out:
		s.wrong(Redelivered)
		return
	case v.deadline < o.call:
		s.wrong(Overtaken)
		return
	}
	v.out = true
	if v.by.over {
		delete(s.items, value)
	}
	if v.ret != Never {
		s.left++
	}
	if v.ret < o.call {
		s.stays = append(s.stays, period{v.ret, o.call})
	}
	if s.fifo {
		s.expect(v.by.call, at)
	}
}

// expect gives a deadline to all values that were in at some time and are not out.
func (s *queueStream) expect(in, deadline int64) {
	for _, v := range s.in {
		if v.ret >= in {
			break
		}
		v.deadline = min(v.deadline, deadline)
	}
}

// settle does what follows from the end of a dequeue, which is not nil where it can take nothing any more.
func (s *queueStream) settle(over *opened) {
	if i := slices.Index(s.takers, over); i >= 0 {
		s.takers = slices.Delete(s.takers, i, i+1)
	}
	if s.done() {
		return
	}
	first := s.first()
	for len(s.empties) > 0 && s.empties[0].to < first && !s.done() {
		s.nothing(s.empties[0])
		s.empties = s.empties[1:]
	}
	if s.done() || !s.inTime() {
		return
	}
	s.forget(first)
}

// first is the first call of the dequeues that are open.
func (s *queueStream) first() int64 {
	for _, o := range s.takers {
		if !o.over {
			return o.call
		}
	}
	return Never
}

// inTime compares those that are overdue with the dequeues that may have taken them.
func (s *queueStream) inTime() bool {
	n := 0
	for _, v := range s.in {
		if v.deadline == Never {
			break
		}
		if v.out {
			continue
		}
		if n == len(s.takers) || s.takers[n].call > v.deadline {
			s.wrong(Passed)
			return false
		}
		n++
	}
	return true
}

// nothing looks for a moment at which a dequeue can have found nothing.
func (s *queueStream) nothing(e period) {
	for at := e.from; at < e.to; {
		next := int64(math.MinInt64)
		for _, v := range s.stays {
			if v.from <= at && at < v.to {
				next = max(next, v.to)
			}
		}
		if next > at {
			at = next
			continue
		}
		within, takers, later := s.within(at)
		if within <= takers {
			if within > 0 {
				s.guessed = true
				s.expect(at+1, at)
			}
			return
		}
		at = later
	}
	s.wrong(NotEmpty)
}

// within is how many values that are not out were in at a time, how many dequeues that never returned had been called,
// and when the next of them was. It counts no more values than it takes.
func (s *queueStream) within(at int64) (values, takers int, later int64) {
	later = Never
	for _, o := range s.takers {
		switch {
		case !o.over:
		case o.call <= at:
			takers++
		case later == Never:
			later = o.call
		}
	}
	for _, v := range s.in {
		if v.ret > at || values > takers {
			break
		}
		if !v.out {
			values++
		}
	}
	return values, takers, later
}

// forget drops what cannot matter any more: values that are out, times before any dequeue that is open or not judged
// was called, and those that must have been taken by then, each with a dequeue that never returned.
func (s *queueStream) forget(first int64) {
	for _, e := range s.empties {
		first = min(first, e.from)
	}
	for s.lost > 0 && len(s.in) > 0 && (s.in[0].out || s.in[0].deadline < first) {
		s.drop()
	}
	for len(s.in) > 0 && s.in[0].out {
		s.drop()
	}
	if s.left > 32 && 2*s.left > len(s.in) {
		s.in = slices.DeleteFunc(s.in, func(v *queued) bool { return v.out })
		s.left = 0
	}
	if len(s.stays) > 2*s.swept+32 {
		s.stays = slices.DeleteFunc(s.stays, func(v period) bool { return v.to < first })
		s.swept = len(s.stays)
	}
}

// drop drops the first value, with a dequeue that has taken it where it is not out.
func (s *queueStream) drop() {
	v := s.in[0]
	s.in[0] = nil
	s.in = s.in[1:]
	if v.out {
		s.left--
		return
	}
	delete(s.items, v.by.value)
	s.lost--
	i := slices.IndexFunc(s.takers, func(o *opened) bool { return o.over })
	s.takers = slices.Delete(s.takers, i, i+1)
}
