package checkers

import (
	"fmt"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// register is the object of register and cas-register: one value, absent at first.
type register struct {
	swaps bool // compare-and-set is part of it
}

func (register) noun() string { return "register" }
func (register) whole() bool  { return false }

func (r register) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "read":
		return linear.Read, nil
	case "write":
		return linear.Write, nil
	case "cas":
		if !r.swaps {
			return 0, fmt.Errorf("operation %d is a cas, which a register does not have: the model is cas-register", p.Index)
		}
		if length(p.Input) != 2 {
			return 0, fmt.Errorf("operation %d is a cas of %v: expected a list of two values, the old and the new",
				p.Index, p.Input)
		}
		if p.Outcome == history.Fail && p.Unmet {
			return linear.SwapFailed, nil
		}
		return linear.Swap, nil
	}
	return 0, unknownFunction(*p)
}

func (register) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	switch o.Kind {
	case linear.Read:
		o.Value = t.intern(p.Output)
	case linear.Write:
		o.Value = t.intern(p.Input)
	case linear.SwapFailed:
		both, _ := values.Elements(p.Input)
		o.From = t.intern(both[0])
		o.Value = o.From
	default:
		switch both := p.Input.(type) {
		case []int64:
			o.From, o.Value = t.internInt(both[0]), t.internInt(both[1])
		case []any:
			o.From, o.Value = t.intern(both[0]), t.intern(both[1])
		}
	}
	return elements
}

func (register) stored(p *history.Pair) any {
	if function(p.F) != "cas" {
		return p.Input
	}
	both, _ := values.Elements(p.Input)
	return both[1]
}

func (register) deciders() []decider { return []decider{new(linear.Zones), new(linear.Ranks)} }

// rank is what the system told of its own order.
func (register) rank(p *history.Pair) int64 { return p.Revision }

func (register) sequential([]op) linear.Model { return linear.RegisterModel() }

// prune drops pending writers whose value no operation saw or expects, and pending compare-and-sets whose expectation
// nobody can have met, until there are no more; compare-and-sets that failed to replace what nobody ever stored; and
// those whose reasons were left out because the value was there for certain, once what shows that is left out too.
//
// Sound both ways. What is dropped can be put back at the end of any order. And in an order that holds such a writer,
// no read and no successful compare-and-set stands between it and the next change of the value, for it would have seen
// the value: so nobody notices when it is taken out, unless it is what made a compare-and-set fail, and where it can be
// it stays. A pending compare-and-set that would now succeed there can be moved to the end too.
func (register) prune(ops []op) []op {
	reasons := newExcuses(ops)
	expected, stored := map[value]int{}, map[value]int{absent: 1}
	for i := range ops {
		o := &ops[i]
		if o.kind != writes && o.kind != refused && !selfSwap(o) {
			expected[lookedAt(o)]++
		}
		if o.stores() {
			stored[o.value]++
		}
	}
	for {
		kept := make([]op, 0, len(ops))
		for _, o := range ops {
			unseen := expected[o.value] == 0 && !reasons.by(&o)
			useless := o.pending && (unseen || selfSwap(&o) || o.kind == swaps && stored[o.from] == 0)
			if o.kind == refused {
				if stored[o.from] > 0 && (!o.surely || reasons.values[o.from].certain(&o)) {
					kept = append(kept, o)
				}
				continue
			}
			if !useless {
				kept = append(kept, o)
				continue
			}
			stored[o.value]--
			if o.kind == swaps && !selfSwap(&o) {
				expected[o.from]--
			}
		}
		if len(kept) == len(ops) {
			return kept
		}
		ops = kept
	}
}

// selfSwap is a pending compare-and-set to the value it expects: it changes nothing, whatever happens.
func selfSwap(o *op) bool { return o.pending && o.kind == swaps && o.from == o.value }

func lookedAt(o *op) value {
	if o.kind == swaps {
		return o.from
	}
	return o.value // also of one that was refused
}

// tighten: where a value has one writer, the writer took effect before the first operation that saw the value had
// returned. A compare-and-set that must have happened is such an operation in turn. This spares the search most of its
// wrong turns. So does it that stores which nobody looks at are made the same.
func (register) tighten(ops []op) []op {
	writers := map[value]int{absent: 1}
	for i := range ops {
		if ops[i].stores() {
			writers[ops[i].value]++
		}
	}
	deadline := map[value]int{}
	need := func(v value, by int) bool {
		if d, known := deadline[v]; writers[v] == 1 && by != never && (!known || by < d) {
			deadline[v] = by
			return true
		}
		return false
	}
	out := append([]op(nil), ops...)
	for i := range out {
		if v, saw := out[i].seen(); saw {
			need(v, out[i].ret)
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range out {
			o := &out[i]
			if d, known := deadline[o.value]; o.stores() && known && d < o.ret && d > o.call {
				o.ret = d
				if o.kind == swaps {
					changed = need(o.from, d) || changed
				}
			}
		}
	}
	anonymous(out)
	return out
}

// without leaves out every operation that stores or saw one of the values or anything swapped from them.
//
// Sound: whatever remains saw a value that stays. Its last change before, in a legal order, stored that value, so that
// change stays too, and is still the last one before. Pending compare-and-sets that did nothing can be moved to the
// end. Those that failed go where what is left out may be the reason.
func (register) without(ops []op, gone map[value]bool) []op {
	closed := make(map[value]bool, len(gone))
	for v := range gone {
		closed[v] = true
	}
	for changed := true; changed; {
		changed = false
		for i := range ops {
			if o := &ops[i]; o.kind == swaps && closed[o.from] && !closed[o.value] {
				closed[o.value], changed = true, true
			}
		}
	}
	return excused(ops, func(o *op) bool { return !closed[o.value] })
}

// versioned is the object of versioned-register: a register whose reads return the value and its revision, and whose
// writes and compare-and-sets return the revision that they made. Whether it is linearizable is a matter of the values
// alone; the revisions say where to look for an order.
type versioned struct{ register }

func (v versioned) check(p *history.Pair) (linear.Kind, error) {
	kind, err := v.register.check(p)
	if err != nil || p.Outcome != history.OK {
		return kind, err
	}
	if _, told := revisionOf(p); !told && p.Output != nil {
		return 0, fmt.Errorf("operation %d returned %v: a read of a versioned register returns [value revision], "+
			"a write a revision", p.Index, p.Output)
	}
	return kind, nil
}

// revisionOf returns the revision that an operation returned.
func revisionOf(p *history.Pair) (revision int64, told bool) {
	if function(p.F) != "read" {
		revision, told = p.Output.(int64)
		return revision, told
	}
	both, _ := values.Elements(p.Output)
	if len(both) != 2 {
		return 0, false
	}
	revision, told = both[1].(int64)
	return revision, told
}

func (v versioned) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	if o.Kind != linear.Read {
		return v.register.take(t, p, o, elements)
	}
	switch both := p.Output.(type) {
	case []int64:
		o.Value = t.internInt(both[0])
	case []any:
		o.Value = t.intern(both[0])
	}
	return elements
}

func (versioned) rank(p *history.Pair) int64 {
	revision, _ := revisionOf(p)
	return revision
}
