package levels

import (
	"cmp"
	"container/heap"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// place is where an addition of one can stand: it makes some count above low and up to high.
type place struct{ low, high int64 }

// sequential decides a counter to which one is added at a time: the nth addition makes the count n. So the counts of
// each process must not go down, an addition between two of them makes a count above the one and up to the other, and
// every count up to the greatest that was seen must be made by somebody. These are unit jobs with release times and
// deadlines: at each place goes the one whose deadline comes first, by an argument of exchange. Those after the last
// count of their process, and those that never returned, have none, and need no place.
//
// Cost: O(n log n).
func (c *counter) sequential() Finding {
	places := make([]place, 0, len(c.adds))
	now := make([]int64, c.people)   // by session: its last count
	last := unset(c.people)          // and who made it
	since := make([]int64, c.people) // how many it added after it
	greatest := int32(-1)
	for i := range c.ops {
		i := int32(i)
		o, s := &c.ops[i], c.session[i]
		switch {
		case o.Kind == linear.Add && o.Pending():
			places = append(places, place{now[s], math.MaxInt64})
		case o.Kind == linear.Add:
			since[s]++
		default:
			if o.Amount()-now[s] < since[s] {
				return Finding{Witness: c.between(last[s], i)}
			}
			for ; since[s] > 0; since[s]-- {
				places = append(places, place{now[s], o.Amount()})
			}
			now[s], last[s] = o.Amount(), i
			if greatest < 0 || o.Amount() > c.ops[greatest].Amount() {
				greatest = i
			}
		}
	}
	for s, n := range since {
		for range n {
			places = append(places, place{now[s], math.MaxInt64})
		}
	}
	if greatest < 0 || filled(places, c.ops[greatest].Amount()) {
		return Finding{Held: true}
	}
	return Finding{Witness: []int32{greatest}}
}

// between shows two counts of a process, the first of which may be none, and what it added in between.
func (c *counter) between(first, last int32) []int32 {
	shown := []int32{last}
	from := int32(0)
	if first >= 0 {
		shown, from = append(shown, first), first
	}
	for i := from; i < last; i++ {
		if c.session[i] == c.session[last] && c.ops[i].Kind == linear.Add && !c.ops[i].Pending() {
			shown = append(shown, i)
		}
	}
	return sorted(shown)
}

// filled reports whether every count up to one is made by an addition, and none stays without a place that needs one.
func filled(places []place, top int64) bool {
	if top > int64(len(places)) {
		return false
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.low, b.low) })
	var ready deadlines
	for n := int64(1); n <= top; n++ {
		for len(places) > 0 && places[0].low < n {
			heap.Push(&ready, places[0].high)
			places = places[1:]
		}
		if len(ready) == 0 || heap.Pop(&ready).(int64) < n {
			return false
		}
	}
	return len(ready) == 0 || ready[0] == math.MaxInt64
}

// deadlines is a heap.
type deadlines []int64

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i] < d[j] }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)        { *d = append(*d, x.(int64)) }
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	*d = (*d)[:last]
	return x
}

// pram looks at each process with everybody's additions: between two counts of it stands what it added itself, and the
// rest was added by others, in any order. Where something else than one is added it is not known whether others can
// have added as much as is missing.
//
// Cost: O(n).
func (c *counter) pram() Finding {
	total := int64(len(c.adds))
	others := make([]int64, c.people) // by session: additions of others that it has not needed yet
	for s := range others {
		others[s] = total
	}
	for _, i := range c.adds {
		others[c.session[i]]--
	}
	now, since := make([]int64, c.people), make([]int64, c.people) // its last count, and what it added after it
	lost := make([]int64, c.people)                                // its additions that never returned
	last := unset(c.people)
	for i := range c.ops {
		i := int32(i)
		o, s := &c.ops[i], c.session[i]
		switch {
		case o.Kind == linear.Add && o.Pending():
			lost[s]++
		case o.Kind == linear.Add:
			since[s] += o.Amount()
		default:
			missing := o.Amount() - now[s] - since[s]
			if missing < 0 {
				return Finding{Witness: c.between(last[s], i)}
			}
			if c.ones {
				own := min(missing, lost[s])
				lost[s] -= own
				if others[s] -= missing - own; others[s] < 0 {
					return Finding{Witness: []int32{i}}
				}
			}
			now[s], since[s], last[s] = o.Amount(), 0, i
		}
	}
	return Finding{Held: c.ones, Unknown: !c.ones}
}
