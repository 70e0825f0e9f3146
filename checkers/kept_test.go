package checkers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The keys of the histories below: operations 10 ms apart, as in the museum.
const (
	// A read returns 1, 20 ms after 3 was there.
	staleKey = "1 invoke write @stale 1\n1 ok write @stale 1\n1 invoke write @stale 2\n1 ok write @stale 2\n" +
		"1 invoke write @stale 3\n1 ok write @stale 3\n2 invoke read @stale\n2 ok read @stale 1\n"
	// A client misses its own write.
	forgotKey = "1 invoke write @forgot 1\n1 ok write @forgot 1\n1 invoke write @forgot 2\n1 ok write @forgot 2\n" +
		"1 invoke read @forgot\n1 ok read @forgot 1\n"
	phantomKey = "1 invoke write @phantom 1\n1 ok write @phantom 1\n1 invoke read @phantom\n1 ok read @phantom 1\n" +
		"2 invoke read @phantom\n2 ok read @phantom 7\n"
	fineKey   = "1 invoke write @fine 1\n1 ok write @fine 1\n2 invoke read @fine\n2 ok read @fine 1\n"
	reusedKey = "1 invoke write @reused 1\n1 ok write @reused 1\n1 invoke write @reused 1\n1 ok write @reused 1\n" +
		"1 invoke write @reused 2\n1 ok write @reused 2\n2 invoke read @reused\n2 ok read @reused 1\n"
)

// TestWhatWasKept: of what is not linearizable it is said what it kept, by key and of the whole; of what is, that it
// is.
func TestWhatWasKept(t *testing.T) {
	const twoStale = "reads were up to 30 ms and 2 versions stale"
	for name, c := range map[string]struct {
		history   string
		strongest harness.Level
		says      string
		keys      []string // key, level, staleness, versions
		unknown   int
	}{
		"all is well":   {fineKey, harness.Linearizable, "", nil, 0},
		"nothing there": {"", "", "", nil, 0},
		"one key": {staleKey, harness.Sequential, "not linearizable: " + twoStale + ", but it was sequential",
			[]string{"stale sequential 30 2"}, 0},
		"of two keys one": {staleKey + fineKey, harness.SequentialPerKey,
			"not linearizable: " + twoStale + ", but every key alone was sequential",
			[]string{"stale sequential 30 2"}, 0},
		"the worst first": {fineKey + staleKey + forgotKey + phantomKey, harness.NoLevel,
			"not linearizable: a value was seen that nothing stored, " + twoStale +
				" and a client read a value older than its own",
			[]string{"phantom none unbounded 0", "forgot none 10 1", "stale sequential 30 2"}, 0},
		"no way to know": {reusedKey, "",
			"what it kept all the same is not known: a value was stored twice", []string{}, 1},
		"one known, one not": {staleKey + reusedKey, "",
			"not linearizable: " + twoStale + ", but every key alone was sequential; " +
				"nothing is known of 1 other key (a value was stored twice)",
			[]string{"stale sequential 30 2"}, 1},
	} {
		v := check(t, Linearizable(Register(), harness.Budget{}), parseHistory(t, c.history).Pairs)
		if v.Strongest != c.strongest {
			t.Errorf("%s: strongest %q, expected %q", name, v.Strongest, c.strongest)
		}
		if v.Kept == nil || c.keys == nil {
			if v.Kept != nil || c.keys != nil {
				t.Errorf("%s: kept %+v", name, v.Kept)
			}
			continue
		}
		keys := []string{}
		for _, k := range v.Kept.Keys {
			stale := "unbounded"
			if k.StalenessMS != nil {
				stale = fmt.Sprint(*k.StalenessMS)
			}
			keys = append(keys, fmt.Sprintf("%s %s %s %d", k.Key, k.Strongest, stale, *k.Versions))
		}
		if v.Kept.Sentence != c.says || !slices.Equal(keys, c.keys) || v.Kept.Unknown != c.unknown || v.Kept.More != 0 {
			t.Errorf("%s: %q, %q, %d unknown, %d more", name, v.Kept.Sentence, keys, v.Kept.Unknown, v.Kept.More)
		}
	}
}

