package harness

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

func fakeTest(t *testing.T) Test {
	return Test{
		Target: fakeTarget{}, Workload: fakeWorkload(alwaysValid), Nodes: 3, Concurrency: 3,
		TimeLimit: 10 * time.Second,
		OpTimeout: time.Second, Seed: 1, Out: t.TempDir(),
		Nemesis: []Nemesis{script{{At: 3 * time.Second, For: 2 * time.Second, Fault: fakeFault{node: "n2"}}}},
	}
}

// inBubble runs a test on a fake clock.
func inBubble(t *testing.T, test Test) (res Results, err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { res, err = Run(context.Background(), test) })
	return res, err
}

func TestARunThatDidEverythingIsValid(t *testing.T) {
	stops := 0
	test := fakeTest(t)
	test.Target = fakeTarget{stops: &stops}
	res, err := inBubble(t, test)
	if err != nil || res.Verdict != Valid || res.Strongest != Linearizable {
		t.Fatalf("verdict %s (%s), error %v", res.Verdict, res.Reason, err)
	}
	if stops != 1 {
		t.Errorf("the cluster was stopped %d times", stops)
	}
	if len(res.Faults) != 1 || !res.Faults[0].TookEffect || res.Faults[0].OpsOverlapping == 0 ||
		res.Faults[0].EndMS == nil {
		t.Errorf("faults: %+v", res.Faults)
	}
	var saved Results
	if err := (store.Folder{Dir: res.Dir}).ReadJSON(store.ResultsFile, &saved); err != nil || saved.Verdict != Valid {
		t.Errorf("results.json: %v, %v", saved.Verdict, err)
	}
}

func TestJudgingTheFolderAgainAgrees(t *testing.T) {
	test := fakeTest(t)
	res, err := inBubble(t, test)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := Open(store.Folder{Dir: res.Dir})
	if err != nil {
		t.Fatal(err)
	}
	again := Judge(context.Background(), rec, test.Workload.Checker, Budget{})
	if again.Verdict != res.Verdict || again.Reason != res.Reason || again.Ops != res.Ops ||
		again.Bounded != res.Bounded {
		t.Errorf("the run said %s (%s), judging it again %s (%s)", res.Verdict, res.Reason, again.Verdict, again.Reason)
	}
}

func TestARunThatProvesNothingIsUnknown(t *testing.T) {
	never := func(ctx context.Context, _ string, _ int) (Result, error) { return Result{}, ErrNotApplied }
	for name, c := range map[string]struct {
		change func(*Test)
		say    string
	}{
		"nothing succeeded": {func(test *Test) { test.Target = fakeTarget{answer: never} },
			"every kind of operation"},
		"a fault without effect": {func(test *Test) { test.Nemesis = lane(fakeFault{node: "n2", noEffect: true}) },
			"took effect"},
		"a fault that broke": {func(test *Test) {
			test.Nemesis = lane(fakeFault{injectErr: errors.New("no hands")})
		}, "injected and healed"},
		"nobody to hurt": {func(test *Test) { test.Nemesis = lane(fakeFault{injectErr: ErrNobody}) }, "struck"},
		"it never recovered": {func(test *Test) { test.Target = fakeTarget{settle: errors.New("still behind")} },
			"recovered"},
		"the checker is undecided": {func(test *Test) {
			test.Workload = fakeWorkload(func(history.History) Verdict { return Verdict{Reason: "out of time"} })
		}, "out of time"},
		"the checker panics": {func(test *Test) {
			test.Workload = fakeWorkload(func(history.History) Verdict { panic("ouch") })
		}, "ouch"},
		"a node never serves": {func(test *Test) {
			test.Nemesis = []Nemesis{script{{At: time.Nanosecond, For: time.Minute, Fault: fakeFault{node: "n2"}}}}
		}, "every node served"},
	} {
		t.Run(name, func(t *testing.T) {
			test := fakeTest(t)
			c.change(&test)
			res, err := inBubble(t, test)
			if err != nil || res.Verdict != Unknown || !strings.Contains(res.Reason, c.say) {
				t.Errorf("verdict %s, reason %q (expected unknown, %q), error %v", res.Verdict, res.Reason, c.say, err)
			}
		})
	}
}

func lane(f Fault) []Nemesis {
	return []Nemesis{script{{At: 3 * time.Second, For: 2 * time.Second, Fault: f}}}
}

