package levels

import (
	"math"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// rankIn is where an operation stands in a list: reads after the element that they saw last, appends that it does not
// show after everything.
func (l *appendList) rankIn(place []int32, i int32) int32 {
	switch o := &l.ops[i]; {
	case o.Kind == linear.Read:
		return 2 * o.Value
	case place[o.Value] > 0:
		return 2*place[o.Value] - 1
	}
	return math.MaxInt32
}

// sequential: the longest read ranks everything, so each process has to go up.
func (l *appendList) sequential() Finding {
	if l.wrong >= 0 {
		return Finding{Witness: l.with(l.wrong, l.longest)}
	}
	for prev, i := range l.steps() {
		if prev >= 0 && l.rankIn(l.place, prev) > l.rankIn(l.place, i) {
			return Finding{Witness: sorted([]int32{prev, i, l.longest})}
		}
	}
	return Finding{Held: true}
}

// pram: what a process read longest ranks what it did, and tells of everybody's appends in which order they came to it.
// Those that it does not show come after everything.
func (l *appendList) pram() Finding {
	own := make([][]int32, l.people)
	longest := unset(l.people)
	before := unset(len(l.ops)) // of an append: the last of its process that returned
	last := unset(l.people)
	for i := range l.ops {
		if !l.part[i] {
			continue
		}
		s, here := l.session[i], int32(i)
		own[s] = append(own[s], here)
		if o := &l.ops[i]; o.Kind == linear.Read {
			if longest[s] < 0 || o.Value > l.ops[longest[s]].Value {
				longest[s] = here
			}
		} else {
			before[i] = last[s]
			if !o.Pending() {
				last[s] = here
			}
		}
	}
	place := make([]int32, l.Object.Values)
	for s, ops := range own {
		if w := l.viewOf(ops, longest[s], before, place); w != nil {
			return Finding{Witness: sorted(w)}
		}
	}
	return Finding{Held: true}
}

// viewOf returns what contradicts the order that a process saw. It leaves the places as they were, all 0.
func (l *appendList) viewOf(ops []int32, longest int32, before, place []int32) []int32 {
	var chain []int32
	if longest >= 0 {
		chain = l.Object.Seen(int(longest))
	}
	defer func() {
		for _, e := range chain {
			place[e] = 0
		}
	}()
	for p, e := range chain {
		w := l.writer[e]
		if w < 0 || place[e] > 0 {
			return []int32{longest}
		}
		if b := before[w]; b >= 0 && place[l.ops[b].Value] == 0 { // it stands later, or nowhere
			return []int32{longest, w, b}
		}
		place[e] = int32(p) + 1
	}
	prev := int32(-1)
	for _, i := range ops {
		if l.ops[i].Kind == linear.Read && !beginsWith(chain, l.Object.Seen(int(i))) {
			return []int32{i, longest}
		}
		if prev >= 0 && l.rankIn(place, prev) > l.rankIn(place, i) {
			return []int32{prev, i, longest}
		}
		if !l.ops[i].Pending() {
			prev = i
		}
	}
	return nil
}
