package checkers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

func modelNamed(t testing.TB, name string) Model {
	for _, m := range models() {
		if m.Name() == name {
			return m
		}
	}
	t.Fatalf("no model %q", name)
	return Model{}
}

func check(t testing.TB, c harness.Checker, pairs []history.Pair) harness.Verdict {
	t.Helper()
	return checkWith(t, context.Background(), c, pairs)
}

func checkWith(t testing.TB, ctx context.Context, c harness.Checker, pairs []history.Pair) harness.Verdict {
	t.Helper()
	v, err := c.Check(ctx, history.History{Pairs: pairs})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return v
}

func show(pairs []history.Pair) string {
	out := ""
	for _, p := range pairs {
		out += fmt.Sprintf("  [%d %d] p%d %s %v -> %v %s\n", p.Index, p.End, p.Process, p.F, p.Input, p.Output, p.Outcome)
	}
	return out
}

// TestLinearizableAgainstEveryOrder compares verdicts with brute force on thousands of small histories, legal and not,
// and looks at every witness: brute force must find it illegal too, and nothing may be left out of it.
func TestLinearizableAgainstEveryOrder(t *testing.T) {
	const rounds = 500
	for _, m := range models() {
		model := m.Name()
		for _, pending := range []int{0, 10, 30} {
			for _, values := range []int{0, 2} {
				for _, lies := range []int{0, 25} {
					d := dice{model: model, ops: 7, processes: 3, pending: pending, fails: 10, values: values, lies: lies}
					t.Run(fmt.Sprintf("%s/pending=%d/values=%d/lies=%d", model, pending, values, lies), func(t *testing.T) {
						t.Parallel()
						againstEveryOrder(t, d, rounds)
					})
				}
			}
		}
	}
}

func againstEveryOrder(t *testing.T, d dice, rounds int) {
	rng := rand.New(rand.NewPCG(uint64(d.pending), uint64(d.values*100+d.lies)))
	c := Linearizable(modelNamed(t, d.model), harness.Budget{})
	seen := map[harness.Validity]int{}
	for range rounds {
		d.ops = 4 + rng.IntN(5)
		pairs := d.roll(rng)
		v := check(t, c, pairs)
		seen[v.Validity]++
		if want := brute(d.model, pairs); v.Validity != harness.Unknown && want != (v.Validity == harness.Valid) {
			t.Fatalf("brute force says legal = %v, the checker %s (%s)\n%s", want, v.Validity, v.Reason, show(pairs))
		}
		for _, a := range v.Anomalies {
			checkWitness(t, d.model, c.(linearizable), pairs, a)
		}
	}
	if d.lies == 0 && seen[harness.Invalid] > 0 || d.lies > 0 && (seen[harness.Invalid] == 0 || seen[harness.Valid] == 0) {
		t.Fatalf("the dice are loaded: %v", seen)
	}
}

// checkWitness demands of an anomaly that it proves itself.
func checkWitness(t *testing.T, model string, c linearizable, all []history.Pair, a harness.Anomaly) {
	t.Helper()
	if brute(model, a.Witness) {
		t.Fatalf("%s: the witness is legal\n%s%s", a.Name, show(a.Witness), show(all))
	}
	if !slices.ContainsFunc(a.Witness, func(p history.Pair) bool { return p.Index == a.Impossible }) {
		t.Fatalf("%s: the impossible operation %d is not in the witness\n%s", a.Name, a.Impossible, show(a.Witness))
	}
	o := c.model.object
	keys, err := split(o, history.History{Pairs: a.Witness})
	if err != nil {
		t.Fatal(err)
	}
	ops := keys[0].ops
	stillIllegal := func(rest []op, what string) {
		if !brute(model, keys[0].witness(rest)) {
			t.Fatalf("%s: illegal without %s\n%s", a.Name, what, show(a.Witness))
		}
	}
	for i := range ops {
		if ops[i].observes() {
			stillIllegal(slices.Delete(slices.Clone(ops), i, i+1), "a read")
		}
	}
	for _, v := range valuesOf(ops) {
		if rest := o.without(ops, map[value]bool{v: true}); o.whole() || len(rest) < len(ops) {
			stillIllegal(rest, "a value")
		}
	}
	for _, i := range o.idle(ops) {
		stillIllegal(slices.Delete(slices.Clone(ops), i, i+1), "an unseen write")
	}
}
