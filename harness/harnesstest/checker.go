package harnesstest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// CheckerCases are histories whose verdicts are known. Each list needs at least one: a checker that was never seen to
// say no is not worth asking.
type CheckerCases struct {
	Valid   []history.History
	Invalid []history.History
	Vacuous []history.History // that prove nothing: nobody looked
}

// The contract of a checker.
const (
	checkerTwoSided rule = "a checker finds the valid valid and the invalid invalid"
	checkerVacuous  rule = "a history in which nothing was observed is unknown, with the reason in a sentence"
	checkerNoError  rule = "an error means that the checker could not do its work, never that the system misbehaved " +
		"or that time was up"
	checkerLevel   rule = "a valid verdict says which level was decided and on how many operations"
	checkerWitness rule = "an anomaly has a name, an explanation and the operations of the history that prove it; " +
		"Impossible is one of them or -1"
	checkerProof   rule = "the operations of an anomaly prove it by themselves"
	checkerPure    rule = "a checker never changes the history"
	checkerShared  rule = "a checker may be used by several goroutines and gives the same verdict in each"
	checkerContext rule = "when its context ends first, a checker returns soon with unknown for what it had not decided"
	checkerName    rule = "a checker has a name"
)

// checkPatience is how long a check may take once its context has ended.
const checkPatience = 10 * time.Second

// TestChecker holds a checker against its contract.
func TestChecker(t testing.TB, checker harness.Checker, cases CheckerCases) {
	t.Helper()
	if len(cases.Valid) == 0 || len(cases.Invalid) == 0 || len(cases.Vacuous) == 0 {
		t.Fatalf("the kit needs at least one history of each: there are %d valid, %d invalid, %d vacuous",
			len(cases.Valid), len(cases.Invalid), len(cases.Vacuous))
	}
	if checker.Name() == "" {
		checkerName.broken(t, "the checker's name is empty")
	}
	vacuous := append([]history.History{{}}, cases.Vacuous...)
	for want, histories := range [...][]history.History{
		harness.Unknown: vacuous, harness.Valid: cases.Valid, harness.Invalid: cases.Invalid,
	} {
		for i, h := range histories {
			k := checkerKit{t, checker, harness.Validity(want), h, fmt.Sprintf("%s history %d", harness.Validity(want), i)}
			k.test()
		}
	}
}

// checkerKit is the test of a checker on one history.
type checkerKit struct {
	t       testing.TB
	checker harness.Checker
	want    harness.Validity
	history history.History
	name    string
}

func (k checkerKit) test() {
	k.t.Helper()
	before := cloneHistory(k.history)
	verdict, err := k.checker.Check(k.t.Context(), k.history)
	if !reflect.DeepEqual(before, k.history) {
		checkerPure.broken(k.t, "%s: the history is not what it was", k.name)
		return
	}
	if err != nil {
		checkerNoError.broken(k.t, "%s: error %v", k.name, err)
		return
	}
	k.judge(verdict)
	k.concurrently()
	k.outOfTime()
}

// judge holds a verdict against what is known of the history.
func (k checkerKit) judge(v harness.Verdict) {
	k.t.Helper()
	if v.Validity != k.want {
		r := checkerTwoSided
		if k.want == harness.Unknown {
			r = checkerVacuous
		}
		r.broken(k.t, "%s: the verdict is %s (%s)", k.name, v.Validity, v.Reason)
		return
	}
	switch {
	case k.want == harness.Unknown && strings.TrimSpace(v.Reason) == "":
		checkerVacuous.broken(k.t, "%s: the verdict gives no reason", k.name)
	case k.want == harness.Valid && (v.Level == "" || v.Ops == 0):
		checkerLevel.broken(k.t, "%s: level %q, %d operations", k.name, v.Level, v.Ops)
	case k.want == harness.Valid && len(v.Anomalies) > 0:
		checkerTwoSided.broken(k.t, "%s: the verdict is valid and has the anomaly %q", k.name, v.Anomalies[0].Name)
	case k.want == harness.Invalid && len(v.Anomalies) == 0:
		checkerWitness.broken(k.t, "%s: the verdict is invalid and has no anomaly", k.name)
	}
	for _, a := range v.Anomalies {
		k.witness(a)
	}
}

