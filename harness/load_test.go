package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

func recordedOf(t *testing.T, res Results) Recorded {
	t.Helper()
	rec, err := Open(store.Folder{Dir: res.Dir})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestAProcessEndsWithAnInfoAndTheFinalReadsGoOn(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis = nil
	test.Target = fakeTarget{answer: func(ctx context.Context, _ string, n int) (Result, error) {
		switch {
		case n%50 == 7:
			return Result{}, errors.New("timeout")
		case n%50 == 9:
			return Result{}, fmt.Errorf("%w: rejected", ErrNotApplied)
		}
		return okAfter(ctx, 5*time.Millisecond)
	}}
	res, err := inBubble(t, test)
	if err != nil {
		t.Fatal(err)
	}
	rec := recordedOf(t, res)
	ended := map[int]bool{}
	last := map[int]int{} // worker -> its process
	for _, p := range rec.History.Pairs {
		worker := p.Process % test.Concurrency
		if ended[p.Process] {
			t.Fatalf("process %d goes on after an info", p.Process)
		}
		if before,
			ok := last[worker]; ok && p.Process != before && (p.Process != before+test.Concurrency || !ended[before]) {
			t.Fatalf("worker %d went from process %d to %d", worker, before, p.Process)
		}
		last[worker], ended[p.Process] = p.Process, p.Outcome == history.Info
		if want := fmt.Sprintf("n%d", worker+1); p.Node != want {
			t.Fatalf("worker %d calls %s, expected %s", worker, p.Node, want)
		}
	}
	if res.Ops.Info < 50 || res.Ops.Fail < 50 {
		t.Errorf("%+v", res.Ops)
	}
	if !slices.ContainsFunc(rec.History.Pairs,
		func(p history.Pair) bool { return p.Final && p.Process > test.Concurrency }) {
		t.Error("the final reads begin anew")
	}
}

// dialless is a cluster whose nodes cannot be dialled for a while.
type dialless struct{ fakeTarget }

type dialNode struct {
	Node
	until time.Time
}

func (n dialNode) Dial(ctx context.Context) (Client, error) {
	if time.Now().Before(n.until) {
		return nil, errors.New("connection refused")
	}
	return n.Node.Dial(ctx)
}

func (d dialless) Start(ctx context.Context, env Env) (Cluster, error) {
	c, err := d.fakeTarget.Start(ctx, env)
	if err != nil {
		return nil, err
	}
	nodes := c.(*fakeCluster).nodes
	nodes[0] = dialNode{nodes[0], time.Now().Add(5 * time.Second)}
	return c, nil
}

func TestADialThatFailsHasSentNothing(t *testing.T) {
	test := fakeTest(t)
	test.Nemesis, test.Target = nil, dialless{}
	res, err := inBubble(t, test)
	if err != nil || res.Ops.Info != 0 || res.Ops.Fail == 0 {
		t.Fatalf("%+v, %v", res.Ops, err)
	}
	// the one who is refused again and again rests between: 5 to 25 ms, not a storm of thousands
	if res.Ops.Fail < 200 || res.Ops.Fail > 1000 {
		t.Errorf("%d refusals in 5 s", res.Ops.Fail)
	}
	for _, p := range recordedOf(t, res).History.Pairs {
		if p.Outcome == history.Fail && (!strings.Contains(p.Error, "dial n1") || p.Node != "n1") {
			t.Fatalf("%+v", p)
		}
	}
}

func TestAnAnswerThatTheConditionDoesNotHoldCostsNothing(t *testing.T) {
	counts := map[bool]int{}
	for _, met := range []bool{true, false} {
		test := fakeTest(t)
		test.Nemesis = nil
		test.Target = fakeTarget{answer: func(ctx context.Context, _ string, _ int) (Result, error) {
			_, _ = okAfter(ctx, 5*time.Millisecond)
			if met {
				return Result{}, nil
			}
			return Result{}, ErrUnmet
		}}
		res, err := inBubble(t, test)
		if err != nil {
			t.Fatal(err)
		}
		counts[met] = res.Ops.answered()
	}
	if counts[false] < counts[true]-10 {
		t.Errorf("%d answers where the condition held, %d where it did not", counts[true], counts[false])
	}
}

// counting numbers the calls it makes with a number drawn from the load's stream.
type counting struct {
	mu    sync.Mutex
	drawn []uint64
}

func (c *counting) Next(ask Ask) (Call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drawn = append(c.drawn, ask.Rand.Uint64())
	return Call{F: "read", Key: "k"}, true
}

// loaded runs a load at a fixed rate and returns the calls that were drawn and when they were due.
func loaded(t *testing.T, seed uint64, workers int, answer func(int) time.Duration) (drawn []uint64,
	due []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		test := fakeTest(t)
		test.Seed, test.Rate, test.Concurrency = seed, 100, workers
		test.Target = fakeTarget{answer: func(ctx context.Context, _ string, n int) (Result, error) {
			return okAfter(ctx, answer(n))
		}}
		cluster, err := test.Target.Start(t.Context(), Env{Nodes: 3})
		if err != nil {
			t.Fatal(err)
		}
		origin := time.Now()
		recorder := history.NewRecorder(io.Discard, origin)
		calls := &counting{}
		l := newLoad(test, cluster.Nodes(), recorder, origin, &meter{}, calls)
		for range 500 {
			due = append(due, l.arrival().Sub(origin))
		}
		l.slots = 0
		ctx, cancel := context.WithTimeout(t.Context(), test.TimeLimit)
		defer cancel()
		l.run(ctx)
		if ended := l.ended.Sub(origin); ended != test.TimeLimit {
			t.Errorf("the load ended after %s", ended)
		}
		drawn = calls.drawn
		if err := recorder.Close(); err != nil {
			t.Error(err)
		}
	})
	return drawn, due
}

