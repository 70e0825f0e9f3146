package checkers

import (
	"iter"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// The kinds of operations that the searches know.
const (
	reads    = linear.Read       // returns the whole state, changes nothing
	writes   = linear.Write      // replaces the state
	swaps    = linear.Swap       // replaces the state where it is what was expected: compare-and-set
	refused  = linear.SwapFailed // was told that the state is not what was expected: from, which is its value too
	appendsE = linear.Append     // adds an element at the end of a list, or to a set
	puts     = linear.Enqueue
	takes    = linear.Dequeue // took a value out, or found nothing: absent
	acquires = linear.Acquire // took a lock; from is who, value the token
	tries    = linear.Busy    // was told that somebody has the lock
	releases = linear.Release // gave a lock back
	adds     = linear.Add     // adds its amount to a counter
	counts   = linear.Count   // saw a counter
)

// never is the return of an operation that did not return.
const never = math.MaxInt

// op is an operation as the searches see it. Times are line numbers of the history, so no two events are at one time.
type op struct {
	pair      int // position in keyHistory.pairs
	kind      linear.Kind
	pending   bool // never returned: it may happen at any time after its call, or not at all
	surely    bool // refused: what may have been the reason is left out because the rest rules it out, see presence
	from      value
	value     value   // read: what it saw; write, swap: what it stores; append: the element
	list      []value // read of a list: what it saw
	call, ret int     // ret is never where pending
}

// seen is the value of a register that the operation is known to have seen.
func (o *op) seen() (value, bool) {
	switch {
	case o.pending:
	case o.kind == reads:
		return o.value, true
	case o.kind == swaps:
		return o.from, true
	}
	return 0, false
}

// stores reports whether the operation changes the state, or may.
func (o *op) stores() bool { return o.kind != reads && o.kind != refused }

// empty reports whether the operation found nothing in a queue.
func (o *op) empty() bool { return o.kind == takes && o.value == absent && !o.pending }

// amount is what an operation on a counter is about.
func (o *op) amount() int64 { return (&linear.Op{Value: o.value, From: o.from}).Amount() }

// lower takes something off what was counted.
func (o *op) lower(by int64) {
	var l linear.Op
	l.SetAmount(o.amount() - by)
	o.value, o.from = l.Value, l.From
}

// observes reports whether the operation changed nothing, so that leaving it out is sound.
func (o *op) observes() bool { return o.kind.Observes() || o.empty() }

// open makes the operation one that never returned.
func (o *op) open() {
	o.ret, o.pending = never, true
	if o.kind == takes || o.kind == acquires {
		o.value = absent
	}
}

func (o *op) precedes(p *op) bool { return o.ret < p.call }

// keyHistory is what was done to one key, ready to be judged.
type keyHistory struct {
	*table
	named
	key    string
	pairs  []*history.Pair // every operation of the key, in the order of the calls; they are the history's own
	ops    []op            // those that took part: not the failed ones, not reads without an answer
	failed map[value][]int // what definitely failed operations would have stored -> positions in pairs
	// every is, where ops are only the part that matters, everything that took part; its values are those of the table.
	every *linear.Object
}

// everything yields all operations that took part, also where ops are only some of them: then without their pairs, and
// each only until the next.
func (k *keyHistory) everything() iter.Seq[*op] {
	return func(yield func(*op) bool) {
		if k.every == nil {
			for i := range k.ops {
				if !yield(&k.ops[i]) {
					return
				}
			}
			return
		}
		var o op
		for i := range k.every.Ops {
			if fill(&o, k.every, i); !yield(&o) {
				return
			}
		}
	}
}

// about are those of everything that may be about one of two values of a register.
func (k *keyHistory) about(one, other value) iter.Seq[*op] {
	is := func(stored, from value) bool {
		return stored == one || stored == other || from == one || from == other
	}
	return func(yield func(*op) bool) {
		if k.every == nil {
			for i := range k.ops {
				if o := &k.ops[i]; is(o.value, o.from) && !yield(o) {
					return
				}
			}
			return
		}
		for i := range k.every.Ops {
			if l := &k.every.Ops[i]; is(l.Value, l.From) {
				if o := opOf(k.every, i); !yield(&o) {
					return
				}
			}
		}
	}
}

// any reports whether there is such an operation among all that took part.
func (k *keyHistory) any(is func(*op) bool) bool {
	for o := range k.everything() {
		if is(o) {
			return true
		}
	}
	return false
}

// witness returns the pairs of some operations, by time of call. Where the operations show less of a list than was
// read, or a lower count, so do the pairs.
func (k *keyHistory) witness(ops []op) []history.Pair {
	ops = slices.Clone(ops)
	slices.SortFunc(ops, func(a, b op) int { return a.call - b.call })
	pairs := make([]history.Pair, len(ops))
	for i, o := range ops {
		pairs[i] = *k.pairs[o.pair]
		if o.kind == reads && k.whole() && len(o.list) < length(pairs[i].Output) {
			pairs[i].Output = k.output(o.list)
		}
		if o.kind == counts {
			pairs[i].Output = o.amount()
		}
	}
	return pairs
}

// output spells a list in the normal form of history.Op.
func (k *keyHistory) output(list []value) any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = k.words[v]
	}
	normal, err := history.Normalize(out)
	if err != nil {
		return out // the words came from a history, so they are normal already
	}
	return normal
}
