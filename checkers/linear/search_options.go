package linear

import "slices"

// settle places observers that fit, until there is none.
func (s *Search) settle() {
	for again := true; again; {
		again = false
		deadline := s.deadline()
		for i := s.byCall.first(); i >= 0; i = s.byCall.after(i) {
			op := &s.object.Ops[i]
			if op.Call > deadline {
				break
			}
			if !op.Kind.Observes() {
				continue
			}
			if _, fits := s.model.Step(s.state, op); fits {
				s.place(i)
				again = again || op.Return == deadline // more may come now
			}
		}
	}
}

// deadline is when the first of those not placed returned: nothing that was called after it can come next.
func (s *Search) deadline() int64 {
	if i := s.byReturn.first(); i >= 0 {
		return s.object.Ops[i].Return
	}
	return Never
}

// option returns the nth of the operations that can come next, -1 where there are no more.
func (s *Search) option(nth int) int32 {
	s.options = s.options[:0]
	deadline := s.deadline()
	s.look++
	s.wanted, s.urgent = s.wanted[:0], s.urgent[:0]
	anything := s.valued == nil // whether any change is of use
	for i := s.byCall.first(); i >= 0; i = s.byCall.after(i) {
		op := &s.object.Ops[i]
		if op.Call > deadline {
			break
		}
		if s.valued != nil {
			if v, one := s.valued.Needs(op); one && v != s.state {
				s.want(v, op.Return)
			}
		}
		if op.Kind.Observes() {
			if _, one := s.needed(op); !one {
				anything = true // it does not fit here, or it would be placed
			}
			continue
		}
		if s.possible(op) {
			s.offer(i)
		}
	}
	if nth < len(s.options) {
		s.rank()
		return s.options[nth]
	}
	s.offerPending(deadline, anything)
	if nth < len(s.options) {
		return s.options[nth]
	}
	return -1
}

// want notes that somebody who could come next waits for a state, and until when.
func (s *Search) want(v int32, deadline int64) {
	if at := slices.Index(s.wanted, v); at >= 0 {
		s.urgent[at] = min(s.urgent[at], deadline)
		return
	}
	s.wanted, s.urgent = append(s.wanted, v), append(s.urgent, deadline)
}

// rank puts first what fits only in this state, for its time may not come again, and then moves up what brings about a
// state that somebody waits for who returned before.
func (s *Search) rank() {
	if s.valued == nil || len(s.options) < 2 {
		return
	}
	urgency := func(i int32) int64 {
		op := &s.object.Ops[i]
		if _, one := s.valued.Needs(op); one {
			return op.Return - Never/2
		}
		if v, one := s.valued.Makes(op); one {
			if at := slices.Index(s.wanted, v); at >= 0 {
				return min(op.Return, s.urgent[at])
			}
		}
		return op.Return
	}
	for n := 1; n < len(s.options); n++ {
		i, u, at := s.options[n], urgency(s.options[n]), n
		for ; at > 0 && urgency(s.options[at-1]) > u; at-- {
			s.options[at] = s.options[at-1]
		}
		s.options[at] = i
	}
}

func (s *Search) needed(op *Op) (int32, bool) {
	if s.valued == nil {
		return 0, false
	}
	return s.valued.Needs(op)
}

// possible reports whether the operation fits, and does not leave for good a state that somebody needs.
func (s *Search) possible(op *Op) bool {
	next, fits := s.model.Step(s.state, op)
	if !fits || s.valued == nil || next == s.state {
		return fits
	}
	return s.demand.lets(op, s.state)
}

// offer adds an operation to the options by its return, unless there is one that does the same: then the one of them
// that returned first.
func (s *Search) offer(i int32) {
	ops := s.object.Ops
	if s.stamp[s.class[i]] == s.look {
		at := slices.IndexFunc(s.options, func(j int32) bool { return s.class[j] == s.class[i] })
		if ops[s.options[at]].Return < ops[i].Return {
			return
		}
		s.options = slices.Delete(s.options, at, at+1)
	}
	s.stamp[s.class[i]] = s.look
	at := len(s.options)
	for at > 0 && ops[s.options[at-1]].Return > ops[i].Return {
		at--
	}
	s.options = slices.Insert(s.options, at, i)
}

// offerPending adds of each class that is of use the one that was called first. Where the model is Valued, of use is
// what brings about a state that somebody waits for who could come next, directly or by way of other pending ones: in
// any order, one whose effect nobody sees before it is gone can be taken out.
func (s *Search) offerPending(deadline int64, anything bool) {
	if anything {
		for class := range s.pending {
			s.offerOne(int32(class), deadline)
		}
		return
	}
	for n := 0; n < len(s.wanted); n++ {
		v := s.wanted[n]
		for class := s.awaited[v]; class >= 0; class = s.next[class] {
			if op := s.offerOne(class, deadline); op != nil {
				if from, one := s.valued.Needs(op); one && from != s.state {
					s.want(from, op.Return)
				}
			}
		}
	}
}

// offerOne adds the first of a class of pending operations where it can come next and changes something. It returns it
// where it was called in time, whether or not it fits.
func (s *Search) offerOne(class int32, deadline int64) *Op {
	w := &s.pending[class]
	if w.placed == len(w.ops) {
		return nil
	}
	i := w.ops[w.placed]
	op := &s.object.Ops[i]
	if op.Call > deadline {
		return nil
	}
	if next, fits := s.model.Step(s.state, op); fits && next != s.state && s.stamp[class] != s.look && s.possible(op) {
		s.stamp[class] = s.look
		s.options = append(s.options, i)
	}
	return op
}
