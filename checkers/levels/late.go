package levels

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// Decider decides exactly whether an object is linearizable, or leaves it undecided, as where the context ended. It
// keeps nothing of the object. Of an illegal one it may name a rule and a witness.
type Decider func(ctx context.Context, o *linear.Object) linear.Result

// lateness finds the smallest delta such that a history is linearizable when the operations whose answers may be late
// are taken to have been called that much earlier. One that was called at a time t then comes after those alone that
// had returned before its call, at a time before t - delta. As in [Staleness], times are compared as events where delta
// is 0, and what happened in the same nanosecond counts as one nanosecond, so that only linearizable histories have 0.
//
// What fits with one delta fits with a larger one too: it is found by halving. Between two deltas with which the same
// comes before the same nothing is decided again. The witness is what the decider has to say of the largest delta that
// is too small.
//
// It is not known where the decider does not know, or the context ends.
//
// Cost: O(n log n), and at most some 40 decisions, each of an object that takes O(n) to make; 80 bytes for each
// operation.
func lateness(ctx context.Context, h *History, late func(o *linear.Op) bool, decide Decider) Staleness {
	return latenessFrom(ctx, h, late, decide, Staleness{Bounded: true, Read: -1, Newer: -1}, nil)
}

// latenessFrom is lateness where it is known that no delta is enough that is smaller than one, and why: mostly that one
// is, and then one decision will do. Where a function is given that returns as much of a witness, the deltas that it
// tells are tried too, in turns with halving.
func latenessFrom(
	ctx context.Context, h *History, late func(o *linear.Op) bool, decide Decider, least Staleness,
	enough func(witness []int32) int64,
) Staleness {
	d := newDelay(h, late)
	try := func(delta int64) (fits, known bool, refuted Staleness) {
		if ctx.Err() != nil {
			return false, false, refuted
		}
		r := decide(ctx, d.shifted(delta))
		if r.Answer == linear.Illegal {
			refuted = Staleness{Rule: r.Rule, Read: -1, Newer: -1, Witness: d.inHistory(r.Witness)}
		}
		return r.Answer == linear.Legal, r.Answer != linear.Undecided, refuted
	}
	fits, known, refuted := try(int64(least.Delta))
	if fits {
		return least
	}
	lo, _ := d.same(int64(least.Delta)) // does not fit
	hi := d.limit                       // nothing is gained beyond
	if known && lo < hi {
		var never Staleness
		if fits, known, never = try(hi); !fits {
			refuted = never
		}
		_, hi = d.same(hi)
	}
	if known && !fits {
		return refuted
	}
	for turn := 0; known && lo+1 < hi; turn++ {
		at := between(lo, hi)
		if enough != nil && turn%2 == 0 {
			at = min(max(lo+1, enough(refuted.Witness)), hi-1)
		}
		var why Staleness
		if fits, known, why = try(at); fits {
			_, hi = d.same(at)
		} else {
			lo, _ = d.same(at)
			refuted = why
		}
	}
	if !known {
		return unknownStaleness()
	}
	s := Staleness{Bounded: true, Delta: time.Duration(hi), Read: -1, Newer: -1, Witness: refuted.Witness}
	d.attained(&s)
	return s
}

// between is the middle of two numbers, of their orders of magnitude where these differ.
func between(lo, hi int64) int64 {
	const least = 1 << 10
	if hi/8 > max(lo, least) {
		return int64(math.Sqrt(float64(max(lo, least))) * math.Sqrt(float64(hi)))
	}
	return lo + (hi-lo)/2
}

// delay makes of a history one whose answers may be late.
type delay struct {
	h           *History
	fixed, late []int32 // the operations, by call; before is of all, by position: how many had returned by their call
	before      []int32
	returns     []int32 // those that returned, by return
	called      []int64 // of late: when
	returned    []int64 // of returns: when
	limit       int64   // with which what is late comes after nothing

	object linear.Object // the last one that was made
	at     []int32       // its operations: where they are in the history
	to     []int32       // the other way round
	now    []int32       // of late: how many come before it in object
}

