package levels

import (
	"slices"
	"sort"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// versions counts for each read the stores that were called after the one whose value it returned had returned, and
// that had returned when the read was called. Where there are any, or no store at all that the read can have seen, it
// is not regular.
//
// Of the stores that had returned when the read was called, those are left that had been called when the one had
// returned. These are all that had been called then, but for those that are still open.
//
// Cost: O(n log c), and c a little where a store returns, with c stores open at once.
func (r *register) versions(returns []int32) (Versions, Finding) {
	found, regular := Versions{Read: -1}, Finding{Held: true}
	called, done := int32(0), int32(0) // stores, of those that returned sometime
	by := r.pool.take(len(r.writer))   // by value: how many of them had been called when its store returned
	var open []int32                   // of them those that had not returned, by call
	newest := int32(-1)                // of those that had returned, the one that was called last
	for i := range r.ops {
		o := &r.ops[i]
		for len(returns) > 0 && r.ops[returns[0]].Return < o.Call {
			if w := returns[0]; stores(&r.ops[w]) {
				at, _ := slices.BinarySearch(open, w)
				open = slices.Delete(open, at, at+1)
				by[r.ops[w].Value] = called
				newest = max(newest, w)
				done++
			}
			returns = returns[1:]
		}
		if r.part[i] && stores(o) && !o.Pending() {
			open = append(open, int32(i))
			called++
		}
		if o.Kind != linear.Read || !r.part[i] {
			continue
		}
		behind, possible := int32(0), o.Value == 0
		if w := r.writer[o.Value]; w >= 0 {
			possible = r.ops[w].Call < o.Return
			if returned := r.ops[w].Return; returned < o.Call && r.after(newest, returned) {
				behind = done - by[o.Value] + int32(r.calledBy(open, returned))
			}
		} else if possible {
			behind = done
		}
		found.note(int32(i), int(behind))
		if regular.Held && (behind > 0 || !possible) {
			regular = r.irregular(int32(i))
		}
	}
	r.pool.give(by)
	return found, regular
}

// calledBy returns how many of some stores, which are by call, were called by an event.
func (r *register) calledBy(calls []int32, event int64) int {
	return sort.Search(len(calls), func(n int) bool { return r.ops[calls[n]].Call > event })
}

// irregular shows what is wrong with a read.
func (r *register) irregular(read int32) Finding {
	o, w := &r.ops[read], r.writer[r.ops[read].Value]
	if w < 0 && o.Value != 0 {
		return broken(r, []int32{read})
	}
	for i := range r.ops[:read] {
		s := &r.ops[i]
		if r.part[i] && stores(s) && s.Return < o.Call && (w < 0 || s.Call > r.ops[w].Return) {
			return broken(r, []int32{read, int32(i)})
		}
	}
	return broken(r, []int32{read})
}
