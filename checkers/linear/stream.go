package linear

import "math"

// Stream judges one register while it is used: after every event it knows whether what has happened so far is
// linearizable. Values may be swapped (compare-and-set), each must be stored once while it matters; failed swaps are not
// asked whether they had reason to fail. It decides as [Zones] does, by the same blocks, one event at a time.
//
// A value is forgotten when no operation that returns from now on may see it: when something of another value was called
// after it had been seen, or its successor was, and all that is still open was called later than that. To see it again
// is a violation, like a value that nobody stored. So the memory is bounded by what goes on at once, but for stores that
// never returned: each of them may still take effect at any time.
//
// Cost: O(c) for an event, with c operations open at once.
type Stream struct {
	values map[any]*streamValue
	live   []*streamBlock // those of which something returned
	open   map[int]*opened
	queue  []*opened // by call, those that are over at the front taken away
	top    int64     // the last call of the blocks that are forgotten
	swept  int       // how many clusters were left by the last look for those to forget
	why    string
	unfit  bool
}

// streamValue is a value with its store and all who saw it.
type streamValue struct {
	block      *streamBlock
	first      int64 // return, [Never] where nothing returned
	last       int64 // call
	next       *streamValue
	from       any
	call       int64 // of a swap
	swapped    bool  // it was stored by a swap
	effective  bool  // that certainly happened
	superseded bool  // by a swap
}

// streamBlock is clusters that follow each other, by swaps.
type streamBlock struct {
	first, last int64
	live        bool
}

type opened struct {
	call  int64
	kind  Kind
	value any
	over  bool
}

const ever = math.MinInt64

// NewStream returns the judge of a register that holds nil.
func NewStream() *Stream {
	s := &Stream{values: map[any]*streamValue{}, open: map[int]*opened{}, top: ever}
	b := &streamBlock{first: ever, last: ever}
	s.values[nil] = &streamValue{block: b, first: ever, last: ever, effective: true}
	s.enliven(b)
	return s
}

// Illegal says what is wrong in a few words, or "" where nothing is. Once something is wrong it stays so.
func (s *Stream) Illegal() string { return s.why }

// Unfit reports whether the stream gave up because a value was stored a second time while it still mattered.
func (s *Stream) Unfit() bool { return s.unfit }

// Size is how many values and operations the stream remembers.
func (s *Stream) Size() int { return len(s.values) + len(s.open) }

// Call tells of the call of an operation: a Read, a Write of value, or a Swap of from by value. Times are positions in the
// order of events.
func (s *Stream) Call(id int, at int64, kind Kind, value, from any) {
	if s.done() {
		return
	}
	o := &opened{call: at, kind: kind, value: value}
	s.open[id] = o
	s.queue = append(s.queue, o)
	if kind == Read {
		return
	}
	if s.values[value] != nil {
		s.unfit = true
		return
	}
	c := &streamValue{first: Never, last: ever, block: &streamBlock{first: Never, last: ever}}
	if kind == Swap {
		c.swapped, c.from, c.call = true, from, at
	} else {
		c.effective, c.last, c.block.last = true, at, at
	}
	s.values[value] = c
}

func (s *Stream) done() bool { return s.why != "" || s.unfit }

// Return tells that an operation returned; saw is what a read saw.
func (s *Stream) Return(id int, at int64, saw any) {
	o := s.end(id)
	if o == nil || s.done() {
		return
	}
	value := o.value
	if o.kind == Read {
		value = saw
	}
	c := s.values[value]
	if c == nil {
		s.why = "what was seen was overwritten for good, or nobody had stored it"
		return
	}
	if s.link(c) {
		s.touch(c, o.call, at)
	}
	s.forget()
}

// Fail tells that an operation did not happen, such as a swap that found something else.
func (s *Stream) Fail(id int) {
	o := s.end(id)
	if o == nil || s.done() || o.kind == Read {
		return
	}
	if c := s.values[o.value]; c != nil && (c.first != Never || c.swapped && c.effective) {
		s.why = "what an operation that failed would have stored was seen"
	}
	delete(s.values, o.value)
}

