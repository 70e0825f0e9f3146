package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

// A compare-and-set that failed because the value was another one changes nothing, but unlike a read it does not say
// what it saw. So any store may be the reason why it failed, also one that nobody else noticed, and what is left out of
// a history must not be such a reason.

// excuses says which operations may be why compare-and-sets failed.
type excuses struct {
	open   []excuse // those that need a reason and may have one, by until
	since  []int    // the least since of this one and those behind it
	values map[value]*presence
}

// excuse is of one compare-and-set that failed: its reason is a store that was called before until and, since what had
// returned before was replaced, returned after since.
type excuse struct {
	at           int // its position
	until, since int
}

// presence is when a value was there for certain, and when at the earliest it can have been.
type presence struct {
	writers      int
	called       int // the first call of a writer
	before, last int // the first return of who stored or saw it, the last call of who saw it
}

// newExcuses looks at all that failed. It costs O(n log n), and nothing to speak of where none did.
func newExcuses(ops []op) excuses {
	if !slices.ContainsFunc(ops, func(o op) bool { return o.kind == refused }) {
		return excuses{since: []int{never}}
	}
	e := excuses{values: presences(ops)}
	var stores []*op
	for i := range ops {
		if ops[i].stores() && !ops[i].pending {
			stores = append(stores, &ops[i])
		}
	}
	slices.SortFunc(stores, func(a, b *op) int { return cmp.Compare(a.ret, b.ret) })
	since := -1
	for i := range ops { // by call
		f := &ops[i]
		for ; len(stores) > 0 && stores[0].precedes(f); stores = stores[1:] {
			since = max(since, stores[0].call)
		}
		if f.kind == refused && !f.surely && e.values[f.from].possible(f) {
			e.open = append(e.open, excuse{at: i, until: f.ret, since: since})
		}
	}
	slices.SortFunc(e.open, func(a, b excuse) int { return cmp.Compare(a.until, b.until) })
	e.since = make([]int, len(e.open)+1)
	e.since[len(e.open)] = never
	for i := len(e.open) - 1; i >= 0; i-- {
		e.since[i] = min(e.since[i+1], e.open[i].since)
	}
	return e
}

func presences(ops []op) map[value]*presence {
	all := map[value]*presence{absent: {writers: 1, called: -1, before: -1, last: -1}}
	of := func(v value) *presence {
		if all[v] == nil {
			all[v] = &presence{called: never, before: never, last: -1}
		}
		return all[v]
	}
	for i := range ops {
		o := &ops[i]
		if o.stores() {
			p := of(o.value)
			p.writers++
			p.called, p.before = min(p.called, o.call), min(p.before, o.ret)
		}
		if v, saw := o.seen(); saw {
			p := of(v)
			p.before, p.last = min(p.before, o.ret), max(p.last, o.call)
		}
	}
	return all
}

// possible reports whether the value can have been there while a compare-and-set failed that expected it: otherwise it
// needs no reason.
func (p *presence) possible(f *op) bool { return p != nil && p.called < f.ret }

// certain reports whether a compare-and-set failed although the value that it expected was surely there all the time:
// stored once, stored or seen before by an operation that had returned, and seen after by one that was called then. No
// store is the reason, so that all others may be left out as long as these are there.
func (p *presence) certain(f *op) bool {
	return p != nil && p.writers == 1 && p.before < f.call && p.last > f.ret
}

// by reports whether the operation may be the reason of any.
func (e excuses) by(o *op) bool {
	byUntil := func(x excuse, call int) int { return cmp.Compare(x.until, call) }
	first, _ := slices.BinarySearchFunc(e.open, o.call, byUntil)
	return o.stores() && e.since[first] < o.ret
}

