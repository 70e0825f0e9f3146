package harness

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

func checked(check func(context.Context, history.History) (Verdict, error)) Checker {
	return CheckerFunc("fake", check)
}

func TestACheckerThatDoesNotDoItsWorkIsNoVerdict(t *testing.T) {
	var h history.History
	call(&h, "read", "n1", 0, time.Second, history.OK)
	for say, verdict := range map[string]func(history.History) (Verdict, error){
		"could not do its work: a read of a queue": func(history.History) (Verdict, error) {
			return Verdict{Validity: Invalid}, errors.New("a read of a queue")
		},
		"the checker failed: runtime error": func(h history.History) (Verdict, error) {
			return Verdict{Ops: h.Pairs[9].Index}, nil
		},
		"judge_test.go:": func(history.History) (Verdict, error) { panic("where?") },
		"shows no operation that proves it": func(history.History) (Verdict, error) {
			return Verdict{Validity: Invalid}, nil
		},
		"did not decide and gives no reason": func(history.History) (Verdict, error) { return Verdict{}, nil },
	} {
		checker := checked(func(_ context.Context, h history.History) (Verdict, error) { return verdict(h) })
		res := Judge(t.Context(), Recorded{History: h}, checker, Budget{})
		if res.Verdict != Unknown || !strings.Contains(res.Reason, say) || len(res.Anomalies) != 0 {
			t.Errorf("%s: %q, expected %q", res.Verdict, res.Reason, say)
		}
	}
	if res := Judge(t.Context(), Recorded{History: h}, nil, Budget{}); res.Reason != "the workload has no checker" {
		t.Errorf("without a checker: %s, %q", res.Verdict, res.Reason)
	}
	fine := checked(func(context.Context, history.History) (Verdict, error) { return Verdict{Validity: Valid}, nil })
	if res := Judge(t.Context(), Recorded{History: h}, fine, Budget{}); res.Verdict != Valid {
		t.Errorf("a checker that did its work: %s, %q", res.Verdict, res.Reason)
	}
}

func TestACheckerThatIsDeafToItsDeadlineIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := checked(func(context.Context, history.History) (Verdict, error) {
			time.Sleep(time.Hour)
			panic("nobody listens any more")
		})
		began := time.Now()
		res := Judge(t.Context(), Recorded{}, deaf, Budget{Time: time.Minute})
		if took := time.Since(began); took != time.Minute+abandonAfter || res.Verdict != Unknown ||
			!strings.Contains(res.Reason, "abandoned") || res.Checks[0].DurationMS != milliseconds(took) {
			t.Errorf("after %s: %s, %q", took, res.Verdict, res.Reason)
		}
		late := checked(func(ctx context.Context, _ history.History) (Verdict, error) {
			<-ctx.Done()
			time.Sleep(abandonAfter / 2)
			return Verdict{Reason: "decided half"}, nil
		})
		if res := Judge(t.Context(), Recorded{}, late, Budget{Time: time.Minute}); res.Reason != "decided half" {
			t.Errorf("a checker that is late is still heard: %q", res.Reason)
		}
		time.Sleep(time.Hour) // the one left behind ends, and whatever it says hurts nobody
	})
}

func TestTheBudgetReachesTheChecker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got Budget
		var limit time.Duration
		look := checked(func(ctx context.Context, _ history.History) (Verdict, error) {
			end, _ := ctx.Deadline()
			got, limit = BudgetOf(ctx), time.Until(end)
			return Verdict{}, nil
		})
		for _, c := range []struct {
			given Budget
			limit time.Duration
		}{{Budget{Time: time.Hour, Memory: 77}, time.Hour}, {Budget{Memory: 77}, defaultCheck}, {Budget{},
			defaultCheck}} {
			Judge(t.Context(), Recorded{}, look, c.given)
			if got != c.given || limit != c.limit {
				t.Errorf("gave %+v, the checker got %+v and %s", c.given, got, limit)
			}
		}
		if got := BudgetOf(t.Context()); got != (Budget{}) {
			t.Errorf("nobody gave %+v", got)
		}
		test := fakeTest(t)
		test.Nemesis, test.Budget = nil, Budget{Memory: 88}
		test.Workload.Checker = look
		if _, err := Run(t.Context(), test); err != nil || got.Memory != 88 {
			t.Errorf("in a run the checker got %+v, error %v", got, err)
		}
	})
}

func TestAJudgementThatIsInterruptedSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rec := soundRun()
	stopped := checked(func(context.Context, history.History) (Verdict, error) {
		cancel()
		return Verdict{Reason: "1 of 2 keys undecided"}, nil
	})
	res := Judge(ctx, rec, stopped, Budget{})
	if !res.Interrupted || res.Verdict != Unknown ||
		res.Reason != "interrupted while it was judged: 1 of 2 keys undecided" {
		t.Errorf("interrupted %t, %s: %q", res.Interrupted, res.Verdict, res.Reason)
	}
	sure := checked(func(_ context.Context, h history.History) (Verdict, error) { return alwaysValid(h), nil })
	if res := Judge(ctx, rec, sure, Budget{}); res.Interrupted || res.Verdict != Valid {
		t.Errorf("what was decided in time counts: interrupted %t, %s: %q", res.Interrupted, res.Verdict, res.Reason)
	}
}

func TestAnAnomalyBecomesAResult(t *testing.T) {
	var h history.History
	struckBetween(&h, 2*time.Second, 3*time.Second).Detail = "n1 | n2"
	struckBetween(&h, 5*time.Second, 6*time.Second)
	struckBetween(&h, 3500*ms, 0).State = history.Injected
	struckBetween(&h, 2*time.Second, 6*time.Second).State = history.Planned
	write := *call(&h, "write", "n1", time.Second, 2*time.Second, history.OK)
	lost := *call(&h, "write", "n1", 2500*ms, 0, history.Info)
	lost.End, lost.Error = -1, "timeout"
	read := *call(&h, "read", "n2", 2600*ms, 4*time.Second, history.OK)
	read.Output, read.Revision = int64(7), 41
	res := anomalyResult(Anomaly{
		Name: "stale read", Key: "k", Explanation: "It was stale.", Witness: []history.Pair{read, lost, write},
		Impossible: read.Index,
	}, "linearizable", h.Strikes)
	if res.Count != 1 || res.Check != "linearizable" || res.Impossible != read.Index || len(res.Ops) != 3 {
		t.Fatalf("%+v", res)
	}
	if !slices.Equal(res.Faults, []int{0, 2}) ||
		res.Explanation != "It was stale. On at the time: partition:one (n1 | n2) from 2.000 s, "+
			"partition:one from 3.500 s." {
		t.Errorf("faults %v: %q", res.Faults, res.Explanation)
	}
	if res.Ops[0].F != "write" || *res.Ops[0].ReturnMS != 2000 || res.Ops[1].ReturnMS != nil ||
		res.Ops[1].Error != "timeout" {
		t.Errorf("the witness is not in order: %+v", res.Ops)
	}
	if op := res.Ops[2]; op.CallMS != 2600 || op.Output != int64(7) || op.Revision != 41 || op.Outcome != history.OK {
		t.Errorf("the read: %+v", op)
	}
	calm := anomalyResult(Anomaly{Witness: []history.Pair{write}, Count: 4, Explanation: "No."}, "", h.Strikes[1:2])
	if len(calm.Faults) != 0 || calm.Faults == nil || calm.Explanation != "No." || calm.Count != 4 {
		t.Errorf("no fault was on: %+v", calm)
	}
	if bare := anomalyResult(Anomaly{}, "", h.Strikes); bare.Ops == nil || len(bare.Faults) != 0 {
		t.Errorf("without a witness: %+v", bare)
	}
}

