package harnesstest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// TestOurFaults takes every fault that the catalogue names as an example through the kit, on the simulated store where
// that can suffer it.
func TestOurFaults(t *testing.T) {
	for _, kind := range nemesis.All() {
		for _, name := range kind.Examples {
			fault, err := nemesis.Parse(name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var target harness.Target = inmem.Target{}
			if slices.Contains([]string{"throttle", "fill", "squeeze", "leave"}, kind.Name) {
				target = able{}
			}
			synctest.Test(t, func(t *testing.T) {
				said := judged(t, func(tb testing.TB) { harnesstest.TestFault(tb, fault, target) })
				finds(t, name, said, "")
			})
		}
	}
}

// TestOurCheckers takes the checkers through the kit, with histories of runs on a clean target and on one with a bug.
func TestOurCheckers(t *testing.T) {
	for _, c := range []struct {
		workload harness.Workload
		model    string // the checker's name for checkers.ForModel
		bug      inmem.Bug
		looks    string // the calls that observe something
	}{
		{workloads.Register(), "cas-register", inmem.StaleReads, "read"},
		{workloads.Append(), "append", inmem.LostAppend, "read"},
		{workloads.Set(), "set", inmem.EarlyAck, "read"},
	} {
		checker, err := checkers.ForModel(c.model, harness.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		valid := recorded(t, c.workload, "")
		blind := valid
		blind.Pairs = slices.DeleteFunc(slices.Clone(valid.Pairs), func(p history.Pair) bool {
			return p.F == c.looks || p.F == "cas"
		})
		harnesstest.TestChecker(t, checker, harnesstest.CheckerCases{
			Valid: []history.History{valid}, Invalid: []history.History{recorded(t, c.workload, c.bug)},
			Vacuous: []history.History{blind},
		})
	}
}

// recorded returns the history of a short run.
func recorded(t *testing.T, w harness.Workload, bug inmem.Bug) (h history.History) {
	t.Helper()
	out := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		results, err := harness.Run(t.Context(), harness.Test{
			Target: inmem.New(inmem.Options{Bug: bug}), Workload: w, Out: out, TimeLimit: 5 * time.Second,
			OpTimeout: time.Second,
			Nemesis:   []harness.Nemesis{nemesis.Every(2*time.Second, nemesis.Partition(nemesis.Leader))},
		})
		if err != nil {
			t.Fatal(err)
		}
		run, err := harness.Open(store.Folder{Dir: results.Dir})
		if err != nil {
			t.Fatal(err)
		}
		h = run.History
	})
	return h
}
