package linear

import "slices"

// Members decides whether one element is in a set, as a register of which 0 is that it is not and 1 that it is, where
// the element was added at most once and removed at most once (Lee & Mathur, Fast and simple linearizability checking,
// 2025). It is exact for them, operations that never returned included. Reads are who looked, and who was told that
// there was nothing to add or to remove; swaps are additions and removals that were told that there was; writes those
// that were told nothing.
//
// That the element is not there can be so before it was added and after it was removed. Who saw that and was called
// before somebody who needs the element had returned may as well have looked before; all others looked after. With
// these two told apart every value is stored once, and [Zones] decides.
//
// Cost: as of [Zones]. A Members keeps its memory for the next object; it is for one goroutine at a time.
type Members struct {
	zones Zones
	apart Object
	known int32 // who needs the element and returned first, -1 where nobody did
	add   int32 // -1 where there is none
	drop  int32 // -1 where there is none
}

// The states of an element.
const (
	notYet int32 = iota
	present
	noMore
)

// Model is what the orders of legal answers are replayed on.
func (*Members) Model() Model { return RegisterModel() }

// Decide answers legal or illegal for good, or [ErrUnfit] where the element was added or removed more than once. The
// order of a legal answer is overwritten by the next call.
func (m *Members) Decide(o *Object) Result {
	if !m.gather(o) {
		return Result{By: "members", At: -1, Cause: ErrUnfit}
	}
	r := m.decide(o, false)
	if r.Answer == Illegal && m.drop >= 0 && o.Ops[m.drop].Kind == Write {
		// It was not told whether there was something to remove: then it may have stood before the addition too.
		r = m.either(r, m.decide(o, true))
	}
	r.By = "members"
	for n := range r.More {
		r.More[n].By = r.By
	}
	if r.Answer == Illegal {
		m.moments(o, &r)
	}
	return r
}

// gather finds who added and who removed. False: more than one did, or this is no element of a set.
func (m *Members) gather(o *Object) bool {
	m.add, m.drop = -1, -1
	for i := range o.Ops {
		op := &o.Ops[i]
		at := &m.add
		if op.Value == notYet {
			at = &m.drop
		}
		switch {
		case op.Value > present, op.Kind > Swap, op.Kind == Swap && op.From == op.Value:
			return false
		case op.Kind == Read:
		case *at >= 0:
			return false
		default:
			*at = int32(i)
		}
	}
	return true
}

// decide tells those apart who saw nothing before and after. A removal that came before the addition saw nothing.
func (m *Members) decide(o *Object, dropFirst bool) Result {
	m.apart = Object{Ops: append(m.apart.Ops[:0], o.Ops...), Values: 3}
	ops := m.apart.Ops
	m.known = -1
	for i := range ops {
		op := &ops[i]
		switch {
		case int32(i) == m.add:
			op.Kind, op.From = Swap, notYet
		case int32(i) == m.drop && dropFirst:
			*op = Op{Call: op.Call, Return: op.Return, Kind: Read, Value: notYet}
		case int32(i) == m.drop:
			op.Kind, op.From, op.Value = Swap, present, noMore
		}
		needs := op.Value == present || op.Kind == Swap
		if needs && !op.Pending() && (m.known < 0 || op.Return < ops[m.known].Return) {
			m.known = int32(i)
		}
	}
	for i := range ops {
		if op := &ops[i]; op.Kind == Read && op.Value == notYet && m.known >= 0 && ops[m.known].Precedes(op) {
			op.Value = noMore
		}
	}
	r := m.zones.Decide(&m.apart)
	if r.Answer != Illegal {
		return r
	}
	m.close(&r)
	for n := range r.More {
		m.close(&r.More[n])
	}
	return r
}

// close adds to a witness what shows that it saw nothing after the element was there, and who added and removed it.
func (m *Members) close(r *Result) {
	r.Blind = nil // chains are short here
	for _, i := range []int32{m.known, m.add, m.drop} {
		if i >= 0 {
			r.Witness = append(r.Witness, i)
		}
	}
	slices.Sort(r.Witness)
	r.Witness = slices.Compact(r.Witness)
}

// either joins the proofs that neither order of an addition and a removal fits.
func (m *Members) either(a, b Result) Result {
	if b.Answer != Illegal {
		return b
	}
	a.Witness, a.More = append(a.Witness, b.Witness...), nil
	slices.Sort(a.Witness)
	a.Witness = slices.Compact(a.Witness)
	return a
}

func (m *Members) moments(o *Object, r *Result) {
	judge := func(part *Object) Answer { return new(Members).answer(part) }
	r.At = moment(o, r, judge)
	for n := range r.More {
		r.More[n].At = moment(o, &r.More[n], judge)
	}
}

func (m *Members) answer(o *Object) Answer {
	if !m.gather(o) {
		return Undecided
	}
	a := m.decide(o, false).Answer
	if a == Illegal && m.drop >= 0 && o.Ops[m.drop].Kind == Write {
		a = m.decide(o, true).Answer
	}
	return a
}
