package levels

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// inTurn makes a history of so many operations, two of which are always open. Events are a microsecond apart.
func inTurn(ops int, op func(n int) (o linear.Op, process int)) *sheet {
	h := &sheet{Object: &linear.Object{Values: ops + 1}}
	for n := range ops {
		o, process := op(n)
		o.Call, o.Return = int64(2*n), int64(2*n+3)
		h.Object.Ops, h.Process = append(h.Object.Ops, o), append(h.Process, process)
	}
	return h.timed(1000)
}

// BenchmarkQueue asks a queue that is first in first out what it kept: one value came out a thousand operations late,
// to another client or to one that had got a later one.
func BenchmarkQueue(b *testing.B) {
	for _, ops := range []int{20_000, 100_000} {
		for _, sequential := range []bool{true, false} {
			b.Run(fmt.Sprintf("ops=%d/sequential=%t", ops, sequential), func(b *testing.B) {
				late, outs := ops/4, make([]int32, 0, ops/2)
				for v := range ops / 2 {
					outs = append(outs, int32(v)+1)
				}
				value := outs[late]
				outs = slices.Insert(slices.Delete(outs, late, late+1), late+500, value)
				h := inTurn(ops, func(n int) (linear.Op, int) {
					if n%2 == 0 {
						return linear.Op{Kind: linear.Enqueue, Value: int32(n/2) + 1}, n % 10
					}
					process := n % 10
					switch {
					case n/2 != late+500:
					case sequential:
						process = 10 // who got nothing before
					default:
						process = (n + 8) % 10 // who got values of the same client that went in later
					}
					return linear.Op{Kind: linear.Dequeue, Value: outs[n/2]}, process
				})
				b.ReportAllocs()
				for b.Loop() {
					r, err := JudgeQueue(b.Context(), h.history(), true, queuesOf(true), queuesOf(false))
					if err != nil || r.Versions.Max < 400 || r.Levels[Sequential].Unknown ||
						r.Levels[Sequential].Held != sequential || !r.Relaxed.Held {
						b.Fatalf("%v %+v", err, r)
					}
				}
				b.ReportMetric(float64(ops)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// BenchmarkLock asks a lock what it kept: one had it a thousand operations too long.
func BenchmarkLock(b *testing.B) {
	for _, ops := range []int{20_000, 100_000} {
		for _, fenced := range []bool{true, false} {
			b.Run(fmt.Sprintf("ops=%d/fenced=%t", ops, fenced), func(b *testing.B) {
				h := inTurn(ops, func(n int) (linear.Op, int) {
					holder := n / 2 % 5
					if n/2 == ops/4 {
						holder = 5
					}
					if n%2 == 0 {
						return linear.Op{Kind: linear.Acquire, Value: int32(n/2) + 1, From: int32(holder) + 1}, holder
					}
					return linear.Op{Kind: linear.Release, From: int32(holder) + 1}, holder
				})
				o := h.Object.Ops
				for i := range o { // each has it from the middle of the one to that of the other
					o[i].Call, o[i].Return = int64(10*i), int64(10*i+8)
				}
				late := 2 * (ops / 4)
				give := o[late+1]
				give.Call, give.Return = int64(10*(late+1000)+9), int64(10*(late+1001)+9)
				h.Object.Ops = slices.Insert(slices.Delete(o, late+1, late+2), late+1000, give)
				who := h.Process[late+1]
				h.Process = slices.Insert(slices.Delete(h.Process, late+1, late+2), late+1000, who)
				h.timed(1000)
				apart := func(_ context.Context, o *linear.Object) linear.Result {
					return linear.NewLocks(false).Decide(o)
				}
				b.ReportAllocs()
				for b.Loop() {
					r, err := JudgeLock(b.Context(), h.history(), fenced, nil, apart)
					if err != nil || r.Staleness.Delta < 9_000_000 || !r.Levels[Sequential].Held {
						b.Fatalf("%v %+v", err, r)
					}
				}
				b.ReportMetric(float64(ops)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}
