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

	"github.com/capsize-dev/capsize/checkers/levels"
	"github.com/capsize-dev/capsize/checkers/linear"
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
	// It is not sequential, for who stored the 2 reads the 1 after it; what it is otherwise nobody finds out.
	unclearKey = "1 invoke write @unclear 1\n1 ok write @unclear 1\n1 invoke write @unclear 1\n" +
		"1 ok write @unclear 1\n1 invoke write @unclear 2\n1 ok write @unclear 2\n" +
		"1 invoke read @unclear\n1 ok read @unclear 1\n"
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
		"values stored again": {reusedKey, harness.Sequential,
			"not linearizable: reads were up to 10 ms and 1 version stale, but it was sequential",
			[]string{"reused sequential 10 1"}, 0},
		"not all is known": {unclearKey, "", "not linearizable: reads were up to 10 ms and 1 version stale and " +
			"a client read a value older than its own", []string{"unclear  10 1"}, 0},
		"of one all is known, of one not": {staleKey + unclearKey, "", "not linearizable: " + twoStale + " and " +
			"a client read a value older than its own", []string{"unclear  10 1", "stale sequential 30 2"}, 0},
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

// told makes a history of what was done, one after the other: "1 write 1 -> 1" is a process, a function, its argument
// and its answer. A function that ends in "!" is told that its condition did not hold.
func told(t *testing.T, deeds ...string) []history.Pair {
	var text strings.Builder
	for _, deed := range deeds {
		asked, answer, _ := strings.Cut(deed, " -> ")
		f := strings.Fields(asked)
		call := strings.TrimSuffix(f[1], "!")
		fmt.Fprintf(&text, "%s invoke %s @x %s\n", f[0], call, strings.Join(f[2:], " "))
		if call != f[1] {
			fmt.Fprintf(&text, "%s fail %s @x unmet\n", f[0], call)
		} else {
			fmt.Fprintf(&text, "%s ok %s @x %s\n", f[0], call, answer)
		}
	}
	return parseHistory(t, text.String()).Pairs
}

// TestWhatEachKindKept: what is late is told with its milliseconds, of every kind of object, and of what is well
// nothing is kept.
func TestWhatEachKindKept(t *testing.T) {
	for name, c := range map[string]struct {
		model     Model
		before    []string
		good, bad string
		strongest harness.Level
		stale     any // milliseconds, or nil where no time is enough
		kept      string
	}{
		"list": {Append(), []string{"1 append 1 -> 1", "2 read -> [1]"}, "2 read -> [1]", "2 read -> []",
			harness.NoLevel, 30.0,
			"reads were up to 30 ms and 1 version stale and a client read an older value after a newer one"},
		"versions": {VersionedRegister(), []string{"1 write 1 -> 1"}, "2 read -> [1 1]", "2 read -> nil",
			harness.Sequential, 10.0, "reads were up to 10 ms and 1 version stale, but it was sequential"},
		"register": {Register(), []string{"1 write 1 -> 1", "1 write 1 -> 1", "1 write 2 -> 2"}, "2 read -> 2",
			"2 read -> 1", harness.Sequential, 10.0,
			"reads were up to 10 ms and 1 version stale, but it was sequential"},
		"register, from nowhere": {Register(), []string{"1 write 1 -> 1", "1 write 1 -> 1"}, "2 read -> 1",
			"2 read -> 5", "", nil, "a value was seen that nothing stored"},
		"swapped in the past": {CASRegister(),
			[]string{"1 write 1 -> 1", "1 write 1 -> 1", "1 write 2 -> 2", "3 read -> 2"}, "2 cas [2 3] -> [2 3]",
			"2 cas [1 3] -> [1 3]", harness.Sequential, nil,
			"no delay of answers explains what was seen, but it was sequential and regular"},
		"failed": {CASRegister(), []string{"1 write 1 -> 1", "1 write 2 -> 2", "3 read -> 2"}, "2 cas! [1 3]",
			"2 cas! [2 3]", harness.Sequential, 30.0,
			"answers were up to 30 ms stale, but it was sequential and regular"},
		"counter": {Counter(), []string{"1 add 1 -> 1", "1 add 1 -> 1"}, "2 read -> 2", "2 read -> 0",
			harness.Sequential, 30.0, "counts were up to 30 ms and 2 increments behind, but it was sequential"},
		"counter that goes down": {Counter(), []string{"1 add 1 -> 1", "1 add 1 -> 1", "1 add -2 -> -2", "2 read -> 0"},
			"2 read -> 0", "2 read -> 2", harness.Sequential, 30.0,
			"counts were up to 30 ms behind, but it was sequential"},
		"counter with too much": {Counter(), []string{"1 add 1 -> 1"}, "2 read -> 1", "2 read -> 2", harness.NoLevel,
			nil, "a count was above all that can have been added by then"},
		"member": {MemberSet(), []string{"1 add 7 -> true", "2 contains 7 -> true"}, "2 contains 7 -> true",
			"2 contains 7 -> false", "", 30.0,
			"answers were up to 30 ms and 1 change stale and a client was told older news after newer"},
		"member, again and again": {MemberSet(), []string{"1 add 7 -> true", "1 remove 7 -> true", "1 add 7 -> true"},
			"2 contains 7 -> true", "2 contains 7 -> false", harness.Sequential, 10.0,
			"answers were up to 10 ms and 1 change stale, but it was sequential"},
		"member from nowhere": {MemberSet(), []string{"1 remove 7 -> false", "1 remove 7 -> false"},
			"2 contains 7 -> false", "2 contains 7 -> true", "", nil,
			"an element was seen that nobody added, but no client was told older news after newer"},
	} {
		checker := Linearizable(c.model, harness.Budget{})
		v := check(t, checker, told(t, append(c.before, c.good)...))
		if v.Validity == harness.Invalid || v.Kept != nil {
			t.Errorf("%s, clean: %s (%s), kept %+v", name, v.Validity, v.Reason, v.Kept)
		}
		v = check(t, checker, told(t, append(c.before, c.bad)...))
		if v.Validity != harness.Invalid || v.Kept == nil || len(v.Kept.Keys) != 1 {
			t.Errorf("%s: %s (%s), kept %+v", name, v.Validity, v.Reason, v.Kept)
			continue
		}
		k := v.Kept.Keys[0]
		var stale any
		if k.StalenessMS != nil {
			stale = *k.StalenessMS
		}
		if says := "not linearizable: " + c.kept; k.Sentence != says || v.Anomalies[0].Kept != says ||
			stale != c.stale || k.StalenessUnknown || v.Strongest != c.strongest || k.Strongest != c.strongest {
			t.Errorf("%s: %q, %q, stale %v, strongest %q and %q", name, k.Sentence, v.Anomalies[0].Kept, stale,
				v.Strongest, k.Strongest)
		}
	}
}