func TestAViolationOutranksEverything(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis = lane(fakeFault{node: "n2", noEffect: true, healErr: errors.New("stuck")})
	test.Workload = fakeWorkload(func(h history.History) Verdict {
		return Verdict{Validity: Invalid, Level: Linearizable, Strongest: Sequential,
			Kept: &Kept{Sentence: "sequential"},
			Anomalies: []Anomaly{{Name: "stale read", Key: "k0", Kept: "sequential alone",
				Explanation: "It was stale.", Witness: h.Pairs[:2], Impossible: h.Pairs[1].Index}}}
	})
	res, err := inBubble(t, test)
	if res.Verdict != Invalid || res.Strongest != Sequential || !strings.Contains(res.Reason, "stale read on key k0") {
		t.Errorf("verdict %s (%s), strongest %q", res.Verdict, res.Reason, res.Strongest)
	}
	if kept := res.Checks[0].Kept; kept == nil || kept.Sentence != "sequential" ||
		res.Anomalies[0].Kept != "sequential alone" {
		t.Errorf("what was kept is lost: %+v, %+v", kept, res.Anomalies)
	}
	if err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("the heal that failed was not reported: %v", err)
	}
	if len(res.Anomalies) != 1 || len(res.Anomalies[0].Ops) != 2 {
		t.Errorf("anomalies: %+v", res.Anomalies)
	}
}

func TestInvalidWithoutProofIsNoVerdict(t *testing.T) {
	test := fakeTest(t)
	test.Workload = fakeWorkload(func(history.History) Verdict { return Verdict{Validity: Invalid} })
	if res, _ := inBubble(t, test); res.Verdict != Unknown {
		t.Errorf("verdict %s", res.Verdict)
	}
}

func TestWhatCannotBeIsRefusedBeforeTheFirstCall(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis = lane(fakeFault{refuse: errors.New("its nodes have no feet")})
	res, err := inBubble(t, test)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no feet") || res.Ops.Total != 0 {
		t.Errorf("%d ops, error %v", res.Ops.Total, err)
	}
	test = fakeTest(t)
	test.Workload.Accepts = func(Client) error { return errors.New("it cannot swim") }
	if _, err := inBubble(t, test); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "swim") {
		t.Errorf("error %v", err)
	}
}

func TestATargetThatDoesNotStartIsAnError(t *testing.T) {
	test := fakeTest(t)
	test.Target = fakeTarget{startErr: errors.New("port taken")}
	res, err := inBubble(t, test)
	if err == nil || res.Verdict != Unknown || !strings.Contains(res.Error, "port taken") {
		t.Errorf("verdict %s, results error %q, error %v", res.Verdict, res.Error, err)
	}
	var info RunInfo
	if err := (store.Folder{Dir: res.Dir}).ReadJSON(store.RunFile, &info); err != nil || info.Status != "error" {
		t.Errorf("run.json: %q, %v", info.Status, err)
	}
}

func TestAnInterruptedRunHealsAndIsJudged(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis = []Nemesis{script{{At: 2 * time.Second, For: time.Hour, Fault: fakeFault{node: "n2"}}}}
	var res Results
	synctest.Test(t, func(*testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		res, _ = Run(ctx, test)
	})
	if !res.Interrupted || len(res.Faults) != 1 || res.Faults[0].State != string(history.Healed) {
		t.Errorf("interrupted %t, faults %+v", res.Interrupted, res.Faults)
	}
	if res.Ops.OK == 0 || res.Verdict == Valid {
		t.Errorf("%d ok, verdict %s: without final reads it cannot be valid", res.Ops.OK, res.Verdict)
	}
}

func TestACallThatIgnoresItsDeadlineIsAbandoned(t *testing.T) {
	test := fakeTest(t)
	test.Target = fakeTarget{answer: func(ctx context.Context, _ string, n int) (Result, error) {
		if n == 100 {
			time.Sleep(5 * time.Second) // deaf to ctx
			return Result{Value: int64(666)}, nil
		}
		return okAfter(ctx, 5*time.Millisecond)
	}}
	res, err := inBubble(t, test)
	if err != nil || res.Ops.Hung != 1 {
		t.Fatalf("%d hung, error %v", res.Ops.Hung, err)
	}
	rec, err := Open(store.Folder{Dir: res.Dir})
	if err != nil {
		t.Fatal(err)
	}
	hung := slices.IndexFunc(rec.History.Pairs, func(p history.Pair) bool { return p.Hung })
	p := rec.History.Pairs[hung]
	if p.Outcome != history.Info || p.Return-p.Call < test.OpTimeout {
		t.Errorf("the hung call: %+v", p)
	}
	later := slices.ContainsFunc(rec.History.Pairs[hung+1:],
		func(q history.Pair) bool { return q.Process == p.Process })
	next := slices.ContainsFunc(rec.History.Pairs[hung+1:],
		func(q history.Pair) bool { return q.Process == p.Process+test.Concurrency })
	if later || !next {
		t.Errorf("after an info process %d goes on: %t; its successor works: %t", p.Process, later, next)
	}
}

