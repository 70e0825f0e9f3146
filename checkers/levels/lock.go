package levels

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeLock is [Judge] for a lock, with tokens or without.
//
//   - Staleness is exact. What may be late is that the lock is given back, and that somebody is told that it is taken:
//     so it is how much earlier the lock was handed on than it was given back.
//   - Sequential is known where a search finds an order, or that there is none. It has no witness.
//   - Relaxed is whether a lock with tokens is linearizable as one without, by the decider of such locks, which may be
//     nil for others.
//   - Versions, regular and the session guarantees have no meaning: they are not known.
//
// The error is [linear.ErrUnfit] where the operations are not those of a lock, or a process did two things at once.
//
// Cost: O(n log n), that of one decision, where somebody was told that the lock is taken that of up to some 40, and
// that of the search, as in [JudgeQueue].
func JudgeLock(ctx context.Context, h *History, fenced bool, decide, tokenless Decider) (Report, error) {
	sessions, _, err := h.sessions()
	if err != nil {
		return Report{}, err
	}
	for i := range h.Object.Ops {
		if !h.Object.Ops[i].Kind.Holds() {
			return Report{}, unfit("not a lock")
		}
	}
	report := unsaid(Locks)
	report.Levels[Sequential] = h.sequential(ctx, sessions, linear.LockModel(fenced))
	if l := newLock(h, fenced); l.simple {
		report.Staleness = l.staleness()
	} else {
		report.Staleness = lateness(ctx, h, givesOrTells, decide)
	}
	if fenced {
		report.Relaxed = relaxed(ctx, h.Object, tokenless)
	}
	report.rank()
	return report, nil
}

func givesOrTells(o *linear.Op) bool { return o.Kind == linear.Release || o.Kind == linear.Busy }

// lock is the history of a lock, read.
type lock struct {
	*History
	fenced bool
	ops    []linear.Op
	simple bool   // nobody was told that it is taken, and each holder took and gave back in turns
	holds  []hold // those that surely were, by call
	alien  int32  // the first who gave back what it had not, -1 for none
}

// hold is a lock taken and given back: positions, -1 where it was not.
type hold struct{ take, give int32 }

func newLock(h *History, fenced bool) *lock {
	l := &lock{History: h, fenced: fenced, ops: h.Object.Ops, simple: true, alien: -1}
	now, last := unset(h.Object.Values), unset(h.Object.Values) // by holder: its hold, and what it did last
	for i := range l.ops {
		o := &l.ops[i]
		again := o.Kind == linear.Acquire && now[o.From] >= 0 // then which one a release is for depends on when it was
		if again || o.Kind == linear.Busy || last[o.From] >= 0 && !l.ops[last[o.From]].Precedes(o) {
			l.simple = false
			return l
		}
		last[o.From] = int32(i)
		switch {
		case o.Kind == linear.Acquire && o.Pending(): // nobody needs it: it can be at the end of an order only
		case o.Kind == linear.Acquire:
			now[o.From] = int32(len(l.holds))
			l.holds = append(l.holds, hold{int32(i), -1})
		case now[o.From] >= 0:
			l.holds[now[o.From]].give = int32(i)
			now[o.From] = -1
		case !o.Pending() && l.alien < 0:
			l.alien = int32(i)
		}
	}
	return l
}

// staleness: which holds come in which order is dictated by tokens, or else they are as the values of a register, each
// taken and then given back as stored and then read (see [Judge]). Only at the end can one be that was not given back.
func (l *lock) staleness() Staleness {
	if l.alien >= 0 {
		return l.never(linear.NotHeld, l.alien)
	}
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	kept := slices.IndexFunc(l.holds, func(h hold) bool { return h.give < 0 })
	if kept >= 0 {
		if s = l.atEnd(kept); !s.Bounded {
			return s
		}
	}
	other := l.free()
	if l.fenced {
		other = l.byToken()
	}
	if !other.Bounded || other.Delta > s.Delta {
		return other
	}
	return s
}

