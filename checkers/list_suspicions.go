package checkers

import (
	"cmp"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// suspicions looks for what is wrong with a list without a search: reads that show an element too often or too early,
// reads neither of which begins with the other, and, where every element was appended once, operations that stand in
// the longest read's order but against real time.
func (list) suspicions(k *keyHistory, ops []op) [][]op {
	t := newElementTable(ops)
	found := t.badReads(k)
	if t.longest < 0 {
		return found
	}
	for i := range ops {
		if bad := t.fork(i); bad != nil {
			return append(found, bad)
		}
	}
	if t.unique {
		found = append(found, t.ranks()...)
	}
	return found
}

// elementTable says who appended each element of a list, and which read shows most.
type elementTable struct {
	ops     []op
	appends map[value][]int
	longest int // -1 where nothing was read
	unique  bool
}

func newElementTable(ops []op) *elementTable {
	t := &elementTable{ops: ops, appends: map[value][]int{}, longest: -1, unique: true}
	for i := range ops {
		switch o := &ops[i]; o.kind {
		case reads:
			if t.longest < 0 || len(o.list) > len(ops[t.longest].list) {
				t.longest = i
			}
		case appendsE:
			t.appends[o.value] = append(t.appends[o.value], i)
			t.unique = t.unique && len(t.appends[o.value]) == 1
		}
	}
	return t
}

// part leaves of the history some elements, with their appends and the chosen reads.
func (t *elementTable) part(elements []value, chosen ...int) []op {
	keep, gone := map[value]bool{}, map[value]bool{}
	for _, e := range elements {
		keep[e] = true
	}
	var rest []op
	for i, o := range t.ops {
		if o.kind == reads && slices.Contains(chosen, i) || o.kind == appendsE && keep[o.value] {
			rest = append(rest, o)
		}
	}
	for _, e := range valuesOf(rest) {
		gone[e] = !keep[e]
	}
	return list{}.without(rest, gone)
}

// badReads returns the first read each that shows an element nobody appended, one whose append failed, one more often
// than it was appended, and one before it was appended.
func (t *elementTable) badReads(k *keyHistory) [][]op {
	var phantom, aborted, twice, future []op
	count := map[value]int{}
	for i := range t.ops {
		clear(count)
		for _, e := range t.ops[i].list {
			count[e]++
			by := t.appends[e]
			switch part := func() []op { return t.part([]value{e}, i) }; {
			case len(by) == 0 && len(k.failed[e]) == 0 && phantom == nil:
				phantom = part()
			case len(by) == 0 && len(k.failed[e]) > 0 && aborted == nil:
				aborted = part()
			case len(by) > 0 && count[e] > len(by) && twice == nil:
				twice = part()
			case len(by) > 0 && future == nil && t.ops[by[0]].call > t.ops[i].ret: // they are in the order of the calls
				future = part()
			}
		}
	}
	var found [][]op
	for _, f := range [][]op{phantom, aborted, future, twice} {
		if f != nil {
			found = append(found, f)
		}
	}
	return found
}

// fork returns the first difference of a read from the longest, where it is not a beginning of it.
func (t *elementTable) fork(i int) []op {
	all := t.ops[t.longest].list
	for p, e := range t.ops[i].list {
		if all[p] != e {
			return t.part([]value{e, all[p]}, i, t.longest)
		}
	}
	return nil
}

// ranked is an operation with its place in the order that the longest read dictates.
type ranked struct{ op, rank int }

// ranks places every operation and looks for pairs in that order of which the later one had returned when the earlier
// one was called. An acknowledged append that the longest read does not show comes after everything. Cost: O(n log n).
func (t *elementTable) ranks() [][]op {
	all := t.ops[t.longest].list
	place := map[value]int{}
	for p, e := range all {
		place[e] = p
	}
	var order []ranked
	for i := range t.ops {
		o := &t.ops[i]
		p, shown := place[o.value]
		switch {
		case o.kind == reads:
			order = append(order, ranked{i, 2 * len(o.list)})
		case shown:
			order = append(order, ranked{i, 2*p + 1})
		case !o.pending:
			order = append(order, ranked{i, 2*len(all) + 1})
		}
	}
	slices.SortStableFunc(order, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	return t.against(order)
}

// sort of conflict: what came too late and what came too early, and whether the latter is shown at all.
type conflictSort struct {
	late, early linear.Kind
	unseen      bool
}

func (t *elementTable) against(order []ranked) [][]op {
	all := t.ops[t.longest].list
	met := map[conflictSort]bool{}
	var found [][]op
	latest := -1 // of the lower ranks: the operation called last
	for at := 0; at < len(order); {
		end := at
		for end < len(order) && order[end].rank == order[at].rank {
			early := &t.ops[order[end].op]
			if latest >= 0 && early.ret < t.ops[latest].call {
				s := conflictSort{t.ops[latest].kind, early.kind, order[end].rank > 2*len(all)}
				if !met[s] {
					met[s] = true
					found = append(found, t.pair(latest, order[end].op))
				}
			}
			end++
		}
		for ; at < end; at++ {
			if latest < 0 || t.ops[order[at].op].call > t.ops[latest].call {
				latest = order[at].op
			}
		}
	}
	return found
}

// pair is the part of the history that shows two operations against each other.
func (t *elementTable) pair(late, early int) []op {
	var elements []value
	chosen := []int{late, early}
	for _, i := range chosen {
		if o := &t.ops[i]; o.kind == appendsE {
			elements = append(elements, o.value)
		}
	}
	if o := &t.ops[early]; o.kind == reads && len(o.list) > 0 {
		elements = append(elements, o.list[len(o.list)-1])
	}
	return t.part(elements, append(chosen, t.longest)...)
}
