package checkers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// TestSetAgainstEveryOrder compares the set checker with brute force, and looks at every witness: it must be illegal,
// and legal without any of its reads or elements.
func TestSetAgainstEveryOrder(t *testing.T) {
	const rounds = 1500
	for _, pending := range []int{0, 10, 30} {
		for _, values := range []int{0, 3} {
			for _, lies := range []int{0, 25} {
				d := dice{model: "set", processes: 3, pending: pending, fails: 10, values: values, lies: lies}
				t.Run(fmt.Sprintf("pending=%d/values=%d/lies=%d", pending, values, lies), func(t *testing.T) {
					t.Parallel()
					setAgainstEveryOrder(t, d, rounds)
				})
			}
		}
	}
}

func setAgainstEveryOrder(t *testing.T, d dice, rounds int) {
	rng := rand.New(rand.NewPCG(uint64(d.pending), uint64(d.values*100+d.lies)))
	seen := map[harness.Validity]int{}
	for range rounds {
		d.ops = 4 + rng.IntN(5)
		pairs := d.roll(rng)
		v := check(t, Set(), pairs)
		seen[v.Validity]++
		want := brute("set", pairs)
		if want && v.Validity == harness.Invalid || !want && v.Validity != harness.Invalid {
			t.Fatalf("brute force says legal = %v, the checker %s (%s)\n%s", want, v.Validity, v.Reason, show(pairs))
		}
		for _, a := range v.Anomalies {
			checkSetWitness(t, a)
		}
	}
	if d.lies == 0 && seen[harness.Invalid] > 0 || d.lies > 0 && seen[harness.Invalid] == 0 || seen[harness.Valid] == 0 {
		t.Fatalf("the dice are loaded: %v", seen)
	}
}

func checkSetWitness(t *testing.T, a harness.Anomaly) {
	t.Helper()
	if brute("set", a.Witness) {
		t.Fatalf("%s: the witness is legal\n%s", a.Name, show(a.Witness))
	}
	if !slices.ContainsFunc(a.Witness, func(p history.Pair) bool { return p.Index == a.Impossible }) {
		t.Fatalf("%s: the impossible operation %d is not in the witness", a.Name, a.Impossible)
	}
	for i, p := range a.Witness {
		if p.F == "read" && !brute("set", slices.Delete(slices.Clone(a.Witness), i, i+1)) {
			t.Fatalf("%s: illegal without a read\n%s", a.Name, show(a.Witness))
		}
	}
	keys, err := split(members{}, history.History{Pairs: a.Witness})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range valuesOf(keys[0].ops) {
		rest := list{}.without(keys[0].ops, map[value]bool{v: true})
		if !brute("set", keys[0].witness(rest)) {
			t.Fatalf("%s: illegal without element %v\n%s", a.Name, keys[0].words[v], show(a.Witness))
		}
	}
}
