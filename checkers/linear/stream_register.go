package linear

import (
	"math"
	"slices"
)

// registerStream judges registers. Each value must be stored once while it matters. It decides as [Zones] does, by the
// same blocks, one event at a time.
//
// A value is forgotten when no operation that returns from now on may see it: when something of another value was
// called after it had been seen, or its successor was, and all that is still open was called later than that. To see it
// again is a violation, like a value that nobody stored. So the memory is bounded by what goes on at once, but for
// stores that never returned: each of them may still take effect at any time.
//
// Cost: O(c) for an event, with c operations open at once.
type registerStream struct {
	calls
	values map[any]*streamValue
	live   []*streamBlock // those of which something returned
	top    int64          // the last call of the blocks that are forgotten
	swept  int            // how many clusters were left by the last look for those to forget
	few    int            // how many more than twice that there may be before the next one
	// idle are swaps by what they would replace, which is forgotten, and by what they would store: they can only happen
	// if it is stored again.
	idle  map[any][]*opened
	why   string
	unfit bool
}

// streamValue is a value with its store and all who saw it.
type streamValue struct {
	block      *streamBlock
	first      int64 // return, [Never] where nothing returned
	last       int64 // call
	next       *streamValue
	from       any
	call       int64 // of the store
	refused    int64 // the first return of a swap that did not find it though it had been there before, [Never] for none
	swapped    bool  // it was stored by a swap
	effective  bool  // that certainly happened
	superseded bool  // by a swap
}

// streamBlock is clusters that follow each other, by swaps.
type streamBlock struct {
	first, last int64
	live        bool
}

const ever = math.MinInt64

func newRegisterStream() *registerStream {
	s := &registerStream{values: map[any]*streamValue{}, calls: newCalls(), top: ever, few: 64, idle: map[any][]*opened{}}
	b := &streamBlock{first: ever, last: ever}
	s.values[nil] = &streamValue{block: b, first: ever, last: ever, refused: Never, effective: true}
	s.enliven(b)
	return s
}

func (s *registerStream) Illegal() string { return s.why }

func (s *registerStream) Unfit() bool { return s.unfit }

func (s *registerStream) Size() int { return len(s.values) + len(s.open) + len(s.idle) }

func (s *registerStream) Call(id int, at int64, d Deed) {
	if s.done() {
		return
	}
	if d.Kind != Read && (s.values[d.Value] != nil || s.idle[d.Value] != nil) {
		s.unfit = true
		return
	}
	s.begin(id, at, d)
	if d.Kind == Read {
		return
	}
	c := &streamValue{first: Never, last: ever, refused: Never, call: at, block: &streamBlock{first: Never, last: ever}}
	if d.Kind == Swap {
		c.swapped, c.from = true, d.From
	} else {
		c.effective, c.last, c.block.last = true, at, at
	}
	s.values[d.Value] = c
}

func (s *registerStream) done() bool { return s.why != "" || s.unfit }

func (s *registerStream) Return(id int, at int64, d Deed) {
	o := s.end(id)
	if o == nil || s.done() {
		return
	}
	value := o.value
	switch d.Kind {
	case Read:
		value = d.Value
	case SwapFailed:
		s.undo(o)
		s.refuse(o, at, d.From)
		return
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

func (s *registerStream) Fail(id int) {
	if o := s.end(id); o != nil && !s.done() && o.kind != Read {
		s.undo(o)
	}
}

// undo forgets what an operation that did not happen would have stored.
func (s *registerStream) undo(o *opened) {
	if c := s.values[o.value]; c != nil && (c.first != Never || c.swapped && c.effective) {
		s.why = "what an operation that failed would have stored was seen"
	}
	delete(s.values, o.value)
	if len(s.idle) > 0 {
		s.wake(o.value, o.from)
	}
}

// wake forgets an idle swap.
func (s *registerStream) wake(value, from any) {
	for _, key := range []any{value, from} {
		all := slices.DeleteFunc(s.idle[key], func(o *opened) bool { return o.value == value && o.from == from })
		if s.idle[key] = all; len(all) == 0 {
			delete(s.idle, key)
		}
	}
}

// refuse notes that a swap did not find a value. That is wrong if it was there before, and is seen again later: of other
// reasons for which there can have been none nothing is known here.
func (s *registerStream) refuse(o *opened, at int64, from any) {
	if c := s.values[from]; c != nil && c.first < o.call {
		c.refused = min(c.refused, at)
	}
}

const spurious = "a swap did not find a value that was there all the time"

func (s *registerStream) GiveUp(id int) { s.end(id) }

// link makes a swap that certainly happened follow what it replaced. It reports whether that can be.
func (s *registerStream) link(c *streamValue) bool {
	if c.effective {
		return true
	}
	c.effective = true
	a := s.values[c.from]
	switch {
	case a == nil:
		s.why = "a swap replaced what had been overwritten for good, or what nobody had stored"
		return false
	case c.call > a.refused:
		s.why = spurious
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
func (s *registerStream) touch(c *streamValue, call, ret int64) {
	if call > c.refused {
		s.why = spurious
		return
	}
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

func (s *registerStream) enliven(b *streamBlock) {
	if !b.live {
		b.live = true
		s.live = append(s.live, b)
	}
}

// apart looks whether a block can be ordered with all others: not with those of which each would have to come before
// the other.
func (s *registerStream) apart(b *streamBlock) {
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

// forget drops the values that nobody may see any more, once there are twice as many as were left the last time.
func (s *registerStream) forget() {
	if len(s.values) < 2*s.swept+s.few || s.done() {
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

// drop forgets the values of blocks that are no longer live, those whose successor was seen before the horizon, and
// swaps of what is forgotten with them, which can no longer have happened.
func (s *registerStream) drop(horizon int64) {
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
			o := &opened{call: c.call, kind: Swap, value: value, from: c.from}
			s.idle[c.from], s.idle[value] = append(s.idle[c.from], o), append(s.idle[value], o)
		}
	}
}
