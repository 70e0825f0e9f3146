package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// A note that quotes a log shows the last line of it: there a server that gave up says why.
func TestNoteThatQuotesALog(t *testing.T) {
	for note, want := range map[string]string{
		"n1 was slow": "n1 was slow",
		"at 7.1 s: etcd of n1 ended by itself: exit code 1; its last words:\n  | starting\n  | {\"level\":\"info\"}\n" +
			"  | no space left on device": "at 7.1 s: etcd of n1 ended by itself: exit code 1; its last words: " +
			"no space left on device (2 lines before it in run.json)",
		"its last words:\n  (it wrote nothing)": "its last words: (it wrote nothing)",
	} {
		if got := noteText(note); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	long := noteText("its last words:\n  | " + strings.Repeat("x", 3*longestWord))
	if !strings.Contains(long, "…(+600)") {
		t.Errorf("a long line is not cut: %d characters", len(long))
	}
}

// What stands under the first line of an error keeps its labels, and what is indented under a label goes on with it.
func TestTroubles(t *testing.T) {
	var got []string
	for _, f := range troubles("it broke\n         a word of the compiler\n         and another\n  do     build it\n" +
		"         CGO_ENABLED=0 go install\n\n  more   capsize doctor") {
		got = append(got, f.Label+": "+f.Text)
	}
	want := "log: a word of the compiler|: and another|do: build it|: CGO_ENABLED=0 go install|more: capsize doctor"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// A target that claims nothing can be valid and yet show violations: then nobody says that none was found.
func TestValidWithViolations(t *testing.T) {
	none := harness.Results{Verdict: harness.Valid}
	some := harness.Results{Verdict: harness.Valid, Anomalies: []harness.AnomalyResult{{Name: "stale read"}}}
	saysNone := func(r harness.Results) bool {
		return slices.ContainsFunc(facts(Input{Results: r}), func(f fact) bool {
			return strings.Contains(f.Text, "no violation was found")
		})
	}
	if !saysNone(none) || saysNone(some) {
		t.Errorf("no violation found: %t without any, %t with one", saysNone(none), saysNone(some))
	}
	if a, b := OutcomeOf(none), OutcomeOf(some); a.Exit != 0 || b.Exit != 0 || a.Meaning == b.Meaning {
		t.Errorf("exit %d: %s, and exit %d: %s", a.Exit, a.Meaning, b.Exit, b.Meaning)
	}
}

// TestWhatWasKeptIsToldOnce: of the whole, and of the key of the first violation where that is something else.
func TestWhatWasKeptIsToldOnce(t *testing.T) {
	told := func(kept *harness.Kept, key string) string {
		r := harness.Results{Verdict: harness.Invalid, Checks: []harness.Check{{Kept: kept}}}
		if key != "-" {
			r.Anomalies = []harness.AnomalyResult{{Name: "stale read", Kept: key}}
		}
		var parts []string
		for _, f := range whyParts(Input{Results: r}) {
			if f.Label == "kept" || f.Label == "the key" {
				parts = append(parts, f.Label+": "+f.Text)
			}
		}
		return strings.Join(parts, "|")
	}
	for _, c := range []struct {
		kept      *harness.Kept
		key, want string
	}{
		{nil, "", ""}, {nil, "-", ""},
		{&harness.Kept{Sentence: "a"}, "", "kept: a"}, {&harness.Kept{Sentence: "a"}, "a", "kept: a"},
		{&harness.Kept{Sentence: "a"}, "b", "kept: a|the key: b"}, {&harness.Kept{Sentence: "a"}, "-", "kept: a"},
	} {
		if got := told(c.kept, c.key); got != c.want {
			t.Errorf("%+v and %q: %q, expected %q", c.kept, c.key, got, c.want)
		}
	}
}

// TestWhatIsNotKnownOfAKey: it is said in words, and never taken for a no or for nothing.
func TestWhatIsNotKnownOfAKey(t *testing.T) {
	zero, no := new(0), new(false)
	known := harness.KeyLevel{Key: "a", Strongest: harness.NoLevel, Versions: zero, StaleReads: zero, Regular: no}
	blank := harness.KeyLevel{Key: "b", AtLeast: harness.NoLevel, Not: harness.Linearizable, StalenessUnknown: true}
	weaker := known
	weaker.Key, weaker.Relaxed = "c", &harness.Relaxed{Model: "unordered-queue", Linearizable: new(true)}
	neither := weaker
	neither.Relaxed = &harness.Relaxed{Model: "lock", Linearizable: no}
	unasked := weaker
	unasked.Relaxed = &harness.Relaxed{Model: "lock"}
	between := blank
	between.AtLeast, between.Not = harness.PRAM, harness.Sequential
	rows, _ := keyRows(harness.Results{Checks: []harness.Check{{
		Kept: &harness.Kept{Keys: []harness.KeyLevel{known, blank, between, weaker, neither, unasked}},
	}}})
	want := []keyRow{
		{Key: "a", Strongest: "none", Stale: "no bound", Versions: "0", Reads: "0", Regular: "no"},
		{Key: "b", Strongest: "not known", Stale: "not known", Versions: "not known", Reads: "not known",
			Regular: "not known"},
		{Key: "b", Strongest: "not known, at least PRAM, not sequential", Stale: "not known", Versions: "not known",
			Reads: "not known", Regular: "not known"},
	}
	for _, strongest := range []string{
		"none; as unordered-queue linearizable", "none; as lock not linearizable either", "none",
	} {
		row := want[0]
		row.Key, row.Strongest = "c", strongest
		want = append(want, row)
	}
	for i := range want {
		want[i].Held, want[i].Broken = "–", "–"
	}
	if !slices.Equal(rows, want) {
		t.Errorf("%q", rows)
	}
	if text := levelText(""); text != "not known" {
		t.Error(text)
	}
}