func TestAnOpenLoopDependsOnTheSeedAlone(t *testing.T) {
	quick := func(int) time.Duration { return time.Millisecond }
	uneven := func(n int) time.Duration { return time.Duration(n%97) * time.Millisecond }
	drawn, due := loaded(t, 1, 3, quick)
	again, sameDue := loaded(t, 1, 20, uneven)
	other, otherDue := loaded(t, 2, 3, quick)
	n := min(len(drawn), len(again), len(other))
	if n < 900 || !slices.Equal(drawn[:n], again[:n]) || slices.Equal(drawn[:n], other[:n]) {
		t.Errorf("the calls are not fixed by the seed (%d calls)", n)
	}
	if !slices.Equal(due, sameDue) || slices.Equal(due, otherDue) {
		t.Error("the arrivals are not fixed by the seed")
	}
	for i, at := range due { // one in each hundredth of a second: no drift
		if slot := time.Duration(i) * 10 * time.Millisecond; at < slot || at >= slot+10*time.Millisecond {
			t.Fatalf("arrival %d is due after %s", i, at)
		}
	}
}

func TestTheLoadEndsWhenTheLastCallMayBegin(t *testing.T) {
	test := fakeTest(t)
	test.OpTimeout = 30 * time.Second
	test.Nemesis = []Nemesis{script{{At: 3 * time.Second, For: 2 * time.Second, Fault: fakeFault{node: "n2"}},
		{At: 8 * time.Second, For: time.Minute, Fault: fakeFault{node: "n3"}}}}
	test.Target = fakeTarget{answer: func(ctx context.Context, _ string, n int) (Result, error) {
		if n == 3000 {
			return okAfter(ctx, 20*time.Second) // the last answer comes long after
		}
		return okAfter(ctx, 5*time.Millisecond)
	}}
	res, err := inBubble(t, test)
	if err != nil || res.Verdict != Valid {
		t.Errorf("%s (%s), error %v", res.Verdict, res.Reason, err)
	}
	rec := recordedOf(t, res)
	if rec.Info.LoadEnd != test.TimeLimit || rec.Info.FinalStart < 10*time.Second {
		t.Errorf("load until %s, final reads from %s", rec.Info.LoadEnd, rec.Info.FinalStart)
	}
}

func TestFailFastFindsOnlyWhatIsThere(t *testing.T) {
	for _, lies := range []bool{true, false} {
		test := fakeTest(t)
		test.FailFast, test.TimeLimit, test.Nemesis = true, 20*time.Second, nil
		looks, most := 0, 0
		test.Workload = fakeWorkload(func(h history.History) Verdict {
			looks, most = looks+1, max(most, len(h.Pairs))
			if lies && h.Duration() > 4*time.Second {
				return Verdict{Validity: Invalid, Anomalies: []Anomaly{{Name: "late", Witness: h.Pairs[:1]}}}
			}
			return alwaysValid(h)
		})
		res, err := inBubble(t, test)
		if err != nil || (res.Verdict == Invalid) != lies {
			t.Errorf("lies %t: %s, error %v", lies, res.Verdict, err)
		}
		if rec := recordedOf(t, res); lies != (rec.Info.LoadEnd < 6*time.Second) || lies != (rec.Info.FinalStart == 0) {
			t.Errorf("lies %t: load until %s, final reads from %s", lies, rec.Info.LoadEnd, rec.Info.FinalStart)
		}
		if !lies && looks < 19 {
			t.Errorf("looked %d times in 20 s", looks)
		}
	}
}

// streaming is a checker with a stream that suspects what was written at some time.
type streaming struct {
	Checker
	when  time.Duration
	sure  bool          // that something is wrong with it
	takes time.Duration // to judge
	asked *atomic.Int64
	last  *string
}

func (s streaming) Stream() Stream { return s }

func (s streaming) Add(op history.Op) {
	if op.Time > s.when {
		*s.last = op.Key
	}
}