// witness holds an anomaly against the history. A witness may show less of a value than the history, where only some
// of its elements matter.
func (k checkerKit) witness(a harness.Anomaly) {
	k.t.Helper()
	if a.Name == "" || a.Explanation == "" || len(a.Witness) == 0 {
		checkerWitness.broken(k.t, "%s: anomaly %q, explanation %q, %d operations",
			k.name, a.Name, a.Explanation, len(a.Witness))
		return
	}
	for _, w := range a.Witness {
		i := slices.IndexFunc(k.history.Pairs, func(p history.Pair) bool { return p.Index == w.Index })
		if i < 0 || !sameOperation(k.history.Pairs[i], w) {
			checkerWitness.broken(k.t, "%s: anomaly %q shows the operation %d (%s %s), which is not in the history",
				k.name, a.Name, w.Index, w.F, w.Key)
			return
		}
	}
	if a.Impossible != -1 &&
		!slices.ContainsFunc(a.Witness, func(p history.Pair) bool { return p.Index == a.Impossible }) {
		checkerWitness.broken(k.t, "%s: anomaly %q: operation %d is impossible, and not shown", k.name, a.Name, a.Impossible)
	}
	alone := history.History{Pairs: slices.Clone(a.Witness), Lines: 2 * len(a.Witness)}
	v, err := k.checker.Check(k.t.Context(), alone)
	if err != nil || v.Validity == harness.Valid {
		checkerProof.broken(k.t, "%s: the operations of anomaly %q by themselves are %s (error: %v)",
			k.name, a.Name, v.Validity, err)
	}
}

func sameOperation(a, b history.Pair) bool {
	return a.Process == b.Process && a.F == b.F && a.Key == b.Key && a.Outcome == b.Outcome && a.Call == b.Call
}

// concurrently has several goroutines check the same history. The race detector sees more of this than the kit does.
func (k checkerKit) concurrently() {
	k.t.Helper()
	var group sync.WaitGroup
	verdicts := make([]harness.Validity, 4)
	for i := range verdicts {
		group.Go(func() {
			v, err := k.checker.Check(k.t.Context(), k.history)
			if verdicts[i] = v.Validity; err != nil {
				verdicts[i] = harness.Unknown
			}
		})
	}
	group.Wait()
	for _, v := range verdicts {
		if v != k.want {
			checkerShared.broken(k.t, "%s: beside others the verdict is %s", k.name, v)
			return
		}
	}
}

// outOfTime checks with a context that has ended.
func (k checkerKit) outOfTime() {
	k.t.Helper()
	ctx, cancel := context.WithCancel(k.t.Context())
	cancel()
	done := make(chan struct{})
	var verdict harness.Verdict
	var err error
	go func() {
		defer close(done)
		verdict, err = k.checker.Check(ctx, k.history)
	}()
	timer := time.NewTimer(checkPatience)
	defer timer.Stop()
	select {
	case <-timer.C:
		checkerContext.fatal(k.t, "%s: still checking %s after the context ended", k.name, checkPatience)
	case <-done:
	}
	switch {
	case err != nil:
		checkerNoError.broken(k.t, "%s: with a context that has ended: error %v", k.name, err)
	case verdict.Validity != harness.Unknown && verdict.Validity != k.want:
		checkerContext.broken(k.t, "%s: with a context that has ended the verdict is %s", k.name, verdict.Validity)
	}
}

// cloneHistory copies a history down to the elements of its values.
func cloneHistory(h history.History) history.History {
	h.Pairs, h.Strikes, h.Notes = slices.Clone(h.Pairs), slices.Clone(h.Strikes), slices.Clone(h.Notes)
	for i := range h.Pairs {
		h.Pairs[i].Input, h.Pairs[i].Output = cloneValue(h.Pairs[i].Input), cloneValue(h.Pairs[i].Output)
	}
	return h
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case []int64:
		return slices.Clone(v)
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = cloneValue(out[i])
		}
		return out
	}
	return v
}