// TestWhatThereIsNoRoomToFindOut: a key that cannot be decided again leaves open how late answers were, and the rest is
// told. Without a way to judge it at all nothing is.
func TestWhatThereIsNoRoomToFindOut(t *testing.T) {
	load, err := group(register{}, history.History{Pairs: parseHistory(t, unclearKey+staleKey).Pairs})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	j := newJudges(ctx, linearizable{model: Register(), budget: harness.Budget{Time: time.Hour, Memory: 1 << 30}}, load)
	rulings := j.judge(ctx)
	j.check.budget.Memory = 1
	j.keep(ctx, levelsOf(ctx, Register().object))
	all, strongest := sumUp(load.keys, rulings)
	const says = "not linearizable: reads were up to 30 ms and 2 versions stale and a client read a value older than " +
		"its own; of 1 key it is not known how late answers were"
	if strongest != "" || all.Sentence != says || len(all.Keys) != 2 {
		t.Fatalf("strongest %q, %+v", strongest, all)
	}
	if k := all.Keys[0]; k.Key != "unclear" || !k.StalenessUnknown || k.StalenessMS != nil || k.Strongest != "" ||
		k.AtLeast != harness.NoLevel || k.Not != harness.Sequential || *k.Versions != 1 || *k.Regular {
		t.Errorf("%+v", k)
	}
	j.keep(ctx, func(context.Context, *levels.History, levels.Decider, levels.Decider) (levels.Report, error) {
		return levels.Report{}, fmt.Errorf("%w: it is too strange", linear.ErrUnfit)
	})
	for i := range rulings {
		if k := rulings[i].kept; k.why != "it is too strange" {
			t.Errorf("%+v", k)
		}
	}
}

// TestTheLevelsAgreeWithTheVerdict: of random histories, right or not, linearizable is what the verdict says it is, and
// of what is not there is always something weaker to tell, of the whole and beside each violation. The strongest level
// is known where values were stored once and no compare-and-set failed.
func TestTheLevelsAgreeWithTheVerdict(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, sort := range []struct {
		model            string
		values, spurious int
		known            bool
	}{
		{"register", 0, 0, true}, {"cas-register", 0, 0, true}, {"cas-register", 0, 20, false},
		{"register", 2, 0, false}, {"cas-register", 3, 5, false}, {"versioned-register", 3, 0, false},
		{"counter", 0, 0, false},
		{"counter", 1, 0, false}, {"member-set", 0, 0, false}, {"append", 0, 0, true},
		{"queue", 0, 0, false}, {"unordered-queue", 0, 0, false}, {"lock", 0, 0, false}, {"fenced-lock", 0, 0, false},
	} {
		seen := map[harness.Level]int{}
		c := Linearizable(modelNamed(t, sort.model), harness.Budget{})
		for i := range 1000 {
			d := dice{model: sort.model, values: sort.values, spurious: sort.spurious, ops: 4 + rng.IntN(12),
				processes: 3, pending: 10, fails: 10, lies: 25 * (i % 2)}
			pairs := d.roll(rng)
			if sort.known {
				pairs = unanswered(pairs)
			}
			v := check(t, c, pairs)
			seen[v.Strongest]++
			wrong := v.Validity == harness.Invalid
			switch {
			case (v.Strongest == harness.Linearizable) != (v.Validity == harness.Valid), wrong != (v.Kept != nil),
				wrong && v.Strongest == "" && sort.known:
				t.Fatalf("%s (%s), strongest %q, kept %+v\n%s", v.Validity, v.Reason, v.Strongest, v.Kept, show(pairs))
			case wrong && (len(v.Kept.Keys) == 0 || v.Kept.Unknown > 0 || v.Anomalies[0].Kept == ""),
				wrong && (v.Kept.Keys[0].StalenessUnknown || !strings.HasPrefix(v.Kept.Sentence, "not linearizable")):
				t.Fatalf("%+v, and of the key %q\n%s", v.Kept, v.Anomalies[0].Kept, show(pairs))
			case wrong && v.Keys == 1 && v.Anomalies[0].Kept != v.Kept.Sentence:
				t.Fatalf("%+v, and of the key %q\n%s", v.Kept, v.Anomalies[0].Kept, show(pairs))
			}
		}
		for _, l := range []harness.Level{harness.Linearizable, harness.NoLevel} {
			if seen[l] == 0 && sort.known || seen[""] == 0 && !sort.known {
				t.Errorf("%+v: nothing was %s: %v", sort, l, seen)
			}
		}
	}
}
