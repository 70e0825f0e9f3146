package checkers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The budget of a check where none is given.
const (
	defaultTime   = 2 * time.Minute
	defaultMemory = 2 << 30
)

// Linearizable returns the checker of linearizability (Herlihy & Wing 1990): every key, taken alone, behaved as if its
// operations had happened one after the other, each at some moment between its call and its return. It is enough to
// look at keys alone, for the property is local.
//
// An operation that never returned may have happened at any time after its call, or never. A definitely failed one did
// not happen and says nothing, except for compare-and-sets that the system answered ([history.Pair].Unmet): at some
// moment between their call and their return the value was not the one that they expected.
//
// Cost: a register whose values were each stored once, and a list whose elements were each appended once, are decided
// in O(n), whatever was open at once (see package linear). What is left is searched (see [linear.Search]), which
// takes time exponential in the number of operations open at once. The budget bounds it, and another key's violation ends
// it (see [WithEveryKey]): keys without an answer are named in the verdict. Within the budget the same history always
// gets the same verdict. Of what is not linearizable package levels is asked, in the time that is left, what it kept all
// the same: [harness.Kept]. Of lists, and of registers whose values were each stored once and that have no failed
// compare-and-sets, it knows everything.
//
// What whoever asks for the check sets with [harness.WithBudget] goes before budget.
func Linearizable(m Model, budget harness.Budget) harness.Checker {
	if budget.Time <= 0 {
		budget.Time = defaultTime
	}
	if budget.Memory <= 0 {
		budget.Memory = defaultMemory
	}
	return linearizable{model: m, budget: budget}
}

type linearizable struct {
	model  Model
	budget harness.Budget
}

func (linearizable) Name() string { return "linearizable" }

func (c linearizable) Check(ctx context.Context, h history.History) (harness.Verdict, error) {
	asked := harness.BudgetOf(ctx)
	c.budget.Time, c.budget.Memory = cmp.Or(asked.Time, c.budget.Time), cmp.Or(asked.Memory, c.budget.Memory)
	load, err := group(c.model.object, h)
	if err != nil {
		return harness.Verdict{}, err
	}
	verdict := harness.Verdict{Level: harness.Linearizable, Keys: len(load.keys), Ops: load.ops}
	why := unlooked(load)
	if why != "" && !load.failed {
		verdict.Reason = why
		return verdict, nil
	}
	j := newJudges(ctx, c, load)
	rulings := j.judge(ctx)
	verdict.Anomalies = anomalies(load.keys, rulings)
	verdict.Stats = j.stats(rulings)
	conclude(&verdict, c, load.keys, rulings, time.Since(j.started))
	if verdict.Validity == harness.Invalid && levelsOf(ctx, c.model.object) != nil {
		verdict.Kept, verdict.Strongest = sumUp(load.keys, rulings)
	}
	if why == "" && !load.wrote {
		why = "nothing was written that a read could have missed"
	}
	if verdict.Validity == harness.Valid && why != "" {
		verdict.Validity, verdict.Strongest, verdict.Reason = harness.Unknown, "", why
	}
	return verdict, nil
}

// unlooked says why nothing can be found in the history, or "". Where something was looked at but nothing written, a
// read can still have seen what nobody wrote.
func unlooked(load *caseload) string {
	switch {
	case len(load.keys) == 0:
		return "the history is empty: there is nothing to judge"
	case !load.looked:
		return "no read succeeded: nothing that was written was ever looked at"
	}
	return ""
}

// finding is one violation of one key, named and shrunk.
type finding struct {
	name, story string
	witness     []history.Pair
	impossible  int // Index of the operation of the witness at whose return no order was left, -1 where none is known
}

// anomalies returns one anomaly for each name, the clearest first: the one with the fewest operations.
func anomalies(keys []string, rulings []ruling) []harness.Anomaly {
	type group struct {
		best  finding
		key   int
		count int
	}
	groups := map[string]*group{}
	for i, r := range rulings {
		for _, f := range r.findings {
			g := groups[f.name]
			if g == nil {
				g = &group{best: f, key: i}
				groups[f.name] = g
			}
			g.count++
			if len(f.witness) < len(g.best.witness) {
				g.best, g.key = f, i
			}
		}
	}
	var out []harness.Anomaly
	for name, g := range groups {
		a := harness.Anomaly{
			Name: name, Key: keys[g.key], Explanation: words.Upper(g.best.story), Witness: g.best.witness,
			Impossible: g.best.impossible, Count: g.count, Kept: rulings[g.key].kept.sentence(),
		}
		out = append(out, a)
	}
	slices.SortFunc(out, clearestFirst)
	return out
}

func clearestFirst(a, b harness.Anomaly) int {
	if d := len(a.Witness) - len(b.Witness); d != 0 {
		return d
	}
	return clarity(a.Name) - clarity(b.Name)
}

// conclude fills in the verdict and the sentence that gives its reason.
func conclude(v *harness.Verdict, c linearizable, keys []string, rulings []ruling, took time.Duration) {
	bad, causes := 0, map[string]bool{}
	var stuck []string
	for i, r := range rulings {
		switch r.answer {
		case linear.Illegal:
			bad++
		case linear.Undecided:
			v.Undecided = append(v.Undecided, keys[i])
			stuck = append(stuck, strings.TrimSpace(keys[i]+r.progress()))
			causes[r.cause.Error()] = true
		}
	}
	open := ""
	if n := len(v.Undecided); n > 0 {
		open = fmt.Sprintf("%d of %s undecided after %s (%s)", n, words.Count(len(keys), "key"), brief(took), listed(causes))
		if named := quoted(stuck, 5); named != "" {
			open += ": " + named
		}
	}
	noun := c.model.object.noun()
	switch {
	case bad > 0:
		v.Validity = harness.Invalid
		v.Reason = fmt.Sprintf("%d of %s %s not linearizable: %s",
			bad, words.Count(len(keys), "key"), isAre(bad), tally(v.Anomalies))
		if open != "" {
			v.Reason += "; " + open
		}
	case open != "":
		v.Reason = open
	default:
		v.Validity, v.Strongest = harness.Valid, harness.Linearizable
		v.Reason = fmt.Sprintf("%s of %s fit a linearizable %s", words.Count(v.Ops, "operation"), words.Count(len(keys), "key"), noun)
	}
}

// progress says how far the search for an order came, where that is known.
func (r *ruling) progress() string {
	if r.far == 0 {
		return ""
	}
	return fmt.Sprintf(" (an order was found of %d of %s at most)", r.far, words.Count(r.of, "operation"))
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// brief is a time a person reads.
func brief(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func listed(set map[string]bool) string {
	var all []string
	for s := range set {
		all = append(all, s)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// quoted names some keys, the first few of many. A history with a single nameless key has no names to give.
func quoted(names []string, enough int) string {
	if len(names) == 1 && names[0] == "" {
		return ""
	}
	out := names[:min(len(names), enough)]
	text := strings.Join(out, ", ")
	if len(names) > enough {
		text += fmt.Sprintf(" and %d more", len(names)-enough)
	}
	return text
}

// tally counts anomalies by name.
func tally(all []harness.Anomaly) string {
	var parts []string
	for _, a := range all {
		parts = append(parts, fmt.Sprintf("%s (%s)", a.Name, words.Count(max(a.Count, 1), "key")))
	}
	return strings.Join(parts, ", ")
}
