package linear

import (
	"fmt"
	"testing"
)

// BenchmarkSequential searches for orders of large objects on which many look late. It tells how many of some were
// decided.
func BenchmarkSequential(b *testing.B) {
	for _, tr := range append(bustling(), counting(1, 2, 3, -1, -5)) {
		for _, processes := range []int{5, 10} {
			for _, lag := range []int{3, 10, 100} {
				b.Run(fmt.Sprintf("%s/processes=%d/late=%d", tr.name, processes, lag), func(b *testing.B) {
					var s Sequential
					o, who := manyOf(tr, 1, crowd{20_000, processes, 0, 0, lag})
					found, ops := 0, 0
					for b.Loop() {
						r := s.Decide(b.Context(), o, who, tr.model(o), Budget{Steps: int64(100*len(o.Ops) + 100_000)})
						if r.Answer == Legal {
							found++
						}
						ops += len(o.Ops)
					}
					b.ReportMetric(float64(found)/float64(b.N), "found")
					b.ReportMetric(float64(ops)/b.Elapsed().Seconds(), "ops/s")
					b.ReportMetric(float64(s.spent)/float64(len(o.Ops)), "steps/op")
				})
			}
		}
	}
}
