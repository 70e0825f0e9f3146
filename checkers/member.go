package checkers

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// memberSet is the object of member-set. What is done to one element has nothing to do with the others: each is a
// register of its own, whose value is absent where the element is not in the set.
type memberSet struct{ register }

func (memberSet) noun() string { return "set" }

// part is a key's element.
func (memberSet) part(p *history.Pair) string {
	if p.Key == "" {
		return words.Spell(p.Input)
	}
	return p.Key + "/" + words.Spell(p.Input)
}

func (memberSet) check(p *history.Pair) (linear.Kind, error) {
	f := function(p.F)
	_, told := p.Output.(bool)
	switch {
	case f != "add" && f != "remove" && f != "contains":
		return 0, unknownFunction(*p)
	case p.Input == nil:
		return 0, fmt.Errorf("operation %d is a %s without an element", p.Index, p.F)
	case p.Outcome == history.OK && !told && (p.Output != nil && !sameWord(p.Output, p.Input) || f == "contains"):
		return 0, fmt.Errorf("operation %d is a %s that returned %v: expected true or false", p.Index, p.F, p.Output)
	case f == "contains", p.Outcome == history.OK && p.Output == false:
		return linear.Read, nil
	case p.Outcome == history.OK && told:
		return linear.Swap, nil
	}
	return linear.Write, nil
}

// sameWord reports whether an answer only repeats what was asked for.
func sameWord(a, b any) bool { return values.Identity(a) == values.Identity(b) }

func (memberSet) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	in := t.intern(true) // the only value
	f := function(p.F)
	if f == "add" || f == "contains" && p.Output == true {
		o.Value = in
	}
	if o.Kind == linear.Swap {
		o.From = in - o.Value
	}
	return elements
}

func (memberSet) stored(p *history.Pair) any {
	if function(p.F) == "add" {
		return true
	}
	return nil
}

// rank: what is told of a set's elements is not used.
func (memberSet) rank(*history.Pair) int64 { return 0 }

func (memberSet) deciders() []decider { return []decider{new(linear.Members)} }

// suspicions: what is wrong with one element is soon found by a search.
func (memberSet) suspicions(*keyHistory, []op) [][]op { return nil }

// name says what a shrunk illegal part of an element's history is.
func (memberSet) name(k *keyHistory, witness []op, _ bool) (name, story string) {
	for i := range witness {
		if v, saw := witness[i].seen(); saw {
			if name, story := k.memberAmiss(&witness[i], v, witness); name != "" {
				return name, story + " " + k.noOrder(witness)
			}
		}
	}
	return NonLinearizable, k.tale(witness)
}

// memberAmiss compares what one operation saw with what others did and saw before it.
func (k *keyHistory) memberAmiss(o *op, saw value, witness []op) (name, story string) {
	p := k.pairOf(o)
	begin := fmt.Sprintf("%s (%s)", words.Upper(deed(p)), words.Lasted(p))
	var makers []*op // of the state that it saw
	for i := range witness {
		if w := &witness[i]; w != o && w.stores() && w.value == saw {
			makers = append(makers, w)
		}
	}
	if saw != absent {
		failed := k.failed[saw]
		switch {
		case len(makers) == 0 && len(failed) > 0:
			f := *k.pairs[failed[0]]
			return AbortedRead, fmt.Sprintf("%s, but %s had definitely failed at %s, and nobody else tried to add it.",
				begin, thing(f), words.At(f.Return))
		case len(makers) == 0:
			return PhantomRead, begin + ", but nobody ever tried to add it."
		case o.precedes(makers[0]): // they are in the order of the calls
			w := k.pairOf(makers[0])
			return FutureRead, fmt.Sprintf("%s, %s before %s was called.", begin, words.Span(w.Call-p.Return), thing(w))
		}
	}
	for i := range witness {
		b := &witness[i]
		if b == o || b.value == saw || !b.precedes(o) || !undisturbed(makers, b, o) {
			continue
		}
		known := k.pairOf(b)
		story = fmt.Sprintf("%s, called %s %s at %s.", begin, words.After(known, p), deed(known), words.At(known.Return))
		again := k.any(func(x *op) bool {
			v, looked := x.seen()
			return looked && v != saw && x.ret > o.call
		})
		switch {
		case o.kind == swaps && b.kind == swaps:
			return LostUpdate, story
		case saw == absent && !again:
			return LostWrite, story + " Nobody saw it later."
		}
		return StaleRead, story
	}
	return "", ""
}

// undisturbed reports whether nobody can have brought a state about between two operations.
func undisturbed(makers []*op, from, to *op) bool {
	return !slices.ContainsFunc(makers, func(m *op) bool { return !m.precedes(from) && !to.precedes(m) })
}
