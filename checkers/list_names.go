package checkers

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

// name says what a shrunk illegal part of a list's history is.
func (list) name(k *keyHistory, witness []op, _ bool) (name, story string) {
	t := newElementTable(witness)
	for i := range witness {
		o := &witness[i]
		counts := map[value]int{}
		for _, e := range o.list {
			counts[e]++
			by := t.appends[e]
			switch {
			case len(by) == 0:
				return k.shownFromNowhere(o, e)
			case counts[e] > len(by):
				return Duplicate, k.twice(t, o, e)
			case witness[by[0]].call > o.ret:
				return k.tooEarly(o, &witness[by[0]])
			}
		}
	}
	if name, story := t.nameFork(k); name != "" {
		return name, story
	}
	if t.unique {
		if name, story := t.nameOrder(k); name != "" {
			return name, k.shown(story, witness)
		}
	}
	return NonLinearizable, k.shown(k.tale(witness), witness)
}

// shown adds that reads are told without what does not matter.
func (k *keyHistory) shown(story string, witness []op) string {
	for _, o := range witness {
		if o.kind == reads && length(k.pairs[o.pair].Output) > len(o.list) {
			return story + " (Of what was read, only the elements that matter are shown.)"
		}
	}
	return story
}

func (k *keyHistory) shownFromNowhere(o *op, e value) (name, story string) {
	p := k.pairOf(o)
	word := words.Spell(k.words[e])
	begin := fmt.Sprintf("%s's read (%s) showed %s", words.Who(p), words.Lasted(p), word)
	failed := k.failed[e]
	if len(failed) == 0 {
		return PhantomRead, fmt.Sprintf("%s, but no operation on this key ever tried to add %s.", words.Upper(begin), word)
	}
	f := *k.pairs[failed[0]]
	return AbortedRead, fmt.Sprintf("%s, but %s had definitely failed at %s, and nobody else tried to add it.",
		words.Upper(begin), thing(f), words.At(f.Return))
}

func (k *keyHistory) twice(t *elementTable, o *op, e value) string {
	p := k.pairOf(o)
	shown := 0
	for _, x := range o.list {
		if x == e {
			shown++
		}
	}
	return fmt.Sprintf("%s's read (%s) showed %s %s, but it was appended %s: %s.",
		words.Upper(words.Who(p)), words.Lasted(p), words.Spell(k.words[e]), often(shown), often(len(t.appends[e])),
		thing(k.pairOf(&t.ops[t.appends[e][0]])))
}

// nameFork finds two reads neither of which begins with the other.
func (t *elementTable) nameFork(k *keyHistory) (name, story string) {
	for i := range t.ops {
		a := &t.ops[i]
		for j := range t.ops[:i] {
			b := &t.ops[j]
			if a.kind != reads || b.kind != reads {
				continue
			}
			n := min(len(a.list), len(b.list))
			if !slices.Equal(a.list[:n], b.list[:n]) {
				story := fmt.Sprintf("%s (%s), and %s (%s): neither list begins with the other, so they cannot be one list that "+
					"only grows. %s", words.Upper(k.showed(b)), words.Lasted(k.pairOf(b)), k.showed(a), words.Lasted(k.pairOf(a)), k.noOrder(t.ops))
				return IncompatibleOrders, k.shown(story, t.ops)
			}
		}
	}
	return "", ""
}

// showed tells a read of the elements that matter.
func (k *keyHistory) showed(o *op) string {
	return fmt.Sprintf("%s read %s", words.Who(k.pairOf(o)), words.Spell(k.output(o.list)))
}

// nameOrder finds the pair of operations that stand against real time.
func (t *elementTable) nameOrder(k *keyHistory) (name, story string) {
	for i := range t.ops {
		for j := range t.ops {
			a, b := &t.ops[i], &t.ops[j]
			if !a.precedes(b) {
				continue
			}
			switch {
			case b.kind == reads:
				for _, e := range t.offered(a) {
					if !slices.Contains(b.list, e) {
						return k.missing(t, a, b, e)
					}
				}
			case a.kind == appendsE:
				if r := t.inverted(a.value, b.value); r != nil {
					pa, pb := k.pairOf(a), k.pairOf(b)
					return Reordered, fmt.Sprintf("%s had returned at %s, %s %s was called, yet %s. %s",
						words.Upper(thing(pa)), words.At(pa.Return), words.Span(pb.Call-pa.Return)+" before", thing(pb), k.showed(r), k.noOrder(t.ops))
				}
			}
		}
	}
	return "", ""
}

// offered are the elements that an operation proves to be in the list when it returns.
func (t *elementTable) offered(o *op) []value {
	if o.kind == reads {
		return o.list
	}
	return []value{o.value}
}

// inverted returns a read that shows the second element without the first, or in front of it.
func (t *elementTable) inverted(first, second value) *op {
	for i := range t.ops {
		o := &t.ops[i]
		p, q := slices.Index(o.list, first), slices.Index(o.list, second)
		if q >= 0 && (p < 0 || p > q) {
			return o
		}
	}
	return nil
}

// missing tells of a read without an element that was known to be in the list.
func (k *keyHistory) missing(t *elementTable, known, missed *op, e value) (name, story string) {
	a, b := k.pairOf(known), k.pairOf(missed)
	how := thing(a) + " had returned"
	if known.kind == reads {
		how = words.Who(a) + " had seen it"
	}
	word := words.Spell(k.words[e])
	story = fmt.Sprintf("%s (%s), without %s, %s %s at %s.",
		words.Upper(k.showed(missed)), words.Lasted(b), word, words.After(a, b), how, words.At(a.Return))
	name = StaleRead
	again := k.any(func(o *op) bool {
		return o.kind == reads && o.ret > missed.call && slices.Contains(o.list, e)
	})
	if !again {
		name = LostWrite
		story += fmt.Sprintf(" No later read shows %s.", word)
	}
	return name, story + " " + k.noOrder(t.ops)
}