func (s streaming) Suspects() (wrong, unclear []string) {
	switch {
	case *s.last == "":
	case s.sure:
		wrong = []string{*s.last}
	default:
		unclear = []string{*s.last}
	}
	*s.last = ""
	return wrong, unclear
}

func (s streaming) Check(ctx context.Context, h history.History) (Verdict, error) {
	s.asked.Add(1)
	time.Sleep(s.takes)
	return s.Checker.Check(ctx, h)
}

// TestFailFastAsksAboutSuspectsOnly: while the stream suspects nothing the checker is not asked, and where it suspects what
// is fine the run goes on.
func TestFailFastAsksAboutSuspectsOnly(t *testing.T) {
	for _, lies := range []bool{false, true} {
		test := fakeTest(t)
		test.FailFast, test.TimeLimit, test.Nemesis = true, 20*time.Second, nil
		asked := &atomic.Int64{}
		checker := CheckerFunc("lies", func(_ context.Context, h history.History) (Verdict, error) {
			if lies {
				return Verdict{Validity: Invalid, Anomalies: []Anomaly{{Name: "late", Witness: h.Pairs[:1]}}}, nil
			}
			return alwaysValid(h), nil
		})
		test.Workload.Checker = streaming{Checker: checker, when: 10 * time.Second, asked: asked, last: new(string)}
		res, err := inBubble(t, test)
		if err != nil || (res.Verdict == Invalid) != lies {
			t.Errorf("lies %t: %s, error %v", lies, res.Verdict, err)
		}
		load := recordedOf(t, res).Info.LoadEnd
		if n := asked.Load(); lies && (load < 10*time.Second || load > 13*time.Second || n != 2) || !lies && (load < 20*time.Second || n < 9 || n > 12) {
			t.Errorf("lies %t: the load ended after %s, and the checker was asked %d times", lies, load, n)
		}
	}
}

// TestFailFastRests: what may well be fine is judged a part of the time only, and what is surely wrong at once.
func TestFailFastRests(t *testing.T) {
	for _, sure := range []bool{false, true} {
		test := fakeTest(t)
		test.FailFast, test.TimeLimit, test.Nemesis = true, 60*time.Second, nil
		asked := &atomic.Int64{}
		test.Workload.Checker = streaming{
			Checker: CheckerFunc("slow", func(_ context.Context, h history.History) (Verdict, error) {
				return alwaysValid(h), nil
			}),
			sure: sure, takes: 3 * time.Second, asked: asked, last: new(string),
		}
		if _, err := inBubble(t, test); err != nil {
			t.Error(err)
		}
		if n := asked.Load(); !sure && (n < 4 || n > 7) || sure && (n < 14 || n > 17) {
			t.Errorf("sure %t: the checker was asked %d times", sure, n)
		}
	}
}

// narrowing suspects what has a name of its own, and keeps of the lines what a key has.
type narrowing struct{ streaming }

func (n narrowing) Stream() Stream { return n }

func (n narrowing) Narrow(suspects map[string]bool) func(*history.Op) bool {
	return func(op *history.Op) bool {
		op.Value = "narrowed"
		return suspects[op.Key]
	}
}

// TestFailFastNarrows: a stream that can say what is to be judged of its suspects is asked, and what is judged is that.
func TestFailFastNarrows(t *testing.T) {
	test := fakeTest(t)
	test.FailFast, test.TimeLimit, test.Nemesis = true, 20*time.Second, nil
	narrow, whole := 0, 0
	test.Workload.Checker = narrowing{streaming{
		Checker: CheckerFunc("narrow", func(_ context.Context, h history.History) (Verdict, error) {
			if len(h.Keys()) == 1 && h.Pairs[0].Input == "narrowed" {
				narrow++
			} else {
				whole++
			}
			return alwaysValid(h), nil
		}),
		when: 10 * time.Second, sure: true, asked: &atomic.Int64{}, last: new(string),
	}}
	if res, err := inBubble(t, test); err != nil || res.Verdict != Valid {
		t.Errorf("%s (%s), error %v", res.Verdict, res.Reason, err)
	}
	if narrow < 8 || whole != 1 {
		t.Errorf("asked %d times for what was narrowed, and %d times for the whole", narrow, whole)
	}
}

func TestFailFastLooksAgainAtKeysThatWereUsed(t *testing.T) {
	var h history.History
	for i, key := range []string{"a", "b", "a", "c"} {
		call(&h, "read", "n1", time.Duration(i)*time.Second, time.Duration(i+1)*time.Second, history.OK).Key = key
	}
	h.Pairs[1].End = 7 // b returned last
	h.Pairs[3].End = -1
	keys := func(from int) string { return strings.Join(only(h, usedSince(h, from)).Keys(), "") }
	for from, want := range map[int]string{0: "abc", 4: "abc", 6: "bc", 7: "b", 8: ""} {
		if got := keys(from); got != want {
			t.Errorf("since line %d: %q, expected %q", from, got, want)
		}
	}
}
