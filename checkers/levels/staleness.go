package levels

import (
	"math"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// span is the operations that bound where a cluster or a block can stand: the one that returned first, and the ones
// that were called last of the reads and of all others. -1 where there is none.
//
// Reads can be taken to have been called earlier; the others are fixed.
type span struct{ first, fixed, read int32 }

// spans are three numbers for each.
type spans []int32

func (s spans) of(v int32) span {
	at := s[3*int(v):][:3]
	return span{at[0], at[1], at[2]}
}

func (s spans) set(v int32, b span) {
	at := s[3*int(v):][:3]
	at[0], at[1], at[2] = b.first, b.fixed, b.read
}

// staleness finds the smallest delta. Two blocks each of which must come before the other are apart as soon as the
// reads of one of them are called early enough, where nothing fixed stands against it: this takes as long as from the
// first return of the other block to the last read of the one. Of both ways the pair takes the shorter one. Inside a
// block there is only one way. The longest time of all pairs is what the history takes (Golab, Li & Shah 2011, for
// registers without swaps).
//
// A swap to the value it expects only looks, but it is a swap and does not move.
//
// Times are compared as events, which tell apart what happened in the same nanosecond. Such a pair counts as one
// nanosecond, so that only linearizable histories have none.
func (r *register) staleness(all *view, returns []int32) *stalest {
	s := &stalest{r: r, all: all, spans: r.spans, Staleness: Staleness{Bounded: true, Read: -1, Newer: -1}}
	switch future := r.future(); {
	case r.nowhere >= 0:
		s.never(linear.Nowhere, r.nowhere)
	case future >= 0:
		s.never(linear.Future, future)
	case all.wrong != nil:
		s.never(all.rule, all.wrong...)
	}
	if all.wrong == nil {
		s.inside()
	}
	if s.Bounded {
		s.between(returns)
	}
	s.show()
	return s
}

// sooner returns the one of two operations that returned first, if they are any.
func (r *register) sooner(a, b int32) int32 {
	if a < 0 || b >= 0 && r.ops[b].Return < r.ops[a].Return {
		return b
	}
	return a
}

// future returns an operation that had seen a value before its store was called, -1 where there is none.
func (r *register) future() int32 {
	for v, w := range r.writer {
		if w < 0 {
			continue
		}
		if first := r.spans[3*v]; first != w && r.ops[first].Return < r.ops[w].Call {
			return first
		}
	}
	return -1
}

// stalest is the staleness as far as it is known.
type stalest struct {
	Staleness
	r     *register
	all   *view
	spans spans // by value: of its cluster, and by head, when inside has been there, of its block
}

// never notes that no delta is enough.
func (s *stalest) never(rule string, ops ...int32) {
	s.Staleness = Staleness{Rule: rule, Read: -1, Newer: -1, Witness: s.r.withWriters(ops)}
}

// lag is how long after the return of an operation a read was called.
func (s *stalest) lag(read, newer int32) time.Duration {
	return max(1, time.Duration(s.r.Call(read)-s.r.Return(newer)))
}

// longer reports whether nothing so far took as long as the lag of a read. As times go with events it mostly need not
// look at the times.
func (s *stalest) longer(read, newer int32) bool {
	ops := s.r.ops
	within := s.Read >= 0 && ops[read].Call <= ops[s.Read].Call && ops[newer].Return >= ops[s.Newer].Return
	return !within && s.lag(read, newer) > s.Delta
}

// behind notes a read and the newer operation, if nothing so far took as long.
func (s *stalest) behind(read, newer int32) {
	if s.Bounded && s.longer(read, newer) {
		s.Delta, s.Read, s.Newer = s.lag(read, newer), read, newer
	}
}

// show shows the read and the newer operation.
func (s *stalest) show() {
	if !s.Bounded || s.Read < 0 {
		return
	}
	shown := []int32{s.Read, s.Newer}
	if one, other := s.headOf(s.Read), s.headOf(s.Newer); one != other {
		shown = append(shown, s.apart(one, other, s.Read, s.Newer)...)
	}
	s.Values = [2]int32{s.r.ops[s.Read].Value, s.r.ops[s.Newer].Value}
	s.Witness = s.r.withWriters(shown)
}

// after reports whether an operation, if it is any, was called after an event.
func (r *register) after(i int32, event int64) bool { return i >= 0 && r.ops[i].Call > event }

// inside looks along each block, and joins the spans of its clusters.
func (s *stalest) inside() {
	if s.all.next == nil {
		return
	}
	for head := range int32(s.all.size()) {
		if s.all.next[head] < 0 || s.all.head[head] != head {
			continue
		}
		whole := span{-1, -1, -1}
		s.all.walk(head, func(v int32, _ int) {
			c := s.spans.of(v)
			if c.first >= 0 {
				switch returned := s.r.ops[c.first].Return; {
				case !s.Bounded:
				case s.r.after(whole.fixed, returned):
					s.never(linear.Backward, whole.fixed, c.first)
				case s.r.after(whole.read, returned):
					s.behind(whole.read, c.first)
				}
			}
			whole = span{s.r.sooner(whole.first, c.first), max(whole.fixed, c.fixed), max(whole.read, c.read)}
		})
		s.spans.set(head, whole) // of operations that were called later the positions are larger
	}
}

// begun is the event by which a block had surely begun.
func (s *stalest) begun(head int32) int64 {
	if head == 0 {
		return math.MinInt64
	}
	return s.r.ops[s.spans.of(head).first].Return
}

// between looks at pairs of blocks. They come in the order in which they had surely begun; then of a block and those
// before it, all conflicts are with a prefix of these, those that had begun before the block ends. In it the time that
// the one way takes, that of the blocks before, only grows, and the time of the other way only shrinks: where they meet
// is the longest.
func (s *stalest) between(returns []int32) {
	heads := s.heads()
	whole := s.r.pool.take(3*heads + 2)
	blocks, rest := whole[:0:heads], whole[heads:]
	fixed, read := append(rest[:0:heads+1], -1), append(rest[heads+1:][:0], -1)
	add := func(head int32) {
		b, n := s.spans.of(head), len(blocks)
		if s.Bounded && s.r.after(max(fixed[n], read[n]), s.begun(head)) {
			s.before(blocks, head, fixed, read)
		}
		blocks = append(blocks, head)
		fixed, read = append(fixed, max(fixed[n], b.fixed)), append(read, max(read[n], b.read))
	}
	if s.spans.of(0).first >= 0 {
		add(0)
	}
	for _, i := range returns {
		if head := s.headOf(i); head != 0 && s.spans.of(head).first == i {
			add(head)
		}
	}
	s.r.pool.give(whole)
}

// heads is how many blocks there are.
func (s *stalest) heads() int {
	if s.all.next == nil {
		return s.all.size()
	}
	heads := 0
	for n, head := range s.all.head {
		if int(head) == n {
			heads++
		}
	}
	return heads
}

// before looks at the pairs of one block with those before it, of which so many reach so far.
func (s *stalest) before(blocks []int32, head int32, fixed, read []int32) {
	r, b, begun := s.r, s.spans.of(head), s.begun(head)
	begunBy := func(i int32) int { // how many before it had begun when an operation was called
		if i < 0 {
			return 0
		}
		n, step := len(blocks), 1 // seldom far from the end
		for n >= step && s.begun(blocks[n-step]) >= r.ops[i].Call {
			n, step = n-step, 2*step
		}
		from := max(0, n-step)
		return from + sort.Search(n-from, func(n int) bool { return s.begun(blocks[from+n]) >= r.ops[i].Call })
	}
	if n := len(blocks); !r.after(fixed[n], begun) && !s.longer(read[n], b.first) {
		return // the reads of those before need not move further than others must
	}
	perhaps := begunBy(max(b.fixed, b.read))
	if !r.after(max(fixed[perhaps], read[perhaps]), begun) {
		return // most blocks stand clear of each other
	}
	surely := begunBy(b.fixed)
	if r.after(fixed[surely], begun) {
		a := fixed[surely]
		s.never(linear.Crossed, append(s.apart(s.headOf(a), head, a, b.first), a, b.first)...)
		return
	}
	meet := surely + sort.Search(perhaps-surely, func(n int) bool {
		n += surely
		return r.after(fixed[n+1], begun) ||
			r.after(read[n+1], begun) && s.lag(read[n+1], b.first) >= s.lag(b.read, s.spans.of(blocks[n]).first)
	})
	if a := read[meet]; r.after(a, begun) { // the reads of one of those before the place move
		s.behind(a, b.first)
	}
	if meet < perhaps { // those of the block itself move
		s.behind(b.read, s.spans.of(blocks[meet]).first)
	}
}

// headOf is the block of an operation.
func (s *stalest) headOf(i int32) int32 { return s.all.headOf(s.r.ops[i].Value) }

// apart shows why a block must come before another, also where reads move by as much as between a given operation of
// the one and a return of the other: an operation of the one had returned when one of the other was called. The writer
// of what the given operation saw is shown anyway, so it is taken where it will do.
func (s *stalest) apart(one, other, given, newer int32) []int32 {
	r, a, b := s.r, s.spans.of(one), s.spans.of(other)
	fixed := r.after(b.fixed, s.begun(one))
	last := b.read
	if fixed {
		last = b.fixed
	}
	if one == 0 {
		return []int32{last}
	}
	w := r.writer[r.ops[given].Value]
	if r.after(last, r.ops[w].Return) && (fixed || s.lag(last, w) >= s.lag(given, newer)) {
		return []int32{last, w}
	}
	return []int32{last, a.first}
}

// places puts the values into an order that fits where little is wrong: that in which package linear puts the blocks of
// a register that is linearizable. Where a block contradicts itself they stay as they are numbered.
func (s *stalest) places(returns []int32) []int32 {
	r := s.r
	place, placed := r.pool.unset(s.all.size()), int32(0)
	put := func(v int32, _ int) {
		place[v] = placed
		placed++
	}
	if s.all.wrong == nil {
		s.all.walk(0, put)
		for i := range r.ops {
			o := &r.ops[i]
			for ; len(returns) > 0 && r.ops[returns[0]].Return < o.Call; returns = returns[1:] {
				if head := s.headOf(returns[0]); place[head] < 0 && s.spans.of(head).first == returns[0] {
					s.all.walk(head, put)
				}
			}
			if !r.part[i] {
				continue
			}
			if head := s.headOf(int32(i)); place[head] < 0 {
				if b := s.spans.of(head); max(b.fixed, b.read) == int32(i) {
					s.all.walk(head, put)
				}
			}
		}
	}
	for v := range place {
		if place[v] < 0 {
			put(int32(v), 0)
		}
	}
	return place
}
