package levels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// busy makes a large register whose clients are always busy. Its reads are right, or behind: one of the latest twenty
// values, but never older than what their client saw or stored before; or stale: one of the latest hundred. Where there
// are swaps they are one store in three.
func busy(ops, clients int, swaps bool, level Level) *sheet {
	rng := rand.New(rand.NewPCG(uint64(ops), uint64(clients)))
	h := &sheet{Object: &linear.Object{Ops: make([]linear.Op, 0, ops)}}
	type client struct{ op, step, saw int }
	all, event, ever := make([]client, clients), int64(0), []int32{0}
	for returned := 0; returned < ops; {
		who := rng.IntN(clients)
		c := &all[who]
		switch c.step {
		case 0:
			if len(h.Object.Ops) == ops {
				returned = ops
				break
			}
			c.op = len(h.Object.Ops)
			op := linear.Op{Call: event, Return: linear.Never, Kind: linear.Kind(rng.IntN(2))}
			if op.Kind == linear.Write && swaps && rng.IntN(3) == 0 {
				op.Kind = linear.Swap
			}
			event++
			h.Object.Ops, h.Process = append(h.Object.Ops, op), append(h.Process, who)
		case 1:
			op, latest := &h.Object.Ops[c.op], len(ever)-1
			switch {
			case op.Kind == linear.Read && level == Sequential:
				c.saw = max(c.saw, latest-rng.IntN(20))
				op.Value = ever[c.saw]
			case op.Kind == linear.Read && level == None:
				op.Value = ever[max(0, latest-rng.IntN(100))]
			case op.Kind == linear.Read:
				op.Value = ever[latest]
			default:
				if op.Kind == linear.Swap {
					op.From = ever[latest]
				}
				op.Value, c.saw = int32(len(ever)), len(ever)
				ever = append(ever, op.Value)
			}
		default:
			h.Object.Ops[c.op].Return = event
			event++
			returned++
		}
		c.step = (c.step + 1) % 3
	}
	h.Object.Values = len(ever)
	for i := range h.Object.Ops { // what was called and not performed
		if o := &h.Object.Ops[i]; o.Kind != linear.Read && o.Value == 0 {
			o.Kind = linear.Read
		}
	}
	return h.timed(1000).without(func(i int) bool {
		return h.Object.Ops[i].Kind == linear.Read && h.Object.Ops[i].Pending()
	})
}

// BenchmarkJudge finds out everything about a register of a million operations.
func BenchmarkJudge(b *testing.B) {
	for _, clients := range []int{5, 100} {
		for _, swaps := range []bool{false, true} {
			for _, level := range []Level{Linearizable, Sequential, None} {
				b.Run(fmt.Sprintf("clients=%d/swaps=%t/%v", clients, swaps, level), func(b *testing.B) {
					h := busy(1_000_000, clients, swaps, level)
					b.ReportAllocs()
					for b.Loop() {
						if r := judge(b, h); r.Strongest != level {
							b.Fatal(r.Sentence())
						}
					}
					b.ReportMetric(float64(len(h.Call))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				})
			}
		}
	}
}

// TestLarge is the benchmark once, and smaller.
func TestLarge(t *testing.T) {
	for _, swaps := range []bool{false, true} {
		for _, level := range []Level{Linearizable, Sequential, None} {
			if r := judge(t, busy(20_000, 10, swaps, level)); r.Strongest != level {
				t.Errorf("%v: %v: %s", level, r.Strongest, r.Sentence())
			}
		}
	}
}
