package inmem_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/report"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// recordedRun makes n calls of the register workload on a target that answers at once.
func recordedRun(b *testing.B, n, workers int, checker harness.Checker) harness.Results {
	b.Helper()
	workload := workloads.Register()
	calls := workload.New
	workload.New = func(l harness.Load) (harness.Generator, harness.Generator) {
		endless, _ := calls(l)
		return &limited{endless, n}, nil
	}
	if checker != nil {
		workload.Checker = checker
	}
	res, err := harness.Run(b.Context(), harness.Test{
		Target: inmem.New(inmem.Options{Instant: true}), Workload: workload, Concurrency: workers, Out: b.TempDir(),
		TimeLimit: time.Hour, Seed: 1,
	})
	if err != nil {
		b.Fatal(err)
	}
	return res
}

// BenchmarkRecordedRun measures what the harness costs by itself: scheduling, recording and writing to disk, on a target
// that answers at once, without think time. ops/s is the rate of the load, ns/op the whole run with reading it back;
// what one more worker costs is the difference between the sub-benchmarks.
func BenchmarkRecordedRun(b *testing.B) {
	unjudged := harness.CheckerFunc("none", func(context.Context, history.History) (harness.Verdict, error) {
		return harness.Verdict{}, nil
	})
	for _, workers := range []int{1, 2, 10, 11, 100} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			res := recordedRun(b, b.N, workers, unjudged)
			info, err := os.Stat((store.Folder{Dir: res.Dir}).Path(store.HistoryFile))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/(res.DurationMS/1000), "ops/s")
			b.ReportMetric(float64(info.Size())/float64(b.N), "B/recorded-op")
		})
	}
}

// BenchmarkFiveMinutes is a run of as many operations as five minutes at 2,000 a second have, judged and reported. It
// reports the most memory this process has held. Run it alone, with the setting of the command line:
//
//	GOGC=30 go test ./targets/inmem -run '^$' -bench FiveMinutes -benchtime 1x
func BenchmarkFiveMinutes(b *testing.B) {
	for range b.N {
		res := recordedRun(b, 600_000, 10, nil)
		in, err := report.Gather(res)
		if err != nil {
			b.Fatal(err)
		}
		if err := report.WriteFiles(res.Dir, in); err != nil {
			b.Fatal(err)
		}
		if peak, ok := peakMemory(); ok {
			b.ReportMetric(peak, "peak-MB")
		}
	}
}

// peakMemory is the largest resident set this process ever had, in MB, where the system tells it.
func peakMemory() (float64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	_, after, found := bytes.Cut(status, []byte("VmHWM:"))
	if err != nil || !found {
		return 0, false
	}
	kilobytes, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	return kilobytes / 1000, err == nil
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
