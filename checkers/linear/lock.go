package linear

import (
	"cmp"
	"slices"
)

// The rules that a lock can break.
const (
	Shared     = "a lock that two had at once"
	NotHeld    = "a lock that was given back by who did not have it"
	TokenTwice = "a token that was given twice"
	TokenDown  = "a token that is not above an earlier one"
)

// Locks decides locks, of which each holder takes and gives back one after the other, with tokens that go up or
// without. It is exact for them, operations that never returned included; a lock for which somebody was told that it
// is taken is left with [ErrUnfit] where that is what matters.
//
// Whoever took the lock surely had it from the return of that to the call of giving it back. No two such spans may
// overlap, which leaves one order, and along it the tokens have to go up. What took the lock and never returned is left
// out: nobody gave it back, so that it can be at the end of an order only, where nobody needs it.
//
// Cost: O(n log n). A Locks keeps its memory for the next object; it is for one goroutine at a time.
type Locks struct {
	fenced bool
	object *Object
	holds  []hold
	now    []int32 // by holder: the hold that it has not given back, plus one
	before []int32 // by holder: what it did last, plus one
	busy   bool
	order  []int32
	found  []Result
}

// hold is a lock taken and given back. Of operations it names the positions, -1 where there is none.
type hold struct {
	take, give  int32
	since, till int64
}

// NewLocks returns a decider of locks, with tokens or without.
func NewLocks(fenced bool) *Locks { return &Locks{fenced: fenced} }

// Model is what the order of legal answers is replayed on.
func (l *Locks) Model() Model { return LockModel(l.fenced) }

// Decide answers legal or illegal for good, or [ErrUnfit]. The order of a legal answer is overwritten by the next call.
func (l *Locks) Decide(o *Object) Result {
	switch l.judge(o) {
	case Legal:
		return Result{Answer: Legal, By: "locks", Order: l.order, At: -1}
	case Illegal:
		return proven(o, "locks", l.found, NewLocks(l.fenced).judge)
	}
	return Result{By: "locks", At: -1, Cause: ErrUnfit}
}

func (l *Locks) judge(o *Object) Answer {
	l.object, l.found = o, nil
	if !l.gather() {
		return Undecided
	}
	l.sweep()
	switch {
	case len(l.found) > 0:
		return Illegal
	case l.busy:
		return Undecided
	}
	l.order = l.order[:0]
	for _, h := range l.holds {
		l.order = append(l.order, h.take)
		if h.give >= 0 {
			l.order = append(l.order, h.give)
		}
	}
	return Legal
}

// gather puts together who took and gave back. False: a holder did two things at once, a token is missing, or this is
// no lock.
func (l *Locks) gather() bool {
	ops := l.object.Ops
	l.holds, l.busy = l.holds[:0], false
	l.now, l.before = resized(l.now, l.object.Values, 0), resized(l.before, l.object.Values, 0)
	for i := range ops {
		o := &ops[i]
		if o.Kind == Busy {
			l.busy = true
			continue
		}
		if last := l.before[o.From]; last > 0 && !ops[last-1].Precedes(o) {
			return false
		}
		l.before[o.From] = int32(i) + 1
		switch {
		case o.Kind == Acquire && o.Pending():
		case o.Kind == Acquire:
			if l.fenced && o.Value == 0 {
				return false
			}
			l.holds = append(l.holds, hold{int32(i), -1, o.Return, Never})
			l.now[o.From] = int32(len(l.holds))
		case o.Kind != Release:
			return false
		case l.now[o.From] > 0:
			h := &l.holds[l.now[o.From]-1]
			h.give, h.till = int32(i), o.Call
			l.now[o.From] = 0
		case !o.Pending():
			l.note(NotHeld, int32(i))
		}
	}
	return true
}

// sweep puts the holds in order and looks for two at once, and for tokens that do not go up.
func (l *Locks) sweep() {
	slices.SortFunc(l.holds, func(a, b hold) int { return cmp.Compare(a.since, b.since) })
	longest, highest := -1, -1
	for n := range l.holds {
		h := &l.holds[n]
		if longest >= 0 && h.since < l.holds[longest].till {
			l.note(Shared, l.both(longest, n)...)
		}
		if longest < 0 || h.till > l.holds[longest].till {
			longest = n
		}
		if !l.fenced {
			continue
		}
		switch token := l.token(n); {
		case highest < 0 || token > l.token(highest):
			highest = n
		case token == l.token(highest):
			l.note(TokenTwice, l.both(highest, n)...)
		default:
			l.note(TokenDown, l.both(highest, n)...)
		}
	}
}

func (l *Locks) token(n int) int32 { return l.object.Ops[l.holds[n].take].Value }

// both returns the operations of two holds.
func (l *Locks) both(a, b int) []int32 {
	var all []int32
	for _, h := range []hold{l.holds[a], l.holds[b]} {
		all = append(all, h.take)
		if h.give >= 0 {
			all = append(all, h.give)
		}
	}
	return all
}

// note keeps the first violation of each rule.
func (l *Locks) note(rule string, witness ...int32) {
	if !slices.ContainsFunc(l.found, func(r Result) bool { return r.Rule == rule }) {
		l.found = append(l.found, Result{Rule: rule, Witness: witness})
	}
}

// LockModel is a lock, with tokens that go up or without. Without tokens its state is who has it, 0 for nobody.
func LockModel(fenced bool) Model {
	if fenced {
		return &fencedModel{numbers: map[fence]int32{{}: 0}, states: []fence{{}}}
	}
	return lockModel{}
}

type lockModel struct{}

func (lockModel) Init() int32 { return 0 }

func (lockModel) Step(holder int32, o *Op) (int32, bool) {
	switch {
	case o.Kind == Busy:
		return holder, holder != 0
	case o.Kind == Acquire && holder == 0:
		return o.From, true
	case o.Kind == Release && holder == o.From:
		return 0, true
	}
	return holder, o.Pending()
}

func (lockModel) Needs(o *Op) (int32, bool) {
	if o.Kind == Acquire {
		return 0, true
	}
	return o.From, o.Kind == Release
}

func (lockModel) Makes(o *Op) (int32, bool) {
	if o.Kind == Acquire {
		return o.From, true
	}
	return 0, o.Kind == Release
}

// fence is the state of a lock with tokens: who has it, and the last token.
type fence struct{ holder, token int32 }

type fencedModel struct {
	numbers map[fence]int32
	states  []fence
}

func (*fencedModel) Init() int32 { return 0 }

func (m *fencedModel) Step(state int32, o *Op) (int32, bool) {
	now := m.states[state]
	next, fits := lockModel{}.Step(now.holder, o)
	switch {
	case !fits:
		return state, false
	case next == now.holder:
		return state, true
	case o.Kind == Acquire && !o.Pending():
		if o.Value <= now.token {
			return state, false
		}
		now.token = o.Value
	}
	now.holder = next
	n, known := m.numbers[now]
	if !known {
		n = int32(len(m.states))
		m.states = append(m.states, now)
		m.numbers[now] = n
	}
	return n, true
}
