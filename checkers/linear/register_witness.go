package linear

import (
	"cmp"
	"math"
	"slices"
)

// The rules that a register can break, clearest first.
const (
	Nowhere  = "a value that nothing stored"
	Future   = "a value that was stored only later"
	Twice    = "a value that was replaced twice"
	Ring     = "values that came from each other"
	Backward = "an older value after a newer one"
	Crossed  = "values each of which must come before the other"
	Refused  = "a value that was there all the time and was said to be another one"
)

// Bounds of what is told of one object. Every violation beyond the first is a service to the reader.
const (
	mostOfRule = 8  // violations of one rule that are noted
	mostOrders = 4  // of those against the order of values, or refused, that are told: those with the fewest operations
	longChain  = 64 // operations of a witness beyond which a chain of compare-and-sets is cut
)

// breach is a violation as it was found: the operations whose times or values contradict each other.
type breach struct {
	rule      string
	chosen    []int32
	fromStart bool // one of them contradicts the beginning
}

// note keeps a violation and reports whether more of its rule are of interest.
func (z *Zones) note(b breach) bool {
	n := 0
	for i := range z.found {
		if z.found[i].rule == b.rule {
			n++
		}
	}
	if n < mostOfRule {
		z.found = append(z.found, b)
	}
	return n < mostOfRule-1
}

// twist notes an operation on a later value of a chain that had returned when one on an earlier value was called: of
// those the one whose value is nearest.
func (z *Zones) twist(first int32) {
	ops := z.object.Ops
	for v := ops[first].Value; ; {
		v = ops[z.clusters[v].writer].From
		if last := z.clusters[v].last; last >= 0 && ops[last].Call > ops[first].Return {
			z.note(breach{rule: Backward, chosen: []int32{last, first}})
			return
		}
	}
}

// rings notes compare-and-sets whose values came from each other and from nothing else.
func (z *Zones) rings() {
	if len(z.found) > 0 {
		return // what hangs on a violation is not reached either
	}
	ops := z.object.Ops
	begun := make([]bool, len(z.clusters))
	for v := range z.clusters {
		if !z.heads(int32(v)) {
			continue
		}
		for c := &z.clusters[v]; c.next >= 0; c = &z.clusters[ops[c.next].Value] {
			begun[ops[c.next].Value] = true
		}
	}
	for i := range ops {
		if o := &ops[i]; o.Kind == Swap && !o.same() && z.takesPart(o) && !begun[o.Value] {
			z.note(breach{rule: Ring, chosen: []int32{int32(i)}})
			return
		}
	}
}

// conflict notes two blocks each of which must come before the other: an operation of each had returned when one of the
// other was called. It reports whether more are of interest.
func (z *Zones) conflict(a, b int32) bool {
	ops := z.object.Ops
	firstB, lastB := z.bounds(b)
	first, last := z.nearest(a, lastB, firstB)
	beyond, before := int64(math.MinInt64), ops[last].Call
	if first >= 0 {
		beyond = ops[first].Return
	}
	firstOther, lastOther := z.nearest(b, before, beyond)
	chosen := []int32{last, firstOther, lastOther}
	if first >= 0 {
		chosen = append(chosen, first)
		chosen[3] = z.writerInstead(first, func(w *Op) bool { return w.Return < ops[lastOther].Call })
		chosen[2] = z.writerInstead(lastOther, func(w *Op) bool { return w.Call > ops[chosen[3]].Return })
	}
	chosen[1] = z.writerInstead(firstOther, func(w *Op) bool { return w.Return < ops[last].Call })
	chosen[0] = z.writerInstead(last, func(w *Op) bool { return w.Call > ops[chosen[1]].Return })
	return z.note(breach{Crossed, chosen, first < 0})
}

// nearest returns an operation of the block that had returned before a time and one that was called after another, with
// as few compare-and-sets between their values as there can be. The first is -1 where it is the initial value itself.
func (z *Zones) nearest(head int32, before, after int64) (first, last int32) {
	ops := z.object.Ops
	best := math.MaxInt
	early, late, earlyAt, lateAt := int32(-1), int32(-1), -1, -1
	begun := head == 0 // and early is -1, at the beginning
	for v, at := head, 0; ; at++ {
		c := &z.clusters[v]
		if c.count > 0 && ops[c.first].Return < before {
			early, earlyAt, begun = c.first, at, true
		}
		if c.count > 0 && ops[c.last].Call > after {
			late, lateAt = c.last, at
		}
		if begun && late >= 0 && max(earlyAt, lateAt)-min(earlyAt, lateAt) < best {
			first, last, best = early, late, max(earlyAt, lateAt)-min(earlyAt, lateAt)
		}
		if c.next < 0 {
			return first, last
		}
		v = ops[c.next].Value
	}
}

