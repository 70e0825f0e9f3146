package checkers

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capsize-dev/capsize/harness"
)

// TestWhatQueuesAndLocksKept: how late values were handed out and past how many others, how early a lock was handed on,
// and what would have been right of a weaker kind.
func TestWhatQueuesAndLocksKept(t *testing.T) {
	yes, no := new(true), new(false)
	three := []string{"1 enqueue 1 -> 1", "1 enqueue 2 -> 2", "1 enqueue 3 -> 3"}
	const whole = "nothing was lost or delivered twice: as a queue without order it was linearizable"
	for name, c := range map[string]struct {
		model             Model
		before, good, bad []string
		strongest         harness.Level
		stale             any // milliseconds, or nil where no time is enough
		versions          int // -1 where they have no meaning
		relaxed           *bool
		kept              string
	}{
		"reordered": {Queue(), three, []string{"2 dequeue -> 1", "2 dequeue -> 2", "3 dequeue -> 3"},
			[]string{"2 dequeue -> 2", "2 dequeue -> 3", "3 dequeue -> 1"}, harness.Sequential, 30.0, 2, yes,
			"values were handed out up to 30 ms late and past 2 others, but it was sequential and " + whole},
		"reordered for one client": {Queue(), three, []string{"2 dequeue -> 1", "2 dequeue -> 2", "2 dequeue -> 3"},
			[]string{"2 dequeue -> 2", "2 dequeue -> 1", "2 dequeue -> 3"}, "", 10.0, 1, yes,
			"values were handed out up to 10 ms late and past 1 other, but " + whole},
		"delivered twice": {Queue(), three, []string{"2 dequeue -> 1", "2 dequeue -> 2"},
			[]string{"2 dequeue -> 1", "3 dequeue -> 1"}, "", nil, 0, no, "a value was handed out twice"},
		"in any order, delivered twice": {UnorderedQueue(), three, []string{"2 dequeue -> 2", "2 dequeue -> 1"},
			[]string{"2 dequeue -> 2", "3 dequeue -> 2"}, "", nil, -1, nil, "a value was handed out twice"},
		"found empty": {UnorderedQueue(), three[:1], []string{"2 dequeue -> 1", "2 dequeue -> nil"},
			[]string{"3 dequeue -> nil", "2 dequeue -> 1"}, harness.Sequential, 10.0, -1, nil,
			"values were handed out up to 10 ms late, but it was sequential"},
		"split": {Lock(), []string{"1 acquire -> nil"},
			[]string{"1 release -> nil", "2 acquire -> nil", "2 release -> nil"},
			[]string{"2 acquire -> nil", "1 release -> nil", "2 release -> nil"}, harness.Sequential, 10.0, -1, nil,
			"the lock was handed on up to 10 ms before it was released, but it was sequential"},
		"tokens that go down": {FencedLock(), []string{"1 acquire -> 5", "1 release -> nil"},
			[]string{"2 acquire -> 6", "2 release -> nil"}, []string{"2 acquire -> 4", "2 release -> nil"},
			harness.Sequential, nil, -1, yes,
			"a token was not above one that was given before, but it was sequential and " +
				"mutual exclusion held: only the tokens did not go up"},
		"split, with tokens": {FencedLock(), []string{"1 acquire -> 5"},
			[]string{"1 release -> nil", "2 acquire -> 6", "2 release -> nil"},
			[]string{"2 acquire -> 6", "2 release -> nil", "1 release -> nil"}, harness.Sequential, 30.0, -1, no,
			"the lock was handed on up to 30 ms before it was released, but it was sequential"},
	} {
		checker := Linearizable(c.model, harness.Budget{})
		v := check(t, checker, told(t, slices.Concat(c.before, c.good)...))
		if v.Validity != harness.Valid || v.Kept != nil {
			t.Errorf("%s, clean: %s (%s), kept %+v", name, v.Validity, v.Reason, v.Kept)
		}
		v = check(t, checker, told(t, slices.Concat(c.before, c.bad)...))
		if v.Validity != harness.Invalid || v.Kept == nil || len(v.Kept.Keys) != 1 {
			t.Errorf("%s: %s (%s), kept %+v", name, v.Validity, v.Reason, v.Kept)
			continue
		}
		k, want := v.Kept.Keys[0], harness.KeyLevel{
			Key: "x", Strongest: c.strongest, Held: []string{}, Broken: []string{},
			Sentence: "not linearizable: " + c.kept,
		}
		if c.strongest == "" {
			want.AtLeast, want.Not = harness.NoLevel, harness.Sequential
		}
		if c.stale != nil {
			want.StalenessMS = new(c.stale.(float64))
		}
		if c.versions >= 0 {
			want.Versions, want.StaleReads = new(c.versions), new(min(c.versions, 1))
		}
		if weaker, some := weakened(c.model.object); some {
			want.Relaxed = &harness.Relaxed{Model: weaker.Name(), Linearizable: c.relaxed}
		}
		if d := cmp.Diff(want, k); d != "" || v.Anomalies[0].Kept != k.Sentence || v.Strongest != c.strongest {
			t.Errorf("%s: %q, strongest %q\n%s", name, v.Anomalies[0].Kept, v.Strongest, d)
		}
	}
}
