package linear

import (
	"cmp"
	"slices"
)

// withFailed brings compare-and-sets that failed into an order which fits everything else: each at the first place that
// real time leaves it and where the value is not the one it expected. Where there is none the answer is [ErrUnfit]: some
// other order may have one.
//
// Pending writers which nobody saw are not among the others; that they could have been what made one fail is left to the
// search too.
//
// Cost: O(n log n).
func (z *Zones) withFailed(r Result) Result {
	ops := z.object.Ops
	var failed []int32
	for i := range ops {
		if ops[i].Kind == SwapFailed && !ops[i].Pending() {
			failed = append(failed, int32(i))
		}
	}
	returned := slices.Clone(failed)
	slices.SortFunc(returned, func(a, b int32) int { return cmp.Compare(ops[a].Return, ops[b].Return) })
	earliest, latest := z.slots(r.Order)
	change := z.changes(r.Order)
	placed := make(map[int32]int, len(failed))
	floor := 0 // after those which had returned before
	for _, i := range failed {
		for ; ops[returned[0]].Return < ops[i].Call; returned = returned[1:] {
			floor = max(floor, placed[returned[0]])
		}
		at := max(earliest(ops[i].Call), floor)
		if z.valueBefore(r.Order, at) == ops[i].From {
			at = change[at]
		}
		if at > latest(ops[i].Return) {
			return Result{By: "zones", At: -1, Cause: ErrUnfit}
		}
		placed[i] = at
	}
	r.Order = z.weave(failed, placed)
	return r
}

// valueBefore returns the value in force before a place of the order.
func (z *Zones) valueBefore(order []int32, at int) int32 {
	if at == 0 {
		return 0
	}
	return z.object.Ops[order[at-1]].Value
}

// changes returns for each place of the order the next one before which another value is in force; one beyond the last
// place where there is none.
func (z *Zones) changes(order []int32) []int {
	n := len(order)
	change := make([]int, n+1)
	change[n] = n + 1
	for at := n - 1; at >= 0; at-- {
		change[at] = change[at+1]
		if z.valueBefore(order, at) != z.valueBefore(order, at+1) {
			change[at] = at + 1
		}
	}
	return change
}

// weave puts the failed ones, in the order of their calls, before their places.
func (z *Zones) weave(failed []int32, placed map[int32]int) []int32 {
	slices.SortStableFunc(failed, func(a, b int32) int { return cmp.Compare(placed[a], placed[b]) })
	woven := make([]int32, 0, len(z.order)+len(failed))
	for at, i := range z.order {
		for len(failed) > 0 && placed[failed[0]] <= at {
			woven, failed = append(woven, failed[0]), failed[1:]
		}
		woven = append(woven, i)
	}
	z.order = append(woven, failed...)
	return z.order
}

// slots returns the first place at which an operation called at some event may stand in the order, and the last for one
// that returned at some event.
func (z *Zones) slots(order []int32) (earliest, latest func(event int64) int) {
	ops := z.object.Ops
	type stop struct {
		event int64
		place int
	}
	returns, calls := make([]stop, len(order)), make([]stop, len(order))
	for place, i := range order {
		returns[place], calls[place] = stop{ops[i].Return, place + 1}, stop{ops[i].Call, place}
	}
	byEvent := func(a, b stop) int { return cmp.Compare(a.event, b.event) }
	slices.SortFunc(returns, byEvent)
	slices.SortFunc(calls, byEvent)
	for n := 1; n < len(order); n++ {
		returns[n].place = max(returns[n].place, returns[n-1].place)
	}
	for n := len(order) - 2; n >= 0; n-- {
		calls[n].place = min(calls[n].place, calls[n+1].place)
	}
	after := func(stops []stop, event int64) int {
		n, _ := slices.BinarySearchFunc(stops, event, func(s stop, e int64) int { return cmp.Compare(s.event, e) })
		return n
	}
	earliest = func(event int64) int {
		if n := after(returns, event); n > 0 {
			return returns[n-1].place
		}
		return 0
	}
	latest = func(event int64) int {
		if n := after(calls, event); n < len(calls) {
			return calls[n].place
		}
		return len(order)
	}
	return earliest, latest
}
