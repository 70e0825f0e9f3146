package linear

import "slices"

// machine is an object that takes operations one after the other, and takes them back in the opposite order.
type machine interface {
	// begin brings an object to the machine. Illegal: it is clear that no order fits. The error is [ErrUnfit].
	begin(o *Object, processes []int32) (Answer, error)
	// take takes an operation, if it fits and it is not clear that nothing comes of it.
	take(i int32, op *Op) bool
	back(i int32, op *Op)
	// free reports whether the operation, where it is taken, may stand here whatever comes later: it only looks, or
	// takes away what stands in nobody's way when it is gone.
	free(op *Op) bool
	// look begins to ask of a moment, and waits tells it who could come next but does not fit, or is not free.
	look()
	waits(op *Op)
	// chains is waits for an operation that never returned, if somebody waits for what it does. It reports whether now
	// somebody waits for more.
	chains(op *Op) bool
	// useful reports whether somebody sees what an operation that never returned does here.
	useful(op *Op) bool
	// urgency is by which operations are tried, the smallest first: mostly when they returned.
	urgency(op *Op) int64
	id() [2]uint64 // of the state
	// replayed is what an order is replayed on.
	replayed() Model
}

// needing is a model of which some operations look for one state.
type needing interface {
	Needs(op *Op) (state int32, one bool)
}

// modelMachine is a machine of a model whose states cost little.
type modelMachine struct {
	model  Model
	valued Valued  // the model, or nil
	needs  needing // the model, or nil
	demand demand  // of a Valued model
	states []int32 // up to now

	anything bool    // somebody waits for something that is no one state
	wanted   []int32 // states that somebody waits for, and until when
	until    []int64
}

func (m *modelMachine) begin(o *Object, _ []int32) (Answer, error) {
	m.valued, _ = m.model.(Valued)
	m.needs, _ = m.model.(needing)
	m.states = append(m.states[:0], m.model.Init())
	if m.valued == nil {
		return Undecided, nil
	}
	m.demand.reset(m.valued, o)
	if !m.demand.met(m.states[0]) {
		return Illegal, nil
	}
	return Undecided, nil
}

func (m *modelMachine) state() int32 { return m.states[len(m.states)-1] }

func (m *modelMachine) take(_ int32, op *Op) bool {
	state := m.state()
	next, fits := m.model.Step(state, op)
	if !fits || m.valued != nil && next != state && !m.demand.lets(op, state) {
		return false
	}
	m.states = append(m.states, next)
	if m.valued != nil {
		m.demand.count(op, -1)
	}
	return true
}

func (m *modelMachine) back(_ int32, op *Op) {
	m.states = m.states[:len(m.states)-1]
	if m.valued != nil {
		m.demand.count(op, 1)
	}
}

func (*modelMachine) free(op *Op) bool { return op.Kind.Observes() }

func (m *modelMachine) look() { m.anything, m.wanted, m.until = false, m.wanted[:0], m.until[:0] }

func (m *modelMachine) waits(op *Op) {
	v, one := m.needed(op)
	if one && v != m.state() {
		m.want(v, op.Return)
	}
	m.anything = m.anything || op.Kind.Observes() && !(one && m.valued != nil)
}

func (m *modelMachine) needed(op *Op) (int32, bool) {
	if m.needs == nil {
		return 0, false
	}
	return m.needs.Needs(op)
}

// want reports whether nobody wanted that state so soon.
func (m *modelMachine) want(v int32, until int64) bool {
	at := slices.Index(m.wanted, v)
	switch {
	case at < 0:
		m.wanted, m.until = append(m.wanted, v), append(m.until, until)
	case until < m.until[at]:
		m.until[at] = until
	default:
		return false
	}
	return true
}

// chains: in any order, an operation whose effect nobody sees before it is gone can be taken out.
func (m *modelMachine) chains(op *Op) bool {
	if m.valued == nil {
		return false
	}
	made, _ := m.valued.Makes(op)
	from, one := m.valued.Needs(op)
	at := slices.Index(m.wanted, made)
	return one && at >= 0 && from != m.state() && m.want(from, m.until[at])
}

// useful: where nobody can tell what is looked for, an effect may be seen long after.
func (m *modelMachine) useful(op *Op) bool {
	state := m.state()
	next, fits := m.model.Step(state, op)
	return fits && next != state && (m.needs == nil || m.anything || slices.Contains(m.wanted, next))
}

// urgency puts first what fits only in this state, for its time may not come again, and moves up what brings about a
// state that somebody waits for who returned before.
func (m *modelMachine) urgency(op *Op) int64 {
	if _, one := m.needed(op); one && !op.Pending() {
		return op.Return - Never/2
	}
	next, _ := m.model.Step(m.state(), op)
	if at := slices.Index(m.wanted, next); at >= 0 {
		return min(op.Return, m.until[at])
	}
	return op.Return
}

func (m *modelMachine) id() [2]uint64 {
	state := uint64(uint32(m.state()))
	return [2]uint64{mix(^state), mix(state<<32 | 7)}
}

func (m *modelMachine) replayed() Model { return m.model }
