package txn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// linesOf returns the lines that pairs were made of, and in the end tells of what never returned that nobody knows.
func linesOf(pairs []history.Pair) []history.Op {
	var all, last []history.Op
	for _, p := range pairs {
		op := history.Op{Index: p.Index, Time: p.Call, Process: p.Process, Type: history.Invoke, F: p.F, Value: p.Input}
		all = append(all, op)
		if p.End < 0 {
			last = append(last, history.Op{Process: p.Process, Type: history.Info, F: p.F})
			continue
		}
		op.Index, op.Time, op.Type, op.Value = p.End, p.Return, p.Outcome, p.Output
		all = append(all, op)
	}
	slices.SortFunc(all, func(a, b history.Op) int { return a.Index - b.Index })
	for _, op := range last {
		op.Index, op.Time = all[len(all)-1].Index+1, all[len(all)-1].Time
		all = append(all, op)
	}
	return all
}

// beginnings tells a stream of a history, and compares what it suspects with what the checker finds in the beginning so
// far: after every line, as long as nothing is wrong. It returns the first line at which something was, or -1.
func beginnings(t *testing.T, c harness.Checker, h history.History) int {
	t.Helper()
	s := c.(harness.Streamer).Stream()
	narrower := s.(harness.Narrower)
	lines := linesOf(h.Pairs)
	var soFar history.Builder
	for n, op := range lines {
		s.Add(op)
		if err := soFar.Add(op); err != nil {
			t.Fatal(err)
		}
		wrong, unclear := s.Suspects()
		invalid := judge(t, c, soFar.History()).Validity == harness.Invalid
		if len(unclear) > 0 || (len(wrong) > 0) != invalid {
			t.Fatalf("line %d: wrong with %q, unclear %q, but invalid %t\n%s", op.Index, wrong, unclear, invalid,
				show(soFar.History()))
		}
		if !invalid {
			continue
		}
		less := narrowed(t, narrower, lines[:n+1], wrong)
		if v := judge(t, c, less); v.Validity != harness.Invalid {
			t.Fatalf("with %q is nothing wrong by itself: %s\n%s%s", wrong, v.Reason, show(less), show(soFar.History()))
		}
		return op.Index
	}
	return -1
}

// narrowed is what is left of lines for some suspects.
func narrowed(t *testing.T, s harness.Narrower, lines []history.Op, names []string) history.History {
	t.Helper()
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	keep := s.Narrow(set)
	var less history.Builder
	for _, op := range lines {
		if keep(&op) {
			if err := less.Add(op); err != nil {
				t.Fatal(err)
			}
		}
	}
	return less.History()
}

// TestAStreamFindsWhatTheCheckerFinds compares every beginning of small histories: 50 of each sort, or -long N.
func TestAStreamFindsWhatTheCheckerFinds(t *testing.T) {
	t.Parallel()
	for n, d := range append(sorts(), moreSorts()...) {
		c := RWRegister()
		if d.lists {
			c = ListAppend()
		}
		rng := rand.New(rand.NewPCG(71, uint64(n)))
		wrong, each := 0, max(50, *long)
		for range each {
			if beginnings(t, c, d.roll(rng)) >= 0 {
				wrong++
			}
		}
		if sound := d.lies == 0 && d.skew == 0; sound != (wrong == 0) || wrong == each {
			t.Errorf("%+v: %d of %d wrong", d, wrong, each)
		}
	}
}

// moreSorts are larger, without an end at which everything is read.
func moreSorts() []dice {
	var all []dice
	for _, lists := range []bool{true, false} {
		for _, wrong := range []dice{{}, {lies: 2}, {skew: 10}, {skew: 100}} {
			d := dice{lists: lists, txns: 20, processes: 4, keys: 3, pending: 15, fails: 10}
			d.lies, d.skew = wrong.lies, wrong.skew
			all = append(all, d)
		}
	}
	return all
}

// TestAStreamByHand tells streams of what random histories seldom have, and at which line something is wrong with it.
func TestAStreamByHand(t *testing.T) {
	t.Parallel()
	txn := func(process, call, end int, outcome history.Type, ops ...any) history.Pair {
		p := history.Pair{F: "txn", Process: process, Index: call, End: end, Outcome: outcome, Input: ops}
		if outcome == history.OK {
			p.Output = ops
		}
		return p
	}
	ok, fail := history.OK, history.Fail
	one, nothing := []int64{1}, any(nil)
	w := int64(1)
	for _, c := range []struct {
		name    string
		checker harness.Checker
		wrong   int
		pairs   []history.Pair
	}{
		{"an append fails that was seen", ListAppend(), 3, []history.Pair{
			txn(0, 0, 3, fail, pair("append", "a", w)), txn(1, 1, 2, ok, pair("r", "a", one)),
		}},
		{"an append is seen that failed", ListAppend(), 3, []history.Pair{
			txn(0, 0, 1, fail, pair("append", "a", w)), txn(1, 2, 3, ok, pair("r", "a", one)),
		}},
		{"an append fails that was not seen", ListAppend(), -1, []history.Pair{
			txn(0, 0, 3, fail, pair("append", "a", w)), txn(1, 1, 2, ok, pair("r", "a", nothing)),
		}},
		{"a write fails that was seen", RWRegister(), 3, []history.Pair{
			txn(0, 0, 3, fail, pair("w", "a", w)), txn(1, 1, 2, ok, pair("r", "a", w)),
		}},
		{"a write is seen that failed", RWRegister(), 3, []history.Pair{
			txn(0, 0, 1, fail, pair("w", "a", w)), txn(1, 2, 3, ok, pair("r", "a", w)),
		}},
		{"a write fails that was not seen", RWRegister(), -1, []history.Pair{
			txn(0, 0, 3, fail, pair("w", "a", w)), txn(1, 1, 2, ok, pair("r", "a", nothing)),
		}},
		{"a single write fails that was seen", LongFork(), 3, []history.Pair{
			txn(0, 0, 3, fail, pair("w", "a", w)), txn(1, 1, 2, ok, pair("r", "a", w)),
		}},
		{"an element is read twice", ListAppend(), 3, []history.Pair{
			txn(0, 0, 1, ok, pair("append", "a", w)), txn(1, 2, 3, ok, pair("r", "a", []int64{1, 1})),
		}},
		{"what was seen of another key tells that a read is old", RWRegister(), 9, []history.Pair{
			txn(2, 1, 5, ok, pair("r", "a", int64(5))),
			txn(0, 4, 8, ok, pair("r", "a", nothing), pair("w", "a", int64(5)), pair("w", "b", int64(6))),
			txn(1, 7, 9, ok, pair("r", "b", nothing), pair("w", "b", int64(7))),
		}},
		{"what replaced a value had been seen before it returned", RWRegister(), 8, []history.Pair{
			txn(1, 0, 3, ok, pair("r", "a", nothing), pair("w", "b", w)),
			txn(2, 1, 7, ok, pair("w", "a", int64(2)), pair("r", "b", w), pair("w", "b", int64(3))),
			txn(0, 2, 4, ok, pair("r", "a", int64(2)), pair("r", "b", int64(3))),
			txn(3, 5, 8, ok, pair("r", "b", w), pair("r", "a", int64(2))),
		}},
	} {
		if at := beginnings(t, c.checker, history.History{Pairs: c.pairs}); at != c.wrong {
			t.Errorf("%s: wrong at line %d, expected %d", c.name, at, c.wrong)
		}
	}
}
