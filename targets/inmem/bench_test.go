package inmem_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// BenchmarkRecorder is what the harness itself costs: workers, generator and recorder on a target that answers at once.
// It reports operations per second on disk and bytes per operation; each iteration is a load of one second.
func BenchmarkRecorder(b *testing.B) {
	w := workloads.Register()
	w.Checker = nil
	for b.Loop() {
		began := time.Now()
		results, err := harness.Run(context.Background(), harness.Test{
			Target: inmem.New(inmem.Options{Instant: true}), Workload: w, TimeLimit: time.Second, Out: b.TempDir(),
		})
		if err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(results.Dir, store.HistoryFile))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(results.Ops.Total)/(results.DurationMS/1000), "ops/s")
		b.ReportMetric(float64(info.Size())/float64(results.Ops.Total), "B/op-recorded")
		b.ReportMetric(time.Since(began).Seconds(), "s/run")
	}
}
