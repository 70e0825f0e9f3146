package levels

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeQueue is [Judge] for a queue, first in first out or in any order.
//
//   - Staleness is exact, with the decider. Dequeues are what may be late, also those that found nothing: a value was
//     handed out, or missed, that much later than it should have been.
//   - In versions, first in first out, a value is as many behind as others overtook it: they were put in when that had
//     returned, and had come out when it was asked for. Stale counts the values that were overtaken. It is known where
//     no value was put in twice; of one that came out more than once the first time counts.
//   - Sequential is known where a search finds an order, or that there is none. It has no witness.
//   - Relaxed is whether a queue that is first in first out is linearizable as one in any order, by the decider of such
//     queues, which may be nil for others.
//   - Regular and the session guarantees have no meaning: they are not known.
//
// The error is [linear.ErrUnfit] where the operations are not those of a queue, or a process did two things at once.
//
// Cost: O(n log n), that of the decisions, mostly two and otherwise up to some 40, and that of the search, which is
// bounded by some hundred steps for each operation and a fourth of the time.
func JudgeQueue(ctx context.Context, h *History, fifo bool, decide, anyOrder Decider) (Report, error) {
	q, err := newQueue(h, fifo)
	if err != nil {
		return Report{}, err
	}
	report := unsaid(Queues)
	if !q.again && fifo {
		report.Versions = q.versions()
	}
	report.Levels[Sequential] = h.sequential(ctx, q.session, linear.QueueModel(fifo))
	report.Staleness = latenessFrom(ctx, h, dequeues, decide, q.least(), nil)
	if fifo {
		report.Relaxed = relaxed(ctx, h.Object, anyOrder)
	}
	report.rank()
	return report, nil
}

func dequeues(o *linear.Op) bool { return o.Kind == linear.Dequeue }

// queue is the history of a queue, read.
type queue struct {
	*History
	fifo    bool
	ops     []linear.Op
	session []int32
	again   bool    // a value was put in twice
	in, out []int32 // by value: who put it in and who got it, the first time; -1 for nobody
	passed  []int32 // the values that were put in and got, by when they were got
}

func newQueue(h *History, fifo bool) (*queue, error) {
	q := &queue{History: h, fifo: fifo, ops: h.Object.Ops, in: unset(h.Object.Values), out: unset(h.Object.Values)}
	var err error
	if q.session, _, err = h.sessions(); err != nil {
		return nil, err
	}
	for i := range q.ops {
		switch o := &q.ops[i]; {
		case o.Kind == linear.Enqueue:
			q.again = q.again || q.in[o.Value] >= 0
			q.in[o.Value] = int32(i)
		case o.Kind != linear.Dequeue:
			return nil, unfit("not a queue")
		case o.Value > 0 && !o.Pending() && q.out[o.Value] < 0:
			q.out[o.Value] = int32(i)
		}
	}
	for v := range q.in {
		if q.in[v] >= 0 && q.out[v] >= 0 {
			q.passed = append(q.passed, int32(v))
		}
	}
	slices.SortFunc(q.passed, func(a, b int32) int {
		return cmp.Compare(q.ops[q.out[a]].Return, q.ops[q.out[b]].Return)
	})
	return q, nil
}

// versions counts for each value those that overtook it. Those that had come out by its dequeue are counted in a tree
// (Fenwick 1994) by when they were put in.
func (q *queue) versions() Versions {
	found := Versions{Read: -1}
	byEntry := q.byEntry()
	place := make([]int, len(q.in)) // by value, in byEntry
	for n, v := range byEntry {
		place[v] = n
	}
	byCall := slices.Clone(q.passed)
	slices.SortFunc(byCall, func(a, b int32) int { return cmp.Compare(q.out[a], q.out[b]) })
	gone, tree := 0, make([]int, len(byEntry)+1)
	for _, a := range byCall {
		for ; gone < len(q.passed) && q.ops[q.out[q.passed[gone]]].Return < q.ops[q.out[a]].Call; gone++ {
			for n := place[q.passed[gone]] + 1; n < len(tree); n += n & -n {
				tree[n]++
			}
		}
		overtook := gone
		for n := q.after(byEntry, a); n > 0; n -= n & -n { // less those that were not put in later
			overtook -= tree[n]
		}
		found.note(q.out[a], overtook)
	}
	return found
}

// byEntry returns the values that were put in and got, by when they were put in.
func (q *queue) byEntry() []int32 {
	by := slices.Clone(q.passed)
	slices.SortFunc(by, func(a, b int32) int { return cmp.Compare(q.in[a], q.in[b]) })
	return by
}

// after returns where those begin that were put in when a value had been.
func (q *queue) after(byEntry []int32, a int32) int {
	had := q.ops[q.in[a]].Return
	return sort.Search(len(byEntry), func(n int) bool { return q.ops[q.in[byEntry[n]]].Call > had })
}

// least returns a delta than which none smaller is enough: first in first out, that of the value that was got the
// longest time after one that should have come after it.
func (q *queue) least() Staleness {
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	if !q.fifo || q.again {
		return s
	}
	byEntry := q.byEntry()
	soonest := unset(len(byEntry) + 1) // beside byEntry: of it and all later ones, the dequeue that returned first
	for n, v := range slices.Backward(byEntry) {
		soonest[n] = q.out[v]
		if later := soonest[n+1]; later >= 0 && q.ops[later].Return < q.ops[q.out[v]].Return {
			soonest[n] = later
		}
	}
	for _, a := range q.passed {
		out, newer := q.out[a], soonest[q.after(byEntry, a)]
		if newer < 0 || !q.ops[newer].Precedes(&q.ops[out]) {
			continue
		}
		if lag := max(1, time.Duration(q.Call(out)-q.Return(newer))); lag > s.Delta {
			b := q.ops[newer].Value
			s.Delta, s.Read, s.Newer, s.Values = lag, out, newer, [2]int32{a, b}
			s.Witness = sorted([]int32{q.in[a], out, q.in[b], newer})
		}
	}
	return s
}
