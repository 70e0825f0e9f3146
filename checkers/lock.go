package checkers

import (
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// lock is the object of lock and fenced-lock. Who takes it is the process; an acquire that returns false is a try that
// was told that somebody has it, and one that failed did not happen.
type lock struct {
	plain
	fenced bool // acquires return tokens
}

// holder is a process as a value.
type holder int

func (lock) noun() string    { return "lock" }
func (l lock) ordered() bool { return l.fenced }

func (l lock) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "acquire":
		if p.Outcome != history.OK {
			return linear.Acquire, nil
		}
		if p.Output == false {
			return linear.Busy, nil
		}
		if _, whole := p.Output.(int64); l.fenced && !whole {
			return 0, fmt.Errorf("operation %d is an acquire that returned %v, which is not a whole number: "+
				"fenced-lock expects a token, and without tokens the model is lock", p.Index, p.Output)
		}
		return linear.Acquire, nil
	case "release":
		return linear.Release, nil
	}
	return 0, unknownFunction(*p)
}

func (l lock) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	o.From = t.intern(holder(p.Process))
	if l.fenced && o.Kind == linear.Acquire && p.Returned() {
		o.Value = t.intern(p.Output)
	}
	return elements
}

func (lock) stored(*history.Pair) any { return nil }

func (l lock) deciders() []decider { return []decider{linear.NewLocks(l.fenced)} }

func (l lock) sequential([]op) linear.Model { return linear.LockModel(l.fenced) }

// prune drops acquires that never returned, but for the one called first where somebody was told later that the lock is
// taken.
//
// Sound both ways: put back, they can stand at the end of any order, where they may have done nothing. And in an order
// in which one took the lock nobody has it afterwards, for that process does nothing more: so it is the only one, it
// may as well be the one called first, and if nobody is told of it it can be taken out.
func (lock) prune(ops []op) []op {
	last, told, first := map[value]int{}, -1, never
	lost := func(o *op) bool { return o.kind == acquires && o.pending && last[o.from] == o.call }
	for i := range ops {
		last[ops[i].from] = ops[i].call
		if ops[i].kind == tries {
			told = max(told, ops[i].ret)
		}
	}
	for i := range ops {
		if o := &ops[i]; lost(o) && o.call < told {
			first = min(first, o.call)
		}
	}
	return dropped(ops, func(o *op) bool { return lost(o) && o.call != first })
}

// without leaves out everything that some processes did. Sound: what one does with a lock, from taking it to giving it
// back, stands together in a legal order. Where somebody was told that the lock is taken, whoever had it has to stay.
func (lock) without(ops []op, gone map[value]bool) []op {
	told := false
	for i := range ops {
		told = told || ops[i].kind == tries && !gone[ops[i].from]
	}
	return dropped(ops, func(o *op) bool { return gone[o.from] && (o.kind == tries || !told) })
}

// name says what a shrunk illegal part of a lock's history is.
func (l lock) name(k *keyHistory, witness []op, _ bool) (name, story string) {
	holds, bad := holdsOf(witness)
	if bad != nil {
		p := k.pairOf(bad)
		return UnheldRelease, fmt.Sprintf("%s (%s), which it did not have then.", deed(p), words.Lasted(p))
	}
	for i := range holds {
		for j := range holds {
			a, b := &holds[i], &holds[j]
			if i != j && a.take.call < b.take.call && a.overlaps(b) {
				return SplitLock, k.split(a, b) + " " + k.noOrder(witness)
			}
		}
	}
	for i := range holds {
		for j := range holds {
			a, b := &holds[i], &holds[j]
			if !l.fenced || i == j || !a.comesBefore(b) || a.take.value < b.take.value {
				continue
			}
			p, q := k.pairOf(a.take), k.pairOf(b.take)
			if name = TokenNotIncreasing; a.take.value == b.take.value {
				name = TokenTwice
			}
			return name, fmt.Sprintf("%s (%s) after %s (%s). %s", words.Upper(deed(q)), words.Lasted(q), deed(p), words.Lasted(p),
				k.noOrder(witness))
		}
	}
	return NonLinearizable, k.tale(witness)
}

// hold is a lock taken and given back, or not.
type hold struct{ take, give *op }

// holdsOf puts together who took a lock and gave it back, and returns a release without an acquire, if there is one.
func holdsOf(ops []op) (holds []hold, bad *op) {
	now := map[value]int{} // by holder: the hold, plus one
	for i := range ops {   // in the order of the calls
		o := &ops[i]
		switch n := now[o.from]; {
		case o.kind == acquires && !o.pending:
			holds = append(holds, hold{take: o})
			now[o.from] = len(holds)
		case o.kind != releases:
		case n > 0:
			holds[n-1].give = o
			now[o.from] = 0
		case !o.pending && bad == nil:
			bad = o
		}
	}
	return holds, bad
}

// comesBefore reports whether a hold had begun when the other was not over, so that it has to come first.
func (h *hold) comesBefore(other *hold) bool {
	return other.give == nil || h.take.precedes(other.give)
}

func (h *hold) overlaps(other *hold) bool { return h.comesBefore(other) && other.comesBefore(h) }

// split tells of two who had a lock at once.
func (k *keyHistory) split(a, b *hold) string {
	story := ""
	for n, h := range []*hold{a, b} {
		p := k.pairOf(h.take)
		if n == 1 {
			story += ", and "
		}
		story += fmt.Sprintf("%s (%s)", deed(p), words.Lasted(p))
		switch {
		case h.give == nil:
			story += " and did not give it back"
		default:
			story += fmt.Sprintf(" and called release at %s", words.At(k.pairOf(h.give).Call))
		}
	}
	return words.Upper(story) + "."
}
