package levels

import (
	"testing"
	"time"
)

// TestReportsAddUp: what some registers kept together is what each of them kept, and the worst is told.
func TestReportsAddUp(t *testing.T) {
	stale := []string{"1 write 1", "1 write 2", "1 write 3", "2 read 1"}
	inverted := []string{"1 write 1", "1 write 2 …", "2 read 2", "3 read 1"}
	forgot := []string{"1 write 1", "1 write 2", "2 read 2", "2 read 2", "1 read 1"}
	phantom := []string{"1 write 1", "1 read 1", "1 read 1", "2 read 7"}
	fine := []string{"1 write 1", "2 read 1"}
	for _, c := range []struct {
		name      string
		all       [][]string
		strongest Level
		says      string
	}{
		{"two that are well", [][]string{fine, fine}, Linearizable, "linearizable"},
		{"one that is not", [][]string{fine, stale}, Sequential,
			"not linearizable: reads were up to 3 ms and 2 versions stale, but every key alone was sequential"},
		{"one regular, one not", [][]string{inverted, stale}, Sequential,
			"not linearizable: reads were up to 3 ms and 2 versions stale, but every key alone was sequential"},
		{"both regular", [][]string{inverted, inverted}, Sequential,
			"not linearizable: reads were up to 1 ms stale, but every key alone was sequential and regular"},
		{"one without a level", [][]string{stale, forgot}, None,
			"not linearizable: reads were up to 5 ms and 2 versions stale and a client read a value older than " +
				"its own, but no client read an older value after a newer one"},
		{"one that no time explains", [][]string{stale, phantom}, None,
			"not linearizable: a value was seen that nothing stored and reads were up to 3 ms and 2 versions stale, " +
				"but every client read its own writes and no client read an older value after a newer one"},
	} {
		for _, reversed := range []bool{false, true} {
			var sum *Report
			for i := range c.all {
				if reversed {
					i = len(c.all) - 1 - i
				}
				r, err := script(c.all[i]...).judge()
				if err != nil {
					t.Fatal(err)
				}
				if sum == nil {
					sum = &r
				} else {
					sum.Add(&r)
				}
			}
			if got := sum.SentencePerKey(); got != c.says || sum.Strongest != c.strongest {
				t.Errorf("%s (reversed %t): %s, %q\nexpected %s, %q", c.name, reversed, sum.Strongest, got, c.strongest,
					c.says)
			}
		}
	}
}

// TestWithoutAClock: an instant is a stand-in and is not told as a time.
func TestWithoutAClock(t *testing.T) {
	for says, lines := range map[string][]string{
		"not linearizable: reads were up to 1 version stale, but it was sequential": {
			"1 write 1", "1 write 2", "2 read 1"},
		"not linearizable: reads were stale, but it was sequential and regular": {
			"1 write 1", "1 write 2 …", "2 read 2", "3 read 1"},
	} {
		r, err := script(lines...).timed(0).judge()
		if err != nil || r.Staleness.Delta != time.Nanosecond || r.Sentence() != says {
			t.Errorf("%v: %v, %s, %q", lines, err, r.Staleness.Delta, r.Sentence())
		}
	}
}

// TestWhatIsNotKnown: it is told of neither as good nor as bad, leaves the strongest level open, also of a sum, and
// does not hide what is known.
func TestWhatIsNotKnown(t *testing.T) {
	known, err := script("1 write 1", "1 write 2", "1 write 3", "2 read 1").judge()
	if err != nil {
		t.Fatal(err)
	}
	const late = "not linearizable: reads were up to 3 ms and 2 versions stale"
	const unsaidAll = "not linearizable: what it kept all the same is not known"
	with := func(change func(r *Report)) Report {
		r := unsaid(Values)
		change(&r)
		r.rank()
		r.Refute()
		return r
	}
	nothing := with(func(*Report) {})
	for name, c := range map[string]struct {
		r                  Report
		strongest, weakest Level
		unclear            bool
		says, sum          string // of it alone, and with one of which everything is known
	}{
		"everything": {known, Sequential, Linearizable, false, late + ", but it was sequential",
			late + ", but every key alone was sequential"},
		"nothing": {nothing, None, Linearizable, true, unsaidAll, late},
		"PRAM held": {with(func(r *Report) { r.Levels[PRAM] = Finding{Held: true} }), PRAM, Linearizable, true,
			"not linearizable, but it was PRAM", late + ", but every key alone was PRAM"},
		"sequential held": {with(func(r *Report) { r.Levels[Sequential] = Finding{Held: true} }), Sequential,
			Linearizable, false, "not linearizable, but it was sequential",
			late + ", but every key alone was sequential"},
		"causal did not": {with(func(r *Report) { r.Levels[Causal] = Finding{} }), None, Causal, true,
			unsaidAll, late},
		"PRAM did not": {with(func(r *Report) { r.Levels[PRAM] = Finding{} }), None, PRAM, false,
			unsaidAll, late},
		"regular": {with(func(r *Report) { r.Regular = Finding{Held: true} }), None, Linearizable, true,
			"not linearizable, but it was regular", late},
		"a session": {with(func(r *Report) {
			r.Sessions[MonotonicReads] = Session{Finding: Finding{Held: true}, Asked: 3}
		}), None, Linearizable, true, "not linearizable, but no client read an older value after a newer one",
			late + ", but no client read an older value after a newer one"},
		"the staleness": {with(func(r *Report) { r.Versions = Versions{Max: 5, Read: 1, Stale: 2} }), None,
			Linearizable, true, "not linearizable: reads were up to 5 versions stale",
			"not linearizable: reads were up to 3 ms and 5 versions stale"},
		"the versions": {with(func(r *Report) { r.Staleness = Staleness{Bounded: true, Delta: 5e6, Read: -1} }), None,
			Linearizable, true, "not linearizable: reads were up to 5 ms stale",
			"not linearizable: reads were up to 5 ms and 2 versions stale"},
		"no time is enough": {with(func(r *Report) { r.Staleness = Staleness{Rule: "?"} }), None, Linearizable, true,
			"not linearizable: no delay of answers explains what was seen",
			"not linearizable: no delay of answers explains what was seen and " + late[len("not linearizable: "):]},
	} {
		weakest, some := c.r.Weakest()
		if c.r.Strongest != c.strongest || weakest != c.weakest || !some || c.r.Unclear != c.unclear ||
			c.r.Sentence() != c.says {
			t.Errorf("%s: %s and not %s, unclear %t, %q", name, c.r.Strongest, weakest, c.r.Unclear, c.r.Sentence())
		}
		for _, pair := range [][2]Report{{c.r, known}, {known, c.r}} {
			sum := pair[0]
			sum.Add(&pair[1])
			if says := sum.SentencePerKey(); says != c.sum || sum.Strongest != min(c.strongest, Sequential) ||
				sum.Unclear != c.unclear {
				t.Errorf("%s and another: %s, unclear %t, %q", name, sum.Strongest, sum.Unclear, says)
			}
		}
	}
	blank := unsaid(Values)
	blank.rank()
	if says := blank.Sentence(); says != "nobody knows whether it was linearizable" || !blank.Unclear {
		t.Error(says)
	}
}