func TestFaultResults(t *testing.T) {
	h := cutRun()
	h.Strikes = append(h.Strikes,
		history.Strike{ID: 1, State: history.Planned},
		history.Strike{ID: 2, State: history.Skipped, Detail: "no leader is known", Began: 6 * time.Second},
		history.Strike{ID: 3, State: history.Broken, Error: "inject: no hands", Began: 7 * time.Second},
		history.Strike{ID: 4, State: history.Injected, Start: 9 * time.Second, Began: 9 * time.Second})
	got := faultResults(h)
	if len(got) != 4 {
		t.Fatalf("%d faults came to their time, expected 4: %+v", len(got), got)
	}
	if f := got[0]; *f.EndMS != 5000 || f.StartMS != 3000 || f.OpsOverlapping < 400 || !f.TookEffect ||
		f.State != "healed" {
		t.Errorf("healed: %+v", f)
	}
	for i, state := range []string{"skipped", "broken"} {
		if f := got[1+i]; f.State != state || f.EndMS != nil || f.OpsOverlapping != 0 || f.Detail+f.Error == "" {
			t.Errorf("%s: %+v", state, f)
		}
	}
	if f := got[3]; f.EndMS != nil || f.OpsOverlapping < 200 || f.OpsOverlapping > 204 {
		t.Errorf("never healed: %+v", f)
	}
}

func TestAnOperationWithoutAnEndOverlapsWhereItBegan(t *testing.T) {
	var h history.History
	call(&h, "read", "n1", time.Second, 0, history.Info).End = -1
	call(&h, "read", "n1", 3*time.Second, 0, history.Info).End = -1
	call(&h, "read", "n1", time.Second, 9*time.Second, history.Info)
	call(&h, "read", "n1", 3*time.Second, 4*time.Second, history.OK).Final = true
	struckBetween(&h, 2*time.Second, 5*time.Second)
	if got := overlaps(h); !slices.Equal(got, []int{2}) {
		t.Errorf("%v operations overlapped, expected 2", got)
	}
}

func TestCountsAddUp(t *testing.T) {
	var h history.History
	for i, o := range []history.Type{history.OK, history.Fail, history.Fail, history.Info, history.Info, history.OK} {
		p := call(&h, []string{"read", "cas"}[i%2], "n1", 0, time.Duration(i+1)*ms, o)
		p.Unmet, p.Hung = i == 1, i == 3
	}
	var res Results
	res.count(h)
	want := OpCounts{Total: 6, OK: 2, Fail: 2, Unmet: 1, Info: 2, Hung: 1}
	if res.Ops != want || res.Ops.answered() != 3 {
		t.Errorf("%+v, expected %+v", res.Ops, want)
	}
	r, c := res.Kinds["read"], res.Kinds["cas"]
	if r.Total+c.Total != 6 || c != (OpCounts{Total: 3, OK: 1, Fail: 1, Unmet: 1, Info: 1, Hung: 1}) {
		t.Errorf("by kind: %+v", res.Kinds)
	}
	if res.LatencyMS != (Latency{P50: 1, P99: 6, Max: 6}) {
		t.Errorf("latency of the ok ones: %+v", res.LatencyMS)
	}
}

func TestQuantiles(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(hundred, q); got != want {
			t.Errorf("quantile %v is %d, expected %d", q, got, want)
		}
	}
	if got := quantile(hundred[:1], 0.99); got != 1 {
		t.Errorf("of one: %d", got)
	}
	if latencyOf(nil) != (Latency{}) {
		t.Error("of none there is none")
	}
}

func TestASeedOfAnySizeSurvivesTheFile(t *testing.T) {
	data, err := json.Marshal(Results{Seed: math.MaxUint64})
	var back Results
	if err := errors.Join(err, json.Unmarshal(data, &back)); err != nil || back.Seed != math.MaxUint64 {
		t.Errorf("%d, %v", back.Seed, err)
	}
}
