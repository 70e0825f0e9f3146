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
