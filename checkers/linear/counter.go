package linear

import (
	"cmp"
	"math"
	"slices"
)

// The rules that a counter can break.
const (
	Lower   = "a lower count after a higher one"
	TooHigh = "a count above all that was added"
	TooLow  = "a count without something that was added"
)

// Counters decides counters to which one is added at a time. It is exact for them, operations that never returned
// included.
//
// The counts dictate the order of those who looked, and how many additions stand between two of them that follow each
// other: a gap. Real time gives each addition the first and the last gap in which it can stand. Gap by gap, those go in
// whose last gap comes first: where too few are there, or one is left whose last gap it was, no order fits (unit jobs
// with release times and deadlines, by an argument of exchange). Additions that never returned may stay out.
//
// Cost: O(n log n). A Counters keeps its memory for the next object; it is for one goroutine at a time.
type Counters struct {
	ladder
	object *Object
	groups []group
	adds   []addition
	order  []int32
	found  []Result
}

// group is those who saw one count. Of operations it names the positions, -1 where there is none: the beginning.
type group struct {
	count    int64
	from, to int32 // in the order of the ladder
	// first is the one that returned first of this group and all later ones, last the one called last of this and all
	// earlier ones; -1 is the beginning.
	first, last int32
	// minLow and maxHigh are the least first gap and the greatest last one of those that stand in the gap after the
	// group.
	minLow, maxHigh int32
}

// addition is one operation that adds, and the gaps in which it can stand. Gap n is between groups n and n+1.
type addition struct {
	op, low, high, gap int32
}

// Model is what the orders of legal answers are replayed on.
func (*Counters) Model() Model { return CounterModel() }

// Decide answers legal or illegal for good, or [ErrUnfit] where something else than one was added, or this is no
// counter. The order of a legal answer is overwritten by the next call.
func (c *Counters) Decide(o *Object) Result {
	switch c.judge(o) {
	case Legal:
		return Result{Answer: Legal, By: "counters", Order: c.write(), At: -1}
	case Illegal:
		return proven(o, "counters", c.found, new(Counters).judge)
	}
	return Result{By: "counters", At: -1, Cause: ErrUnfit}
}

func (c *Counters) judge(o *Object) Answer {
	c.object, c.found = o, nil
	if !c.gather() {
		return Undecided
	}
	if len(c.found) == 0 {
		c.place()
	}
	if len(c.found) == 0 {
		c.fill()
	}
	if len(c.found) > 0 {
		return Illegal
	}
	return Legal
}

// gather groups those who looked by what they saw, and looks for counts that go back. False: something else than one
// was added, or this is no counter.
func (c *Counters) gather() bool {
	ops := c.object.Ops
	c.adds = c.adds[:0]
	var looks []int32
	for i := range ops {
		switch o := &ops[i]; {
		case o.Kind == Count:
			looks = append(looks, int32(i))
		case o.Kind == Add && o.Amount() == 1:
			c.adds = append(c.adds, addition{op: int32(i)})
		default:
			return false
		}
	}
	slices.SortStableFunc(looks, func(a, b int32) int { return cmp.Compare(ops[a].Amount(), ops[b].Amount()) })
	c.reset(len(ops))
	c.groups = append(c.groups[:0], group{first: -1, last: -1, minLow: math.MaxInt32, maxHigh: -1})
	for n, i := range looks {
		count := ops[i].Amount()
		if count < 0 {
			c.note(TooLow, i)
			return true
		}
		if g := &c.groups[len(c.groups)-1]; count > g.count {
			c.groups = append(c.groups, group{count: count, from: int32(n), minLow: math.MaxInt32, maxHigh: -1})
		}
		c.groups[len(c.groups)-1].to = int32(n) + 1
		c.ranks[i] = int32(len(c.groups)) - 1
	}
	c.climb(ops, int32(len(c.groups)), func(late, early int32) { c.note(Lower, early, late) })
	return true
}

