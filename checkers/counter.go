package checkers

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// counter is the object of counter: a whole number, 0 at first, to which whole numbers are added.
type counter struct{ plain }

func (counter) noun() string { return "counter" }

func (counter) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "read":
		if _, whole := p.Output.(int64); p.Outcome == history.OK && p.Output != nil && !whole {
			return 0, fmt.Errorf("operation %d read %v, and a counter is a whole number", p.Index, p.Output)
		}
		return linear.Count, nil
	case "add":
		if _, whole := p.Input.(int64); !whole {
			return 0, fmt.Errorf("operation %d adds %v, which is not a whole number", p.Index, p.Input)
		}
		return linear.Add, nil
	}
	return 0, unknownFunction(*p)
}

func (counter) take(_ *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	n := p.Input
	if o.Kind == linear.Count {
		n = p.Output
	}
	amount, _ := n.(int64) // nothing is 0
	o.SetAmount(amount)
	return elements
}

func (counter) stored(*history.Pair) any { return nil }

func (counter) deciders() []decider { return []decider{new(linear.Counters)} }

func (counter) sequential([]op) linear.Model { return linear.CounterModel() }

// prune drops additions during which nobody looked, and takes them off all counts that were asked for afterwards.
//
// Sound both ways: in every order such an addition stands behind those who had looked and before those who looked
// later, and among themselves additions can stand in any order that fits real time. Where a counter that only goes up
// did not go up by as much between two who looked, no order fits: then one addition that is too much proves it as well
// as many.
func (counter) prune(ops []op) []op {
	g := newGaps(ops)
	if len(g.looks) == 0 {
		return ops
	}
	out := slices.Clone(ops)
	gone, lower, highest := map[int]bool{}, int64(0), int64(0)
	for n := range len(g.looks) + 1 {
		room := int64(math.MaxInt64) // for additions between those who had looked before and those who looked later
		if n < len(g.looks) {
			room = g.least[n] - lower - highest
		}
		against, kept := room < 0, false
		for _, i := range g.adds[n] {
			switch amount := ops[i].amount(); {
			case !g.up, amount <= room:
				lower += amount
				room -= amount
			case against, kept:
			default:
				kept = true
				continue
			}
			gone[ops[i].call] = true
		}
		if n < len(g.looks) {
			o := &out[g.looks[n]]
			o.lower(lower)
			highest = max(highest, o.amount())
		}
	}
	return dropped(out, func(o *op) bool { return gone[o.call] })
}

// gaps are where additions stand among those who looked.
type gaps struct {
	looks []int   // positions of those who looked, by return
	least []int64 // the least that they saw, from each of them on
	adds  [][]int // positions of the additions that stand behind so many of them for sure, and before all others
	up    bool    // nothing is taken off
}

func newGaps(ops []op) *gaps {
	g := &gaps{up: true}
	var calls []int
	for i := range ops {
		if ops[i].kind == counts {
			g.looks, calls = append(g.looks, i), append(calls, ops[i].call)
		}
	}
	slices.SortFunc(g.looks, func(a, b int) int { return cmp.Compare(ops[a].ret, ops[b].ret) })
	slices.Sort(calls)
	g.least, g.adds = make([]int64, len(g.looks)), make([][]int, len(g.looks)+1)
	for n, i := range slices.Backward(g.looks) {
		g.least[n] = ops[i].amount()
		if n+1 < len(g.looks) {
			g.least[n] = min(g.least[n], g.least[n+1])
		}
	}
	for i := range ops {
		o := &ops[i]
		if o.kind != adds {
			continue
		}
		g.up = g.up && o.amount() >= 0
		before, _ := slices.BinarySearchFunc(g.looks, o.call, func(l, call int) int {
			return cmp.Compare(ops[l].ret, call)
		})
		called, _ := slices.BinarySearch(calls, o.ret)
		if before == called {
			g.adds[before] = append(g.adds[before], i)
		}
	}
	return g
}

// without leaves out nothing: what is counted has no names.
func (counter) without(ops []op, _ map[value]bool) []op { return ops }

// name says what a shrunk illegal part of a counter's history is. Where something was taken off as well as added there
// is no simple name.
func (c counter) name(k *keyHistory, witness []op, _ bool) (name, story string) {
	looks := []*op{nil} // nil is the beginning
	for i := range witness {
		switch o := &witness[i]; {
		case o.kind == counts:
			looks = append(looks, o)
		case o.amount() < 0:
			return NonLinearizable, k.lowered(k.tale(witness), witness)
		}
	}
	for _, a := range looks[1:] {
		for _, b := range looks[1:] {
			if a.precedes(b) && a.amount() > b.amount() {
				story = fmt.Sprintf("%s, and then %s.", words.Upper(k.counted(a)), k.counted(b))
				return CountDown, k.lowered(story+" "+k.noOrder(witness), witness)
			}
		}
	}
	for _, a := range looks {
		for _, b := range looks[1:] {
			if name, story := k.amiss(a, b, witness); name != "" {
				return name, k.lowered(story+" "+k.noOrder(witness), witness)
			}
		}
	}
	return NonLinearizable, k.lowered(k.tale(witness), witness)
}

// counted tells a count as it matters.
func (k *keyHistory) counted(o *op) string {
	p := k.pairOf(o)
	p.Output = o.amount()
	return fmt.Sprintf("%s (%s)", deed(p), words.Lasted(p))
}

// amiss compares what lies between two counts, or before one, with what can and what must have been added there.
func (k *keyHistory) amiss(a, b *op, witness []op) (name, story string) {
	least, most, grown := int64(0), int64(0), b.amount()
	if a != nil {
		grown -= a.amount()
	}
	var sure, possible []op
	for i := range witness {
		o := &witness[i]
		if o.kind != adds {
			continue
		}
		if !b.precedes(o) && (a == nil || !o.precedes(a)) {
			most += o.amount()
			possible = append(possible, *o)
		}
		if o.precedes(b) && (a == nil || a.precedes(o)) {
			least += o.amount()
			sure = append(sure, *o)
		}
	}
	if a != nil {
		story = fmt.Sprintf("%s, and %s", words.Upper(k.counted(a)), k.counted(b))
	} else {
		story = words.Upper(k.counted(b))
	}
	switch {
	case grown < least && a != nil:
		return LostIncrement, fmt.Sprintf("%s, although %d was added in between: %s.", story, least,
			roll(k.witness(sure)))
	case grown < least:
		return LostIncrement, fmt.Sprintf("%s, although %d had been added before: %s.", story, least,
			roll(k.witness(sure)))
	case grown > most && most > 0:
		return PhantomIncrement, fmt.Sprintf("%s, although at most %d can have been added: %s.", story, most,
			roll(k.witness(possible)))
	case grown > most:
		return PhantomIncrement, story + ", although nothing can have been added."
	}
	return "", ""
}

// lowered adds that counts are told without what does not matter.
func (k *keyHistory) lowered(story string, witness []op) string {
	by := map[int64]bool{}
	for i := range witness {
		if o := &witness[i]; o.kind == counts {
			read, _ := k.pairOf(o).Output.(int64)
			by[read-o.amount()] = true
		}
	}
	for n := range by {
		switch {
		case len(by) > 1:
			return story + " (The counts are told without what had been added before them and does not matter.)"
		case n != 0:
			return fmt.Sprintf("%s (Of every count %d is left out, which had been added before all of this.)", story, n)
		}
	}
	return story
}
