package linear

// Stream judges one object while it is used: whether what has happened so far is linearizable. It remembers what is
// open and what operations that are open may still see, and not what has been, but for operations that never returned:
// each of those may still take effect at any time; and of a set that only grows for its elements.
//
// It is told of every event, in the order of events.
type Stream interface {
	// Call tells of the call of an operation, of which what it sees is not known. Times are positions in the order of
	// events. What follows of the same id, until it ends, is the same operation.
	Call(id int, at int64, d Deed)
	// Return tells that it returned, and what it did and saw; of a swap that found something else, that it is a
	// SwapFailed of what it had expected.
	Return(id int, at int64, d Deed)
	// Fail tells that it did not happen.
	Fail(id int)
	// GiveUp tells that it will never be known whether it happened.
	GiveUp(id int)
	// Illegal says what is wrong with what has happened so far in a few words, or "" where nothing is. Once something
	// is wrong it stays so. Some streams do now what they have put off until operations that are open return.
	Illegal() string
	// Unfit reports whether the stream gave up: it cannot tell, and will not be able to.
	Unfit() bool
	// Size is how many values, operations and states it remembers.
	Size() int
}

// Deed is what an operation does and what it saw, as far as that is known. Values are anything that can be compared;
// nil is the initial value of a register, nothing in a queue, and that an element is not in a set.
type Deed struct {
	Kind Kind // at the call, of one that observes only if it sees something, what it is otherwise
	// Value and From: see Kind. A read of a list has the elements, as []int64 or []any; From of a lock is who; tokens
	// and amounts are int64.
	Value, From any
}

// StreamRegisters judges a register that holds nil: it is exact event by event while each value is stored once, except
// that of a swap that found something else it only asks whether the value was there before, and still was later. Where
// one is stored again among the first few operations, they are judged again as [StreamMembers] does, and so are all
// that follow.
func StreamRegisters() Stream { return &either{exact: newRegisterStream()} }

// StreamMembers judges one element of a set, or any register: see configurations.
func StreamMembers() Stream { return newStateStream(RegisterModel()) }

// StreamCounters judges a counter that stands at 0: see configurations.
func StreamCounters() Stream { return newStateStream(CounterModel()) }

// StreamLocks judges a lock, with tokens that go up or without. Where the lock is right those who took it returned one
// after the other, in the order in which they had it: so tokens are compared in this order, and configurations do the
// rest.
func StreamLocks(fenced bool) Stream {
	s := newStateStream(LockModel(false))
	if fenced {
		return &fencedStream{stateStream: s}
	}
	return s
}

type fencedStream struct {
	*stateStream
	token  int64
	taken  bool // token is the last
	broken string
	odd    bool // a token was no whole number
}

func (s *fencedStream) Return(id int, at int64, d Deed) {
	if d.Kind == Acquire {
		token, whole := d.Value.(int64)
		switch {
		case !whole:
			s.odd = true
		case s.taken && token <= s.token:
			s.broken = TokenDown
		}
		s.token, s.taken = token, true
	}
	s.stateStream.Return(id, at, d)
}

func (s *fencedStream) Illegal() string {
	if s.broken != "" {
		return s.broken
	}
	return s.stateStream.Illegal()
}

func (s *fencedStream) Unfit() bool { return s.odd || s.stateStream.Unfit() }

// either is a register of which it shows soon whether its values are used again and again.
type either struct {
	exact *registerStream
	first []told // nil once there are too many
	late  bool
	again *stateStream // nil unless they are
}

// told is an event as a stream is told of it.
type told struct {
	id   int
	at   int64
	what func(s Stream, id int, at int64, d Deed)
	deed Deed
}

// fewTold is how many events are kept in case that a value is stored again.
const fewTold = 512

func (s *either) tell(id int, at int64, d Deed, what func(s Stream, id int, at int64, d Deed)) {
	if s.again != nil {
		what(s.again, id, at, d)
		return
	}
	what(s.exact, id, at, d)
	if !s.late {
		s.first = append(s.first, told{id, at, what, d})
	}
	switch {
	case s.late:
	case s.exact.Unfit():
		s.again = newStateStream(RegisterModel())
		for _, e := range s.first {
			e.what(s.again, e.id, e.at, e.deed)
		}
		s.exact, s.first = nil, nil
	case len(s.first) == fewTold:
		s.first, s.late = nil, true
	}
}

func (s *either) now() Stream {
	if s.again != nil {
		return s.again
	}
	return s.exact
}

func (s *either) Call(id int, at int64, d Deed)   { s.tell(id, at, d, Stream.Call) }
func (s *either) Return(id int, at int64, d Deed) { s.tell(id, at, d, Stream.Return) }
func (s *either) Fail(id int) {
	s.tell(id, 0, Deed{}, func(s Stream, id int, _ int64, _ Deed) { s.Fail(id) })
}
func (s *either) GiveUp(id int) {
	s.tell(id, 0, Deed{}, func(s Stream, id int, _ int64, _ Deed) { s.GiveUp(id) })
}
func (s *either) Illegal() string { return s.now().Illegal() }
func (s *either) Unfit() bool     { return s.now().Unfit() }
func (s *either) Size() int       { return s.now().Size() + len(s.first) }