// GiveUp tells that it will never be known whether an operation happened.
func (s *Stream) GiveUp(id int) { s.end(id) }

func (s *Stream) end(id int) *opened {
	o := s.open[id]
	if o != nil {
		o.over = true
		delete(s.open, id)
	}
	return o
}

// link makes a swap that certainly happened follow what it replaced. It reports whether that can be.
func (s *Stream) link(c *streamValue) bool {
	if c.effective {
		return true
	}
	c.effective = true
	a := s.values[c.from]
	switch {
	case a == nil:
		s.why = "a swap replaced what had been overwritten for good, or what nobody had stored"
		return false
	case a.superseded:
		s.why = "two swaps replaced the same value"
		return false
	case !s.link(a):
		return false
	case a.block == c.block:
		s.why = "swaps replaced each other in a circle"
		return false
	}
	a.superseded, a.next = true, c
	c.last = max(c.last, c.call)
	c.block = a.block
	a.block.last = max(a.block.last, c.call)
	return true // whoever asked tells of an operation of c next
}

// touch tells a cluster of one of its operations.
func (s *Stream) touch(c *streamValue, call, ret int64) {
	b := c.block
	c.first, c.last = min(c.first, ret), max(c.last, call)
	b.first, b.last = min(b.first, ret), max(b.last, call)
	s.enliven(b)
	for next := c.next; next != nil; next = next.next {
		if next.first < call {
			s.why = "a value was seen after its successor had been"
			return
		}
	}
	s.apart(b)
}

func (s *Stream) enliven(b *streamBlock) {
	if !b.live {
		b.live = true
		s.live = append(s.live, b)
	}
}

// apart looks whether a block can be ordered with all others: not with those of which each would have to come before the
// other.
func (s *Stream) apart(b *streamBlock) {
	if b.first < s.top {
		s.why = "a value was seen after another, and before it"
		return
	}
	for _, o := range s.live {
		if o != b && b.first < o.last && o.first < b.last {
			s.why = "a value was seen after another, and before it"
			return
		}
	}
}

// horizon is the first call of the operations that are open: whatever returns from now on was called at that time or later.
func (s *Stream) horizon() int64 {
	for len(s.queue) > 0 && s.queue[0].over {
		s.queue[0] = nil
		s.queue = s.queue[1:]
	}
	if len(s.queue) > 0 {
		return s.queue[0].call
	}
	return Never
}

// forget drops the values that nobody may see any more, once there are twice as many as were left the last time.
func (s *Stream) forget() {
	const few = 64
	if len(s.values) < 2*s.swept+few || s.done() {
		return
	}
	horizon := s.horizon()
	// The two latest of the blocks before the horizon: one of them is another than the one asked about.
	var latest, second *streamBlock
	for _, b := range s.live {
		switch {
		case b.first >= horizon:
		case latest == nil || b.last > latest.last:
			latest, second = b, latest
		case second == nil || b.last > second.last:
			second = b
		}
	}
	kept := s.live[:0]
	for _, b := range s.live {
		other := latest
		if b == latest {
			other = second
		}
		if b.first < horizon && (b.first < s.top || other != nil && b.first < other.last) {
			b.live = false
			s.top = max(s.top, b.last)
			continue
		}
		kept = append(kept, b)
	}
	clear(s.live[len(kept):])
	s.live = kept
	s.drop(horizon)
	s.swept = len(s.values)
}

// drop forgets the values of blocks that are no longer live, those whose successor was seen before the horizon, and swaps
// of what is forgotten with them, which can no longer have happened.
func (s *Stream) drop(horizon int64) {
	gone := map[any]bool{}
	for value, c := range s.values {
		dead := c.block.first != Never && !c.block.live
		if passed := c.next != nil && c.next.first < horizon; dead || passed {
			gone[value] = true
			delete(s.values, value)
		}
	}
	for value, c := range s.values {
		if !c.effective && gone[c.from] {
			delete(s.values, value)
		}
	}
}
