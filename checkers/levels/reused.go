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

// JudgeReused is [Judge] for a register whose values may have been stored more than once, or an element of a set, which
// is a register of two values: kind says what it is. Then a read does not tell which store it saw. Its sources are all
// stores of its value that were called before it returned, and the initial value.
//
//   - Staleness is exact, with the decider, of all operations. Reads and compare-and-sets that failed are what may be
//     late.
//   - In versions a read is as many behind as stores came and went between the return of a source and its call, for the
//     source for which these are fewest: a lower bound.
//   - Regular is exact: of some source this is none.
//   - Session guarantees: a value is older than another where every source of the one had returned when the first store
//     of the other was called. A guarantee is broken only where this is certain.
//   - Sequential is known where a search finds an order, or that there is none; it has no witness. Causal and PRAM are
//     known where it held.
//
// Swaps are treated as Judge does. Stores that never returned are sources, and overwrite nothing.
//
// The error is [linear.ErrUnfit] where the operations are not those of a register, or a process did two things at once.
//
// Cost: O(n log n), that of the decisions, mostly one, and otherwise up to some 40, and that of the search, which is
// bounded by some hundred steps for each operation and a fourth of the time.
func JudgeReused(ctx context.Context, h *History, kind Kind, decide Decider) (Report, error) {
	r, err := newReused(h)
	if err != nil {
		return Report{}, err
	}
	report := unsaid(kind)
	report.Versions, report.Regular = r.versions()
	report.Sessions = r.sessions()
	report.Levels[Sequential] = h.sequential(ctx, r.session, linear.RegisterModel())
	if report.Staleness = r.impossible(); report.Staleness.Bounded {
		report.Staleness = latenessFrom(ctx, h, readsLate, decide, r.least(), nil)
	}
	report.rank()
	return report, nil
}

// readsLate: the answers of reads, and of compare-and-sets that failed, may be late.
func readsLate(o *linear.Op) bool { return o.Kind == linear.Read || o.Kind == linear.SwapFailed }

// reused is the history of a register, read.
type reused struct {
	*History
	ops     []linear.Op
	session []int32 // by position: processes numbered from 0
	people  int
	stores  []int32 // those that returned, by call
	soonest []int32 // beside stores, and one more: of it and all later ones, the one that returned first; -1 is none
	makers  []int32 // all stores, by value and call
	latest  []int64 // beside makers: the last return of it and the earlier ones of its value
	starts  []int32 // by value: where its stores begin in makers; and where the last ones end
}

func newReused(h *History) (*reused, error) {
	r := &reused{History: h, ops: h.Object.Ops, starts: make([]int32, h.Object.Values+1)}
	var err error
	if r.session, r.people, err = h.sessions(); err != nil {
		return nil, err
	}
	for i := range r.ops {
		switch o := &r.ops[i]; {
		case o.Kind > linear.SwapFailed:
			return nil, unfit("not a register")
		case stores(o):
			r.starts[o.Value+1]++
			if !o.Pending() {
				r.stores = append(r.stores, int32(i))
			}
		}
	}
	for v := range h.Object.Values {
		r.starts[v+1] += r.starts[v]
	}
	r.makers, r.latest = make([]int32, r.starts[h.Object.Values]), make([]int64, r.starts[h.Object.Values])
	next := slices.Clone(r.starts)
	for i := range r.ops {
		if o := &r.ops[i]; stores(o) {
			at := next[o.Value]
			next[o.Value]++
			r.makers[at], r.latest[at] = int32(i), o.Return
			if at > r.starts[o.Value] {
				r.latest[at] = max(r.latest[at], r.latest[at-1])
			}
		}
	}
	r.soonest = unset(len(r.stores) + 1)
	for n, w := range slices.Backward(r.stores) {
		r.soonest[n] = w
		if later := r.soonest[n+1]; later >= 0 && r.ops[later].Return < r.ops[w].Return {
			r.soonest[n] = later
		}
	}
	return r, nil
}

// before is the return of the initial value's store.
const before = math.MinInt64

// sources returns when the last of those stores of a value returned that were called before an event. False: none was,
// and it is not the initial value.
func (r *reused) sources(value int32, event int64) (returned int64, some bool) {
	own := r.makers[r.starts[value]:r.starts[value+1]]
	n := sort.Search(len(own), func(n int) bool { return r.ops[own[n]].Call > event })
	if n == 0 {
		return before, value == 0
	}
	return r.latest[int(r.starts[value])+n-1], true
}

// first returns when the first store of a value was called: the initial one before everything.
func (r *reused) first(value int32) int64 {
	if value == 0 || r.starts[value] == r.starts[value+1] {
		return before
	}
	return r.ops[r.makers[r.starts[value]]].Call
}

// source returns the store of a value that returned at an event, or nothing.
func (r *reused) source(value int32, returned int64) []int32 {
	for _, w := range r.makers[r.starts[value]:r.starts[value+1]] {
		if r.ops[w].Return == returned {
			return []int32{w}
		}
	}
	return nil
}

