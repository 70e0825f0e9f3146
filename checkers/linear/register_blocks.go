package linear

import (
	"cmp"
	"math"
	"slices"
)

// chain walks the clusters from each written value along its compare-and-sets, looks for what contradicts itself on the
// way, and notes the span of the whole.
func (z *Zones) chain() {
	if z.swaps > 0 {
		z.spans = slices.Grow(z.spans[:0], 2*len(z.clusters))[:2*len(z.clusters)]
	}
	left := z.swaps
	for v := range z.clusters {
		if z.heads(int32(v)) {
			left -= z.walk(int32(v))
		}
	}
	if left > 0 {
		z.rings()
	}
}

// heads reports whether a block begins with the value: the initial one, and those that were written.
func (z *Zones) heads(v int32) bool {
	c := &z.clusters[v]
	return v == 0 && (c.count > 0 || c.next >= 0) ||
		c.writer >= 0 && z.object.Ops[c.writer].Kind == Write && z.takesPart(&z.object.Ops[c.writer])
}

// walk follows one block and returns how many compare-and-sets are in it.
func (z *Zones) walk(head int32) (swaps int) {
	ops := z.object.Ops
	block := span{-1, -1}
	for v, twisted := head, false; ; swaps++ {
		c := &z.clusters[v]
		if v != 0 && ops[c.first].Return < ops[c.writer].Call {
			z.note(breach{rule: Future, chosen: []int32{c.first}})
			twisted = true
		}
		if block.last >= 0 && ops[c.first].Return < ops[block.last].Call && !twisted {
			z.twist(c.first)
			twisted = true
		}
		block.take(ops, c)
		if c.next < 0 {
			break
		}
		v = ops[c.next].Value
	}
	if z.swaps > 0 {
		z.spans[2*head], z.spans[2*head+1] = block.first, block.last
	}
	return swaps
}

func (b *span) take(ops []Op, c *cluster) {
	if c.count == 0 { // the initial value, where nobody read it
		return
	}
	if b.first < 0 || ops[c.first].Return < ops[b.first].Return {
		b.first = c.first
	}
	if b.last < 0 || c.last > b.last {
		b.last = c.last
	}
}

// block returns the span of the block that begins with the value: without compare-and-sets each cluster is one.
func (z *Zones) block(head int32) span {
	if z.swaps > 0 {
		return span{z.spans[2*head], z.spans[2*head+1]}
	}
	return span{z.clusters[head].first, z.clusters[head].last}
}

// bounds returns when the first operation of a block had returned and when the last was called. That of the initial
// value begins before everything.
func (z *Zones) bounds(head int32) (first, last int64) {
	b := z.block(head)
	if head == 0 {
		return math.MinInt64, z.object.Ops[b.last].Call
	}
	return z.object.Ops[b.first].Return, z.object.Ops[b.last].Call
}

// arrange sorts the blocks by where they begin. Every event is the beginning of one block at most.
func (z *Zones) arrange() {
	ops := z.object.Ops
	z.blocks = slices.Grow(z.blocks[:0], len(z.clusters))
	if len(ops) == 0 {
		return
	}
	if low, high := z.reach(); high-low < 4*int64(len(ops)) {
		z.arrangeByEvent(low, high)
		return
	}
	z.sorted = z.sorted[:0]
	for v := range z.clusters {
		if z.heads(int32(v)) {
			first, last := z.bounds(int32(v))
			z.sorted = append(z.sorted, begin{min(first, last), int32(v)})
		}
	}
	slices.SortFunc(z.sorted, func(a, b begin) int { return cmp.Compare(a.event, b.event) })
	for _, b := range z.sorted {
		z.blocks = append(z.blocks, b.value)
	}
}

// reach returns the first and the last event.
func (z *Zones) reach() (low, high int64) {
	ops := z.object.Ops
	low, high = ops[0].Call, ops[len(ops)-1].Call
	for i := range ops {
		if !ops[i].Pending() {
			high = max(high, ops[i].Return)
		}
	}
	return low, high
}

func (z *Zones) arrangeByEvent(low, high int64) {
	n := int(high-low) + 1
	z.begins = slices.Grow(z.begins[:0], n)[:n]
	clear(z.begins)
	for v := range z.clusters {
		switch {
		case !z.heads(int32(v)):
		case v == 0:
			z.blocks = append(z.blocks, 0)
		default:
			first, last := z.bounds(int32(v))
			z.begins[min(first, last)-low] = int32(v)
		}
	}
	for _, v := range z.begins {
		if v != 0 {
			z.blocks = append(z.blocks, v)
		}
	}
}

// sweep looks for pairs of blocks each of which must come before the other. It is enough to compare each block with the
// one before it that reaches furthest.
func (z *Zones) sweep() {
	widest := int32(-1)
	var widestFirst, widestLast int64
	for _, v := range z.blocks {
		first, last := z.bounds(v)
		if widest >= 0 && widestFirst < last && first < widestLast && !z.conflict(widest, v) {
			return
		}
		if first < last && (widest < 0 || last > widestLast) {
			widest, widestFirst, widestLast = v, first, last
		}
	}
}

// spell writes the legal order down: the blocks one after the other, in each the clusters, in each the writer and then
// the others as they were called.
func (z *Zones) spell() []int32 {
	ops := z.object.Ops
	total := int32(0)
	for _, head := range z.blocks {
		for v := head; ; {
			c := &z.clusters[v]
			total, c.count = total+c.count, total
			if c.next < 0 {
				break
			}
			v = ops[c.next].Value
		}
	}
	z.order = slices.Grow(z.order[:0], int(total))[:total]
	for v := range z.clusters { // from here on count is where the next one goes
		if c := &z.clusters[v]; c.writer >= 0 && z.takesPart(&ops[c.writer]) {
			z.order[c.count] = c.writer
			c.count++
		}
	}
	for i := range ops {
		if o := &ops[i]; z.takesPart(o) && !o.stores() {
			c := &z.clusters[o.Value]
			z.order[c.count] = int32(i)
			c.count++
		}
	}
	return z.order
}
