package levels

import (
	"cmp"
	"slices"
	"sort"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// versions counts for each read the stores that were called after the one whose value it returned had returned, and
// that had returned when the read was called. Where there are any, or no store at all that the read can have seen, it
// is not regular.
//
// Cost: O(n log n): reads come in the order of their calls, and the stores that had returned by then are counted in a
// tree over the calls of stores.
func (r *register) versions() (Versions, Finding) {
	found, regular := Versions{Read: -1}, Finding{Held: true}
	calls := r.stores()
	returns := slices.Clone(calls)
	slices.SortFunc(returns, func(a, b int32) int { return cmp.Compare(r.ops[a].Return, r.ops[b].Return) })
	tree := make(tally, len(calls)+1)
	done := 0
	for i := range r.ops {
		o := &r.ops[i]
		if o.Kind != linear.Read || !r.part[i] {
			continue
		}
		for ; done < len(returns) && r.ops[returns[done]].Return < o.Call; done++ {
			at, _ := slices.BinarySearch(calls, returns[done])
			tree.add(at)
		}
		behind, possible := 0, o.Value == 0
		if w := r.writer[o.Value]; w >= 0 {
			possible = r.ops[w].Call < o.Return
			if returned := r.ops[w].Return; returned < o.Call {
				behind = done - tree.below(r.calledBy(calls, returned))
			}
		} else if possible {
			behind = done
		}
		if behind > 0 {
			found.Stale++
		}
		if behind > found.Max {
			found.Max, found.Read = behind, int32(i)
		}
		if regular.Held && (behind > 0 || !possible) {
			regular = r.irregular(int32(i), calls)
		}
	}
	return found, regular
}

// stores returns the stores that take part, as they were called.
func (r *register) stores() []int32 {
	var all []int32
	for i := range r.ops {
		if r.part[i] && stores(&r.ops[i]) {
			all = append(all, int32(i))
		}
	}
	return all
}

// calledBy returns how many of the stores were called by an event.
func (r *register) calledBy(calls []int32, event int64) int {
	return sort.Search(len(calls), func(n int) bool { return r.ops[calls[n]].Call > event })
}

// irregular shows what is wrong with a read.
func (r *register) irregular(read int32, calls []int32) Finding {
	o, w := &r.ops[read], r.writer[r.ops[read].Value]
	if w >= 0 {
		calls = calls[r.calledBy(calls, r.ops[w].Return):]
	}
	for _, i := range calls {
		if (w >= 0 || o.Value == 0) && r.ops[i].Return < o.Call {
			return broken(r, []int32{read, i})
		}
	}
	return broken(r, []int32{read})
}

// tally counts numbers and how many of them are below another (Fenwick 1994).
type tally []int32

func (t tally) add(n int) {
	for n++; n < len(t); n += n & -n {
		t[n]++
	}
}

func (t tally) below(n int) int {
	sum := 0
	for ; n > 0; n -= n & -n {
		sum += int(t[n])
	}
	return sum
}