// TestWhatAKeyKept: the whole record of a key, and its sentence beside the violation.
func TestWhatAKeyKept(t *testing.T) {
	const says = "not linearizable: reads were up to 10 ms and 1 version stale and a client read a value older than " +
		"its own, but no client read an older value after a newer one"
	pairs := parseHistory(t, strings.Replace(forgotKey, "1 invoke read",
		strings.Repeat("2 invoke read @forgot\n2 ok read @forgot 2\n", 2)+"1 invoke read", 1)).Pairs
	v := check(t, Linearizable(Register(), harness.Budget{}), pairs)
	want := []harness.KeyLevel{{
		Key: "forgot", Strongest: harness.NoLevel, StalenessMS: new(50.0), Versions: new(1), StaleReads: new(1),
		Regular: new(false),
		Held:    []string{"monotonic reads", "monotonic writes"}, Broken: []string{"read your writes"},
		Sentence: strings.ReplaceAll(says, "10 ms", "50 ms"),
	}}
	if d := cmp.Diff(want, v.Kept.Keys); d != "" {
		t.Error(d)
	}
	if got := v.Anomalies[0].Kept; got != want[0].Sentence {
		t.Errorf("beside the violation: %q", got)
	}
}

// TestNothingIsSaidOfWhatIsUndecided: a key without a verdict leaves the strongest level open, whatever others kept.
func TestNothingIsSaidOfWhatIsUndecided(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	v := checkWith(t, ctx, Linearizable(Register(), harness.Budget{}), parseHistory(t, staleKey+fineKey).Pairs)
	if v.Validity != harness.Unknown || v.Strongest != "" || v.Kept != nil {
		t.Errorf("%s, strongest %q, kept %+v", v.Validity, v.Strongest, v.Kept)
	}
	kept, strongest := sumUp([]string{"a", "b"}, []ruling{bad(t), {}})
	if strongest != "" || !strings.HasSuffix(kept.Sentence, "; nothing is known of 1 undecided key") ||
		len(kept.Keys) != 1 {
		t.Errorf("strongest %q, %+v", strongest, kept)
	}
}

// TestOnlyTheVerdict: what was kept is left out where nobody asked, and the verdict is the same.
func TestOnlyTheVerdict(t *testing.T) {
	c := Linearizable(Register(), harness.Budget{})
	pairs := parseHistory(t, staleKey).Pairs
	whole, bare := check(t, c, pairs), checkWith(t, harness.WithVerdictOnly(t.Context()), c, pairs)
	if whole.Kept == nil || bare.Kept != nil || bare.Strongest != "" || bare.Anomalies[0].Kept != "" {
		t.Errorf("kept %v and %v, strongest %q", whole.Kept, bare.Kept, bare.Strongest)
	}
	if bare.Validity != whole.Validity || bare.Reason != whole.Reason || len(bare.Anomalies) != len(whole.Anomalies) {
		t.Errorf("%s: %s, and alone %s: %s", whole.Validity, whole.Reason, bare.Validity, bare.Reason)
	}
}

// bad is the ruling on the stale key.
func bad(t *testing.T) ruling {
	load, err := group(register{}, parseHistory(t, staleKey))
	if err != nil {
		t.Fatal(err)
	}
	c := linearizable{model: Register(), budget: harness.Budget{Time: time.Minute, Memory: 1 << 30}}
	j := newJudges(t.Context(), c, load)
	return j.judge(context.Background())[0]
}

// TestOnlySoManyKeysAreNamed: the rest is counted.
func TestOnlySoManyKeysAreNamed(t *testing.T) {
	all, keys := []ruling{}, []string{}
	for i := range mostNamed + 7 {
		all, keys = append(all, bad(t)), append(keys, fmt.Sprint(i))
	}
	if kept, _ := sumUp(keys, all); len(kept.Keys) != mostNamed || kept.More != 7 || kept.Keys[0].Key != "0" {
		t.Errorf("%d keys and %d more, the first is %s", len(kept.Keys), kept.More, kept.Keys[0].Key)
	}
}

