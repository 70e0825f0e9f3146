package levels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// What is wrong with the reads of a busy set: nothing, or they lack the latest twenty elements, or any of these, and
// then hardly one holds another.
const (
	right = iota
	late
	forked
)

// busySet is a set of so many elements and as many reads whose ten clients are always busy.
func busySet(elements, wrong int) *sheet {
	const clients = 10
	rng := rand.New(rand.NewPCG(uint64(elements), uint64(wrong)))
	h := &sheet{Object: &linear.Object{Elements: []int32{}}}
	var ever []int32
	open := make([]int, clients)
	for i := range open {
		open[i] = -1
	}
	for event := int64(0); len(h.Call) < 2*elements || slices.Max(open) >= 0; event++ {
		who := rng.IntN(clients)
		switch i := open[who]; {
		case i < 0 && len(h.Call) < 2*elements:
			open[who] = len(h.Call)
			h.Process, h.Call, h.Return = append(h.Process, who), append(h.Call, 1000*event), append(h.Return, 0)
			op := linear.Op{Kind: linear.Read, Call: event}
			if len(h.Call)%2 == 0 {
				op.Kind, op.Value = linear.Append, int32(len(ever))
				ever = append(ever, op.Value)
			}
			h.Object.Ops = append(h.Object.Ops, op)
		case i >= 0:
			op := &h.Object.Ops[i]
			op.Return, h.Return[i], open[who] = event, 1000*event, -1
			if op.Kind != linear.Read {
				break
			}
			op.From = int32(len(h.Object.Elements))
			for n, e := range ever {
				if wrong == right || len(ever)-n > 20 || wrong == forked && rng.IntN(2) == 0 {
					h.Object.Elements = append(h.Object.Elements, e)
				}
			}
			op.Value = int32(len(h.Object.Elements)) - op.From
		}
	}
	h.Object.Values = len(ever)
	return h
}

// BenchmarkJudgeSet finds out everything about a set.
func BenchmarkJudgeSet(b *testing.B) {
	for _, elements := range []int{20, 200, 2000} {
		for wrong, name := range []string{right: "right", late: "late", forked: "forked"} {
			b.Run(fmt.Sprintf("%d elements and reads/%s", elements, name), func(b *testing.B) {
				h := busySet(elements, wrong).history()
				b.ReportAllocs()
				for b.Loop() {
					r, err := JudgeSet(h)
					if err != nil || r.Levels[Linearizable].Held != (wrong == right) {
						b.Fatal(err, r.Sentence())
					}
				}
				b.ReportMetric(float64(2*elements)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}
