package harnesstest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/harness/history"
)

// monotone is an honest little checker: the numbers that "read" returns never go down.
func monotone(_ context.Context, h history.History) (harness.Verdict, error) {
	v := harness.Verdict{Level: "monotone", Reason: "nobody read"}
	var last *history.Pair
	for i := range h.Pairs {
		p := &h.Pairs[i]
		if p.F != "read" || p.Outcome != history.OK {
			continue
		}
		v.Ops++
		v.Validity, v.Reason = harness.Valid, ""
		if last != nil && p.Output.(int64) < last.Output.(int64) {
			v.Validity, v.Anomalies = harness.Invalid, []harness.Anomaly{{
				Name: "step back", Explanation: "a later read has less", Impossible: p.Index,
				Witness: []history.Pair{*last, *p},
			}}
			return v, nil
		}
		last = p
	}
	return v, nil
}

// readings makes a history in which one process reads these numbers.
func readings(t *testing.T, numbers ...int64) history.History {
	t.Helper()
	var b history.Builder
	for i, n := range numbers {
		at := time.Duration(i) * time.Second
		for _, op := range []history.Op{
			{Index: 2 * i, Time: at, Type: history.Invoke, F: "read"},
			{Index: 2*i + 1, Time: at + 1, Type: history.OK, F: "read", Value: n},
		} {
			if err := b.Add(op); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.History()
}

func TestCheckerKit(t *testing.T) {
	writeOnly := readings(t, 1, 2)
	for i := range writeOnly.Pairs {
		writeOnly.Pairs[i].F = "write"
	}
	cases := harnesstest.CheckerCases{
		Valid:   []history.History{readings(t, 1), readings(t, 1, 2, 2, 5)},
		Invalid: []history.History{readings(t, 1, 3, 2, 4)},
		Vacuous: []history.History{writeOnly},
	}
	// changed makes a checker whose verdicts are changed.
	changed := func(change func(*harness.Verdict)) func(context.Context, history.History) (harness.Verdict, error) {
		return func(ctx context.Context, h history.History) (harness.Verdict, error) {
			v, err := monotone(ctx, h)
			change(&v)
			return v, err
		}
	}
	anomalies := func(change func(*harness.Anomaly)) func(context.Context, history.History) (harness.Verdict, error) {
		return changed(func(v *harness.Verdict) {
			for i := range v.Anomalies {
				change(&v.Anomalies[i])
			}
		})
	}
	var calls atomic.Int64
	for _, c := range []struct {
		what  string
		check func(context.Context, history.History) (harness.Verdict, error)
		finds string
	}{
		{"honest", monotone, ""},
		{"always valid", changed(func(v *harness.Verdict) { v.Validity, v.Anomalies = harness.Valid, nil }), "the invalid invalid"},
		{"always unknown", changed(func(v *harness.Verdict) { v.Validity, v.Anomalies = harness.Unknown, nil }), "the valid valid"},
		{"always invalid", changed(func(v *harness.Verdict) { v.Validity = harness.Invalid }), "nothing was observed is unknown"},
		{"vacuous is valid", changed(func(v *harness.Verdict) {
			if v.Validity == harness.Unknown {
				v.Validity = harness.Valid
			}
		}), "nothing was observed is unknown"},
		{"no reason", changed(func(v *harness.Verdict) { v.Reason = "" }), "with the reason"},
		{"no level", changed(func(v *harness.Verdict) { v.Level = "" }), "which level was decided"},
		{"no count", changed(func(v *harness.Verdict) { v.Ops = 0 }), "how many operations"},
		{"no anomaly", changed(func(v *harness.Verdict) { v.Anomalies = nil }), "an anomaly has a name"},
		{"no witness", anomalies(func(a *harness.Anomaly) { a.Witness = nil }), "an anomaly has a name"},
		{"no explanation", anomalies(func(a *harness.Anomaly) { a.Explanation = "" }), "an anomaly has a name"},
		{"a witness from elsewhere", anomalies(func(a *harness.Anomaly) { a.Witness[0].Index = 99 }), "not in the history"},
		{"a forged witness", anomalies(func(a *harness.Anomaly) { a.Witness[0].Process = 99 }), "not in the history"},
		{"the impossible is not shown", anomalies(func(a *harness.Anomaly) { a.Impossible = 99 }), "Impossible is one of them"},
		{"half a proof", anomalies(func(a *harness.Anomaly) { a.Witness = a.Witness[1:] }), "prove it by themselves"},
		{"violations are errors", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			v, err := monotone(ctx, h)
			if v.Validity == harness.Invalid {
				err = errors.New("it goes down")
			}
			return v, err
		}, "never that the system misbehaved"},
		{"changes the history", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			v, err := monotone(ctx, h)
			if len(h.Pairs) > 0 {
				h.Pairs[0].Output = int64(0)
			}
			return v, err
		}, "never changes the history"},
		{"another verdict each time", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			if calls.Add(1)%2 == 0 {
				return harness.Verdict{Reason: "not now"}, nil
			}
			return monotone(ctx, h)
		}, "the same verdict"},
		{"time up is an error", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			v, err := monotone(ctx, h)
			return v, errors.Join(err, ctx.Err())
		}, "time was up"},
		{"time up is valid", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			if ctx.Err() != nil {
				return harness.Verdict{Validity: harness.Valid, Level: "monotone", Ops: 1}, nil
			}
			return monotone(ctx, h)
		}, "unknown for what it had not decided"},
		{"time up is unknown", func(ctx context.Context, h history.History) (harness.Verdict, error) {
			if ctx.Err() != nil {
				return harness.Verdict{Reason: "no time"}, nil
			}
			return monotone(ctx, h)
		}, ""},
	} {
		said := judged(t, func(tb testing.TB) {
			harnesstest.TestChecker(tb, harness.CheckerFunc("monotone", c.check), cases)
		})
		finds(t, c.what, said, c.finds)
	}
	said := judged(t, func(tb testing.TB) { harnesstest.TestChecker(tb, harness.CheckerFunc("", monotone), cases) })
	finds(t, "no name", said, "a checker has a name")
	cases.Invalid = nil
	said = judged(t, func(tb testing.TB) { harnesstest.TestChecker(tb, harness.CheckerFunc("monotone", monotone), cases) })
	finds(t, "no invalid history", said, "at least one history of each")
}
