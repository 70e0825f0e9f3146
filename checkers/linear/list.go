package linear

import "slices"

// The rules that a list can break, besides Nowhere and Future.
const (
	Repeated = "an element more often than it was appended"
	Forked   = "reads neither of which begins with the other"
	Shorter  = "a shorter list after a longer one"
	Missing  = "a list without what was in it before"
	Swapped  = "elements against the order of their appends"
)

// Lists decides lists to whose end elements are appended, and of which reads show the whole, where no element that a
// read shows was appended twice. It is exact for them, operations that never returned included.
//
// The longest read dictates the order: every other one is a beginning of it, an append stands before the first read
// that shows its element, one that returned and that nobody saw after all of them, and one that did not return and
// that nobody saw happened never: it could stand at the end of any order, and no order that holds it has a read behind
// it.
//
// Cost: O(n) plus the total length of the reads. A Lists keeps its memory for the next object; it is for one goroutine
// at a time.
type Lists struct {
	ladder
	object  *Object
	longest int32   // the read that shows most, -1 where there is none
	by      []int32 // of each element its append; -1 where there is none, several where there is more than one
	place   []int32 // of each element its place in the longest read, from 1 on; 0 where it is not there
	found   []Result
}

// several stands for more than one append of an element.
const several = -2

// Model is what the order of the last legal answer is replayed on.
func (l *Lists) Model() Model { return ListModel(l.object) }

// Decide answers legal or illegal for good, or [ErrUnfit] where a read shows an element that was appended more than
// once, or the operations are not those of a list. The order of a legal answer is overwritten by the next call.
func (l *Lists) Decide(o *Object) Result {
	switch l.judge(o) {
	case Legal:
		return Result{Answer: Legal, By: "lists", Order: l.order, At: -1}
	case Illegal:
		return proven(o, "lists", l.found, new(Lists).judge)
	}
	return Result{By: "lists", At: -1, Cause: ErrUnfit}
}

func (l *Lists) judge(o *Object) Answer {
	l.object, l.longest, l.found = o, -1, nil
	if !l.gather() || !l.compare() {
		return Undecided
	}
	if len(l.found) > 0 {
		return Illegal
	}
	l.rank()
	if len(l.found) > 0 {
		return Illegal
	}
	return Legal
}

// gather finds the longest read and who appended what. False: this is no list.
func (l *Lists) gather() bool {
	o := l.object
	l.by, l.place = resized(l.by, o.Values, -1), resized(l.place, o.Values, 0)
	for i := range o.Ops {
		switch op := &o.Ops[i]; op.Kind {
		case Read:
			if l.longest < 0 || op.Value > o.Ops[l.longest].Value {
				l.longest = int32(i)
			}
		case Append:
			if l.by[op.Value] != -1 {
				l.by[op.Value] = several
			} else {
				l.by[op.Value] = int32(i)
			}
		default:
			return false
		}
	}
	return true
}

// longestRead is what the longest read shows.
func (l *Lists) longestRead() []int32 {
	if l.longest < 0 {
		return nil
	}
	return l.object.Seen(int(l.longest))
}

// compare looks at what reads show: elements without an append or twice, and reads that are no beginning of the
// longest. False: an element that was appended more than once is among them.
func (l *Lists) compare() bool {
	all := l.longestRead()
	if slices.ContainsFunc(all, func(e int32) bool { return l.by[e] == several }) {
		return false
	}
	for p, e := range all {
		switch {
		case l.by[e] == -1:
			if l.room(Nowhere) {
				l.note(Result{Rule: Nowhere, Only: []int32{e}, Witness: []int32{l.firstWith(p)}})
			}
		case l.place[e] > 0:
			l.note(Result{Rule: Repeated, Only: []int32{e}, Witness: []int32{l.longest, l.by[e]}})
		default:
			l.place[e] = int32(p) + 1
		}
	}
	for i := range l.object.Ops {
		if l.object.Ops[i].Kind == Read && !l.begins(int32(i), all) {
			return false
		}
	}
	return true
}

// firstWith returns, of the reads that show the same as the longest at a place, the one that returned first.
func (l *Lists) firstWith(place int) int32 {
	first, o := l.longest, l.object
	e := l.longestRead()[place]
	for i := range o.Ops {
		op := &o.Ops[i]
		if op.Kind == Read && int(op.Value) > place && op.Return < o.Ops[first].Return && o.Seen(i)[place] == e {
			first = int32(i)
		}
	}
	return first
}

