package linear

import (
	"math"
	"slices"
)

// counterMachine is a machine of a counter. It does not leave a count that somebody still has to see where the
// additions that are left cannot bring it back.
type counterMachine struct {
	modelMachine
	sum         int64
	huge        bool    // it adds up to more than can be reckoned with
	plus, minus int64   // what is left to add, and to take off
	counts      []int64 // that somebody has to see, ascending
	left        []int32 // beside counts: how many still have to
	low, high   int     // no count below or above those has somebody left
}

func (m *counterMachine) begin(o *Object, processes []int32) (Answer, error) {
	m.sum, m.plus, m.minus, m.counts = 0, 0, 0, m.counts[:0]
	total := 0.0
	for i := range o.Ops {
		switch op := &o.Ops[i]; {
		case op.Kind == Count:
			m.counts = append(m.counts, op.Amount())
		case op.Kind == Add:
			total += math.Abs(float64(op.Amount()))
			m.plus, m.minus = m.plus+max(op.Amount(), 0), m.minus+min(op.Amount(), 0)
		default:
			return Undecided, ErrUnfit
		}
	}
	slices.Sort(m.counts)
	m.counts = slices.Compact(m.counts)
	m.left, m.low, m.high = resized(m.left, len(m.counts), 0), 0, len(m.counts)-1
	for i := range o.Ops {
		if op := &o.Ops[i]; op.Kind == Count {
			m.count(op.Amount(), 1)
		}
	}
	m.huge = total > 1<<61 || len(m.counts) > 0 && max(-m.counts[0], m.counts[len(m.counts)-1]) > 1<<61
	if !m.reaches() {
		return Illegal, nil
	}
	return m.modelMachine.begin(o, processes)
}

func (m *counterMachine) count(amount int64, by int32) {
	at, _ := slices.BinarySearch(m.counts, amount)
	if m.left[at] += by; by > 0 {
		m.low, m.high = min(m.low, at), max(m.high, at)
	}
}

// reaches reports whether what is left to add can bring about the lowest and the highest count that somebody has to
// see.
func (m *counterMachine) reaches() bool {
	for m.low < len(m.left) && m.left[m.low] == 0 {
		m.low++
	}
	for m.high >= 0 && m.left[m.high] == 0 {
		m.high--
	}
	return m.huge || m.high < 0 || m.sum+m.minus <= m.counts[m.low] && m.sum+m.plus >= m.counts[m.high]
}

func (m *counterMachine) add(op *Op, by int64) {
	amount := op.Amount()
	m.sum += by * amount
	m.plus, m.minus = m.plus-by*max(amount, 0), m.minus-by*min(amount, 0)
}

func (m *counterMachine) take(i int32, op *Op) bool {
	if !m.modelMachine.take(i, op) {
		return false
	}
	if op.Kind == Count {
		m.count(op.Amount(), -1)
		return true
	}
	if m.add(op, 1); m.reaches() {
		return true
	}
	m.back(i, op)
	return false
}

func (m *counterMachine) back(i int32, op *Op) {
	if op.Kind == Count {
		m.count(op.Amount(), 1)
	} else {
		m.add(op, -1)
	}
	m.modelMachine.back(i, op)
}
