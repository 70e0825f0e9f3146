package checkers

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// list is the object of append: elements are put at its end, reads return all of it.
type list struct{}

func (list) noun() string { return "list" }
func (list) whole() bool  { return true }

func (list) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "read":
		if p.Outcome == history.OK && !isList(p.Output) {
			return 0, fmt.Errorf("operation %d read %v, which is not a list: try register or cas-register", p.Index, p.Output)
		}
		return linear.Read, nil
	case "append":
		return linear.Append, nil
	}
	return 0, unknownFunction(*p)
}

func isList(v any) bool {
	switch v.(type) {
	case nil, []int64, []any:
		return true
	}
	return false
}

func (list) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	if !o.Kind.Observes() {
		o.Value = t.intern(p.Input)
		return elements
	}
	o.From = int32(len(elements))
	elements, _ = t.internList(elements, p.Output)
	o.Value = int32(len(elements)) - o.From
	return elements
}

func (list) stored(p *history.Pair) any { return p.Input }

func (list) deciders() []decider { return []decider{new(linear.Lists)} }

// sequential gives every read the state it asks for: how much of the longest read it shows.
func (list) sequential(ops []op) linear.Model {
	var longest []value
	for i := range ops {
		if len(ops[i].list) > len(longest) {
			longest = ops[i].list
		}
	}
	for i := range ops {
		o := &ops[i]
		if o.kind != reads {
			continue
		}
		o.value = impossible
		if n := len(o.list); slices.Equal(o.list, longest[:n]) {
			o.value = value(n)
		}
	}
	return stretch(longest)
}

// stretch is a list as if one operation came after the other, given the longest read. Its states are how much of that
// read is there, and one state for everything longer.
//
// That is exact: as long as the list is shorter than the longest read, that read is still to come, and since a list
// only grows, every element must be the one that it shows. Once the list is longer no read is to come, and it does not
// matter by what.
type stretch []value

// impossible is the state that a read asks for which does not begin the longest.
const impossible value = -1

func (stretch) Init() int32 { return 0 }

func (l stretch) Step(state int32, o *linear.Op) (int32, bool) {
	switch n := int(state); {
	case o.Kind == linear.Read:
		return state, state == o.Value
	case n < len(l):
		return state + 1, l[n] == o.Value
	}
	return int32(len(l)) + 1, true
}

// prune drops the pending appends of elements that no read shows. Sound: they can be put at the end of any order; and
// an order that holds one has no read after it, or that read would show the element, so it can be taken out.
func (list) prune(ops []op) []op {
	shown := shown(ops)
	kept := make([]op, 0, len(ops))
	for _, o := range ops {
		if !o.pending || shown[o.value] != never {
			kept = append(kept, o)
		}
	}
	return kept
}

// shown returns, for each element appended, when the first read that shows it returned; never where none does.
func shown(ops []op) map[value]int {
	first := map[value]int{}
	for i := range ops {
		if ops[i].kind == appendsE {
			first[ops[i].value] = never
		}
	}
	for i := range ops {
		for _, e := range ops[i].list {
			if at, appended := first[e]; appended && ops[i].ret < at {
				first[e] = ops[i].ret
			}
		}
	}
	return first
}

// tighten: where an element was appended once, that was before the first read that shows it had returned.
func (list) tighten(ops []op) []op {
	times, pending := map[value]int{}, false
	for i := range ops {
		if ops[i].kind == appendsE {
			times[ops[i].value]++
			pending = pending || ops[i].pending
		}
	}
	if !pending {
		return ops
	}
	first := shown(ops)
	out := append([]op(nil), ops...)
	for i := range out {
		o := &out[i]
		if at := first[o.value]; o.kind == appendsE && o.pending && times[o.value] == 1 && at > o.call {
			o.ret = at
		}
	}
	return out
}

// without leaves some elements out, out of the reads too. Sound: in a legal order every read shows what was appended
// before it, and that stays so for the elements that remain.
func (list) without(ops []op, gone map[value]bool) []op {
	var kept []op
	for _, o := range ops {
		if o.kind == appendsE && gone[o.value] {
			continue
		}
		if o.kind == reads {
			less := make([]value, 0, len(o.list))
			for _, e := range o.list {
				if !gone[e] {
					less = append(less, e)
				}
			}
			o.list = less
		}
		kept = append(kept, o)
	}
	return kept
}

// idle: an append is never left out alone, but always with its element.
func (list) idle([]op, bool) []int { return nil }
