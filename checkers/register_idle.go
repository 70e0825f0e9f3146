package checkers

import (
	"cmp"
	"slices"
	"sort"
)

// idle returns the stores whose value nobody can have seen and that made nobody fail: no read and no compare-and-set of
// the value but such as had returned before the store was called, or were called when another store had come and gone
// after it. Together with all others compare-and-sets that are idle too do not count.
//
// Sound: in an order that fits, the last store before whoever saw a value is one that he can have seen, and stays. So
// nobody notices when any of these are taken out; see prune for those that failed. Of who saw what he cannot have seen
// a store of the value stays, and one that replaced it, so that what is shown is that.
func (register) idle(ops []op, together bool) []int {
	s := newSources(ops)
	for i := range ops {
		if o := &ops[i]; o.kind == reads {
			s.see(i, o.value)
		} else if o.kind == swaps && !together {
			s.see(i, o.from)
		}
	}
	for together && len(s.swaps) > 0 {
		last := len(s.swaps) - 1
		i := s.swaps[last]
		s.swaps = s.swaps[:last]
		s.see(i, ops[i].from)
	}
	var idle []int
	for i := range ops {
		if ops[i].stores() && !s.needed[i] {
			idle = append(idle, i)
		}
	}
	return idle
}

// sources finds which stores operations can have seen.
type sources struct {
	ops    []op
	byEnd  []int // stores that returned, by return
	newest []int // beside byEnd: of it and those before, the one that was called last
	values map[value]*makers
	needed []bool // by position
	swaps  []int  // those that are needed, and of which nobody has asked yet what they saw
}

// makers are the stores of one value, by call.
type makers struct {
	returned []int
	latest   []int // beside returned: the last return of it and those before
	pending  []int
	open     int // of pending: how many are needed
}

func newSources(ops []op) *sources {
	s := &sources{ops: ops, values: map[value]*makers{}, needed: make([]bool, len(ops))}
	reasons := newExcuses(ops)
	for i := range ops { // by call
		o := &ops[i]
		if !o.stores() {
			continue
		}
		if reasons.by(o) {
			s.need(i)
		}
		m := s.values[o.value]
		if m == nil {
			m = &makers{}
			s.values[o.value] = m
		}
		if o.pending {
			m.pending = append(m.pending, i)
			continue
		}
		s.byEnd = append(s.byEnd, i)
		latest := o.ret
		if n := len(m.latest); n > 0 {
			latest = max(latest, m.latest[n-1])
		}
		m.returned, m.latest = append(m.returned, i), append(m.latest, latest)
	}
	slices.SortFunc(s.byEnd, func(a, b int) int { return cmp.Compare(ops[a].ret, ops[b].ret) })
	s.newest = slices.Clone(s.byEnd)
	for n := 1; n < len(s.newest); n++ {
		s.newest[n] = max(s.newest[n], s.newest[n-1])
	}
	return s
}

func (s *sources) need(i int) {
	if !s.needed[i] {
		s.needed[i] = true
		if s.ops[i].kind == swaps {
			s.swaps = append(s.swaps, i)
		}
	}
}

// see marks the stores of a value that an operation can have seen.
func (s *sources) see(i int, v value) {
	o, m := &s.ops[i], s.values[v]
	if m == nil {
		m = &makers{}
	}
	newest, replaced := -1, -1 // what had returned before replaced was gone when the operation was called
	if n := sort.Search(len(s.byEnd), func(n int) bool { return !s.ops[s.byEnd[n]].precedes(o) }); n > 0 {
		newest = s.newest[n-1]
		replaced = s.ops[newest].call
	}
	calledBy := func(stores []int) int {
		return sort.Search(len(stores), func(n int) bool { return s.ops[stores[n]].call >= o.ret })
	}
	possible := v == absent && newest < 0
	for n := calledBy(m.returned) - 1; n >= 0 && m.latest[n] > replaced; n-- {
		if w := m.returned[n]; w != i && s.ops[w].ret > replaced {
			s.need(w)
			possible = true
		}
	}
	n := calledBy(m.pending)
	for ; m.open < n; m.open++ {
		s.need(m.pending[m.open])
	}
	if possible || n > 0 {
		return
	}
	if newest >= 0 {
		s.need(newest)
	}
	if all := append(m.returned[:len(m.returned):len(m.returned)], m.pending...); len(all) > 0 {
		s.need(all[max(0, calledBy(m.returned)-1)])
	}
}