func TestAnOpenLoopCountsLatencyFromWhenACallWasDue(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis, test.Rate = nil, 100
	stall := 3 * time.Second
	test.OpTimeout = 2 * stall
	test.Target = fakeTarget{answer: func(ctx context.Context, _ string, n int) (Result, error) {
		if n >= 300 && n < 303 { // all three clients stall
			return okAfter(ctx, stall)
		}
		return okAfter(ctx, 5*time.Millisecond)
	}}
	res, err := inBubble(t, test)
	if err != nil {
		t.Fatal(err)
	}
	if res.Ops.Total < 950 || res.Ops.Total > 1050 {
		t.Errorf("%d calls in 10 s at 100 a second", res.Ops.Total)
	}
	// 300 calls were due during the stall: their latency falls from 3 s to nothing, so a fifth of all took over a
	// second
	rec, err := Open(store.Folder{Dir: res.Dir})
	if err != nil {
		t.Fatal(err)
	}
	slow := 0
	for _, p := range rec.History.Pairs {
		if p.Latency() > time.Second {
			slow++
		}
	}
	if slow < 150 || slow > 250 {
		t.Errorf("%d calls took over a second, of which all but 3 only waited", slow)
	}
}

func TestFailFastStopsAtTheFirstViolation(t *testing.T) {
	test := fakeTest(t)
	test.FailFast, test.TimeLimit, test.Nemesis = true, time.Hour, nil
	test.Workload = fakeWorkload(func(h history.History) Verdict {
		for _, p := range h.Pairs {
			if p.Call > 5*time.Second {
				return Verdict{Validity: Invalid, Anomalies: []Anomaly{{Name: "late", Witness: []history.Pair{p}}}}
			}
		}
		return alwaysValid(h)
	})
	res, err := inBubble(t, test)
	if err != nil || res.Verdict != Invalid || res.DurationMS > 8000 {
		t.Errorf("verdict %s after %.0f ms, error %v", res.Verdict, res.DurationMS, err)
	}
}

func TestTheSameSeedPlansTheSame(t *testing.T) {
	plan := func(seed uint64) []uint64 {
		test := fakeTest(t)
		test.Seed = seed
		lanes, err := planLanes(test)
		if err != nil {
			t.Fatal(err)
		}
		var seeds []uint64
		for _, s := range lanes[0] {
			seeds = append(seeds, s.Seed)
		}
		return seeds
	}
	if !slices.Equal(plan(1), plan(1)) || slices.Equal(plan(1), plan(2)) {
		t.Error("strikes are not fixed by the seed")
	}
}

func TestAFullDiskEndsTheRunAndKeepsWhatWasWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full, which every Linux has")
	}
	test := fakeTest(t)
	test.TimeLimit = time.Hour
	test.Target = diskFiller{fakeTarget{}, store.HistoryFile}
	res, err := inBubble(t, test)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
	if res.Verdict != Unknown || res.Error == "" {
		t.Errorf("verdict %s, error %q", res.Verdict, res.Error)
	}
}

// diskFiller puts a full device where a file is to be written.
type diskFiller struct {
	fakeTarget
	file string
}

func (d diskFiller) Start(ctx context.Context, env Env) (Cluster, error) {
	dir, err := env.NodeDir("n1")
	if err != nil {
		return nil, err
	}
	if err := os.Symlink("/dev/full", strings.TrimSuffix(dir, "/nodes/n1")+"/"+d.file); err != nil {
		return nil, err
	}
	return d.fakeTarget.Start(ctx, env)
}

// claimsNothing is a target that promises nothing.
type claimsNothing struct{ fakeTarget }

func (claimsNothing) About() About { return About{Claim: NoLevel} }

func TestTheVerdictIsMeasuredAgainstTheClaim(t *testing.T) {
	stale := fakeWorkload(func(h history.History) Verdict {
		return Verdict{Validity: Invalid, Level: Linearizable, Strongest: NoLevel, Reason: "stale read on 1 key",
			Anomalies: []Anomaly{{Name: "stale read", Key: "k0", Witness: h.Pairs[:1]}}}
	})
	for _, c := range []struct {
		target Target
		want   Validity
	}{{claimsNothing{}, Valid}, {fakeTarget{}, Invalid}} {
		test := fakeTest(t)
		test.Workload, test.Target = stale, c.target
		res, err := inBubble(t, test)
		if err != nil || res.Verdict != c.want || res.Strongest != NoLevel || len(res.Anomalies) != 1 {
			t.Errorf("claim %s: verdict %s (%s), strongest %s, %d anomalies, error %v", res.Claim, res.Verdict,
				res.Reason,
				res.Strongest, len(res.Anomalies), err)
		}
	}
}