func (l *lock) never(rule string, witness ...int32) Staleness {
	return Staleness{Rule: rule, Read: -1, Newer: -1, Witness: sorted(witness)}
}

// handed makes of two holds, of which the first must be over when the second begins, what is to know of it.
func (l *lock) handed(s *Staleness, first, second hold) {
	newer := second.take // it returned before the lock was given back
	if first.give < 0 || !l.ops[newer].Precedes(&l.ops[first.give]) {
		return
	}
	if lag := max(1, time.Duration(l.Call(first.give)-l.Return(newer))); lag > s.Delta {
		s.Delta, s.Read, s.Newer = lag, first.give, newer
		s.Witness = sorted(l.both(first, second))
	}
}

func (l *lock) both(a, b hold) []int32 {
	return slices.DeleteFunc([]int32{a.take, a.give, b.take, b.give}, func(i int32) bool { return i < 0 })
}

// atEnd asks of all others to be over when one begins that was not given back.
func (l *lock) atEnd(kept int) Staleness {
	s, end := Staleness{Bounded: true, Read: -1, Newer: -1}, l.holds[kept]
	for n, h := range l.holds {
		if n == kept {
			continue
		}
		if h.give < 0 || l.ops[end.take].Precedes(&l.ops[h.take]) {
			return l.never(linear.Shared, l.both(end, h)...)
		}
		l.handed(&s, h, end)
	}
	return s
}

// byToken asks of each hold to be over when any with a greater token begins.
func (l *lock) byToken() Staleness {
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	token := func(h hold) int32 { return l.ops[h.take].Value }
	by := slices.Clone(l.holds)
	slices.SortStableFunc(by, func(a, b hold) int { return cmp.Compare(token(a), token(b)) })
	soonest := -1 // of those with greater tokens: whose acquire returned first
	for n, h := range slices.Backward(by) {
		switch {
		case n+1 < len(by) && token(by[n+1]) == token(h):
			return l.never(linear.TokenTwice, l.both(h, by[n+1])...)
		case soonest >= 0 && (h.give < 0 || l.ops[by[soonest].take].Precedes(&l.ops[h.take])):
			return l.never(linear.TokenDown, l.both(h, by[soonest])...)
		case soonest >= 0:
			l.handed(&s, h, by[soonest])
		}
		if soonest < 0 || l.ops[h.take].Return < l.ops[by[soonest].take].Return {
			soonest = n
		}
	}
	return s
}

// free finds out how late what is stored is read. A release that never returned is one that returned after everything.
func (l *lock) free() Staleness {
	value, at := unset(len(l.ops)), []int32{}
	for n, h := range l.holds {
		value[h.take] = int32(n) + 1
		if h.give >= 0 {
			value[h.give] = int32(n) + 1
		}
	}
	o, end := &linear.Object{Values: len(l.holds) + 1}, int64(math.MaxInt64/2)
	for i := range l.ops {
		if value[i] < 0 {
			continue
		}
		op := linear.Op{Call: l.ops[i].Call, Return: l.ops[i].Return, Kind: linear.Write, Value: value[i]}
		if l.ops[i].Kind == linear.Release {
			op.Kind = linear.Read
		}
		if op.Pending() {
			op.Return, end = end, end+1
		}
		o.Ops, at = append(o.Ops, op), append(at, int32(i))
	}
	r, err := Judge(&History{
		Object: o, Process: func(op int32) int { return int(op) },
		Call: func(op int32) int64 { return l.Call(at[op]) },
		Return: func(op int32) int64 {
			if l.ops[at[op]].Pending() {
				return math.MaxInt64 / 2
			}
			return l.Return(at[op])
		},
	})
	if err != nil { // it is a register by its making
		return unknownStaleness()
	}
	s := r.Staleness
	for n, i := range s.Witness {
		s.Witness[n] = at[i]
	}
	if s.Values = [2]int32{}; s.Read >= 0 {
		s.Read, s.Newer = at[s.Read], at[s.Newer]
	}
	return s
}