// place finds the gaps in which each addition can stand.
func (c *Counters) place() {
	ops := c.object.Ops
	last := int32(-1)
	for n := range c.groups {
		g := &c.groups[n]
		for _, i := range c.ladder.order[g.from:g.to] {
			if last < 0 || ops[i].Call > ops[last].Call {
				last = i
			}
		}
		g.last = last
	}
	first := int32(-1)
	for n := len(c.groups) - 1; n > 0; n-- {
		g := &c.groups[n]
		for _, i := range c.ladder.order[g.from:g.to] {
			if first < 0 || ops[i].Return < ops[first].Return {
				first = i
			}
		}
		g.first = first
	}
	for n := range c.adds {
		a := &c.adds[n]
		o := &ops[a.op]
		low, _ := slices.BinarySearchFunc(c.groups[1:], o.Call, func(g group, call int64) int {
			return cmp.Compare(ops[g.first].Return, call)
		})
		high, _ := slices.BinarySearchFunc(c.groups, o.Return, func(g group, ret int64) int {
			if g.last < 0 {
				return -1
			}
			return cmp.Compare(ops[g.last].Call, ret)
		})
		a.low, a.high, a.gap = int32(low), int32(high)-1, -1
		if a.low > a.high { // who saw a lower count was called after it, and who saw a higher one had returned before
			c.between(TooLow, c.groups[a.low].first, c.groups[a.high+1].last)
		}
	}
}

// fill puts additions into the gaps.
func (c *Counters) fill() {
	slices.SortStableFunc(c.adds, func(a, b addition) int { return cmp.Compare(a.low, b.low) })
	ready, next := urgent{c: c}, 0
	for n := range c.groups[1:] {
		g := &c.groups[n]
		for ; next < len(c.adds) && int(c.adds[next].low) <= n; next++ {
			ready.push(int32(next))
		}
		wanted := c.groups[n+1].count - g.count
		if int64(len(ready.heap)) < wanted {
			c.short(int32(n))
			return
		}
		for range wanted {
			c.settle(ready.pop(), int32(n))
		}
		if len(ready.heap) > 0 && c.adds[ready.heap[0]].high <= int32(n) {
			c.settle(ready.heap[0], int32(n))
			c.spare(int32(n))
			return
		}
	}
	for _, n := range ready.heap {
		c.settle(n, int32(len(c.groups))-1)
	}
	for ; next < len(c.adds); next++ {
		c.settle(int32(next), int32(len(c.groups))-1)
	}
}

func (c *Counters) settle(n, gap int32) {
	a, g := &c.adds[n], &c.groups[gap]
	a.gap = gap
	g.minLow, g.maxHigh = min(g.minLow, a.low), max(g.maxHigh, a.high)
}

// short notes that too few additions can stand in a gap, or in it and some before it: as many as it takes until nothing
// that stands before could have stood there.
func (c *Counters) short(gap int32) {
	from := gap
	for n := gap - 1; n >= 0; n-- {
		if c.groups[n].maxHigh >= from {
			from = n
		}
	}
	c.between(TooHigh, c.groups[from].last, c.groups[gap+1].first)
}

// spare notes that too many additions have to stand in a gap, or in it and some before it.
func (c *Counters) spare(gap int32) {
	from := c.groups[gap].minLow
	for n := gap - 1; n >= from; n-- {
		from = min(from, c.groups[n].minLow)
	}
	first := int32(-1)
	if from > 0 {
		first = c.groups[from].first
	}
	c.between(TooLow, first, c.groups[gap+1].last)
}

// between notes a violation that two who looked prove, or one and the beginning.
func (c *Counters) between(rule string, looks ...int32) {
	c.note(rule, slices.DeleteFunc(looks, func(i int32) bool { return i < 0 })...)
}

