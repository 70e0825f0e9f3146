package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

func TestAnInterruptDuringTheCheckLetsItFinishInTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		want  Validity
		say   string
	}{
		"in time":  {interruptedTime / 2, Valid, "linearizable"},
		"too long": {interruptedTime * 2, Unknown, "interrupted while it was judged"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			test := fakeTest(t)
			test.Workload.Checker = CheckerFunc("slow", func(ctx context.Context, h history.History) (Verdict, error) {
				interrupt()
				if !Wait(ctx, c.takes) {
					return Verdict{Reason: "there was no time left"}, nil
				}
				return alwaysValid(h), nil
			})
			var res Results
			synctest.Test(t, func(t *testing.T) {
				var err error
				if res, err = Run(ctx, test); err != nil {
					t.Error(err)
				}
			})
			if res.Verdict != c.want || !strings.Contains(res.Reason, c.say) || res.Interrupted != (c.want == Unknown) {
				t.Errorf("%s, interrupted %t: %s", res.Verdict, res.Interrupted, res.Reason)
			}
			var info RunInfo
			if err := (store.Folder{Dir: res.Dir}).ReadJSON(store.RunFile, &info); err != nil || info.Status != "done" {
				t.Errorf("the record is whole, but run.json says %q (%v)", info.Status, err)
			}
		})
	}
}

func TestResultsThatCannotBeWrittenAreAnErrorOfTheEnvironment(t *testing.T) {
	for _, found := range []Validity{Valid, Invalid} {
		test := fakeTest(t)
		test.Workload = fakeWorkload(func(h history.History) Verdict {
			runs, err := filepath.Glob(filepath.Join(test.Out, "*", store.HistoryFile))
			if err != nil || len(runs) == 0 {
				t.Fatalf("no run in %s: %v", test.Out, err)
			}
			if err := os.MkdirAll(filepath.Join(filepath.Dir(runs[0]), store.ResultsFile), 0o755); err != nil {
				t.Fatal(err)
			}
			v := alwaysValid(h)
			if v.Validity = found; found == Invalid {
				v.Anomalies = []Anomaly{{Name: "lie", Witness: h.Pairs[:1]}}
			}
			return v
		})
		res, err := inBubble(t, test)
		want := map[Validity]Validity{Valid: Unknown, Invalid: Invalid}[found]
		if err == nil || !strings.Contains(res.Error, store.ResultsFile) || res.Verdict != want {
			t.Errorf("the checker says %s: verdict %s, error %q, %v", found, res.Verdict, res.Error, err)
		}
	}
}

func TestARunWithoutAnEndIsUnfinished(t *testing.T) {
	res, err := inBubble(t, fakeTest(t))
	if err != nil || res.Unfinished {
		t.Fatalf("unfinished %t, %v", res.Unfinished, err)
	}
	rec, err := Open(store.Folder{Dir: res.Dir})
	if err != nil {
		t.Fatal(err)
	}
	rec.Info.Status = "running"
	killed := Judge(t.Context(), rec, fakeWorkload(alwaysValid).Checker, Budget{})
	if !killed.Unfinished || killed.Verdict != Unknown || !strings.Contains(killed.Reason, "the run did not end") {
		t.Errorf("unfinished %t, %s: %s", killed.Unfinished, killed.Verdict, killed.Reason)
	}
	lie := fakeWorkload(func(h history.History) Verdict {
		return Verdict{Validity: Invalid, Level: Linearizable, Anomalies: []Anomaly{{Name: "lie",
			Witness: h.Pairs[:1]}}}
	})
	if killed = Judge(t.Context(), rec, lie.Checker, Budget{}); killed.Verdict != Invalid {
		t.Errorf("a violation before the end: %s: %s", killed.Verdict, killed.Reason)
	}
}

// losing is a system whose ground gives way.
type losing struct {
	fakeTarget
	after time.Duration
	why   error
}

func (l losing) Start(ctx context.Context, env Env) (Cluster, error) {
	time.AfterFunc(l.after, func() { env.Lost(l.why) })
	return l.fakeTarget.Start(ctx, env)
}

func TestARunOnLostGroundEndsAtOnce(t *testing.T) {
	test := fakeTest(t)
	stops := 0
	why := errors.New("the engine was restarted")
	test.Target = losing{fakeTarget{stops: &stops}, test.TimeLimit / 2, why}
	res, err := inBubble(t, test)
	if !errors.Is(err, why) || res.Error != why.Error() || res.Verdict == Valid {
		t.Errorf("%s, error %q: %v", res.Verdict, res.Error, err)
	}
	if spent := time.Duration(res.DurationMS * float64(time.Millisecond)); spent == 0 || spent > test.TimeLimit*3/4 {
		t.Errorf("%s of %s were recorded", spent, test.TimeLimit)
	}
	if len(res.Checks) == 0 || res.Ops.OK == 0 || stops != 1 {
		t.Errorf("what was recorded was not judged, or the cluster was stopped %d times: %+v", stops, res.Ops)
	}
}