// TestOnlySoManyKeysAreAsked: beyond that it is said that nothing is known.
func TestOnlySoManyKeysAreAsked(t *testing.T) {
	const keys = mostAsked + 3
	var pairs []history.Pair
	event := 0
	for k := range keys {
		for _, op := range []struct {
			f    string
			v    int64
			from any
		}{{"write", 1, int64(1)}, {"write", 2, int64(2)}, {"read", 1, nil}} {
			pairs = append(pairs, history.Pair{Index: event, End: event + 1, F: op.f, Key: fmt.Sprint(k),
				Input: op.from, Output: op.v, Outcome: history.OK, Call: time.Duration(event),
				Return: time.Duration(event + 1)})
			event += 2
		}
	}
	v := check(t, Linearizable(Register(), harness.Budget{}), pairs)
	if v.Strongest != "" || v.Kept.Unknown != 3 || v.Kept.More != mostAsked-mostNamed ||
		!strings.HasSuffix(v.Kept.Sentence, "nothing is known of 3 other keys (there are more than 5000 such keys)") {
		t.Errorf("strongest %q, %d unknown, %d more: %s", v.Strongest, v.Kept.Unknown, v.Kept.More, v.Kept.Sentence)
	}
}

// TestWhatListsKept: lists are asked too, and versioned registers; of a counter nothing is said.
func TestWhatListsKept(t *testing.T) {
	for _, c := range []struct {
		model         Model
		history, kept string
	}{
		{
			Append(),
			"1 invoke append @x 1\n1 ok append @x 1\n2 invoke read @x\n2 ok read @x []\n",
			"not linearizable: reads were up to 10 ms and 1 version stale, but it was sequential",
		},
		{
			VersionedRegister(),
			"1 invoke write @x 1\n1 ok write @x 1\n2 invoke read @x\n2 ok read @x nil\n",
			"not linearizable: reads were up to 10 ms and 1 version stale, but it was sequential",
		},
		{Counter(), "1 invoke add @x 1\n1 ok add @x 1\n2 invoke read @x\n2 ok read @x 0\n", ""},
	} {
		v := check(t, Linearizable(c.model, harness.Budget{}), parseHistory(t, c.history).Pairs)
		if v.Validity != harness.Invalid || v.Anomalies[0].Kept != c.kept || (v.Kept == nil) != (c.kept == "") {
			t.Errorf("%s: %s (%s), strongest %q, kept %+v", c.model.Name(), v.Validity, v.Reason, v.Strongest, v.Kept)
		}
	}
}

// TestTheLevelsAgreeWithTheVerdict: of random histories, right or not, linearizable is what the verdict says it is, and
// of what is not there is always something weaker to tell, of the whole and beside each violation.
func TestTheLevelsAgreeWithTheVerdict(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[harness.Level]int{}
	for _, model := range []string{"register", "cas-register"} {
		c := Linearizable(modelNamed(t, model), harness.Budget{})
		for i := range 2000 {
			d := dice{model: model, ops: 4 + rng.IntN(12), processes: 3, pending: 10, fails: 10, lies: 25 * (i % 2)}
			pairs := unanswered(d.roll(rng))
			v := check(t, c, pairs)
			seen[v.Strongest]++
			wrong := v.Validity == harness.Invalid
			switch {
			case (v.Strongest == harness.Linearizable) != (v.Validity == harness.Valid), wrong != (v.Kept != nil),
				wrong && v.Strongest == "":
				t.Fatalf("%s (%s), strongest %q, kept %+v\n%s", v.Validity, v.Reason, v.Strongest, v.Kept, show(pairs))
			case wrong && (len(v.Kept.Keys) != 1 || v.Anomalies[0].Kept != v.Kept.Sentence):
				t.Fatalf("%+v, and of the key %q\n%s", v.Kept, v.Anomalies[0].Kept, show(pairs))
			}
		}
	}
	for _, l := range []harness.Level{harness.Linearizable, harness.Sequential, harness.NoLevel} {
		if seen[l] == 0 {
			t.Errorf("nothing was %s: %v", l, seen)
		}
	}
}
