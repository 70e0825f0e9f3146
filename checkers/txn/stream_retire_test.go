package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

func streamOf(c harness.Checker) *stream { return c.(harness.Streamer).Stream().(*stream) }

// TestAStreamKeepsWhatIsOpen: over keys that rotate it keeps no more after many transactions than after a few, and one
// read of an old state is found, with the few keys that are used then.
func TestAStreamKeepsWhatIsOpen(t *testing.T) {
	t.Parallel()
	for _, lists := range []bool{true, false} {
		for _, wrong := range []bool{false, true} {
			c := RWRegister()
			if lists {
				c = ListAppend()
			}
			s := streamOf(c)
			s.patience = 2000
			lines := linesOf(busy(lists, 16_000, 20, 32, wrong).Pairs)
			early, late := 0, 0
			var found []string
			for n, op := range lines {
				s.Add(op)
				if n%2000 != 0 {
					continue
				}
				names, unclear := s.Suspects()
				if found = append(found, names...); len(unclear) > 0 && !wrong {
					t.Fatalf("nobody can tell of %q", unclear)
				}
				if n < len(lines)/2 {
					early = max(early, s.Size())
				}
				late = max(late, s.Size())
			}
			if late > early+early/4 || late > 20_000 || early < 20 {
				t.Errorf("lists %t: it remembers %d, and %d later", lists, early, late)
			}
			if wrong != (len(found) > 0) || len(found) > 10 {
				t.Errorf("lists %t: wrong %t, but found %q", lists, wrong, found)
			}
		}
	}
}

// TestRetiredKeysAreNoFalseAlarm: where keys are retired nearly at once nothing is called wrong that is not, most of
// what is wrong is suspected still, and what is not is wrong with several keys.
func TestRetiredKeysAreNoFalseAlarm(t *testing.T) {
	t.Parallel()
	suspected, missed := 0, 0
	for n, d := range append(sorts(), moreSorts()...) {
		c := RWRegister()
		if d.lists {
			c = ListAppend()
		}
		rng := rand.New(rand.NewPCG(91, uint64(n)))
		for range 80 {
			h := d.roll(rng)
			s := streamOf(c)
			s.patience = 4
			var soFar history.Builder
			doubtful := map[string]bool{}
			found := false
			for _, op := range linesOf(h.Pairs) {
				s.Add(op)
				if err := soFar.Add(op); err != nil {
					t.Fatal(err)
				}
				wrong, unclear := s.Suspects()
				for _, name := range unclear {
					doubtful[name] = true
				}
				if len(wrong) > 0 {
					if v := judge(t, c, soFar.History()); v.Validity != harness.Invalid {
						t.Fatalf("wrong with %q, but %s\n%s", wrong, v.Reason, show(h))
					}
					found = true
					break
				}
			}
			if found || judge(t, c, h).Validity != harness.Invalid {
				continue
			}
			lines, names := linesOf(h.Pairs), []string{}
			for name := range doubtful {
				names = append(names, name)
			}
			if judge(t, c, narrowed(t, s, lines, names)).Validity == harness.Invalid {
				suspected++
				continue
			}
			missed++
			for key := range int64(d.keys) {
				alone := narrowed(t, s, lines, []string{fmt.Sprint(key)})
				if v := judge(t, c, alone); v.Validity == harness.Invalid {
					t.Fatalf("key %d is not suspected: %s\n%s", key, v.Reason, show(h))
				}
			}
		}
	}
	t.Logf("%d are wrong with keys that were used again, %d were missed", suspected, missed)
	if suspected < 10 || missed > suspected {
		t.Errorf("%d are wrong with keys that were used again, %d were missed", suspected, missed)
	}
}

// say tells a stream of a transaction that nobody was in the way of.
func say(s *stream, ops ...any) {
	op := history.Op{Index: s.lines, F: "txn", Type: history.Invoke, Value: ops}
	s.Add(op)
	op.Index, op.Type = s.lines, history.OK
	s.Add(op)
}

func pair(f, key string, value any) any { return []any{f, key, value} }

// TestAStreamBeginsAnew: what was wrong is said once. Nothing is known then of the keys that were used, and the others
// are judged.
func TestAStreamBeginsAnew(t *testing.T) {
	t.Parallel()
	s := streamOf(ListAppend())
	expect := func(wantWrong, wantUnclear []string) {
		t.Helper()
		if wrong, unclear := s.Suspects(); !slices.Equal(wrong, wantWrong) || !slices.Equal(unclear, wantUnclear) {
			t.Errorf("wrong %q, unclear %q; expected %q, %q", wrong, unclear, wantWrong, wantUnclear)
		}
	}
	say(s, pair("append", "a", int64(1)))
	expect(nil, nil)
	say(s, pair("r", "a", []int64{}))
	expect([]string{"a"}, nil)
	expect(nil, nil)
	say(s, pair("r", "a", []int64{}), pair("append", "b", int64(1)))
	expect(nil, []string{"a"})
	expect(nil, nil)
	say(s, pair("r", "b", []int64{1}))
	expect(nil, nil)
	say(s, pair("r", "b", []int64{}))
	expect([]string{"b"}, nil)
}

// TestAStreamKnowsWhatItCannotTell: what the model has no word for, and for which the checker refuses to judge.
func TestAStreamKnowsWhatItCannotTell(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]any{
		"a register": {pair("w", "a", int64(2))}, "a text": {pair("append", "a", "x")}, "no list": {"x"},
		"stored again": {pair("append", "a", int64(1))}, "no list read": {pair("r", "a", int64(1))},
	} {
		s := streamOf(ListAppend())
		say(s, pair("append", "a", int64(1)))
		if wrong, unclear := s.Suspects(); len(wrong)+len(unclear) > 0 {
			t.Errorf("%s: suspected before: %q, %q", name, wrong, unclear)
		}
		say(s, more...)
		for range 2 {
			if wrong, unclear := s.Suspects(); len(wrong) > 0 || !slices.Equal(unclear, []string{everything}) {
				t.Errorf("%s: wrong %q, unclear %q", name, wrong, unclear)
			}
			if wrong, unclear := s.Suspects(); len(wrong)+len(unclear) > 0 {
				t.Errorf("%s: said again: %q, %q", name, wrong, unclear)
			}
			say(s, pair("r", "b", nil))
		}
		if s.Size() != 0 {
			t.Errorf("%s: it still remembers %d", name, s.Size())
		}
	}
}
