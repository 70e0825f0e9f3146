package checkers

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// TestFailedSwapsAgainstPorcupine: with histories of more operations than brute force can take, the verdict is
// porcupine's; and of every history what is left when compare-and-sets that failed say nothing any more, or fail at
// another time, or are not there, is as it must be.
func TestFailedSwapsAgainstPorcupine(t *testing.T) {
	c := Linearizable(CASRegister(), harness.Budget{})
	porcupine, err := WithEngine(t.Context(), "porcupine")
	if err != nil {
		t.Fatal(err)
	}
	rng, seen, spurious := rand.New(rand.NewPCG(11, 12)), map[harness.Validity]int{}, 0
	for range 400 {
		pairs := dice{
			model: "cas-register", ops: 15 + rng.IntN(25), processes: 2 + rng.IntN(5), fails: 5,
			pending: rng.IntN(3) * 10, values: rng.IntN(2) * 4, lies: rng.IntN(2) * 3, spurious: rng.IntN(2) * 40,
		}.roll(rng)
		v := check(t, c, pairs)
		seen[v.Validity]++
		if by := checkWith(t, porcupine, c, pairs); by.Validity != v.Validity {
			t.Fatalf("%s (%s), porcupine says %s\n%s", v.Validity, v.Reason, by.Validity, show(pairs))
		}
		only := len(v.Anomalies) == 1 && v.Anomalies[0].Name == SpuriousFailure
		if only {
			spurious++
		}
		for what, change := range map[string]func(p *history.Pair){
			"said nothing": func(p *history.Pair) { p.Unmet = false },
			"took longer":  func(p *history.Pair) { p.End = slices.MaxFunc(pairs, laterEnd).End + 1 + p.Index },
		} {
			changed := slices.Clone(pairs)
			for i := range changed {
				if changed[i].Unmet {
					change(&changed[i])
				}
			}
			if now := check(t, c, changed); v.Validity == harness.Valid && now.Validity == harness.Invalid {
				t.Fatalf("valid, but not when those that failed %s: %s\n%s", what, now.Reason, show(pairs))
			}
		}
		some := func(p history.Pair) bool { return p.Unmet && rng.IntN(2) == 0 }
		fewer := slices.DeleteFunc(slices.Clone(pairs), some)
		if now := check(t, c, fewer); v.Validity == harness.Valid && now.Validity == harness.Invalid {
			t.Fatalf("valid, but not with fewer that failed: %s\n%s", now.Reason, show(pairs))
		}
	}
	if seen[harness.Valid] < 50 || seen[harness.Invalid] < 50 || spurious < 20 {
		t.Fatalf("the dice are loaded: %v, %d spurious failures", seen, spurious)
	}
}

func laterEnd(a, b history.Pair) int { return a.End - b.End }

// TestFailsThatSayNothing: only an answer is evidence.
func TestFailsThatSayNothing(t *testing.T) {
	h := parseHistory(t, "0 invoke write 1\n0 ok write\n1 invoke cas [1 2]\n1 fail cas unmet\n"+
		"0 invoke read\n0 ok read 1")
	c := Linearizable(CASRegister(), harness.Budget{})
	if v := check(t, c, h.Pairs); v.Validity != harness.Invalid || v.Kept == nil || v.Strongest != harness.Sequential ||
		!strings.HasPrefix(v.Kept.Sentence, "not linearizable: answers were up to 10 ms stale") {
		t.Errorf("%s: %s; strongest %q, kept %+v", v.Validity, v.Reason, v.Strongest, v.Kept)
	}
	h.Pairs[1].Unmet = false
	if v := check(t, c, h.Pairs); v.Validity != harness.Valid || v.Ops != 2 {
		t.Errorf("an ordinary fail: %s: %s", v.Validity, v.Reason)
	}
	h = parseHistory(t, "0 invoke write 1\n0 ok write\n1 invoke cas [2 3]\n1 fail cas unmet")
	if v := check(t, c, h.Pairs); v.Validity != harness.Unknown {
		t.Errorf("nothing was read: %s: %s", v.Validity, v.Reason)
	}
}

// BenchmarkFailedSwaps judges a key of a run in which every fourth operation is a compare-and-set that failed.
func BenchmarkFailedSwaps(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	pairs := dice{model: "cas-register", ops: 20_000, processes: 8, pending: 1}.roll(rng)
	c := Linearizable(CASRegister(), harness.Budget{})
	for b.Loop() {
		if v := check(b, c, pairs); v.Validity != harness.Valid {
			b.Fatal(v.Reason)
		}
	}
}