// writerInstead returns the writer of the value that a read saw, where the writer would do.
func (z *Zones) writerInstead(i int32, does func(*Op) bool) int32 {
	o := &z.object.Ops[i]
	if w := z.clusters[o.Value].writer; !o.stores() && w >= 0 && does(&z.object.Ops[w]) {
		return w
	}
	return i
}

// closed returns the chosen operations with whoever wrote what they saw, back to what was written and not swapped, and
// with whoever saw what the pending ones among them stored. Where this makes too many, chains of compare-and-sets are
// cut: a value's writer is then a blind one, and where its own value came from does not matter.
func (z *Zones) closed(b breach) (witness, blind []int32) {
	chosen := b.chosen
	for _, i := range slices.Clone(chosen) {
		chosen = z.evidence(chosen, i)
	}
	witness = z.lineages(chosen, nil)
	if len(witness) > longChain {
		cuts := z.cuts(chosen, b.fromStart)
		if shorter := z.lineages(chosen, cuts); len(shorter) < len(witness) {
			witness = shorter
			for v := range cuts {
				if w := z.clusters[v].writer; w >= 0 && z.object.Ops[w].Kind == Swap {
					blind = append(blind, w)
				}
			}
		}
	}
	slices.Sort(witness)
	slices.Sort(blind)
	return slices.Compact(witness), blind
}

// evidence adds, to an operation that never returned, what shows that it took effect.
func (z *Zones) evidence(chosen []int32, i int32) []int32 {
	ops := z.object.Ops
	for ops[i].Pending() {
		c := &z.clusters[ops[i].Value]
		if !ops[c.first].Pending() {
			return append(chosen, c.first)
		}
		if c.next < 0 {
			return chosen
		}
		i = c.next
		chosen = append(chosen, i)
	}
	return chosen
}

// lineages returns the operations and the writers of the values they are about, each back to a written value or to one
// of the cuts.
func (z *Zones) lineages(chosen []int32, cuts map[int32]bool) []int32 {
	all := slices.Clone(chosen)
	met := map[int32]bool{}
	for _, i := range chosen {
		for v := z.object.Ops[i].about(); !met[v]; {
			met[v] = true
			w := z.clusters[v].writer
			if w < 0 || !z.takesPart(&z.object.Ops[w]) {
				break
			}
			all = append(all, w)
			if z.object.Ops[w].Kind != Swap || cuts[v] {
				break
			}
			v = z.object.Ops[w].From
		}
	}
	return all
}

// cuts returns for every block the earliest value that the operations are about or branch off from. The beginning is
// never cut off where it is what speaks.
func (z *Zones) cuts(chosen []int32, fromStart bool) map[int32]bool {
	type top struct {
		value int32
		depth int
	}
	tops := map[int32]top{} // by head
	for _, i := range chosen {
		v := z.object.Ops[i].about()
		head, depth := z.root(v)
		switch t, known := tops[head]; {
		case !known || depth < t.depth:
			tops[head] = top{v, depth}
		case depth == t.depth && v != t.value: // two that replaced one value
			tops[head] = top{z.object.Ops[z.clusters[v].writer].From, depth - 1}
		}
	}
	cuts := map[int32]bool{}
	for head, t := range tops {
		if head > 0 || head == 0 && !fromStart {
			cuts[t.value] = true
		}
	}
	return cuts
}

// root returns the value with which the block of a value begins, and how many compare-and-sets lie between. It is -1 in
// a ring and where nothing began it.
func (z *Zones) root(v int32) (head int32, steps int) {
	for ; steps <= z.swaps; steps++ {
		w := z.clusters[v].writer
		switch {
		case v == 0 || w >= 0 && z.object.Ops[w].Kind == Write:
			return v, steps
		case w < 0:
			return -1, steps
		}
		v = z.object.Ops[w].From
	}
	return -1, steps
}

// illegal proves the violations and puts them in the order in which they are told.
func (z *Zones) illegal() Result {
	ranks := map[string]int{Nowhere: 0, Future: 1, Twice: 2, Ring: 3, Backward: 4, Crossed: 4, Refused: 4}
	proofs := make([]Result, len(z.found))
	for i, b := range z.found {
		proofs[i] = Result{Answer: Illegal, By: "zones", Rule: b.rule}
		proofs[i].Witness, proofs[i].Blind = z.closed(b)
	}
	slices.SortStableFunc(proofs, func(a, b Result) int {
		if d := cmp.Compare(ranks[a.Rule], ranks[b.Rule]); d != 0 || ranks[a.Rule] < 4 {
			return d
		}
		return cmp.Compare(len(a.Witness), len(b.Witness))
	})
	told, orders := proofs[:0], 0
	for _, r := range proofs {
		if ranks[r.Rule] == 4 {
			orders++
		}
		if orders <= mostOrders {
			r.At = moment(z.object, &r, new(Zones).judgePart)
			told = append(told, r)
		}
	}
	r := told[0]
	r.More = told[1:]
	return r
}
