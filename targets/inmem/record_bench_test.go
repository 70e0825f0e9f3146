package inmem_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// BenchmarkRecordedRun measures what the harness costs by itself: scheduling, recording and writing to disk, on a target
// that answers at once. An operation is one of the benchmark's; B/line and ops/s are reported beside it. What one more
// worker costs is the difference between the sub-benchmarks.
func BenchmarkRecordedRun(b *testing.B) {
	for _, workers := range []int{1, 2, 10, 100} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			workload := workloads.Register()
			calls := workload.New
			workload.New = func(l harness.Load) (harness.Generator, harness.Generator) {
				endless, _ := calls(l)
				return &limited{endless, b.N}, nil
			}
			workload.Checker = harness.CheckerFunc("none", func(context.Context, history.History) (harness.Verdict, error) {
				return harness.Verdict{}, nil
			})
			var loaded time.Duration
			res, err := harness.Run(b.Context(), harness.Test{
				Target: inmem.New(inmem.Options{Instant: true}), Workload: workload, Concurrency: workers, Out: b.TempDir(),
				TimeLimit: time.Hour, Seed: 1,
				Watch: func(s harness.Status) {
					if s.Phase == harness.PhaseLoad {
						loaded = s.Elapsed
					}
				},
			})
			if err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat((store.Folder{Dir: res.Dir}).Path(store.HistoryFile))
			if err != nil {
				b.Fatal(err)
			}
			if loaded > 0 {
				b.ReportMetric(float64(b.N)/(res.DurationMS/1000), "ops/s")
			}
			b.ReportMetric(float64(info.Size())/float64(b.N), "B/recorded-op")
		})
	}
}

type limited struct {
	calls harness.Generator
	left  int
}

func (l *limited) Next(ask harness.Ask) (harness.Call, bool) {
	if l.left == 0 {
		return harness.Call{}, false
	}
	l.left--
	return l.calls.Next(ask)
}
