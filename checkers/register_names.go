package checkers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// name says what a shrunk illegal part of a register's history is.
func (register) name(k *keyHistory, witness []op, minimal bool) (name, story string) {
	v := newValueTable(witness)
	for i := range witness {
		o := &witness[i]
		seen, saw := o.seen()
		switch {
		case !saw || seen == absent:
		case len(v.writers[seen]) == 0:
			return k.fromNowhere(o, seen)
		case v.fromFuture(seen, o.ret):
			return k.tooEarly(o, &witness[v.writers[seen][0]])
		}
	}
	for i := range witness {
		if from := witness[i].from; witness[i].kind == swaps && !witness[i].pending && v.overtaken(from) {
			return LostUpdate, k.twiceReplaced(v, from)
		}
	}
	if v.unique && minimal {
		if stale, newer := v.lateLooker(k); stale != nil {
			return k.outdated(v, stale, newer)
		}
	}
	if story := k.spurious(witness); story != "" {
		return SpuriousFailure, story
	}
	return NonLinearizable, k.tale(witness)
}

func (k *keyHistory) pairOf(o *op) history.Pair { return *k.pairs[o.pair] }

// fromNowhere tells of an operation that saw what nobody wrote, or only those whose writing failed.
func (k *keyHistory) fromNowhere(o *op, seen value) (name, story string) {
	p := k.pairOf(o)
	word := words.Spell(k.words[seen])
	begin := fmt.Sprintf("%s at %s", deed(p), words.At(p.Return))
	failed := k.failed[seen]
	for i := range k.ops { // pending, and pruned because it cannot have happened
		if w := &k.ops[i]; w.stores() && w.value == seen {
			return PhantomRead, fmt.Sprintf("%s, but only %s would have written %s, and %s was never there to be replaced.",
				begin, thing(k.pairOf(w)), word, words.Spell(k.words[w.from]))
		}
	}
	if len(failed) == 0 {
		return PhantomRead, fmt.Sprintf("%s, but no operation on this key ever tried to write %s.", begin, word)
	}
	f := *k.pairs[failed[0]]
	why := ""
	if f.Error != "" {
		why = fmt.Sprintf(" (%s)", f.Error)
	}
	return AbortedRead, fmt.Sprintf("%s, but %s had definitely failed at %s%s, and nobody else tried to write %s.",
		begin, thing(f), words.At(f.Return), why, word)
}

// tooEarly tells of an operation that saw what was written only later.
func (k *keyHistory) tooEarly(o, writer *op) (name, story string) {
	p, w := k.pairOf(o), k.pairOf(writer)
	did := deed(p)
	if k.whole() {
		did = k.showed(o)
	}
	return FutureRead, fmt.Sprintf("%s, and had returned at %s, %s before %s was called.",
		did, words.At(p.Return), words.Span(w.Call-p.Return), thing(w))
}

// twiceReplaced tells of two successful compare-and-sets from one value.
func (k *keyHistory) twiceReplaced(v *valueTable, from value) string {
	var swapped []history.Pair
	for _, i := range v.swapsFrom[from] {
		swapped = append(swapped, k.pairOf(&v.ops[i]))
	}
	times := len(v.writers[from])
	if from == absent {
		times++
	}
	return fmt.Sprintf("%s compare-and-sets from %s succeeded, but %s was there to be replaced only %s: %s. %s",
		number(len(swapped)), words.Spell(k.words[from]), words.Spell(k.words[from]), often(times), roll(swapped), k.noOrder(v.ops))
}

func number(n int) string {
	if n == 2 {
		return "two"
	}
	return fmt.Sprint(n)
}

