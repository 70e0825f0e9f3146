package linear

import "slices"

// queueMachine is a machine of a queue into which every value was put once, first in first out or in any order. What
// comes out by an operation that returned is got.
type queueMachine struct {
	fifo      bool
	object    *Object
	processes []int32
	out       []int32 // by value: who got it; -1 for nobody
	turn      []int32 // by value that was got: how many its process got before
	entered   []int32 // by process: how many of what it got were put in
	state     queueState
	states    []queueState // before each operation
	line      []int32      // first in first out: everything that was put in
	in        []bool       // by value that is got: it is in
	got       int          // how many that are got were not put in yet
	empties   int          // how many have not found it empty yet
	takers    int          // how many that never returned have not taken anything yet

	clocks *clocks // what must stand before what; nil where that is too much
	done   []int32 // by process: how many that returned are placed

	nothing bool    // somebody waits for it to be empty
	wanted  []int32 // values that somebody waits for
}

// queueState is what is in a queue. Idle values are those that nobody got: which they are does not matter, but for
// their places in line.
type queueState struct {
	taken int       // first in first out: how many of line came out
	got   int       // how many are in that are got
	idle  int       // and how many that are not
	lent  int       // in any order: how many dequeues may have taken something
	hash  [2]uint64 // first in first out: a polynomial of what is in line
	power [2]uint64 // of the place of the next one
}

// roots are odd, so that they have inverses.
var roots, inverses = [2]uint64{0x9e3779b97f4a7c15, 0xd1342543de82ef95}, [2]uint64{
	inverse(0x9e3779b97f4a7c15), inverse(0xd1342543de82ef95),
}

// inverse of an odd number, modulo 2 to the 64th, by Newton's iteration.
func inverse(x uint64) uint64 {
	y := x // right in the last three bits
	for range 5 {
		y *= 2 - x*y
	}
	return y
}

func (m *queueMachine) begin(o *Object, processes []int32) (Answer, error) {
	m.object, m.processes = o, processes
	m.out, m.turn = resized(m.out, o.Values, -1), resized(m.turn, o.Values, 0)
	m.entered = resized(m.entered, len(o.Ops), 0) // there are no more processes
	m.state, m.states, m.line = queueState{power: [2]uint64{1, 1}}, m.states[:0], m.line[:0]
	m.got, m.empties, m.takers = 0, 0, 0
	m.in = make([]bool, o.Values)
	puts := make([]bool, o.Values)
	for i := range o.Ops { // of each process in its order
		switch op := &o.Ops[i]; {
		case op.Kind == Enqueue && puts[op.Value], op.Kind != Enqueue && op.Kind != Dequeue:
			return Undecided, ErrUnfit
		case op.Kind == Enqueue:
			puts[op.Value] = true
		case op.Pending():
			m.takers++
		case op.empty():
			m.empties++
		case m.out[op.Value] >= 0:
			return m.unlessAgain(i)
		default:
			m.out[op.Value], m.turn[op.Value] = int32(i), m.entered[processes[i]]
			m.entered[processes[i]]++
			m.got++
		}
	}
	clear(m.entered)
	m.done = resized(m.done, len(o.Ops), 0)
	for v, out := range m.out {
		if out >= 0 && !puts[v] {
			return Illegal, nil
		}
	}
	if m.clocks == nil || m.clocks.object != o {
		m.clocks = newClocks(o, processes, m.out, m.fifo, m.takers > 0)
	}
	if m.clocks != nil && m.clocks.ring {
		return Illegal, nil
	}
	return Undecided, nil
}

// unlessAgain answers where a value came out twice: that is wrong, unless it went in twice.
func (m *queueMachine) unlessAgain(at int) (Answer, error) {
	puts := 0
	for i := range m.object.Ops {
		if op := &m.object.Ops[i]; op.Kind == Enqueue && op.Value == m.object.Ops[at].Value {
			puts++
		}
	}
	if puts > 1 {
		return Undecided, ErrUnfit
	}
	return Illegal, nil
}

func (m *queueMachine) take(i int32, op *Op) bool {
	if m.clocks != nil && !m.clocks.lets(i, m.done) {
		return false
	}
	before := m.state
	fits := false
	switch {
	case op.Kind == Enqueue:
		fits = m.enter(op)
	case op.empty():
		fits = m.clear()
	case op.Pending():
		fits = m.lend()
	default:
		fits = m.leave(op.Value)
	}
	if !fits {
		m.state = before
		return false
	}
	m.states = append(m.states, before)
	m.count(op, -1)
	if !op.Pending() {
		m.done[m.processes[i]]++
	}
	return true
}

