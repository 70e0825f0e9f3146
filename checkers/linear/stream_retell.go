package linear

import (
	"cmp"
	"slices"
)

// retold is a history that leaves a register where one left it that is forgotten in part: of every value that matters
// the store, and a read that returned as the first one did who saw it, and one that was called as the last one was. More
// of those that are over does not matter where every value was stored once: see [Zones].
type retold struct {
	events []told
	id     int // of the last operation that is made up
	passed int
}

// unseen is a value that stands for those that are forgotten.
type unseen struct{ n int }

// spread is how far two events that follow each other are apart once they are retold: between them is room for others.
const spread = 4

// retell tells another stream what matters of what has happened so far. Its times are apart by spread.
func (s *registerStream) retell(to *stateStream, now int64) {
	r := &retold{}
	open := map[int64]bool{} // by call
	for id, o := range s.open {
		r.id = min(r.id, id)
		open[o.call] = true
		r.add(id, spread*o.call, Deed{Kind: o.kind, Value: o.value, From: o.from}, Stream.Call)
	}
	for key, all := range s.idle {
		for _, o := range all {
			if !open[o.call] && o.value == key {
				r.lost(spread*o.call, Deed{Kind: o.kind, Value: o.value, From: o.from})
			}
		}
	}
	if start := s.retellPassed(r); start != nil {
		to.front.now[0].state = to.number(start)
	}
	s.retellForgotten(r, now)
	for value, c := range s.values {
		r.value(value, c, open[c.call])
	}
	slices.SortStableFunc(r.events, func(a, b told) int { return cmp.Compare(a.at, b.at) })
	for _, e := range r.events {
		e.what(to, e.id, e.at, e.deed)
	}
}

func (r *retold) add(id int, at int64, d Deed, what func(s Stream, id int, at int64, d Deed)) {
	r.events = append(r.events, told{id: id, at: at, what: what, deed: d})
}

// done makes up an operation that returned.
func (r *retold) done(call, ret int64, d Deed) {
	r.id--
	r.add(r.id, call, d, Stream.Call)
	r.add(r.id, ret, d, Stream.Return)
}

// lost makes up an operation that never returned.
func (r *retold) lost(call int64, d Deed) {
	r.id--
	r.add(r.id, call, d, Stream.Call)
	r.add(r.id, call+1, d, func(s Stream, id int, _ int64, _ Deed) { s.GiveUp(id) })
}

// value tells of a value. Its store may be open, which is told already, or it was there from the beginning.
func (r *retold) value(value any, c *streamValue, open bool) {
	store, read := Deed{Kind: Write, Value: value}, Deed{Kind: Read, Value: value}
	if c.swapped {
		store = Deed{Kind: Swap, Value: value, From: c.from}
	}
	switch {
	case c.first == ever:
	case open && c.first != Never:
		r.done(spread*c.call+1, spread*c.first, read)
	case open:
	case c.first == Never:
		r.lost(spread*c.call, store)
	default:
		r.done(spread*c.call, spread*c.first, store)
	}
	if c.first != Never && c.last > c.call {
		r.done(spread*c.last, spread*max(c.first, c.last)+1, read)
	}
	if c.refused != Never { // it was called when the value had been seen
		call := spread*c.refused - 1
		if c.first != ever {
			call = spread*c.first + 2
		}
		r.done(call, spread*c.refused, Deed{Kind: SwapFailed, From: value})
	}
}

// retellForgotten tells of the blocks that are forgotten, as of one value: all that is open was called when the first
// who saw it had returned.
func (s *registerStream) retellForgotten(r *retold, now int64) {
	if s.top == ever {
		return
	}
	value := unseen{-1}
	first, last := spread*min(s.horizon(), now)-1, spread*s.top
	r.done(min(first-1, last), first, Deed{Kind: Write, Value: value})
	if last > first {
		r.done(last, last+1, Deed{Kind: Read, Value: value})
	}
}

// retellPassed tells of the values that are forgotten of blocks that are not: what follows each other of them is one
// value. It returns what stands for the initial value where that is one of them, or forgotten altogether.
func (s *registerStream) retellPassed(r *retold) (start any) {
	before := s.gaps()
	if c := s.values[nil]; c == nil || c.first != ever {
		start = unseen{}
	}
	for _, c := range s.values {
		if c.effective && c.next == nil { // who was called last may be forgotten
			c.last = max(c.last, c.block.last)
		}
		if from := s.values[c.from]; !c.swapped || !c.effective || from != nil && from.next == c {
			continue
		}
		r.passed++
		b, value := c.block, unseen{r.passed}
		c.from = value
		from, inside := before[c]
		switch {
		case inside:
			r.lost(spread*c.call, Deed{Kind: Swap, Value: value, From: from})
		case b.first == ever:
			start = value
		default:
			r.done(spread*min(b.first, b.last)-1, spread*b.first, Deed{Kind: Write, Value: value})
		}
	}
	return start
}

// gaps returns of each value before which there are some that are forgotten the one that is left before those.
func (s *registerStream) gaps() map[*streamValue]any {
	left, before := map[*streamValue]bool{}, map[*streamValue]any{}
	for _, c := range s.values {
		left[c] = true
	}
	for value, c := range s.values {
		next := c.next
		for next != nil && !left[next] {
			next = next.next
		}
		if next != nil && next != c.next {
			before[next] = value
		}
	}
	return before
}