// calledBy returns how many of some stores, which are by call, were called by an event.
func (r *reused) calledBy(stores []int32, event int64) int {
	return sort.Search(len(stores), func(n int) bool { return r.ops[stores[n]].Call > event })
}

// versions counts for each read the stores between its last source and its call: of those that had returned by then all
// that had not been called when the source returned.
func (r *reused) versions() (Versions, Finding) {
	found, regular := Versions{Read: -1}, Finding{Held: true}
	ends := slices.Clone(r.stores)
	slices.SortFunc(ends, func(a, b int32) int { return cmp.Compare(r.ops[a].Return, r.ops[b].Return) })
	done := 0
	var open []int32 // stores that will return, by call
	for i := range r.ops {
		o := &r.ops[i]
		for done < len(ends) && r.ops[ends[done]].Return < o.Call {
			at, _ := slices.BinarySearch(open, ends[done])
			open = slices.Delete(open, at, at+1)
			done++
		}
		if stores(o) && !o.Pending() {
			open = append(open, int32(i))
		}
		if o.Kind != linear.Read || o.Pending() {
			continue
		}
		returned, some := r.sources(o.Value, o.Return)
		behind := 0
		if some && returned < o.Call {
			behind = done + r.calledBy(open, returned) - r.calledBy(r.stores, returned)
		}
		found.note(int32(i), behind)
		if regular.Held && (behind > 0 || !some) {
			shown := append(r.source(o.Value, returned), int32(i))
			if behind > 0 {
				shown = append(shown, r.soonest[r.calledBy(r.stores, returned)])
			}
			regular = Finding{Witness: sorted(shown)}
		}
	}
	return found, regular
}

// impossible returns the staleness of a register of which somebody saw what nothing had stored yet.
func (r *reused) impossible() Staleness {
	for i := range r.ops {
		o := &r.ops[i]
		v, saw := looks(o)
		if !saw || o.Pending() {
			continue
		}
		if _, some := r.sources(v, o.Return); some {
			continue
		}
		s := Staleness{Rule: linear.Nowhere, Read: -1, Newer: -1, Witness: []int32{int32(i)}}
		if at := r.starts[v]; at < r.starts[v+1] {
			s.Rule, s.Witness = linear.Future, append(s.Witness, r.makers[at])
		}
		return s
	}
	return Staleness{Bounded: true}
}

// least returns a delta than which none smaller is enough: that of the read that stands the longest time after
// something newer than all of its sources, a store or somebody who saw what was stored later.
func (r *reused) least() Staleness {
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	values := make([]int32, 0, r.Object.Values) // that somebody stored and saw, by their first store
	seen := unset(r.Object.Values)              // by value: who saw it and returned first
	for i := range r.ops {
		o := &r.ops[i]
		if v, saw := looks(o); saw && !o.Pending() && (seen[v] < 0 || r.ops[seen[v]].Return > o.Return) {
			seen[v] = int32(i)
		}
	}
	for v, i := range seen {
		if i >= 0 && v > 0 {
			values = append(values, int32(v))
		}
	}
	slices.SortFunc(values, func(a, b int32) int { return cmp.Compare(r.first(a), r.first(b)) })
	soonest := unset(len(values) + 1) // beside values: of those and all after them, who saw one and returned first
	for n, v := range slices.Backward(values) {
		soonest[n] = seen[v]
		if later := soonest[n+1]; later >= 0 && r.ops[later].Return < r.ops[seen[v]].Return {
			soonest[n] = later
		}
	}
	for i := range r.ops {
		o := &r.ops[i]
		if o.Kind != linear.Read || o.Pending() {
			continue
		}
		returned, _ := r.sources(o.Value, o.Return)
		if returned >= o.Call {
			continue
		}
		behind := func(newer int32) {
			if newer < 0 || r.ops[newer].Return >= o.Call {
				return
			}
			if lag := max(1, time.Duration(r.Call(int32(i))-r.Return(newer))); lag > s.Delta {
				s.Delta, s.Read, s.Newer = lag, int32(i), newer
				s.Values = [2]int32{o.Value, r.ops[newer].Value}
			}
		}
		behind(r.soonest[r.calledBy(r.stores, returned)])
		behind(soonest[sort.Search(len(values), func(n int) bool { return r.first(values[n]) > returned })])
	}
	if s.Read >= 0 {
		o := &r.ops[s.Read]
		returned, _ := r.sources(o.Value, o.Return)
		s.Witness = append(r.source(o.Value, returned), s.Read, s.Newer)
		if v, saw := looks(&r.ops[s.Newer]); saw && r.first(v) > before {
			s.Witness = append(s.Witness, r.makers[r.starts[v]])
		}
		s.Witness = sorted(s.Witness)
	}
	return s
}
