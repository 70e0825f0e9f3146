package linear

import (
	"maps"
	"slices"
)

// stateStream judges objects with few states by their configurations. Which ones are possible depends on what
// operations saw, so an event is taken when it is known of every operation that was called before it how it ended.
// Whoever asks in between gets an answer from a copy, for which operations that are open are such as never return.
type stateStream struct {
	front   *configurations
	numbers map[any]int32 // of values: nil is 0
	free    []int32       // numbers that nobody uses any more
	swept   int           // how many numbers were left by the last look for those to forget
	open    map[int]*awaited
	line    []happening // what is not taken yet
	taken   int         // how many of line were, before the next look for what to forget
	asked   int         // how many events a copy has seen
	events  int
	why     string
	unfit   bool
}

// happening is a call or a return that is not taken yet.
type happening struct {
	op    *awaited
	ended bool
}

// awaited is an operation and what is known of how it ended.
type awaited struct {
	op   Op
	over bool
	slot int
	out  bool // it failed, or observed without an answer
}

// mostInStream is how many configurations may come up at one return.
const mostInStream = 2048

// longestLine is how many events may wait for one operation to end.
const longestLine = 1 << 16

func newStateStream(m Model) *stateStream {
	return &stateStream{front: newConfigurations(m, mostInStream), numbers: map[any]int32{nil: 0}, open: map[int]*awaited{}}
}

// operation is a deed in numbers.
func (s *stateStream) operation(d Deed) Op {
	o := Op{Kind: d.Kind, Return: Never}
	if d.Kind == Add || d.Kind == Count {
		n, _ := d.Value.(int64)
		o.SetAmount(n)
		return o
	}
	if d.Kind.Holds() {
		o.From = s.number(d.From)
		return o
	}
	o.Value, o.From = s.number(d.Value), s.number(d.From)
	return o
}

func (s *stateStream) number(v any) int32 {
	n, known := s.numbers[v]
	if known {
		return n
	}
	n = int32(len(s.numbers))
	if last := len(s.free) - 1; last >= 0 {
		n = s.free[last]
		s.free = s.free[:last]
	}
	s.numbers[v] = n
	return n
}

func (s *stateStream) Call(id int, at int64, d Deed) {
	if s.done() {
		return
	}
	s.events++
	w := &awaited{op: s.operation(d)}
	w.op.Call = at
	s.open[id] = w
	s.line = append(s.line, happening{op: w})
	if len(s.line)-s.taken > longestLine {
		s.unfit = true
	}
}

func (s *stateStream) Return(id int, at int64, d Deed) {
	if w := s.end(id); w != nil {
		call := w.op.Call
		w.op = s.operation(d)
		w.op.Call, w.op.Return = call, at
		s.line = append(s.line, happening{op: w, ended: true})
		s.take()
	}
}

func (s *stateStream) Fail(id int) {
	if w := s.end(id); w != nil {
		w.out = true
		s.take()
	}
}

func (s *stateStream) GiveUp(id int) {
	if w := s.end(id); w != nil {
		w.out = w.op.Kind.Observes()
		s.take()
	}
}

func (s *stateStream) end(id int) *awaited {
	w := s.open[id]
	if w == nil || s.done() {
		return nil
	}
	delete(s.open, id)
	w.over = true
	s.events++
	return w
}

func (s *stateStream) done() bool { return s.why != "" || s.unfit }

func (s *stateStream) Illegal() string {
	if !s.done() && s.asked < s.events && s.taken < len(s.line) {
		copied := s.front.copied()
		for _, h := range s.line[s.taken:] {
			copied.take(h)
		}
		s.asked = s.events
		s.heed(copied)
	}
	return s.why
}

func (s *stateStream) Unfit() bool { return s.unfit }

func (s *stateStream) Size() int {
	return len(s.numbers) + len(s.line) - s.taken + s.front.size()
}

// take takes what is known by now.
func (s *stateStream) take() {
	for ; s.taken < len(s.line); s.taken++ {
		h := &s.line[s.taken]
		if !h.op.over {
			break
		}
		s.front.take(*h)
		h.op = nil
	}
	if s.taken == len(s.line) || s.taken > 64 && 2*s.taken > len(s.line) {
		s.line = slices.Delete(s.line, 0, s.taken)
		s.taken = 0
	}
	s.heed(s.front)
	s.forget()
}

// take takes an event. What is not over is an operation without an answer.
func (c *configurations) take(h happening) {
	switch w := h.op; {
	case c.broken || c.tooMany || w.out:
	case h.ended:
		c.end(w.slot)
	default:
		w.slot = c.start(w.op)
	}
}

func (s *stateStream) heed(c *configurations) {
	switch {
	case c.tooMany:
		s.unfit = true
	case c.broken:
		s.why = "no order fits"
	}
}

// forget drops the numbers of values that nobody may see any more, once there are twice as many as were left the last
// time.
func (s *stateStream) forget() {
	const few = 64
	if len(s.numbers) < 2*s.swept+few || s.done() {
		return
	}
	used := map[int32]bool{0: true}
	note := func(o *Op) { used[o.Value], used[o.From] = true, true }
	s.front.mention(used, note)
	for _, w := range s.open {
		note(&w.op)
	}
	for _, h := range s.line[s.taken:] {
		note(&h.op.op)
	}
	maps.DeleteFunc(s.numbers, func(_ any, n int32) bool {
		if !used[n] {
			s.free = append(s.free, n)
		}
		return !used[n]
	})
	s.swept = len(s.numbers)
}
