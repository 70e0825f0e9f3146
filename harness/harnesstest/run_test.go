package harnesstest_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// partitioned is ten seconds of registers under partitions.
func partitioned(target harness.Target) harness.Test {
	return harness.Test{
		Target: target, Workload: workloads.Register(), TimeLimit: 10 * time.Second, OpTimeout: time.Second,
		Nemesis: []harness.Nemesis{nemesis.Every(3*time.Second, nemesis.Partition(nemesis.Majority))},
	}
}

// ran runs a test in a bubble against a testing.TB that remembers.
func ran(t *testing.T, test harness.Test) (results harness.Results, said string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all := judged(t, func(tb testing.TB) { results = harnesstest.Run(tb, test) })
		said = strings.Join(all, "\n")
	})
	return results, said
}

// inOrder reports whether the text has the words in this order.
func inOrder(text string, words ...string) bool {
	for _, word := range words {
		_, rest, found := strings.Cut(text, word)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

func TestRunOfCleanTargetPasses(t *testing.T) {
	out := t.TempDir()
	test := partitioned(inmem.Target{})
	test.Out = out
	results, said := ran(t, test)
	if said != "" || results.Verdict != harness.Valid {
		t.Fatalf("%s: %s\n%s", results.Verdict, results.Reason, said)
	}
	for _, name := range []string{"report.html", "report.md", "junit.xml", "results.json", "history.jsonl", "nodes/n1/node.log"} {
		if info, err := os.Stat(filepath.Join(results.Dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if filepath.Dir(results.Dir) != out {
		t.Errorf("the run is in %s, and Out is %s", results.Dir, out)
	}
	if want := "-run '^TestRunOfCleanTargetPasses$'"; !strings.Contains(results.Repro, want) ||
		!strings.Contains(results.Repro, "go test github.com/capsize-dev/capsize/harness/harnesstest") ||
		!strings.Contains(results.Repro, "-capsize.seed=0") {
		t.Errorf("again: %s", results.Repro)
	}
}

func TestRunOfBrokenTargetFails(t *testing.T) {
	test := partitioned(inmem.New(inmem.Options{Bug: inmem.StaleReads}))
	test.Out = t.TempDir()
	results, said := ran(t, test)
	if results.Verdict != harness.Invalid {
		t.Fatalf("%s: %s", results.Verdict, results.Reason)
	}
	if !inOrder(said, "INVALID  ", "\nduring   ", "\nevidence "+results.Dir, "report.html", "\nagain    go test ",
		"-capsize.seed=0", "capsize check "+results.Dir) {
		t.Errorf("the block is:\n%s", said)
	}
	page, err := os.ReadFile(filepath.Join(results.Dir, "report.html"))
	if err != nil || !strings.Contains(string(page), "leads") {
		t.Errorf("the report does not show the nodes' logs (%v)", err)
	}
	if !inOrder(said, results.Anomalies[0].Name, results.Anomalies[0].Explanation) {
		t.Errorf("the block does not tell of the %s:\n%s", results.Anomalies[0].Name, said)
	}
}

func TestRunThatProvesNothingFails(t *testing.T) {
	test := partitioned(inmem.Target{})
	test.Nemesis, test.TimeLimit = nil, 5*time.Millisecond
	results, said := ran(t, test)
	if !strings.Contains(said, "kept only with -artifacts") {
		t.Errorf("the folder is gone after the test, and nothing says so:\n%s", said)
	}
	if results.Verdict != harness.Unknown || !inOrder(said, "UNKNOWN  ", results.Reason, "\nevidence ", "\nagain    ") {
		t.Errorf("%s:\n%s", results.Verdict, said)
	}
}

func TestRunThatFailsEndsTheTest(t *testing.T) {
	_, said := ran(t, partitioned(inmem.New(inmem.Options{Bug: inmem.FailStart})))
	if !inOrder(said, "the run failed", "disk on fire", "again    go test") || strings.Contains(said, "INVALID") {
		t.Errorf("the cluster does not start:\n%s", said)
	}
	if _, said := ran(t, harness.Test{}); !strings.Contains(said, "a test needs a target") {
		t.Errorf("a test of nothing:\n%s", said)
	}
	test := partitioned(inmem.Target{})
	test.Workload.Checker = nil
	if results, said := ran(t, test); results.Verdict == harness.Valid || said == "" {
		t.Errorf("without a checker: %s\n%s", results.Verdict, said)
	}
}

// TestFlags runs the test binary itself, as `go test` would.
func TestFlags(t *testing.T) {
	const mark = "CAPSIZE_TEST_FLAGS"
	if os.Getenv(mark) != "" {
		test := partitioned(inmem.Target{})
		test.Out = t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			r := harnesstest.Run(t, test)
			t.Logf("seed %d, %.0f s", r.Seed, r.DurationMS/1000)
		})
		return
	}
	run := func(flags ...string) (string, error) {
		command := exec.Command(os.Args[0], append([]string{"-test.run=^TestFlags$", "-test.v"}, flags...)...)
		command.Env = append(os.Environ(), mark+"=1")
		text, err := command.CombinedOutput()
		return string(text), err
	}
	for _, c := range []struct {
		flags []string
		want  string
		fails bool
	}{
		{nil, "seed 0, 1", false},
		{[]string{"-capsize.seed=7", "-capsize.time=20s"}, "seed 7, 2", false},
		{[]string{"-capsize.seed=many"}, "expected a whole number", true},
		{[]string{"-capsize.time=-1s"}, "cannot last less", true},
	} {
		text, err := run(c.flags...)
		var exit *exec.ExitError
		if !strings.Contains(text, c.want) || (err != nil) != c.fails || (err != nil && !errors.As(err, &exit)) {
			t.Errorf("%v: %v; the output does not say %q:\n%s", c.flags, err, c.want, text)
		}
	}
}
