package levels

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// span is the operations that bound where a cluster or a block can stand: the one that returned first, and the ones
// that were called last of the reads and of all others. -1 where there is none.
//
// Reads can be taken to have been called earlier; the others are fixed.
type span struct{ first, fixed, read int32 }

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
func (r *register) staleness(all *view) Staleness {
	s := &stalest{r: r, Staleness: Staleness{Bounded: true, Read: -1, Newer: -1}}
	spans := r.spans()
	switch future := r.future(spans); {
	case r.nowhere >= 0:
		s.never(linear.Nowhere, r.nowhere)
	case future >= 0:
		s.never(linear.Future, future)
	case all.wrong != nil:
		s.never(all.rule, all.wrong...)
	default:
		s.between(s.inside(all, spans))
	}
	return s.Staleness
}

// spans returns those of the clusters.
func (r *register) spans() []span {
	spans := make([]span, r.Object.Values)
	for v := range spans {
		spans[v] = span{-1, -1, -1}
	}
	for i := range r.ops { // in the order of the calls
		if !r.part[i] {
			continue
		}
		s := &spans[r.ops[i].Value]
		s.first = r.sooner(s.first, int32(i))
		if r.ops[i].Kind == linear.Read {
			s.read = int32(i)
		} else {
			s.fixed = int32(i)
		}
	}
	return spans
}

// sooner returns the one of two operations that returned first, if they are any.
func (r *register) sooner(a, b int32) int32 {
	if a < 0 || b >= 0 && r.ops[b].Return < r.ops[a].Return {
		return b
	}
	return a
}

// future returns an operation that had seen a value before its store was called, -1 where there is none.
func (r *register) future(spans []span) int32 {
	for v, s := range spans {
		if w := r.writer[v]; w >= 0 && r.ops[s.first].Return < r.ops[w].Call {
			return s.first
		}
	}
	return -1
}

// stalest is the staleness as far as it is known.
type stalest struct {
	Staleness
	r *register
}

// never notes that no delta is enough.
func (s *stalest) never(rule string, ops ...int32) {
	s.Staleness = Staleness{Rule: rule, Read: -1, Newer: -1, Witness: s.r.withWriters(ops)}
}

// lag is how long after the return of an operation a read was called.
func (s *stalest) lag(read, newer int32) time.Duration {
	return max(1, time.Duration(s.r.Call[read]-s.r.Return[newer]))
}

// behind notes a read and the newer operation, if nothing so far took as long, and shows them together with the rest.
func (s *stalest) behind(read, newer int32, rest func() []int32) {
	d := s.lag(read, newer)
	if !s.Bounded || d <= s.Delta {
		return
	}
	s.Delta, s.Read, s.Newer = d, read, newer
	s.Values = [2]int32{s.r.ops[read].Value, s.r.ops[newer].Value}
	s.Witness = s.r.withWriters(append(rest(), read, newer))
}

// after reports whether an operation, if it is any, was called after an event.
func (r *register) after(i int32, event int64) bool { return i >= 0 && r.ops[i].Call > event }

// inside looks along each block and returns the blocks.
func (s *stalest) inside(all *view, clusters []span) []block {
	blocks := make([]block, 0, len(clusters))
	for head := range clusters {
		if all.head[head] != int32(head) {
			continue
		}
		whole := span{-1, -1, -1}
		all.walk(int32(head), func(v int32, _ int) {
			c := clusters[v]
			if c.first >= 0 {
				switch returned := s.r.ops[c.first].Return; {
				case !s.Bounded:
				case s.r.after(whole.fixed, returned):
					s.never(linear.Backward, whole.fixed, c.first)
				case s.r.after(whole.read, returned):
					s.behind(whole.read, c.first, func() []int32 { return nil })
				}
			}
			// of operations that were called later the positions are larger
			whole = span{s.r.sooner(whole.first, c.first), max(whole.fixed, c.fixed), max(whole.read, c.read)}
		})
		if whole.first < 0 {
			continue // the initial value that nobody saw, or one that nothing stored
		}
		b := block{span: whole, begins: s.r.ops[whole.first].Return}
		if head == 0 {
			b.begins = math.MinInt64
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// block is a block with the event by which it had surely begun.
type block struct {
	span
	begins int64
}

// reach is, of some blocks, those with the last fixed operation and with the last read.
type reach struct{ fixed, read int }

// between looks at pairs of blocks. They are sorted by begins; then of a block and those before it, all conflicts are
// with a prefix of these, those that begin before the block ends. In it the time that the one way takes, that of the
// blocks before, only grows, and the time of the other way only shrinks: where they meet is the longest.
func (s *stalest) between(blocks []block) {
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Compare(a.begins, b.begins) })
	reaches := make([]reach, len(blocks)+1) // by how many blocks
	reaches[0] = reach{-1, -1}
	for i := range blocks {
		reaches[i+1] = reaches[i].with(blocks, i)
		if s.Bounded {
			s.before(blocks, reaches, i)
		}
	}
}

func (q reach) with(blocks []block, i int) reach {
	if q.fixed < 0 || blocks[i].fixed > blocks[q.fixed].fixed {
		q.fixed = i
	}
	if q.read < 0 || blocks[i].read > blocks[q.read].read {
		q.read = i
	}
	return q
}

// before looks at the pairs of one block with those before it.
func (s *stalest) before(blocks []block, reaches []reach, at int) {
	r, b := s.r, blocks[at]
	begunBy := func(i int32) int { // how many before it had begun when an operation was called
		if i < 0 {
			return 0
		}
		return sort.Search(at, func(n int) bool { return blocks[n].begins >= r.ops[i].Call })
	}
	fixedAfter := func(n int) bool { f := reaches[n].fixed; return f >= 0 && r.after(blocks[f].fixed, b.begins) }
	readAfter := func(n int) bool { f := reaches[n].read; return f >= 0 && r.after(blocks[f].read, b.begins) }
	surely := begunBy(b.fixed)
	if fixedAfter(surely) {
		a := blocks[reaches[surely].fixed]
		s.never(linear.Crossed, append(s.apart(a, b, a.fixed, b.first), a.fixed, b.first)...)
		return
	}
	perhaps := max(surely, begunBy(b.read))
	meet := surely + sort.Search(perhaps-surely, func(n int) bool {
		n += surely
		return fixedAfter(n+1) ||
			readAfter(n+1) && s.lag(blocks[reaches[n+1].read].read, b.first) >= s.lag(b.read, blocks[n].first)
	})
	if readAfter(meet) { // the reads of one of those before the place move
		a := blocks[reaches[meet].read]
		s.behind(a.read, b.first, func() []int32 { return s.apart(a, b, a.read, b.first) })
	}
	if meet < perhaps { // those of the block itself move
		a := blocks[meet]
		s.behind(b.read, a.first, func() []int32 { return s.apart(b, a, b.read, a.first) })
	}
}

// apart shows why a block must come before another, also where reads move by as much as between a given operation of
// the one and a return of the other: an operation of the one had returned when one of the other was called. The writer
// of what the given operation saw is shown anyway, so it is taken where it will do.
func (s *stalest) apart(a, b block, given, newer int32) []int32 {
	r := s.r
	fixed := r.after(b.fixed, a.begins)
	last := b.read
	if fixed {
		last = b.fixed
	}
	if a.begins == math.MinInt64 {
		return []int32{last}
	}
	w := r.writer[r.ops[given].Value]
	if r.after(last, r.ops[w].Return) && (fixed || s.lag(last, w) >= s.lag(given, newer)) {
		return []int32{last, w}
	}
	return []int32{last, a.first}
}
