package checkers

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// PorcupineModel is a model of yours for porcupine, with what turns a recorded operation into one of the model's.
type PorcupineModel struct {
	Name  string
	Model porcupine.Model
	// Operation returns the input and the output of an operation, or false where it can be left out: a read without an
	// answer, an operation that certainly did not happen. What never returned has [history.Info] as its outcome: then it
	// gets a return after everything else, and the model has to fit whatever its output may be.
	Operation func(p history.Pair) (input, output any, takesPart bool)
}

// Porcupine returns a checker that decides every key with porcupine and a model of yours. Each key is a history of its own,
// so the model needs no Partition. Of a key that does not fit the witness is the shortest beginning that does not; nothing
// more can be left out of a history of a model that is not known.
//
// Cost: porcupine's, which is exponential in the operations open at once; keys that are not settled within the budget's
// time are named.
func Porcupine(m PorcupineModel, budget harness.Budget) harness.Checker {
	return harness.CheckerFunc(m.Name, func(ctx context.Context, h history.History) (harness.Verdict, error) {
		limit := budget.Time
		if asked := harness.BudgetOf(ctx).Time; asked > 0 {
			limit = asked
		}
		if limit <= 0 {
			limit = defaultTime
		}
		end := time.Now().Add(limit)
		if deadline, has := ctx.Deadline(); has && deadline.Before(end) {
			end = deadline
		}
		return m.judge(ctx, h, end), nil
	})
}

func (m PorcupineModel) judge(ctx context.Context, h history.History, end time.Time) harness.Verdict {
	v := harness.Verdict{Level: harness.Linearizable, Stats: map[string]any{"model": m.Name, "engine": "porcupine"}}
	byKey := h.ByKey()
	for _, key := range h.Keys() {
		pairs := byKey[key]
		ops := len(m.operations(pairs))
		v.Keys++
		v.Ops += ops
		if ops == 0 {
			continue
		}
		switch m.ask(ctx, pairs, end) {
		case porcupine.Unknown:
			v.Undecided = append(v.Undecided, key)
		case porcupine.Illegal:
			v.Anomalies = append(v.Anomalies, m.anomaly(ctx, key, pairs, end))
		}
	}
	v.Anomalies = onlyShortest(v.Anomalies)
	switch {
	case len(v.Anomalies) > 0:
		v.Validity = harness.Invalid
		v.Reason = fmt.Sprintf("%d of %s %s not linearizable", v.Anomalies[0].Count, words.Count(v.Keys, "key"),
			isAre(v.Anomalies[0].Count))
	case v.Ops == 0:
		v.Reason = "no operation took part: there is nothing to judge"
	case len(v.Undecided) > 0:
		v.Reason = fmt.Sprintf("%d of %s undecided (time): %s", len(v.Undecided), words.Count(v.Keys, "key"),
			quoted(v.Undecided, 5))
	default:
		v.Validity = harness.Valid
		v.Reason = fmt.Sprintf("%s of %s fit %s", words.Count(v.Ops, "operation"), words.Count(v.Keys, "key"), m.Name)
	}
	return v
}

// onlyShortest keeps the anomaly with the fewest operations, and counts the others.
func onlyShortest(all []harness.Anomaly) []harness.Anomaly {
	if len(all) == 0 {
		return nil
	}
	shortest := slices.MinFunc(all, func(a, b harness.Anomaly) int { return len(a.Witness) - len(b.Witness) })
	shortest.Count = len(all)
	return []harness.Anomaly{shortest}
}

func (m PorcupineModel) operations(pairs []history.Pair) []porcupine.Operation {
	var ops []porcupine.Operation
	for _, p := range pairs {
		input, output, takesPart := m.Operation(p)
		if !takesPart {
			continue
		}
		op := porcupine.Operation{ClientId: p.Process, Input: input, Call: int64(p.Index), Output: output, Return: math.MaxInt64}
		if p.Returned() {
			op.Return = int64(p.End)
		}
		ops = append(ops, op)
	}
	return ops
}

// ask asks porcupine about one key, which it does not settle when ctx or the time ends.
func (m PorcupineModel) ask(ctx context.Context, pairs []history.Pair, end time.Time) porcupine.CheckResult {
	left := time.Until(end)
	if ctx.Err() != nil || left <= 0 {
		return porcupine.Unknown
	}
	return porcupine.CheckOperationsTimeout(m.Model, m.operations(pairs), left)
}

// anomaly tells of a key that does not fit, by its shortest beginning that does not.
func (m PorcupineModel) anomaly(ctx context.Context, key string, pairs []history.Pair, end time.Time) harness.Anomaly {
	var ends []int
	for _, p := range pairs {
		if p.Returned() {
			ends = append(ends, p.End)
		}
	}
	slices.Sort(ends)
	n := sort.Search(len(ends), func(n int) bool { return m.ask(ctx, beginning(pairs, ends[n]), end) == porcupine.Illegal })
	a := harness.Anomaly{Name: NonLinearizable, Key: key, Witness: pairs, Impossible: -1, Count: 1}
	if n < len(ends) {
		a.Witness = beginning(pairs, ends[n])
		at := slices.IndexFunc(a.Witness, func(p history.Pair) bool { return p.End == ends[n] })
		a.Impossible = a.Witness[at].Index
		a.Explanation = fmt.Sprintf("When %s (%s) had returned, no order of the %s until then fits %s.", deed(a.Witness[at]),
			words.Lasted(a.Witness[at]), words.Count(len(a.Witness), "operation"), m.Name)
	} else {
		a.Explanation = fmt.Sprintf("No order of these %s fits %s.", words.Count(len(pairs), "operation"), m.Name)
	}
	return a
}

// beginning is a history as it was at an event: what had not returned then is open.
func beginning(pairs []history.Pair, end int) []history.Pair {
	var out []history.Pair
	for _, p := range pairs {
		if p.Index > end {
			continue
		}
		if p.End > end {
			p.End, p.Outcome, p.Output = -1, history.Info, nil
		}
		out = append(out, p)
	}
	return out
}
