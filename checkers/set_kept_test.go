package checkers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// setOf makes a history of sets: what was done one after the other, 10 ms apart. "1 add @x 1" is all of an add, and
// what ends in an answer is a read: "2 read @x [1]".
func setOf(deeds ...string) string {
	var text strings.Builder
	for _, deed := range deeds {
		f := strings.SplitN(deed, " ", 4)
		asked := strings.Join(f[1:3], " ")
		if f[1] == "add" {
			asked += " " + f[3]
		}
		fmt.Fprintf(&text, "%s invoke %s\n%s ok %s %s\n", f[0], asked, f[0], strings.Join(f[1:3], " "), f[3])
	}
	return text.String()
}

// TestWhatSetsKept: of sets that are wrong it is said what they kept, by key and of the whole, and of what is well
// that it is linearizable.
func TestWhatSetsKept(t *testing.T) {
	const (
		late   = "reads were up to 10 ms and 1 element behind"
		lacked = "a client's read lacked what it had added itself"
		apart  = "clients saw sets neither of which holds the other and reads were up to 1 element behind"
	)
	fine := setOf("1 add @fine 1", "2 read @fine [1]")
	behind := setOf("1 add @behind 1", "2 read @behind []")
	forgot := setOf("1 add @forgot 1", "1 read @forgot []", "2 read @forgot [1]", "2 read @forgot [1]")
	forked := setOf("1 add @forked 1", "2 add @forked 2", "3 read @forked [1]", "4 read @forked [2]")
	twice := setOf("1 add @twice 1", "2 add @twice 1", "3 read @twice [1]", "3 read @twice []")
	for name, c := range map[string]struct {
		history   string
		strongest harness.Level
		says      string
		keys      []string // key, level, staleness, versions, regular
		unknown   int
	}{
		"all is well":   {fine, harness.Linearizable, "", nil, 0},
		"nothing there": {"", "", "", nil, 0},
		"nobody looked": {setOf("1 add @x 1"), "", "", nil, 0},
		"behind": {behind, harness.Sequential, late + ", but it was sequential",
			[]string{"behind sequential 10 1 false"}, 0},
		"a client forgot": {forgot, harness.NoLevel,
			late + " and " + lacked + ", but no client's read lacked what it had seen before",
			[]string{"forgot none 10 1 false"}, 0},
		"two clients do not agree": {forked, harness.Causal,
			apart + ", but it was causal", []string{"forked causal never 1 false"}, 0},
		"they may not agree: both adds are open": {
			"1 invoke add @x 1\n2 invoke add @x 2\n" + setOf("3 read @x [1]", "4 read @x [2]"), harness.Causal,
			apart + ", but it was causal and regular", []string{"x causal never 1 true"}, 0},
		"from nowhere": {setOf("1 add @x 1", "2 read @x [1 7]"), harness.NoLevel,
			"an element was seen that nobody added", []string{"x none never 0 false"}, 0},
		"an element twice": {setOf("1 add @x 1", "2 read @x [1 1]"), harness.NoLevel, "an element was twice in one set",
			[]string{"x none never 0 false"}, 0},
		"against the order of adds": {
			"1 invoke add @x 1\n1 ok add @x 1\n3 invoke read @x\n1 invoke add @x 2\n1 ok add @x 2\n3 ok read @x [2]\n",
			harness.NoLevel, "elements were seen without others that had been added before them, reads were up to " +
				"1 element behind and what a client added was seen without what it had added before",
			[]string{"x none never 1 false"}, 0},
		"the worst first": {fine + behind + forgot, harness.NoLevel, late + " and " + lacked +
			", but no client's read lacked what it had seen before",
			[]string{"forgot none 10 1 false", "behind sequential 10 1 false"}, 0},
		"of two keys one": {behind + fine, harness.SequentialPerKey, late + ", but every key alone was sequential",
			[]string{"behind sequential 10 1 false"}, 0},
		"no way to know": {twice, "", "what it kept all the same is not known: an element was added twice",
			[]string{}, 1},
	} {
		pairs := parseHistory(t, c.history).Pairs
		v := check(t, Set(), pairs)
		if v.Strongest != c.strongest || (v.Kept == nil) != (c.keys == nil) {
			t.Errorf("%s: strongest %q, kept %+v", name, v.Strongest, v.Kept)
		}
		if bare := checkWith(t, harness.WithVerdictOnly(t.Context()), Set(), pairs); bare.Kept != nil ||
			bare.Validity != v.Validity || bare.Reason != v.Reason {
			t.Errorf("%s: alone the verdict is %s (%s), kept %+v", name, bare.Validity, bare.Reason, bare.Kept)
		}
		if v.Kept == nil {
			continue
		}
		keys := []string{}
		for _, k := range v.Kept.Keys {
			stale := "never"
			if k.StalenessMS != nil {
				stale = fmt.Sprint(*k.StalenessMS)
			}
			keys = append(keys, fmt.Sprintf("%s %s %s %d %t", k.Key, k.Strongest, stale, *k.Versions, *k.Regular))
		}
		if strings.TrimPrefix(v.Kept.Sentence, "not linearizable: ") != c.says || !slices.Equal(keys, c.keys) ||
			v.Kept.Unknown != c.unknown {
			t.Errorf("%s: %q, %q, %d unknown", name, v.Kept.Sentence, keys, v.Kept.Unknown)
		}
		for _, a := range v.Anomalies {
			if (a.Kept == "") != (c.unknown > 0) || len(v.Kept.Keys) == 1 && a.Kept != v.Kept.Keys[0].Sentence {
				t.Errorf("%s: beside the violation: %q", name, a.Kept)
			}
		}
	}
}

// TestNothingIsSaidOfSetsWithoutAVerdict: an interrupted check tells no level.
func TestNothingIsSaidOfSetsWithoutAVerdict(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := checkWith(t, ctx, Set(), parseHistory(t, setOf("1 add @x 1", "2 read @x []")).Pairs)
	if v.Validity != harness.Unknown || v.Strongest != "" || v.Kept != nil {
		t.Errorf("%s, strongest %q, kept %+v", v.Validity, v.Strongest, v.Kept)
	}
}

// TestTheLevelsOfSetsAgreeWithTheVerdict: of random histories, right or not, linearizable is what the verdict says it
// is, and of what is not there is something weaker to tell.
func TestTheLevelsOfSetsAgreeWithTheVerdict(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	seen := map[harness.Level]int{}
	for i := range 4000 {
		d := dice{model: "set", ops: 4 + rng.IntN(12), processes: 3, pending: 10, fails: 10, lies: 25 * (i % 2)}
		pairs := d.roll(rng)
		v := check(t, Set(), pairs)
		seen[v.Strongest]++
		wrong := v.Validity == harness.Invalid
		if (v.Strongest == harness.Linearizable) != (v.Validity == harness.Valid) || wrong != (v.Kept != nil) ||
			wrong && (v.Strongest == "" || len(v.Kept.Keys) != 1 || v.Anomalies[0].Kept != v.Kept.Sentence) {
			t.Fatalf("%s (%s), strongest %q, kept %+v\n%s", v.Validity, v.Reason, v.Strongest, v.Kept, show(pairs))
		}
	}
	for _, l := range []harness.Level{harness.Linearizable, harness.Sequential, harness.NoLevel} {
		if seen[l] == 0 {
			t.Errorf("nothing was %s: %v", l, seen)
		}
	}
}