func (m *queueMachine) back(i int32, op *Op) {
	m.state = m.states[len(m.states)-1]
	m.states = m.states[:len(m.states)-1]
	m.count(op, 1)
	if !op.Pending() {
		m.done[m.processes[i]]--
	}
	switch {
	case op.Kind == Enqueue:
		m.in[op.Value] = false
		if m.fifo {
			m.line = m.line[:len(m.line)-1]
		}
	case op.Value > 0:
		m.in[op.Value] = true
	}
}

func (m *queueMachine) count(op *Op, by int) {
	switch {
	case op.Kind == Enqueue && m.out[op.Value] >= 0:
		m.got += by
		m.entered[m.processes[m.out[op.Value]]] += int32(by) * -1
	case op.Kind == Enqueue:
	case op.empty():
		m.empties += by
	case op.Pending():
		m.takers += by
	}
}

// enter puts a value in, unless it is clear that somebody does not get one then: in a queue that is first in first out
// a process gets its values in the order in which they went in, and idle values have to be taken by somebody before
// what is behind them can be got.
func (m *queueMachine) enter(op *Op) bool {
	v, s := op.Value, &m.state
	if out := m.out[v]; out >= 0 {
		if m.fifo && (m.entered[m.processes[out]] != m.turn[v] || s.idle > m.takers) {
			return false
		}
		s.got++
		m.in[v] = true
	} else {
		s.idle++
		if (m.empties > 0 || m.fifo && m.got > 0) && s.idle > m.takers+s.lent {
			return false
		}
	}
	if m.fifo {
		m.line = append(m.line, v)
		for n := range roots {
			s.hash[n] += mix(uint64(v)) * s.power[n]
			s.power[n] *= roots[n]
		}
	}
	return true
}

func (m *queueMachine) front() int32 {
	if m.state.taken == len(m.line) {
		return -1
	}
	return m.line[m.state.taken]
}

// leave takes a value that is got. In any order it is enough to ask whether it is in: nobody else takes it.
func (m *queueMachine) leave(v int32) bool {
	if m.fifo {
		if m.front() != v {
			return false
		}
		m.advance()
	} else if !m.in[v] {
		return false
	}
	m.in[v] = false
	m.state.got--
	return true
}

func (m *queueMachine) advance() {
	s := &m.state
	for n := range roots {
		s.hash[n] = (s.hash[n] - mix(uint64(m.line[s.taken]))) * inverses[n]
		s.power[n] *= inverses[n]
	}
	s.taken++
}

// clear finds the queue empty. In any order it is decided here that who may have taken something took what is in.
func (m *queueMachine) clear() bool {
	s := &m.state
	if s.got > 0 || s.idle > s.lent {
		return false
	}
	s.idle, s.lent = 0, s.lent-s.idle
	return true
}

// lend lets who never returned take something: never what somebody else got.
func (m *queueMachine) lend() bool {
	if !m.fifo {
		m.state.lent++
		return true
	}
	v := m.front()
	if v < 0 || m.out[v] >= 0 {
		return false
	}
	m.advance()
	m.state.idle--
	return true
}

// free: nobody else gets the value, and who finds nothing changes nothing where nobody may have taken something.
func (m *queueMachine) free(op *Op) bool {
	return op.Kind == Dequeue && !op.Pending() && (!op.empty() || m.fifo || m.state.idle == 0)
}

func (m *queueMachine) look() { m.nothing, m.wanted = false, m.wanted[:0] }

func (m *queueMachine) waits(op *Op) {
	switch {
	case op.empty():
		m.nothing = true
	case op.Kind == Dequeue:
		m.wanted = append(m.wanted, op.Value)
	}
}

func (*queueMachine) chains(*Op) bool { return false }

// useful: in a queue in any order what never returned may as well have waited until somebody needs it.
func (m *queueMachine) useful(op *Op) bool {
	switch s := &m.state; {
	case op.Kind == Enqueue && m.fifo:
		return m.out[op.Value] >= 0
	case op.Kind == Enqueue:
		return slices.Contains(m.wanted, op.Value)
	case m.fifo:
		return m.nothing || s.got > 0
	default:
		return m.nothing && s.idle > s.lent
	}
}

// urgency: what goes in first comes out first.
func (m *queueMachine) urgency(op *Op) int64 {
	if op.Kind != Enqueue || !m.fifo {
		return op.Return
	}
	if out := m.out[op.Value]; out >= 0 {
		return m.object.Ops[out].Return
	}
	return op.Return/2 + Never/2
}

func (m *queueMachine) id() [2]uint64 {
	s := &m.state
	rest := mix(uint64(s.idle)<<32 | uint64(s.lent))
	return [2]uint64{s.hash[0] ^ rest, s.hash[1] + rest}
}

func (m *queueMachine) replayed() Model {
	return &queueReplay{fifo: m.fifo, in: make([]bool, m.object.Values)}
}
