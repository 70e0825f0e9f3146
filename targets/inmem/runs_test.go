package inmem_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// lanes reads a plan: a strike every five seconds that lasts for three.
func lanes(t *testing.T, plan string) []harness.Nemesis {
	t.Helper()
	if plan == "" {
		return nil
	}
	parsed, err := nemesis.ParsePlan(plan, 5*time.Second, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// simulated runs a test in a bubble.
func simulated(t *testing.T, test harness.Test) harness.Results {
	t.Helper()
	test.Out = t.TempDir()
	var results harness.Results
	synctest.Test(t, func(t *testing.T) {
		var err error
		if results, err = harness.Run(t.Context(), test); err != nil {
			t.Errorf("%s: %v", test.Target.Name(), err)
		}
	})
	return results
}

func workload(t *testing.T, name string) harness.Workload {
	t.Helper()
	w, err := workloads.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCleanRunsAreValid(t *testing.T) {
	for _, name := range []string{"register", "append", "set"} {
		for seed := range uint64(3) {
			r := simulated(t, harness.Test{
				Workload: workload(t, name), Seed: seed, OpTimeout: time.Second, TimeLimit: 20 * time.Second,
				Nemesis: lanes(t, "partition:majority,partition:leader,pause:one,kill:minority"), Target: inmem.Target{},
			})
			if r.Verdict != harness.Valid || r.Ops.OK < 1000 || len(r.Faults) < 3 {
				t.Errorf("%s, seed %d: %s (%s), %d ok, %d faults", name, seed, r.Verdict, r.Reason, r.Ops.OK, len(r.Faults))
			}
		}
	}
}

// TestCleanRunsSurviveMore: the faults that real clusters suffer besides.
func TestCleanRunsSurviveMore(t *testing.T) {
	for _, plan := range []string{
		"refuse,stop:all,loss:all:20%", "clients:leader,swizzle", "flap:leader:300ms + kill:all,stop:leader",
	} {
		r := simulated(t, harness.Test{
			Workload: workload(t, "register"), Seed: 1, OpTimeout: time.Second, TimeLimit: 40 * time.Second,
			Nemesis: lanes(t, plan), Target: inmem.Target{},
		})
		if r.Verdict != harness.Valid || len(r.Faults) < 5 {
			t.Errorf("%s: %s (%s), %d faults", plan, r.Verdict, r.Reason, len(r.Faults))
		}
		for _, f := range r.Faults {
			if !f.TookEffect && f.State != string(history.Skipped) {
				t.Errorf("%s: %s: %s", plan, f.Fault, f.Evidence)
			}
		}
	}
}

// TestAmnesiaLosesWhatWasAcknowledged: without a majority's disks nothing can keep the promise, and a run shows it.
func TestAmnesiaLosesWhatWasAcknowledged(t *testing.T) {
	r := simulated(t, harness.Test{
		Workload: workload(t, "register"), Seed: 1, OpTimeout: time.Second, TimeLimit: 20 * time.Second,
		Nemesis: lanes(t, "wipe:all"), Target: inmem.Target{},
	})
	if r.Verdict != harness.Invalid {
		t.Errorf("all disks were emptied, and the run is %s (%s)", r.Verdict, r.Reason)
	}
}

func TestBugsAreCaughtByWhatTheCatalogueSays(t *testing.T) {
	for _, target := range inmem.Targets()[1:] {
		about := target.(harness.Describer).About()
		caught := false
		for seed := range uint64(3) {
			r := simulated(t, harness.Test{
				Target: target, Workload: workload(t, about.Recommended.Workload), Seed: seed, OpTimeout: time.Second,
				TimeLimit: 20 * time.Second, Nemesis: lanes(t, about.Recommended.Nemesis), FailFast: true,
			})
			if caught = r.Verdict == harness.Invalid; caught {
				break
			}
			t.Logf("%s, seed %d: %s (%s)", target.Name(), seed, r.Verdict, r.Reason)
		}
		if !caught {
			t.Errorf("%s was not caught in three runs", target.Name())
		}
	}
}

// TestFailFastStopsSoon: a run ends within seconds of the first violation: two seconds earlier nothing was wrong.
func TestFailFastStopsSoon(t *testing.T) {
	for bug, name := range map[inmem.Bug]string{
		inmem.LostAppend: "append", inmem.DoubleApply: "append", inmem.TornCAS: "register", inmem.StaleReads: "set",
	} {
		target := inmem.New(inmem.Options{Bug: bug})
		w := workload(t, name)
		r := simulated(t, harness.Test{
			Target: target, Workload: w, Seed: 1, OpTimeout: time.Second, TimeLimit: time.Minute, FailFast: true,
		})
		if r.Verdict != harness.Invalid || r.Recorded == nil {
			t.Errorf("%s: %s (%s)", bug, r.Verdict, r.Reason)
			continue
		}
		end := r.Recorded.Info.LoadEnd
		if end >= time.Minute {
			t.Errorf("%s: it did not stop", bug)
		}
		v, err := w.Checker.Check(t.Context(), until(r.Recorded.History, end-2*time.Second))
		if err != nil || v.Validity == harness.Invalid {
			t.Errorf("%s: two seconds before the end, at %s: %s, %v", bug, end, v.Reason, err)
		}
	}
}

// TestFailFastGoesOn: a run of sets without a violation does not end early, whatever fails.
func TestFailFastGoesOn(t *testing.T) {
	r := simulated(t, harness.Test{
		Target: inmem.Target{}, Workload: workload(t, "set"), Seed: 1, OpTimeout: time.Second,
		TimeLimit: 20 * time.Second, Nemesis: lanes(t, "partition:majority,kill:one"), FailFast: true,
	})
	if r.Verdict != harness.Valid || r.Recorded.Info.LoadEnd < 20*time.Second {
		t.Errorf("%s (%s) after %s", r.Verdict, r.Reason, r.Recorded.Info.LoadEnd)
	}
}

// until is what was known of a history at a time.
func until(h history.History, at time.Duration) history.History {
	var then history.History
	for _, p := range h.Pairs {
		if p.Call > at {
			continue
		}
		if p.End >= 0 && p.Return > at {
			p.End, p.Return, p.Outcome, p.Output = -1, 0, history.Info, nil
		}
		then.Pairs = append(then.Pairs, p)
	}
	return then
}

// TestRunIsReproduced: one seed twice gives the same bytes, with every kind of fault.
func TestRunIsReproduced(t *testing.T) {
	for seed, plan := range map[uint64]string{
		0: "partition:majority,pause:leader,kill:one", 1: "pause:all,kill:all,slow:leader",
		2: "refuse:one,clients:leader,flap:one", 3: "swizzle,stop:all,wipe:one", 4: "loss:all,stop:leader",
	} {
		record := func() []byte {
			r := simulated(t, harness.Test{
				Target: inmem.Target{}, Workload: workloads.Register(), Seed: seed, OpTimeout: time.Second,
				TimeLimit: 20 * time.Second, Nemesis: lanes(t, plan),
			})
			text, err := os.ReadFile(filepath.Join(r.Dir, store.HistoryFile))
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		first, second := record(), record()
		if len(first) < 100_000 {
			t.Errorf("seed %d: the history has %d bytes only", seed, len(first))
		}
		if !bytes.Equal(first, second) {
			t.Errorf("seed %d: two runs differ: %s", seed, difference(first, second))
		}
	}
}

// difference shows the first line that is not the same.
func difference(first, second []byte) string {
	a, b := bytes.Split(first, []byte("\n")), bytes.Split(second, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(a), len(b))
}

func TestHungCallsAreAbandoned(t *testing.T) {
	r := simulated(t, harness.Test{
		Target: inmem.New(inmem.Options{Bug: inmem.Hang}), Workload: workloads.Register(), OpTimeout: time.Second,
		TimeLimit: 10 * time.Second,
	})
	if r.Ops.Hung == 0 || r.Verdict == harness.Invalid {
		t.Errorf("%d calls hung: %s (%s)", r.Ops.Hung, r.Verdict, r.Reason)
	}
}

// TestConformance: the clean target goes through the kit of targets.
func TestConformance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { harnesstest.TestTarget(t, inmem.Target{}) })
}
