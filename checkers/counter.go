package checkers

import (
	"fmt"

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

// prune drops what was added before all counts were asked for, and takes it off all of them, and what was added when
// all had returned. Sound both ways: in every order the former stand before all counts and the latter behind them, and
// among themselves additions can stand in any order that fits real time. Where a counter that only goes up shows less
// than was surely added, no order fits, and that one count and what was added before prove it.
func (c counter) prune(ops []op) []op {
	begin, end, least := never, -1, -1
	up, sum := true, int64(0)
	for i := range ops {
		switch o := &ops[i]; {
		case o.kind == adds:
			up = up && o.amount() >= 0
		default:
			begin, end = min(begin, o.call), max(end, o.ret)
			if least < 0 || o.amount() < ops[least].amount() {
				least = i
			}
		}
	}
	if least < 0 {
		return ops
	}
	before := func(o *op) bool { return o.kind == adds && o.ret < begin }
	for i := range ops {
		if before(&ops[i]) {
			sum += ops[i].amount()
		}
	}
	if up && sum > ops[least].amount() {
		return c.fewest(dropped(ops, func(o *op) bool { return !before(o) && o != &ops[least] }))
	}
	kept := dropped(ops, func(o *op) bool { return before(o) || o.kind == adds && o.call > end })
	for i := range kept {
		if kept[i].kind == counts {
			kept[i].lower(sum)
		}
	}
	return kept
}

// fewest takes down a count that is below what was surely added before it: as many additions go as fit into the count,
// and all but one of the others.
func (counter) fewest(ops []op) []op {
	room, dropping := int64(0), map[int]bool{}
	for i := range ops {
		if ops[i].kind == counts {
			room = ops[i].amount()
		}
	}
	lower, more := int64(0), false
	for i := range ops {
		switch n := ops[i].amount(); {
		case ops[i].kind == counts:
		case n <= room-lower:
			lower += n
			dropping[ops[i].call] = true
		case more:
			dropping[ops[i].call] = true
		default:
			more = true
		}
	}
	kept := dropped(ops, func(o *op) bool { return dropping[o.call] })
	for i := range kept {
		if kept[i].kind == counts {
			kept[i].lower(lower)
		}
	}
	return kept
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
				story = fmt.Sprintf("%s, and then %s.", upper(k.counted(a)), k.counted(b))
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
		story = fmt.Sprintf("%s, and %s", upper(k.counted(a)), k.counted(b))
	} else {
		story = upper(k.counted(b))
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
	for i := range witness {
		o := &witness[i]
		if read, _ := k.pairOf(o).Output.(int64); o.kind == counts && read != o.amount() {
			return fmt.Sprintf("%s (Of every count %d is left out, which had been added before all of this.)", story,
				read-o.amount())
		}
	}
	return story
}
