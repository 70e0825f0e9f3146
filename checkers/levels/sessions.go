package levels

import (
	"cmp"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// sessions looks for what contradicts the session guarantees. All four say: after a client saw (or stored) one value,
// what it sees (or stores) then is not older. Older is what certainly is: the store of the one value had returned when
// that of the other was called, or the other came from it by swaps; where a value was swapped twice only the first
// counts, and rings say nothing. The initial value is older than all others that were stored.
//
// This is real time and not only the order of processes, so that a guarantee may fall where the register was
// sequential. And for most registers it leaves nothing that could show stores out of order: of stores, only what is
// known from swaps or was seen before it was stored can contradict real time. A register whose stores were applied in
// another order shows it by reads that go back.
//
// Cost: O(n), and O(m log m) in m operations that contradict what came by swaps.
func (r *register) sessions(all *view) (told [guarantees]Session) {
	for g := range told {
		told[g].Held = true
	}
	memories := make([]memory, r.people)
	for s := range memories {
		memories[s].saw.op, memories[s].stored.op = -1, -1
	}
	swapped := r.outswapped(all)
	ask := func(g Guarantee, i, value int32, returned int64, m *newest) {
		earlier := memo{op: -1}
		if len(swapped) > 0 && swapped[0].op == i && swapped[0].guarantee == g {
			earlier, swapped = swapped[0].earlier, swapped[1:]
		}
		if m.op < 0 {
			return
		}
		told[g].Asked++
		if returned < m.called {
			earlier = m.memo
		}
		if earlier.op < 0 {
			return
		}
		if told[g].Broken++; told[g].Held {
			told[g].Finding = r.forgotten(i, value, earlier)
		}
	}
	for n := range r.ops { // as they were called, for what is near in the history is near in memory
		if !r.part[n] {
			continue
		}
		o, i, m := &r.ops[n], int32(n), &memories[r.session[n]]
		look, looked := looks(o)
		called, returned := r.storing(look)
		if looked {
			ask(ReadYourWrites, i, look, returned, &m.stored)
			ask(MonotonicReads, i, look, returned, &m.saw)
		}
		if stores(o) {
			ask(MonotonicWrites, i, o.Value, o.Return, &m.stored)
			ask(WritesFollowReads, i, o.Value, o.Return, &m.saw)
		}
		if o.Pending() {
			continue // nothing has to come after it
		}
		if looked {
			m.saw.keep(memo{i, look}, called)
		}
		if stores(o) {
			m.stored.keep(memo{i, o.Value}, o.Call)
		}
	}
	return told
}

// forgotten is the finding that an operation is about a value although its session remembers something newer.
func (r *register) forgotten(i, value int32, earlier memo) Finding {
	ops := []int32{earlier.op, i}
	for _, v := range []int32{value, earlier.value} {
		if w := r.writer[v]; w >= 0 {
			ops = append(ops, w)
		}
	}
	return Finding{Witness: sorted(ops)}
}

// storing returns when a value's store was called and when it returned: that of the initial value before everything.
// That of one that nothing stored was called before everything and never returned.
func (r *register) storing(value int32) (called, returned int64) {
	switch w := r.writer[value]; {
	case w >= 0:
		return r.ops[w].Call, r.ops[w].Return
	case value == 0:
		return math.MinInt64, math.MinInt64
	}
	return math.MinInt64, math.MaxInt64
}

// memory is what a session saw, and what it stored: of all values the ones whose stores were called last.
type memory struct{ saw, stored newest }

// memo is an operation and the value that is remembered of it. Without any, op is -1.
type memo struct{ op, value int32 }

// newest is a memo with when the store of its value was called.
type newest struct {
	memo
	called int64
}

func (n *newest) keep(m memo, called int64) {
	if n.op < 0 || called > n.called {
		*n = newest{m, called}
	}
}

// outswap is an operation that is about a value which others were swapped for, the last of which its session remembers.
type outswap struct {
	op        int32
	guarantee Guarantee
	earlier   memo
}

// outswapped returns all of them, in order. It looks at one block after the other, for few sessions remember much of
// one.
func (r *register) outswapped(all *view) []outswap {
	if all.next == nil {
		return nil
	}
	side := 0 // where swaps contradict each other their two values may be of two blocks
	if all.wrong != nil {
		side = 1
	}
	list, starts := r.pool.sort(len(r.ops)<<side, all.size(), func(n int32) int32 {
		i := n >> side
		if !r.part[i] {
			return -1
		}
		block := all.head[r.ops[i].Value]
		if side == 1 && n&1 == 1 {
			if o := &r.ops[i]; o.Kind != linear.Swap || all.head[o.From] == block {
				return -1
			} else {
				block = all.head[o.From]
			}
		}
		if all.next[block] < 0 {
			return -1
		}
		return block
	})
	b := swapMemory{r: r, all: all, saw: make([]memo, r.people), stored: make([]memo, r.people)}
	for s := range b.saw {
		b.saw[s].op, b.stored[s].op = -1, -1
	}
	for block := range int32(all.size()) {
		ops := list[starts[block]:starts[block+1]]
		for _, n := range ops {
			b.judge(n>>side, block)
		}
		for _, n := range ops {
			s := r.session[n>>side]
			b.saw[s].op, b.stored[s].op = -1, -1
		}
	}
	r.pool.give(list, starts)
	slices.SortFunc(b.found, func(a, b outswap) int {
		return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(a.guarantee, b.guarantee))
	})
	return b.found
}

// swapMemory is what each session saw of one block, and what it stored: the value with the most swaps behind it.
type swapMemory struct {
	r           *register
	all         *view
	saw, stored []memo // by session
	found       []outswap
}

// judge takes the next operation of a block.
func (b *swapMemory) judge(i, block int32) {
	o, s := &b.r.ops[i], b.r.session[i]
	look, looked := looks(o)
	looked = looked && b.all.head[look] == block
	stored := stores(o) && b.all.head[o.Value] == block
	saw, own := &b.saw[s], &b.stored[s]
	if looked {
		b.ask(ReadYourWrites, i, look, own)
		b.ask(MonotonicReads, i, look, saw)
	}
	if stored {
		b.ask(MonotonicWrites, i, o.Value, own)
		b.ask(WritesFollowReads, i, o.Value, saw)
	}
	if o.Pending() {
		return // nothing has to come after it
	}
	if looked {
		b.keep(saw, memo{i, look})
	}
	if stored {
		b.keep(own, memo{i, o.Value})
	}
}

func (b *swapMemory) keep(m *memo, now memo) {
	if depth := b.all.depth[now.value]; depth > 0 && (m.op < 0 || depth > b.all.depth[m.value]) {
		*m = now
	}
}

func (b *swapMemory) ask(g Guarantee, i, value int32, m *memo) {
	if m.op >= 0 && b.all.depth[m.value] > b.all.depth[value] {
		b.found = append(b.found, outswap{i, g, *m})
	}
}