// note keeps the first violation of each rule. Its witness is who looked, and the additions that can matter to them:
// not those that were called when all of them had returned, nor those that had returned when the first of them was
// called.
func (c *Counters) note(rule string, looks ...int32) {
	if slices.ContainsFunc(c.found, func(r Result) bool { return r.Rule == rule }) {
		return
	}
	ops := c.object.Ops
	r := Result{Rule: rule, Witness: looks}
	begin, end, least := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64)
	for _, i := range looks {
		begin, end, least = min(begin, ops[i].Call), max(end, ops[i].Return), min(least, ops[i].Amount())
	}
	if rule == Lower { // what was added after the higher count does not excuse a lower one
		end = ops[looks[0]].Return
	}
	for _, a := range c.adds {
		switch o := &ops[a.op]; {
		case o.Call > end:
		case o.Return < begin && r.Base < least:
			r.Base++
		default:
			r.Witness = append(r.Witness, a.op)
		}
	}
	slices.Sort(r.Witness)
	r.Witness = slices.Compact(r.Witness)
	c.found = append(c.found, r)
}

// write writes the legal order down: group by group, and what stands in the gap after each.
func (c *Counters) write() []int32 {
	c.order = c.order[:0]
	slices.SortFunc(c.adds, func(a, b addition) int {
		return cmp.Or(cmp.Compare(a.gap, b.gap), cmp.Compare(a.op, b.op))
	})
	adds := c.adds
	for n := range c.groups {
		g := &c.groups[n]
		c.order = append(c.order, c.ladder.order[g.from:g.to]...)
		for ; len(adds) > 0 && adds[0].gap == int32(n); adds = adds[1:] {
			if n < len(c.groups)-1 || !c.object.Ops[adds[0].op].Pending() {
				c.order = append(c.order, adds[0].op)
			}
		}
	}
	return c.order
}

// urgent is a heap of additions by the last gap in which they can stand, and by their return.
type urgent struct {
	c    *Counters
	heap []int32
}

func (u *urgent) less(a, b int32) bool {
	x, y := &u.c.adds[a], &u.c.adds[b]
	if x.high != y.high {
		return x.high < y.high
	}
	return u.c.object.Ops[x.op].Return < u.c.object.Ops[y.op].Return
}

func (u *urgent) push(n int32) {
	u.heap = append(u.heap, n)
	for at := len(u.heap) - 1; at > 0; {
		up := (at - 1) / 2
		if !u.less(u.heap[at], u.heap[up]) {
			return
		}
		u.heap[at], u.heap[up] = u.heap[up], u.heap[at]
		at = up
	}
}

func (u *urgent) pop() int32 {
	top, end := u.heap[0], len(u.heap)-1
	u.heap[0] = u.heap[end]
	u.heap = u.heap[:end]
	for at := 0; ; {
		down := 2*at + 1
		if down >= end {
			return top
		}
		if down+1 < end && u.less(u.heap[down+1], u.heap[down]) {
			down++
		}
		if !u.less(u.heap[down], u.heap[at]) {
			return top
		}
		u.heap[at], u.heap[down] = u.heap[down], u.heap[at]
		at = down
	}
}

// CounterModel is a counter to which any whole number can be added, below zero too. Its state is the count, and a
// number of its own for one that is far from zero.
func CounterModel() Model { return &counterModel{numbers: map[int64]int32{}} }

type counterModel struct {
	numbers map[int64]int32
	far     []int64
}

// near is the bound of counts that are their own number.
const near = 1 << 30

func (*counterModel) Init() int32 { return 0 }

func (m *counterModel) Step(state int32, o *Op) (int32, bool) {
	count := int64(state)
	if count >= near {
		count = m.far[count-near]
	}
	if o.Kind == Count {
		return state, count == o.Amount()
	}
	return m.number(count + o.Amount()), true
}

func (m *counterModel) number(count int64) int32 {
	if -near < count && count < near {
		return int32(count)
	}
	n, known := m.numbers[count]
	if !known {
		n = int32(near + len(m.far))
		m.far = append(m.far, count)
		m.numbers[count] = n
	}
	return n
}

// Needs returns the state that a count has to find.
func (m *counterModel) Needs(o *Op) (int32, bool) {
	if o.Kind != Count {
		return 0, false
	}
	return m.number(o.Amount()), true
}