func often(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// lateLooker returns the operation called last that saw an old value although an operation on a newer one had returned
// before it was called, and the latter: a writer where there is one.
func (v *valueTable) lateLooker(k *keyHistory) (stale, newer *op) {
	for i := range v.ops {
		o := &v.ops[i]
		seen, saw := o.seen()
		if !saw || stale != nil && o.call < stale.call {
			continue
		}
		var best *op
		for j := range v.ops {
			n := &v.ops[j]
			if n.value == seen || n == o || !n.precedes(o) || k.whyNewer(v, seen, n.value) == "" {
				continue
			}
			if best == nil || n.stores() && !best.stores() || n.stores() == best.stores() && n.ret > best.ret {
				best = n
			}
		}
		if best != nil {
			stale, newer = o, best
		}
	}
	return stale, newer
}

// outdated tells of an operation that saw a value although a newer one was there.
func (k *keyHistory) outdated(v *valueTable, stale, newer *op) (name, story string) {
	seen, _ := stale.seen()
	p, n := k.pairOf(stale), k.pairOf(newer)
	word := words.Spell(k.words[newer.value])
	had := "had returned"
	if newer.kind == reads {
		had = "had already shown " + word
	}
	story = fmt.Sprintf("%s (%s), called %s %s %s at %s.", deed(p), words.Lasted(p), words.After(n, p), thing(n), had, words.At(n.Return))
	story += k.whyNewer(v, seen, newer.value)
	name = StaleRead
	if k.neverBack(stale, newer) {
		name = LostWrite
		story += fmt.Sprintf(" No later operation saw %s again.", word)
		if stale.kind == swaps {
			story += fmt.Sprintf(" The compare-and-set can only have succeeded where %s was gone.", word)
		} else if swap, swapped := k.builtOn(seen, newer); swapped {
			story += fmt.Sprintf(" And a compare-and-set of %s to %s succeeded later, which it can only have where %s was "+
				"gone.", words.Spell(k.words[seen]), words.Spell(k.words[swap.value]), word)
		}
	}
	return name, story + " " + k.noOrder(v.ops)
}

// whyNewer says why one value came after another, or "" where that is not known: because the key was empty only in the
// beginning, because the one was swapped for the other, or because an operation on the one (or on what it belongs to by
// swaps) had returned when one on the other was called.
func (k *keyHistory) whyNewer(v *valueTable, old, newer value) string {
	if old == absent {
		return " The key was empty only at the beginning."
	}
	before, after := v.lineage(old), v.lineage(newer)
	if slices.Contains(after, old) {
		return fmt.Sprintf(" %s was the older value: %s.", words.Spell(k.words[old]), v.path(k, after, old))
	}
	if newer == absent || slices.Contains(before, newer) || before[len(before)-1] == after[len(after)-1] {
		return ""
	}
	for i := range v.ops {
		for j := range v.ops {
			a, b := &v.ops[i], &v.ops[j]
			if slices.Contains(before, a.value) && slices.Contains(after, b.value) && a.precedes(b) {
				first, then := k.pairOf(a), k.pairOf(b)
				return fmt.Sprintf(" %s was the older value: %s had returned at %s, and %s was called at %s.",
					words.Spell(k.words[old]), thing(first), words.At(first.Return), thing(then), words.At(then.Call))
			}
		}
	}
	return ""
}

// lineage is a value and those it was swapped from, back to the one that was written.
func (v *valueTable) lineage(of value) []value {
	line := []value{of}
	for {
		w := v.writers[of]
		if len(w) != 1 || v.ops[w[0]].kind != swaps || slices.Contains(line, v.ops[w[0]].from) {
			return line
		}
		of = v.ops[w[0]].from
		line = append(line, of)
	}
}

// path tells the swaps that led from an old value to the first of a lineage.
func (v *valueTable) path(k *keyHistory, lineage []value, old value) string {
	var steps []string
	for i := slices.Index(lineage, old) - 1; i >= 0; i-- {
		steps = append(steps, deed(k.pairOf(&v.ops[v.writers[lineage[i]][0]])))
	}
	return strings.Join(steps, ", then ")
}

// neverBack reports whether the newer value was lost rather than overlooked: nobody saw it after the stale answer was
// asked for, and a compare-and-set has succeeded on the old value, or the stale answer is a final read, or nothing can
// have replaced the newer value and at least two looks missed it.
func (k *keyHistory) neverBack(stale, newer *op) bool {
	if newer.value == absent {
		return false
	}
	var origin *op
	swapped := false
	old, _ := stale.seen()
	for o := range k.about(newer.value, old) {
		if seen, saw := o.seen(); saw && seen == newer.value && o.ret > stale.call {
			return false
		}
		if o.stores() && o.value == newer.value {
			by := *o
			origin = &by
		}
		swapped = swapped || o.builtOn(old, newer)
	}
	if swapped || stale.kind == swaps || k.pairOf(stale).Final {
		return true
	}
	looks := 0
	return origin != nil && k.any(func(o *op) bool {
		if _, saw := o.seen(); saw && newer.precedes(o) {
			looks++
		}
		return looks > 1
	}) && !k.any(func(o *op) bool {
		return o.stores() && o.value != newer.value && !o.precedes(origin)
	})
}

// builtOn returns the first compare-and-set that succeeded on an old value although a newer one had been there before it
// was called.
func (k *keyHistory) builtOn(old value, newer *op) (swap op, found bool) {
	for o := range k.about(old, old) {
		if o.builtOn(old, newer) {
			return *o, true
		}
	}
	return op{}, false
}

func (o *op) builtOn(old value, newer *op) bool {
	return o.kind == swaps && !o.pending && o.from == old && newer.precedes(o)
}

// blindly says of compare-and-sets of which only the new value matters that it is so.
func (k *keyHistory) blindly(witness []op) string {
	for i := range witness {
		if p := k.pairOf(&witness[i]); witness[i].kind == writes && function(p.F) == "cas" {
			return fmt.Sprintf(" Of %s only matters what it wrote: where the old value came from is left out.", thing(p))
		}
	}
	return ""
}

// tale lists the operations where no simpler story can be told.
func (k *keyHistory) tale(witness []op) string {
	return words.Upper(roll(k.witness(witness))) + ". " + k.noOrder(witness)
}

// noOrder is the last sentence of a story.
func (k *keyHistory) noOrder(witness []op) string {
	if len(witness) == 1 {
		return fmt.Sprintf("A %s cannot do that.", k.noun())
	}
	return fmt.Sprintf("No order of these %d operations fits a %s.", len(witness), k.noun())
}
