package txn

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

var long = flag.Int("long", 0, "histories of each sort that TestLong compares with every order")

func judge(t testing.TB, c harness.Checker, h history.History) harness.Verdict {
	t.Helper()
	v, err := c.Check(t.Context(), h)
	if err != nil {
		t.Fatalf("%v\n%s", err, show(h))
	}
	return v
}

// sorts are what small histories look like.
func sorts() []dice {
	var all []dice
	for _, lists := range []bool{true, false} {
		for _, pending := range []int{0, 10, 30} {
			for _, wrong := range []dice{{}, {lies: 15}, {skew: 60}, {lies: 5, skew: 30}} {
				d := dice{lists: lists, txns: 6, processes: 3, keys: 2, pending: pending, fails: 10, final: true}
				d.lies, d.skew = wrong.lies, wrong.skew
				all = append(all, d)
			}
		}
	}
	return all
}

// standAlone judges the operations that prove each anomaly without the others.
func standAlone(t *testing.T, c harness.Checker, v harness.Verdict, h history.History) {
	t.Helper()
	for _, a := range v.Anomalies {
		alone := history.History{Pairs: a.Witness}
		if again := judge(t, c, alone); again.Validity != harness.Invalid {
			t.Fatalf("the witness of %s alone is %s: %s\n%s\n%s%s", a.Name, again.Validity, again.Reason, a.Explanation,
				show(alone), show(h))
		}
	}
}

// compare judges small histories and tries every order of them. Over lists that were read at the end nothing goes unseen,
// over registers something may; and whatever is found is really there.
func compare(t *testing.T, each int) {
	t.Helper()
	var found, missed, fine int
	for n, d := range sorts() {
		rng := rand.New(rand.NewPCG(21, uint64(n)))
		c := RWRegister()
		if d.lists {
			c = ListAppend()
		}
		for range each {
			h := d.roll(rng)
			v, legal := judge(t, c, h), brute(h)
			switch {
			case v.Validity == harness.Invalid && legal:
				t.Fatalf("%+v: %s, but there is an order\n%s%+v", d, v.Reason, show(h), v.Anomalies)
			case v.Validity == harness.Invalid:
				found++
				standAlone(t, c, v, h)
			case legal:
				fine++
			case d.lists:
				t.Fatalf("%+v: %s, but there is no order\n%s", d, v.Reason, show(h))
			default:
				missed++
			}
		}
	}
	t.Logf("%d fine, %d wrong, %d wrong over registers and not found", fine, found, missed)
	if fine < each || found < each || missed > found/4 {
		t.Fatalf("%d fine, %d wrong, %d missed: too few of a kind, or too many missed", fine, found, missed)
	}
}

func TestAgainstEveryOrder(t *testing.T) {
	t.Parallel()
	compare(t, 300)
}

// TestLong is the same for the night: -long 50000 makes 1.2 million histories.
func TestLong(t *testing.T) {
	if *long == 0 {
		t.Skip("only with -long N")
	}
	compare(t, *long)
}
