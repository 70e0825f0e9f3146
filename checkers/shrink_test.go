package checkers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// TestShrinksWhatIsLate: of a register whose values are written again and again only what is around the mistake is
// shown, wherever that is.
func TestShrinksWhatIsLate(t *testing.T) {
	for _, model := range []string{"register", "cas-register"} {
		for _, late := range []int{100, 3000, 5900} {
			pairs := behind(model, 10, 6000, false, late)
			c := Linearizable(modelNamed(t, model), harness.Budget{})
			v := checkWith(t, harness.WithVerdictOnly(t.Context()), c, pairs)
			if v.Validity != harness.Invalid || len(v.Anomalies) == 0 {
				t.Fatalf("%s, late at %d: %s", model, late, v.Reason)
			}
			a := v.Anomalies[0]
			if n := len(a.Witness); n < 2 || n > 12 {
				t.Errorf("%s, late at %d: a witness of %d operations: %s", model, late, n, a.Name)
			}
			if a.Name == PhantomRead || a.Name == FutureRead {
				t.Errorf("%s, late at %d: a read of what had been written long before is a %s", model, late, a.Name)
			}
			sure := check(t, c, a.Witness)
			if sure.Validity != harness.Invalid {
				t.Errorf("%s, late at %d: the witness alone: %s", model, late, sure.Reason)
			}
		}
	}
}

// TestShrinkingEndsWithItsTime: a shrinker that may not go on tries nothing more.
func TestShrinkingEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tried := 0
	s := &shrinker{engine: searching{}, object: register{}, left: shrinkSteps}
	candidates := slices.Repeat([]int{0}, 1<<12)
	s.fewest(ctx, candidates, func([]int) []op { tried++; return nil })
	if tried > 0 || !s.ended {
		t.Errorf("%d trials after the end, ended: %t", tried, s.ended)
	}
}

// TestRemovalsKeepLegalHistoriesLegal: whatever the shrinker may leave out of a legal history, the rest is legal.
func TestRemovalsKeepLegalHistoriesLegal(t *testing.T) {
	for _, m := range models() {
		model := m.Name()
		o := modelNamed(t, model).object
		rng := rand.New(rand.NewPCG(7, 7))
		for i := range 1500 {
			d := dice{model: model, ops: 8, processes: 3, pending: 20, fails: 5, values: i % 2 * 3, lies: 5}
			pairs := d.roll(rng)
			if !brute(model, pairs) {
				continue
			}
			keys, err := split(o, history.History{Pairs: pairs})
			if err != nil {
				t.Fatal(err)
			}
			ops := keys[0].ops
			stays := func(rest []op, what string) {
				if a, _ := decide(context.Background(), porcupineEngine{}, o, rest, &meter{}); a != linear.Legal {
					t.Fatalf("%s: without %s it is not legal\n%s", model, what, show(pairs))
				}
			}
			for _, v := range valuesOf(ops) {
				stays(o.without(ops, map[value]bool{v: true}), fmt.Sprintf("value %v", keys[0].words[v]))
			}
			for _, i := range append(o.idle(ops, false), positions(ops, func(o op) bool { return o.observes() })...) {
				stays(slices.Delete(slices.Clone(ops), i, i+1), fmt.Sprintf("operation %d", ops[i].call))
			}
			some := slices.DeleteFunc(o.idle(ops, false), func(int) bool { return rng.IntN(2) == 0 })
			stays(except(ops, some), fmt.Sprintf("some that are idle, %v,", some))
			stays(except(ops, o.idle(ops, true)), "all that are idle")
			for _, end := range returnsOf(ops) {
				stays(until(ops, end), fmt.Sprintf("what came after %d", end))
			}
		}
	}
}

// TestShrinksALongHistory: one lie among hundreds of operations comes down to a few.
func TestShrinksALongHistory(t *testing.T) {
	for _, d := range []dice{
		{model: "register", ops: 300, processes: 6, pending: 3},
		{model: "cas-register", ops: 300, processes: 6, pending: 3},
		{model: "append", ops: 300, processes: 6, pending: 3},
		{model: "register", ops: 120, processes: 3, values: 5},
	} {
		rng := rand.New(rand.NewPCG(9, 9))
		found := 0
		for range 10 {
			pairs := d.roll(rng)
			answered := func(p history.Pair) bool { return p.F == "read" && p.Outcome == history.OK }
			at := slices.IndexFunc(pairs[60:], answered) + 60
			old := slices.IndexFunc(pairs[10:], answered) + 10
			pairs[at].Output = pairs[old].Output
			v := check(t, Linearizable(modelNamed(t, d.model), harness.Budget{}), pairs)
			if v.Validity == harness.Unknown {
				t.Fatalf("%v: %s", d, v.Reason)
			}
			for _, a := range v.Anomalies {
				found++
				if d.values == 0 && len(a.Witness) > 8 || len(a.Witness) <= 12 && brute(d.model, a.Witness) {
					t.Fatalf("%v: %s with %d operations\n%s", d, a.Name, len(a.Witness), show(a.Witness))
				}
			}
		}
		if found == 0 {
			t.Fatalf("%v: nothing found", d)
		}
	}
}

func pairsOf(k *keyHistory) []history.Pair {
	var pairs []history.Pair
	for _, p := range k.pairs {
		pairs = append(pairs, *p)
	}
	return pairs
}
