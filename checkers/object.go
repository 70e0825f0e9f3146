package checkers

import (
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// named is what a kind of object is called, and how its reads are told.
type named interface {
	// noun names the object in sentences: register, list, set.
	noun() string
	// whole reports whether a read returns everything that was ever added.
	whole() bool
}

// reader is how the history of a kind of object is read.
type reader interface {
	named
	// check says what a pair does to the object, or why the object has no such operation.
	check(p *history.Pair) (linear.Kind, error)
	// take brings what a pair stores and saw into the operation, whose kind and times are set. It is given only what
	// check has let through. What reads saw of a whole object goes to the end of elements, which it returns.
	take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32
	// stored is the value that a pair stores, or would have stored.
	stored(p *history.Pair) any
}

// decider is a special way to decide objects of one kind. It keeps its memory from one object to the next.
type decider interface {
	Decide(o *linear.Object) linear.Result
	// Model is the object as [linear.Replay] needs it for the order of a legal answer.
	Model() linear.Model
}

// object is what a key holds: how its history is read, what it does one operation after the other, and what may be left
// out of its history without making a legal one illegal. Everything the shrinker leaves out goes through prune and
// without, or is a completed read, which changes nothing: so what remains of an illegal history, and is still illegal,
// proves that the whole was.
type object interface {
	reader
	streamed
	// deciders returns the special ones, fresh, in the order in which they are asked.
	deciders() []decider
	// sequential returns a fresh object for these operations; it may prepare their fields.
	sequential(ops []op) linear.Model
	// prune drops operations which cannot decide anything: with and without them the history has the same verdict.
	prune(ops []op) []op
	// tighten gives operations that must have happened the latest time at which they can have. The verdict stays.
	tighten(ops []op) []op
	// without leaves out everything about some values (and what depends on them). Soundly: from a legal history it
	// makes a legal one.
	without(ops []op, gone map[value]bool) []op
	// idle returns the positions, ascending, of operations that may be left out besides observers: any of them, or,
	// where that is asked for, only all together.
	idle(ops []op, together bool) []int
	// suspicions are parts of the history, left over by sound removals, that look illegal, the clearest first. Whether
	// they are is for the engine to say.
	suspicions(k *keyHistory, ops []op) [][]op
	// name says which anomaly an illegal part is, and tells it in a sentence or two. Some names can be told only where
	// nothing can be left out of the part.
	name(k *keyHistory, witness []op, minimal bool) (name, story string)
}

// valuesOf returns the values that operations store or saw, in order of first mention.
func valuesOf(ops []op) []value {
	seen := map[value]bool{}
	var all []value
	note := func(v value) {
		if !seen[v] {
			seen[v] = true
			all = append(all, v)
		}
	}
	for i := range ops {
		switch o := &ops[i]; {
		case o.kind == reads && o.list != nil:
			for _, e := range o.list {
				note(e)
			}
		case o.kind == swaps:
			note(o.from)
			note(o.value)
		case o.kind.Holds():
			note(o.from)
		case o.empty(), o.kind == takes && o.pending, o.kind == adds, o.kind == counts: // about no value
		default:
			note(o.value)
		}
	}
	return all
}

// plain is of objects whose special decider finds what is clear, and whose searches are left with all there is.
type plain struct{}

func (plain) tighten(ops []op) []op               { return ops }
func (plain) idle([]op, bool) []int               { return nil }
func (plain) suspicions(*keyHistory, []op) [][]op { return nil }
func (plain) whole() bool                         { return false }

// dropped returns the operations without those that are not wanted.
func dropped(ops []op, unwanted func(o *op) bool) []op {
	kept := make([]op, 0, len(ops))
	for i := range ops {
		if !unwanted(&ops[i]) {
			kept = append(kept, ops[i])
		}
	}
	return kept
}
