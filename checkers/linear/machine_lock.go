package linear

import "slices"

// lockMachine is a machine of a lock, with tokens or without.
type lockMachine struct {
	fenced    bool
	holds     []fence // up to now
	given     int     // how many that returned took the lock
	tokens    []int32 // of a lock with tokens: those that were given, ascending
	takes     int     // how many that returned have not taken it yet
	gives     int     // how many have not given it back
	tries     int     // how many have not been told that somebody has it
	waiting   bool    // somebody waits for the lock to be taken
	returning bool    // or to be given back
}

func (m *lockMachine) begin(o *Object, processes []int32) (Answer, error) {
	*m = lockMachine{fenced: m.fenced, holds: append(m.holds[:0], fence{}), tokens: m.tokens[:0]}
	for i := range o.Ops {
		op := &o.Ops[i]
		if !op.Kind.Holds() {
			return Undecided, ErrUnfit
		}
		m.count(op, 1)
		if op.Kind == Acquire && !op.Pending() {
			m.tokens = append(m.tokens, op.Value)
		}
	}
	slices.Sort(m.tokens)
	twice := len(slices.Compact(slices.Clone(m.tokens))) < len(m.tokens)
	if m.takes > m.gives+1 || m.fenced && (twice || len(m.tokens) > 0 && m.tokens[0] == 0) || upside(o, processes) {
		return Illegal, nil
	}
	return Undecided, nil
}

// upside reports whether somebody who does everything that is done in its name gave back what it did not have, or took
// what it had.
func upside(o *Object, processes []int32) bool {
	const nobody, several = -1, -2
	by := resized(nil, o.Values, nobody)
	for i := range o.Ops {
		switch h := o.Ops[i].From; by[h] {
		case nobody, processes[i]:
			by[h] = processes[i]
		default:
			by[h] = several
		}
	}
	has, lent := make([]bool, o.Values), make([]bool, o.Values) // lent: it may have it or not
	for i := range o.Ops {                                      // of each process in its order
		op := &o.Ops[i]
		h := op.From
		switch {
		case by[h] == several || op.Kind == Busy:
		case op.Pending():
			lent[h] = true // from now on nothing is sure
		case op.Kind == Acquire && has[h] && !lent[h], op.Kind == Release && !has[h] && !lent[h]:
			return true
		default:
			has[h] = op.Kind == Acquire
		}
	}
	return false
}

func (m *lockMachine) count(op *Op, by int) {
	switch {
	case op.Kind == Busy:
		m.tries += by
	case op.Kind == Release:
		m.gives += by
	case !op.Pending():
		m.takes += by
	}
}

func (m *lockMachine) now() fence { return m.holds[len(m.holds)-1] }

// take takes no token while a smaller one is not given, and takes no lock that nobody gives back for those who still
// have to take it.
func (m *lockMachine) take(_ int32, op *Op) bool {
	now := m.now()
	fits := false
	switch {
	case op.Kind == Busy:
		fits = now.holder != 0
	case op.Kind == Release:
		fits = now.holder == op.From
		now.holder = 0
	case now.holder != 0:
	case op.Pending():
		fits = m.takes <= m.gives
		now.holder = op.From
	default:
		fits = m.takes-1 <= m.gives && (!m.fenced || op.Value == m.tokens[m.given] && op.Value > now.token)
		now.holder = op.From
		if m.fenced {
			now.token = op.Value
		}
	}
	if !fits {
		return false
	}
	m.count(op, -1)
	m.holds = append(m.holds, now)
	if op.Kind == Acquire && !op.Pending() {
		m.given++
	}
	return true
}

func (m *lockMachine) back(_ int32, op *Op) {
	m.count(op, 1)
	m.holds = m.holds[:len(m.holds)-1]
	if op.Kind == Acquire && !op.Pending() {
		m.given--
	}
}

// free: once nobody is told any more that somebody has it, a lock may as well be given back.
func (m *lockMachine) free(op *Op) bool {
	return op.Kind == Busy || op.Kind == Release && !op.Pending() && m.tries == 0
}

func (m *lockMachine) look() { m.waiting, m.returning = false, false }

func (m *lockMachine) waits(op *Op) {
	m.waiting = m.waiting || op.Kind != Acquire
	m.returning = m.returning || op.Kind == Acquire
}

func (*lockMachine) chains(*Op) bool { return false }

func (m *lockMachine) useful(op *Op) bool {
	if op.Kind == Release {
		return m.now().holder == op.From && (m.returning || m.waiting)
	}
	return m.now().holder == 0 && m.waiting
}

func (*lockMachine) urgency(op *Op) int64 { return op.Return }

func (m *lockMachine) id() [2]uint64 {
	now := m.now()
	id := uint64(uint32(now.holder))<<32 | uint64(uint32(now.token))
	return [2]uint64{mix(id), mix(^id)}
}

func (m *lockMachine) replayed() Model { return LockModel(m.fenced) }
