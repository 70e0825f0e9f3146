package levels

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// staleness finds how late counts were. Of a counter that only goes up a bound is tried first, and of one to which one
// is added at a time others, which two counts tell.
func (c *counter) staleness(ctx context.Context, decide Decider) Staleness {
	late := func(o *linear.Op) bool { return o.Kind == linear.Count }
	switch {
	case c.ones:
		return latenessFrom(ctx, c.History, late, decide, c.least(), c.enough)
	case c.up:
		return latenessFrom(ctx, c.History, late, decide, c.least(), nil)
	}
	return lateness(ctx, c.History, late, decide)
}

// least returns a delta than which none smaller is enough: that of the count that was asked for the longest time after
// a greater one had returned, or so many additions that they are more than it.
func (c *counter) least() Staleness {
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	byCount := slices.Clone(c.looks)
	slices.SortFunc(byCount, func(a, b int32) int { return cmp.Compare(c.ops[a].Amount(), c.ops[b].Amount()) })
	soonest := unset(len(byCount) + 1) // beside byCount: of it and all later ones, the one that returned first
	for n, i := range slices.Backward(byCount) {
		soonest[n] = i
		if later := soonest[n+1]; later >= 0 && c.ops[later].Return < c.ops[i].Return {
			soonest[n] = later
		}
	}
	for _, i := range c.looks {
		o := &c.ops[i]
		behind := func(newer int32) {
			if newer < 0 || !c.ops[newer].Precedes(o) {
				return
			}
			if lag := c.lag(i, newer); lag > int64(s.Delta) {
				s.Delta, s.Read, s.Newer = time.Duration(lag), i, newer
			}
		}
		behind(soonest[sort.Search(len(byCount), func(n int) bool { return c.ops[byCount[n]].Amount() > o.Amount() })])
		if n := sort.Search(len(c.ends), func(n int) bool { return c.ended.plus[n+1] > o.Amount() }); n < len(c.ends) {
			behind(c.ends[n])
		}
	}
	if s.Read >= 0 {
		s.Witness = []int32{s.Read, s.Newer}
		if n := c.ops[s.Newer]; n.Kind == linear.Add { // and all that had returned before it
			for _, i := range c.ends {
				if c.ops[i].Return < n.Return {
					s.Witness = append(s.Witness, i)
				}
			}
		}
		slices.Sort(s.Witness)
	}
	return s
}

// lag is by how much a count must be late so as not to come after an operation that had returned before it.
func (c *counter) lag(count, newer int32) int64 { return max(1, c.Call(count)-c.Return(newer)) }

// enough returns how late counts must be at least for those of a witness to fit each other, and the beginning, among
// additions of one: it looks at each alone and at each two.
//
// Cost: O(n) for a witness of a few counts, but for what the additions themselves are.
func (c *counter) enough(witness []int32) int64 {
	least := int64(0)
	looks := []int32{-1}
	for _, i := range witness {
		if c.ops[i].Kind == linear.Count {
			looks = append(looks, i)
		}
	}
	if len(looks) > 3 { // not one of ours
		return 0
	}
	for _, a := range looks {
		for _, b := range looks {
			if a != b && b >= 0 {
				least = max(least, c.apart(a, b))
			}
		}
	}
	return least
}

// apart is enough for two counts, of which the first may be the beginning.
func (c *counter) apart(a, b int32) int64 {
	from, to := &linear.Op{Call: math.MinInt64, Return: math.MinInt64}, &c.ops[b]
	if a >= 0 {
		from = &c.ops[a]
	}
	grown := to.Amount() - from.Amount()
	if grown < 0 {
		if a >= 0 && from.Precedes(to) {
			return c.lag(b, a)
		}
		return 0
	}
	// Of those that were added after the first count no more may have returned when the second was asked for; and so
	// many must have been open, or called, before the second returned and after the first was asked for.
	sure, possible := int64(0), int64(0)
	least := int64(0)
	for _, i := range c.ends {
		if o := &c.ops[i]; o.Call > from.Return && o.Return < to.Call {
			if sure++; sure == grown+1 {
				least = c.lag(b, i)
			}
		}
	}
	for _, i := range c.adds {
		if o := &c.ops[i]; o.Call < to.Return && o.Return > from.Call {
			possible++
		}
	}
	if a < 0 || possible >= grown {
		return least
	}
	for _, i := range slices.Backward(c.ends) {
		if o := &c.ops[i]; o.Call < to.Return && o.Return < from.Call {
			if possible++; possible == grown {
				return max(least, c.lag(a, i))
			}
		}
	}
	return least
}
