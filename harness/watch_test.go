package harness

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// ruled is a cluster that says who leads, and counts who asks when it may not be asked.
type ruled struct {
	fakeTarget
	slow    time.Duration
	stopped *atomic.Bool
	late    *atomic.Int64
}

type ruledCluster struct {
	*fakeCluster
	ruled ruled
}

func (r ruled) Start(ctx context.Context, env Env) (Cluster, error) {
	c, err := r.fakeTarget.Start(ctx, env)
	if err != nil {
		return nil, err
	}
	return ruledCluster{c.(*fakeCluster), r}, nil
}

func (c ruledCluster) Leaders(ctx context.Context) ([]string, error) {
	if !Wait(ctx, c.ruled.slow) {
		return nil, ctx.Err()
	}
	if c.ruled.stopped.Load() {
		c.ruled.late.Add(1)
	}
	return []string{"n2"}, nil
}

func (c ruledCluster) Stop(ctx context.Context) error {
	c.ruled.stopped.Store(true)
	Wait(ctx, 5*time.Second)
	return nil
}

// checkTold is a check of seven keys that takes a while.
func checkTold(ctx context.Context, h history.History) (Verdict, error) {
	for done := range 8 {
		Progress(ctx, done, 7)
		Wait(ctx, 50*time.Millisecond)
	}
	return alwaysValid(h), nil
}

func TestARunCanBeWatched(t *testing.T) {
	for _, slow := range []time.Duration{0, 900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			target := ruled{slow: slow, stopped: new(atomic.Bool), late: new(atomic.Int64)}
			test := fakeTest(t)
			test.Target = target
			test.Workload.Checker = CheckerFunc("told", checkTold)
			var phases []Phase
			var shows, inside atomic.Int64
			led, hurt, over, checked, answered := 0, 0, false, 0, 0
			test.Watch = func(s Status) {
				if inside.Add(1) != 1 {
					t.Error("watched from two goroutines at once")
				}
				defer inside.Add(-1)
				if over {
					t.Error("watched after the run")
				}
				shows.Add(1)
				if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
					phases = append(phases, s.Phase)
				}
				for _, n := range s.Nodes {
					if n.Leader && n.Name == "n2" {
						led++
					}
					if slices.Equal(n.Faults, []string{"refuse:n2"}) && n.Name == "n2" && len(s.Faults) == 1 {
						hurt++
					}
				}
				checked, answered = max(checked, s.Checked), max(answered, s.Ops.OK)
				time.Sleep(time.Millisecond) // a slow screen
			}
			res, err := Run(t.Context(), test)
			over = true
			if err != nil || res.Verdict != Valid {
				t.Fatalf("%s (%s), %v", res.Verdict, res.Reason, err)
			}
			want := []Phase{PhaseStart, PhaseLoad, PhaseHeal, PhaseFinal, PhaseStop, PhaseCheck, PhaseReport, PhaseDone}
			if phases = slices.DeleteFunc(phases, func(p Phase) bool { return p == "" }); !slices.Equal(phases, want) {
				t.Errorf("phases %v, expected %v", phases, want)
			}
			if led < 50 || hurt < 15 || hurt > 30 || shows.Load() < 90 || checked != 7 || answered != res.Ops.OK {
				t.Errorf("shown %d times: led %d, hurt %d, checked %d, %d ok of %d", shows.Load(), led, hurt, checked,
					answered, res.Ops.OK)
			}
			time.Sleep(time.Minute)
			if n := target.late.Load(); n != 0 {
				t.Errorf("%d questions were answered after the cluster had been stopped", n)
			}
		})
	}
}

func TestARunThatFailsIsWatchedToItsEnd(t *testing.T) {
	test := fakeTest(t)
	test.Target = fakeTarget{startErr: context.DeadlineExceeded}
	last := Phase("")
	test.Watch = func(s Status) { last = s.Phase }
	if _, err := inBubble(t, test); err == nil || last != PhaseDone {
		t.Errorf("the last phase was %q, error %v", last, err)
	}
}
