package linear

import (
	"cmp"
	"slices"
)

// refused looks for compare-and-sets that failed although the value was the one they expected all the time: it had been
// seen or stored by an operation which returned before their call, one that was called after their return saw it too,
// and nobody can have stored it again in between, for it was stored once.
func (z *Zones) refused() {
	ops := z.object.Ops
	for i := range ops {
		f := &ops[i]
		if f.Kind != SwapFailed || f.Pending() {
			continue
		}
		c := &z.clusters[f.From]
		if f.From != 0 && c.count == 0 {
			continue // nobody stored it
		}
		last := c.last
		if c.next >= 0 && (last < 0 || c.next > last) { // they are in the order of the calls
			last = c.next
		}
		if last < 0 || ops[last].Call < f.Return {
			continue
		}
		chosen := []int32{int32(i), last}
		if f.From != 0 {
			if ops[c.first].Return > f.Call {
				continue
			}
			first := z.writerInstead(c.first, func(w *Op) bool { return w.Return < f.Call })
			chosen = append(chosen, first)
		}
		if !z.note(breach{Refused, chosen, f.From == 0}) {
			return
		}
	}
}

// judgePart is judge for an object in which no two blocks could change places: there compare-and-sets that failed and
// fit nowhere in the one order there is are illegal.
func (z *Zones) judgePart(o *Object) Answer {
	answer := z.judge(o)
	if answer == Legal && z.failed > 0 {
		if _, fit := weave(o, z.spell()); !fit {
			return Illegal
		}
	}
	return answer
}

// weave brings compare-and-sets that failed into an order of everything else which fits: each at the first place that
// real time leaves it and where the value is not the one it expected. False: for one of them there is none. Some other
// order may have one.
//
// Cost: O(n log n).
func weave(o *Object, order []int32) (woven []int32, fit bool) {
	ops := o.Ops
	var failed []int32
	for i := range ops {
		if ops[i].Kind == SwapFailed && !ops[i].Pending() {
			failed = append(failed, int32(i))
		}
	}
	over := byReturn(ops, slices.Clone(failed))
	l := newLoom(o, order)
	placed := make(map[int32]int, len(failed))
	floor := 0 // after those which had returned before
	for _, i := range failed {
		for ; ops[over[0]].Return < ops[i].Call; over = over[1:] {
			floor = max(floor, placed[over[0]])
		}
		at := max(l.earliest(ops[i].Call), floor)
		if l.valueBefore(at) == ops[i].From {
			at = l.change[at]
		}
		if at > l.latest(ops[i].Return) {
			return nil, false
		}
		placed[i] = at
	}
	slices.SortStableFunc(failed, func(a, b int32) int { return cmp.Compare(placed[a], placed[b]) })
	woven = make([]int32, 0, len(order)+len(failed))
	for at, i := range order {
		for len(failed) > 0 && placed[failed[0]] <= at {
			woven, failed = append(woven, failed[0]), failed[1:]
		}
		woven = append(woven, i)
	}
	return append(woven, failed...), true
}

// loom says of an order where something can be put into it. A place is a position of the order, before which it goes.
type loom struct {
	ops            []Op
	order          []int32
	change         []int  // by place: the next one before which another value is in force, one beyond the last for none
	returns, calls []stop // by event
}

// stop is an event of an operation of the order, with the first or the last place that it leaves.
type stop struct {
	event int64
	place int
}

func newLoom(o *Object, order []int32) *loom {
	n := len(order)
	l := &loom{ops: o.Ops, order: order, change: make([]int, n+1), returns: make([]stop, n), calls: make([]stop, n)}
	l.change[n] = n + 1
	for at := n - 1; at >= 0; at-- {
		l.change[at] = l.change[at+1]
		if l.valueBefore(at) != l.valueBefore(at+1) {
			l.change[at] = at + 1
		}
	}
	for place, i := range order {
		l.returns[place], l.calls[place] = stop{l.ops[i].Return, place + 1}, stop{l.ops[i].Call, place}
	}
	byEvent := func(a, b stop) int { return cmp.Compare(a.event, b.event) }
	slices.SortFunc(l.returns, byEvent)
	slices.SortFunc(l.calls, byEvent)
	for i := 1; i < n; i++ {
		l.returns[i].place = max(l.returns[i].place, l.returns[i-1].place)
	}
	for i := n - 2; i >= 0; i-- {
		l.calls[i].place = min(l.calls[i].place, l.calls[i+1].place)
	}
	return l
}

// valueBefore returns the value in force before a place.
func (l *loom) valueBefore(at int) int32 {
	if at == 0 {
		return 0
	}
	return l.ops[l.order[at-1]].Value
}

// earliest returns the first place for what was called at an event.
func (l *loom) earliest(event int64) int {
	if n := after(l.returns, event); n > 0 {
		return l.returns[n-1].place
	}
	return 0
}

// latest returns the last place for what returned at an event.
func (l *loom) latest(event int64) int {
	if n := after(l.calls, event); n < len(l.calls) {
		return l.calls[n].place
	}
	return len(l.order)
}

// after is how many stops come before an event.
func after(stops []stop, event int64) int {
	n, _ := slices.BinarySearchFunc(stops, event, func(s stop, e int64) int { return cmp.Compare(s.event, e) })
	return n
}