// excused keeps some operations, but none that failed for what may be a reason that is not kept, unless the value was
// there for certain.
func excused(ops []op, kept func(o *op) bool) []op {
	var returns []int // the last return of the stores so far that are not kept
	var calls []int   // and when they were called
	for i := range ops {
		if o := &ops[i]; o.stores() && !kept(o) {
			latest := o.ret
			if n := len(returns); n > 0 {
				latest = max(latest, returns[n-1])
			}
			returns, calls = append(returns, latest), append(calls, o.call)
		}
	}
	reasons, doubtful := newExcuses(ops), map[int]bool{}
	for _, x := range reasons.open {
		if n, _ := slices.BinarySearch(calls, x.until); n > 0 && returns[n-1] > x.since {
			doubtful[x.at] = true
		}
	}
	var rest []op
	for i := range ops {
		o := ops[i]
		if doubtful[i] {
			o.surely = reasons.values[o.from].certain(&o)
		}
		if kept(&o) && (!doubtful[i] || o.surely) {
			rest = append(rest, o)
		}
	}
	return rest
}

// groundless returns the first compare-and-set that failed although the value was surely there.
func groundless(ops []op) (f *op, found bool) {
	values := presences(ops)
	for i := range ops {
		if f = &ops[i]; f.kind == refused && values[f.from].certain(f) {
			return f, true
		}
	}
	return nil, false
}

// sides returns an operation that shows that the value which a failed compare-and-set expected was there before, a
// writer where there is one, and one that shows that it was there after, or nil. The initial value was there before:
// then the former is the compare-and-set itself.
func sides(ops []op, f *op) (before, after *op) {
	if f.from == absent {
		before = f
	}
	for i := range ops {
		o := &ops[i]
		v, saw := o.seen()
		shows, stored := saw && v == f.from, o.stores() && o.value == f.from
		if (shows || stored) && o.precedes(f) && (before == nil || stored) {
			before = o
		}
		if shows && f.precedes(o) && (after == nil || o.call > after.call) {
			after = o
		}
	}
	return before, after
}

// anonymous gives the stores of values that nobody looks at one value between them: nobody can tell them apart. This
// spares the search to try them all as the reason of one failure.
func anonymous(ops []op) {
	looked := map[value]bool{absent: true}
	for i := range ops {
		if ops[i].kind != writes {
			looked[lookedAt(&ops[i])] = true
		}
	}
	nameless := absent
	for i := range ops {
		o := &ops[i]
		if !o.stores() || looked[o.value] {
			continue
		}
		if nameless == absent {
			nameless = o.value
		}
		o.value = nameless
	}
}

// spurious tells of a compare-and-set that failed without a reason; "" where the part holds none that failed.
func (k *keyHistory) spurious(ops []op) string {
	f, surely := groundless(ops)
	if f == nil {
		at := slices.IndexFunc(ops, func(o op) bool { return o.kind == refused })
		if at < 0 {
			return ""
		}
		f = &ops[at]
	}
	before, after := sides(ops, f)
	p, word := k.pairOf(f), words.Spell(k.words[f.from])
	story := fmt.Sprintf("%s (%s) was told that the value is not %s", thing(p), words.Lasted(p), word)
	alone := !slices.ContainsFunc(ops, func(o op) bool { return o.stores() && o.value != f.from })
	if before == nil || !surely && !alone {
		return fmt.Sprintf("%s, for which no order gives a reason: %s. %s", story, roll(k.witness(ops)), k.noOrder(ops))
	}
	since := "the beginning"
	if before != f {
		b := k.pairOf(before)
		since = fmt.Sprintf("%s, when %s had returned", words.At(b.Return), thing(b))
	}
	until := "and nothing that was called in time can have replaced it"
	if surely {
		a := k.pairOf(after)
		until = fmt.Sprintf("until %s, when %s was called", words.At(a.Call), thing(a))
		if after.kind == reads {
			until += ", unless that read was stale"
		}
	}
	return fmt.Sprintf("%s, though it was %s from %s, %s. %s", story, word, since, until, k.noOrder(ops))
}
