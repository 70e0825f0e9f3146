package harnesstest

import (
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/report"
	"github.com/capsize-dev/capsize/harness/store"
)

// The flags are set once, by the testing package, before the first test.
var (
	seedFlag = flag.String("capsize.seed", "", "the seed of every capsize run, in place of the one its test states")
	timeFlag = flag.Duration("capsize.time", 0, "how long the load of every capsize run lasts; 0 leaves it to the test")
)

// Run runs a test and fails t unless its verdict is valid.
//
// A violation is reported with what was on when it happened, where the evidence is and how to run it again; a run that
// proved nothing with the reason. A run that itself failed (the cluster did not start, the disk is full) ends t. The
// run's folder is made in t.ArtifactDir, which `go test -artifacts` keeps, unless the test names another in Out. The
// run ends early with t.Context, and logs to t unless the test has a log.
func Run(t testing.TB, test harness.Test) harness.Results {
	t.Helper()
	if err := applyFlags(&test, *seedFlag, *timeFlag); err != nil {
		t.Fatalf("%v", err)
	}
	if test.Out == "" {
		test.Out = t.ArtifactDir()
	}
	if test.Log == nil {
		test.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if test.Repro == "" {
		test.Repro = again(t.Name(), importPath(), test.Seed)
	}
	results, err := harness.Run(t.Context(), test)
	if results.Dir != "" {
		if reportErr := writeReports(results); reportErr != nil {
			t.Logf("the verdict stands, but its report could not be written: %v", reportErr)
		}
	}
	switch {
	case results.Verdict == harness.Invalid:
		t.Errorf("%s", violation(results, test.Repro))
	case err == nil && results.Verdict == harness.Unknown:
		t.Errorf("UNKNOWN  %s\n%s", results.Reason, where(results.Dir, test.Repro))
	}
	if err != nil {
		t.Fatalf("the run failed, which says nothing about the system: %v\n%s", err, where(results.Dir, test.Repro))
	}
	return results
}

// applyFlags changes a test as the command line asks.
func applyFlags(test *harness.Test, seed string, length time.Duration) error {
	if length < 0 {
		return fmt.Errorf("-capsize.time=%s: a load cannot last less than nothing", length)
	}
	if length > 0 {
		test.TimeLimit = length
	}
	if seed == "" {
		return nil
	}
	var err error
	if test.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
		return fmt.Errorf("-capsize.seed=%s: expected a whole number that is not negative", seed)
	}
	return nil
}

// violation is the block for an invalid verdict: what, during what, the evidence, and how to see it again.
func violation(r harness.Results, repro string) string {
	what, during := r.Reason, "no fault"
	if len(r.Anomalies) > 0 {
		a := r.Anomalies[0]
		what = fmt.Sprintf("%s: %s: %s", a.Check, a.Name, a.Explanation)
		if names := faultsOn(a, r.Faults); len(names) > 0 {
			during = strings.Join(names, "\n         ")
		}
	}
	return fmt.Sprintf("INVALID  %s\nduring   %s\n%s", what, during, where(r.Dir, repro))
}

// faultsOn describes the faults that were on while the anomaly came about.
func faultsOn(a harness.AnomalyResult, faults []harness.FaultResult) []string {
	var lines []string
	for _, id := range a.Faults {
		for _, f := range faults {
			if f.ID != id {
				continue
			}
			end := "never healed"
			if f.EndMS != nil {
				end = fmt.Sprintf("%.3fs", *f.EndMS/1000)
			}
			lines = append(lines, fmt.Sprintf("%s %s   %.3fs–%s", f.Fault, f.Detail, f.StartMS/1000, end))
		}
	}
	return lines
}

// where says where the evidence is and how to run the test again. The folder is gone after the test unless it is kept.
func where(dir, repro string) string {
	if dir == "" {
		return "again    " + repro
	}
	evidence := filepath.Join(dir, store.ReportFile) + "   (history.jsonl, run.json beside it)"
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() != "true" {
		evidence += "\n         kept only with -artifacts, unless harness.Test.Out names a folder"
	}
	return fmt.Sprintf("evidence %s\nagain    %s\n         check only: capsize check %s", evidence, repro, dir)
}

// again is the command that runs a test once more.
func again(name, path string, seed uint64) string {
	pattern := "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
	return fmt.Sprintf("go test %s -run '%s' -artifacts -capsize.seed=%d", path, pattern, seed)
}

// importPath is that of the package under test, as the test binary knows it.
func importPath() string {
	build, ok := debug.ReadBuildInfo()
	if !ok || !strings.HasSuffix(build.Path, ".test") {
		return "."
	}
	return strings.TrimSuffix(build.Path, ".test")
}

// writeReports draws what was judged.
func writeReports(results harness.Results) error {
	in, err := report.Gather(results)
	if err != nil {
		return err
	}
	return report.WriteFiles(results.Dir, in)
}
