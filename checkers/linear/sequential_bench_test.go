package linear

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// late is a large object on which many look late.
func late(tr trade, seed uint64, c crowd) (*Object, []int32) {
	return tr.rollProcesses(rand.New(rand.NewPCG(seed, 20_000)), c)
}

func BenchmarkSequential(b *testing.B) {
	for _, tr := range append(trades(), cells) {
		for _, processes := range []int{5, 10} {
			for _, lag := range []int{3, 10, 100} {
				b.Run(fmt.Sprintf("%s/processes=%d/late=%d", tr.name, processes, lag), func(b *testing.B) {
					var s Sequential
					for seed := range uint64(2) {
						o, who := late(tr, seed, crowd{20_000, processes, 0, 0, lag})
						r := s.Decide(b.Context(), o, who, tr.model(o), Budget{Steps: 2_000_000, Memory: 1 << 30})
						b.Log(seed, len(o.Ops), r.Answer, r.Cause, s.spent, r.Far, b.Elapsed())
					}
				})
			}
		}
	}
}