// begins compares a read with the longest and notes what is wrong where they part. False as in compare.
func (l *Lists) begins(i int32, all []int32) bool {
	seen := l.object.Seen(int(i))
	if len(seen) == 0 || &seen[0] == &all[0] || slices.Equal(seen, all[:len(seen)]) {
		return true
	}
	if slices.ContainsFunc(seen, func(e int32) bool { return l.by[e] == several }) {
		return false
	}
	for p, e := range seen {
		x := all[p]
		switch {
		case e == x:
			continue
		case l.by[e] == -1:
			l.note(Result{Rule: Nowhere, Only: []int32{e}, Witness: []int32{i}})
		case slices.Contains(seen[:p], e):
			l.note(Result{Rule: Repeated, Only: []int32{e}, Witness: []int32{i, l.by[e]}})
		case l.by[x] >= 0 && l.place[x] == int32(p)+1: // otherwise the longest read is what is wrong
			l.note(Result{Rule: Forked, Only: []int32{e, x}, Witness: []int32{i, l.longest, l.by[e], l.by[x]}})
		}
		return true
	}
	return true
}

// rank ranks every operation by the longest read and notes who stands against real time.
func (l *Lists) rank() {
	ops, end := l.object.Ops, 2*int32(len(l.longestRead()))
	l.reset(len(ops))
	for i := range ops {
		switch o := &ops[i]; {
		case o.Kind == Read:
			l.ranks[i] = 2 * o.Value
		case l.place[o.Value] > 0:
			l.ranks[i] = 2*l.place[o.Value] - 1
		case !o.Pending():
			l.ranks[i] = end + 1
		}
	}
	l.climb(ops, end+2, l.against)
}

// against notes an operation of a lower rank that was called when one of a higher rank had returned.
func (l *Lists) against(late, early int32) {
	a, b := &l.object.Ops[late], &l.object.Ops[early]
	r := Result{Witness: []int32{late, early}}
	switch {
	case a.Kind == Append && b.Kind == Read:
		r.Rule, r.Only = Future, []int32{a.Value}
	case a.Kind == Append:
		r.Rule, r.Only = Swapped, []int32{a.Value, b.Value}
		r.Witness = append(r.Witness, l.longest)
	case b.Kind == Append:
		r.Rule, r.Only = Missing, []int32{b.Value}
	default:
		last := l.longestRead()[b.Value-1]
		r.Rule, r.Only = Shorter, []int32{last}
		r.Witness = append(r.Witness, l.by[last])
	}
	l.note(r)
}

// room reports whether one more violation of a rule is of interest: the first of each, and a few of elements from
// nowhere, for their appends may have failed or not.
func (l *Lists) room(rule string) bool {
	n := 0
	for i := range l.found {
		if l.found[i].Rule == rule {
			n++
		}
	}
	return n == 0 || rule == Nowhere && n < mostOfRule
}

func (l *Lists) note(r Result) {
	if l.room(r.Rule) {
		l.found = append(l.found, r)
	}
}

// ListModel is a list to which elements are appended and which is read as a whole, given the reads. Its states are how
// much of the longest read is there, and one state for everything longer.
//
// That is exact: as long as the list is shorter than the longest read, that read is still to come, and since a list
// only grows, every element must be the one that it shows. Once the list is longer no read is to come, and it does not
// matter by what.
func ListModel(o *Object) Model {
	m := &listModel{object: o}
	for i := range o.Ops {
		if op := &o.Ops[i]; op.Kind == Read && int(op.Value) > len(m.longest) {
			m.longest = o.Seen(i)
		}
	}
	return m
}

type listModel struct {
	object  *Object
	longest []int32
}

func (*listModel) Init() int32 { return 0 }

func (m *listModel) Step(state int32, o *Op) (int32, bool) {
	switch n := int(state); {
	case o.Kind == Read:
		return state, state == o.Value && slices.Equal(m.object.Elements[o.From:][:n], m.longest[:n])
	case n < len(m.longest):
		return state + 1, m.longest[n] == o.Value
	}
	return int32(len(m.longest)) + 1, true
}
