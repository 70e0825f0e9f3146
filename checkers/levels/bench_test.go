package levels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// busy makes a large register whose clients are always busy. Where it is stale, each read returns one of the latest
// hundred values; one swap in three replaces a value, the others failed and are not among the operations.
func busy(ops, clients int, swaps, stale bool) *History {
	rng := rand.New(rand.NewPCG(uint64(ops), uint64(clients)))
	h := &History{Object: &linear.Object{Ops: make([]linear.Op, 0, ops)}}
	type client struct{ op, step int }
	all, event, ever := make([]client, clients), int64(0), []int32{0}
	value := int32(0)
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
			if op.Kind == linear.Write {
				value++
				op.Value = value
				if swaps && rng.IntN(3) == 0 {
					op.Kind = linear.Swap
				}
			}
			event++
			h.Object.Ops, h.Process = append(h.Object.Ops, op), append(h.Process, who)
		case 1:
			switch op := &h.Object.Ops[c.op]; {
			case op.Kind == linear.Read && stale:
				op.Value = ever[max(0, len(ever)-1-rng.IntN(100))]
			case op.Kind == linear.Read:
				op.Value = ever[len(ever)-1]
			default:
				op.From = ever[len(ever)-1]
				ever = append(ever, op.Value)
			}
		default:
			h.Object.Ops[c.op].Return = event
			event++
			returned++
		}
		c.step = (c.step + 1) % 3
	}
	h.Object.Values = int(value) + 1
	h = h.timed(1000).without(func(i int) bool {
		return h.Object.Ops[i].Pending() && (h.Object.Ops[i].Kind == linear.Read || !slices.Contains(ever[max(0, len(ever)-200):], h.Object.Ops[i].Value))
	})
	return h
}

// BenchmarkJudge finds out everything about a register of a million operations.
func BenchmarkJudge(b *testing.B) {
	for _, clients := range []int{5, 100} {
		for _, swaps := range []bool{false, true} {
			for _, stale := range []bool{false, true} {
				b.Run(fmt.Sprintf("clients=%d/swaps=%t/stale=%t", clients, swaps, stale), func(b *testing.B) {
					h := busy(1_000_000, clients, swaps, stale)
					b.ReportAllocs()
					for b.Loop() {
						r, err := Judge(h)
						if err != nil || (r.Strongest == Linearizable) == stale {
							b.Fatal(err, r.Sentence())
						}
					}
					b.ReportMetric(float64(len(h.Call))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				})
			}
		}
	}
}