func newDelay(h *History, late func(o *linear.Op) bool) *delay {
	ops := h.Object.Ops
	d := &delay{
		h: h, before: make([]int32, len(ops)), at: make([]int32, len(ops)), to: make([]int32, len(ops)),
		limit: 1,
		object: linear.Object{
			Ops: make([]linear.Op, len(ops)), Elements: h.Object.Elements, Values: h.Object.Values,
		},
	}
	for i := range ops {
		if !ops[i].Pending() {
			d.returns = append(d.returns, int32(i))
		}
	}
	slices.SortFunc(d.returns, func(a, b int32) int { return cmp.Compare(ops[a].Return, ops[b].Return) })
	d.returned = make([]int64, len(d.returns))
	for n, i := range d.returns {
		d.returned[n] = h.Return(i)
	}
	done := int32(0)
	for i := range ops {
		for int(done) < len(d.returns) && ops[d.returns[done]].Return < ops[i].Call {
			done++
		}
		d.before[i] = done
		if !late(&ops[i]) {
			d.fixed = append(d.fixed, int32(i))
			continue
		}
		d.late, d.called = append(d.late, int32(i)), append(d.called, h.Call(int32(i)))
		if done > 0 {
			d.limit = max(d.limit, d.called[len(d.called)-1]-d.returned[0])
		}
	}
	d.now = make([]int32, len(d.late))
	return d
}

// shifted returns the history with a delta, its events numbered from 0 without gaps. It is good until the next one.
func (d *delay) shifted(delta int64) *linear.Object {
	done := int32(0)
	for n, i := range d.late {
		if delta == 0 {
			d.now[n] = d.before[i]
			continue
		}
		for int(done) < len(d.returned) && d.returned[done] < d.called[n]-delta {
			done++
		}
		d.now[n] = min(done, d.before[i])
	}
	fixed, late, returns := 0, 0, int32(0)
	for n := range d.at {
		var i, before int32
		if fixed == len(d.fixed) || late < len(d.late) && d.now[late] <= d.before[d.fixed[fixed]] {
			i, before = d.late[late], d.now[late]
			late++
		} else {
			i, before = d.fixed[fixed], d.before[d.fixed[fixed]]
			fixed++
		}
		d.end(&returns, before, n)
		d.at[n], d.to[i] = i, int32(n)
		d.object.Ops[n] = d.h.Object.Ops[i]
		d.object.Ops[n].Call = int64(n) + int64(before)
	}
	d.end(&returns, int32(len(d.returns)), len(d.at))
	return &d.object
}

// end lets operations return until so many have, with so many called.
func (d *delay) end(returns *int32, until int32, called int) {
	for ; *returns < until; *returns++ {
		d.object.Ops[d.to[d.returns[*returns]]].Return = int64(called) + int64(*returns)
	}
}

// same returns between which deltas the object is the one that was made last, with one of them.
func (d *delay) same(delta int64) (largest, smallest int64) {
	largest, smallest = d.limit, min(delta, 1)
	for n, now := range d.now {
		if now > 0 {
			largest = min(largest, max(1, d.called[n]-d.returned[now-1])-1)
		}
		if now < d.before[d.late[n]] {
			smallest = max(smallest, d.called[n]-d.returned[now])
		}
	}
	return largest, smallest
}

// inHistory returns where operations of the object that was made last are in the history, ascending.
func (d *delay) inHistory(witness []int32) []int32 {
	ops := make([]int32, len(witness))
	for n, i := range witness {
		ops[n] = d.at[i]
	}
	slices.Sort(ops)
	return ops
}

// attained names those of the witness that are apart by delta, if there are such.
func (d *delay) attained(s *Staleness) {
	ops := d.h.Object.Ops
	for _, j := range s.Witness {
		if _, moves := slices.BinarySearch(d.late, j); !moves {
			continue
		}
		for _, i := range s.Witness {
			if ops[i].Precedes(&ops[j]) && max(1, d.h.Call(j)-d.h.Return(i)) == int64(s.Delta) {
				s.Read, s.Newer = j, i
				return
			}
		}
	}
}
