package harness

import (
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness/history"
)

func TestWhichVerdictWins(t *testing.T) {
	met, missed := CoverageRule{Rule: "all is well", Met: true}, CoverageRule{Rule: "it rained", Detail: "0 mm"}
	valid := Check{Verdict: Valid, Level: Linearizable, Reason: "9 operations fit"}
	open := Check{Verdict: Unknown, Reason: "out of time"}
	wrong := Check{Verdict: Invalid, Level: Linearizable, Reason: "1 key is wrong"}
	kept := func(strongest Level, key string, worst Level) Check {
		c := wrong
		c.Strongest, c.Kept = strongest, &Kept{Keys: []KeyLevel{
			{Key: key, Strongest: worst, Sentence: "told of " + key}, {Key: "a", Strongest: Sequential}}}
		return c
	}
	partly := func(strongest Level, keys ...KeyLevel) Check {
		c := wrong
		c.Strongest, c.Kept = strongest, &Kept{Keys: keys}
		return c
	}
	blank := KeyLevel{Key: "blank", AtLeast: NoLevel, Not: Linearizable}
	stale := []AnomalyResult{{Name: "stale read", Key: "r7", Count: 1}}
	for name, c := range map[string]struct {
		res     Results
		verdict Validity
		vacuous bool
		reason  string
	}{
		"valid": {Results{Checks: []Check{valid}}, Valid, false,
			"linearizable in this run: 9 operations fit"},
		"without a level": {Results{Checks: []Check{{Verdict: Valid, Reason: "fine"}}}, Valid, false,
			"valid in this run: fine"},
		"nothing checked": {Results{}, Unknown, false, "nothing was checked"},
		"a zero check":    {Results{Checks: []Check{{}}}, Unknown, false, ""},
		"vacuous": {Results{Checks: []Check{valid}, Coverage: []CoverageRule{met, missed}}, Unknown, true,
			"this run proves nothing: it is not so that it rained (0 mm)"},
		"undecided": {Results{Checks: []Check{open}, Coverage: []CoverageRule{missed}}, Unknown, false,
			"out of time"},
		"one undecided": {Results{Checks: []Check{valid, open, valid}}, Unknown, false, "out of time"},
		"interrupted": {Results{Checks: []Check{open}, Interrupted: true, DurationMS: 4200}, Unknown, false,
			"interrupted after 4.2 s"},
		"interrupted, met": {Results{Checks: []Check{valid}, Interrupted: true}, Unknown, false,
			"no violation was found"},
		"killed": {Results{Checks: []Check{valid}, Unfinished: true, DurationMS: 900}, Unknown, false,
			"did not end"},
		"failed": {Results{Checks: []Check{valid}, Interrupted: true, Error: "disk full"}, Unknown, false,
			"the run failed: disk full"},
		"invalid": {Results{Target: "db", Claim: Linearizable, Checks: []Check{open, wrong}, Anomalies: stale,
			Error:       "disk full",
			Interrupted: true, Unfinished: true, Coverage: []CoverageRule{missed}}, Invalid, false,
			"stale read on key r7, though db claims to be linearizable"},
		"invalid without a key": {Results{Target: "db", Claim: Linearizable, Checks: []Check{wrong},
			Anomalies: []AnomalyResult{{Name: "lost"}}}, Invalid, false, "lost, though db claims"},
		"weaker than promised": {Results{Target: "db", Claim: Sequential, Anomalies: stale,
			Checks: []Check{kept("", "b", PRAM)}}, Invalid, false,
			"key b is not sequential, though db claims to be sequential: told of b"},
		"weaker than promised per key": {Results{Target: "db", Claim: SequentialPerKey, Anomalies: stale,
			Checks: []Check{kept(CausalPerKey, "", Causal)}}, Invalid, false,
			"the register is not sequential, though db claims to be sequential per key: told of "},
		"as strong as promised": {Results{Target: "db", Claim: Sequential, Anomalies: stale,
			Checks: []Check{kept(Sequential, "b", Sequential)}}, Valid, false,
			"it claims sequential, so this is no violation: not linearizable, 1 key is wrong"},
		"as strong as promised per key": {Results{Target: "db", Claim: CausalPerKey,
			Checks: []Check{kept(SequentialPerKey, "b", Sequential)}}, Valid, false,
			"it claims causal per key, so this is no violation"},
		"promised of the whole, known of the keys": {Results{Target: "db", Claim: Sequential,
			Checks: []Check{kept(SequentialPerKey, "b", Sequential)}}, Unknown, false,
			"it claims sequential, and whether that held is not known: not linearizable, 1 key is wrong"},
		"promised, and nobody looked": {Results{Target: "db", Claim: Sequential, Checks: []Check{wrong}},
			Unknown, false, "whether that held is not known"},
		"promised, and not known of a key": {Results{Claim: Sequential, Checks: []Check{partly("", blank)}}, Unknown, false, "it claims sequential, and whether that held is not known"},
		"promised, and not known of a key but of another": {Results{Target: "db", Claim: CausalPerKey, Anomalies: stale,
			Checks: []Check{partly("", blank, KeyLevel{Key: "b", Strongest: PRAM, Sentence: "told of b"})}}, Invalid,
			false, "key b is not causal, though db claims to be causal per key: told of b"},
		"promised, and known not to be so": {Results{Target: "db", Claim: Sequential, Anomalies: stale,
			Checks: []Check{partly("", blank, KeyLevel{Key: "b", AtLeast: NoLevel, Not: Causal})}}, Invalid, false,
			"key b is not sequential, though db claims to be sequential"},
		"promised less than what is known not to be so": {Results{Target: "db", Claim: PRAM,
			Checks: []Check{partly("", KeyLevel{Key: "b", AtLeast: NoLevel, Not: Causal})}}, Unknown, false,
			"it claims PRAM, and whether that held is not known"},
		"promised no more than what is known": {Results{Target: "db", Claim: PRAMPerKey,
			Checks: []Check{partly("", KeyLevel{Key: "b", AtLeast: PRAM, Not: Linearizable})}}, Unknown, false,
			"it claims PRAM per key, and whether that held is not known"},
		"nothing is promised, and nothing known": {Results{Claim: NoLevel, Checks: []Check{partly("", blank)}}, Valid,
			false, "it claims none, so this is no violation"},
		"promised something else": {Results{Target: "db", Claim: "snapshot isolation",
			Checks: []Check{kept(NoLevel, "b", NoLevel)}}, Valid, false,
			"it claims snapshot isolation, so this is no violation"},
		"not promised": {Results{Claim: NoLevel, Checks: []Check{wrong}, Anomalies: stale}, Valid, false,
			"it claims none, so this is no violation: not linearizable, 1 key is wrong"},
		"not promised, vacuous": {Results{Claim: NoLevel, Checks: []Check{wrong},
			Coverage: []CoverageRule{missed}}, Unknown, true, "proves nothing"},
		"everybody promises that": {Results{Claim: NoLevel, Checks: []Check{{Verdict: Invalid, Reason: "broken"}}},
			Invalid, false, "broken"},
		"nothing is claimed of it": {Results{Checks: []Check{wrong}}, Invalid, false, "1 key is wrong"},
		"decided anew after a write": {Results{Verdict: Invalid, Vacuous: true, Checks: []Check{valid}}, Valid, false,
			"linearizable"},
	} {
		c.res.decide()
		if c.res.Verdict != c.verdict || c.res.Vacuous != c.vacuous || !strings.Contains(c.res.Reason, c.reason) {
			t.Errorf("%s: %s, vacuous %t, %q; expected %s, %t, %q", name, c.res.Verdict, c.res.Vacuous, c.res.Reason,
				c.verdict, c.vacuous, c.reason)
		}
	}
}

func TestTheStrongestLevelThatHeld(t *testing.T) {
	for _, c := range []struct {
		want Level
		held []Level // by each check
	}{
		{"", nil},
		{"", []Level{""}},
		{Linearizable, []Level{Linearizable}},
		{"", []Level{Linearizable, ""}}, // what one check does not know nobody does
		{"", []Level{"", Linearizable}},
		{NoLevel, []Level{Linearizable, NoLevel}},
		{SequentialPerKey, []Level{SequentialPerKey, Linearizable}},
		{CausalPerKey, []Level{Causal, CausalPerKey}},
		{"", []Level{Causal, SequentialPerKey}}, // neither is the weaker one
	} {
		var checks []Check
		for _, held := range c.held {
			checks = append(checks, Check{Strongest: held})
		}
		if got := strongest(checks); got != c.want {
			t.Errorf("%q held, expected %q, of %q", got, c.want, c.held)
		}
	}
}

func TestBoundedIsSaidInWords(t *testing.T) {
	counts := func(ok, fail int) OpCounts { return OpCounts{Total: ok + fail, OK: ok, Fail: fail} }
	group := func(by, name string, ok, fail int) Group {
		g := Group{By: by, Name: name, Ops: counts(ok, fail)}
		g.OKShare = float64(ok) / float64(max(ok+fail, 1))
		return g
	}
	calm := Window{Name: windowCalm, Fault: -1, Groups: []Group{group(byAll, "", 100, 0)}}
	cut := Window{Name: "partition:one", Fault: 0, StartMS: 3000, Groups: []Group{group(byAll, "", 50, 50),
		group(bySide, "n1", 0, 50), group(bySide, "n2 n3", 50, 0), group(bySide, "n4", 0, 0), group(byNode, "n1", 0,
			50)}}
	mild := Window{Name: "pause:one", Fault: 1, StartMS: 9000, Groups: []Group{group(byAll, "", 99, 1)}}
	late := Window{Name: "kill:one", Fault: 2, Groups: []Group{group(byAll, "", 100, 0)}}
	idle := Window{Name: "kill:all", Fault: 3, Groups: []Group{group(byAll, "", 0, 0)}}
	for _, c := range []struct {
		ops     OpCounts
		windows []Window
		want    string
	}{
		{OpCounts{}, nil, "No call was made."},
		{counts(10, 0), nil, "100 % of all calls were answered. No call outlived its deadline."},
		{counts(0, 10), nil, "none of all calls were answered. No call outlived its deadline."},
		{counts(99999, 1), nil, "99.9 % of all calls were answered. No call outlived its deadline."},
		{counts(1, 99999), nil, "0.1 % of all calls were answered. No call outlived its deadline."},
		{OpCounts{Total: 4, OK: 1, Fail: 1, Unmet: 1, Info: 2, Hung: 1}, nil,
			"50.0 % of all calls were answered. 1 call ignored the deadline and would have waited for ever."},
		{OpCounts{Total: 4, OK: 2, Info: 2, Hung: 2}, nil,
			"50.0 % of all calls were answered. 2 calls ignored the deadline and would have waited for ever."},
		{counts(3, 1), []Window{calm, mild, cut, late, idle},
			"75.0 % of all calls were answered (100 % before the first fault); " +
				"at worst 50.0 %, during partition:one at 3.0 s, none on the side of n1, 100 % on the side of n2 n3. " +
				"No call outlived its deadline."},
		{counts(9, 0), []Window{calm, late},
			"100 % of all calls were answered (100 % before the first fault); every fault left " +
				"every call answered, if late. No call outlived its deadline."},
		{counts(9, 0), []Window{calm, idle}, "100 % of all calls were answered (100 % before the first fault). " +
			"No call outlived its deadline."},
	} {
		res := &Results{Ops: c.ops, Windows: c.windows}
		if got := res.tellBounded(); got != c.want {
			t.Errorf("%+v:\n%q, expected\n%q", c.ops, got, c.want)
		}
	}
}

func TestObservableIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		res  Results
		want string
	}{
		{Results{Verdict: Unknown}, "No call was made, so nothing was observed."},
		{Results{Verdict: Valid, Ops: OpCounts{Total: 9, OK: 7, Fail: 2, Unmet: 2}},
			"Every call was answered. No answer was a lie."},
		{Results{Verdict: Valid, Ops: OpCounts{Total: 9, OK: 8, Info: 1}},
			"Of 1 call that was not answered the system owned up to 0 (a definite error) and left 1 open " +
				"(nobody knows whether they happened). No answer was a lie."},
		{Results{Verdict: Unknown, Ops: OpCounts{Total: 9, OK: 2, Fail: 5, Unmet: 1, Info: 2}},
			"Of 6 calls that were not answered the system owned up to 4 (a definite error) and left 2 open " +
				"(nobody knows whether they happened). Whether an answer was a lie was not decided."},
		{Results{Verdict: Invalid, Ops: OpCounts{Total: 1, OK: 1}, Anomalies: []AnomalyResult{{Name: "stale read",
			Count: 3},
			{Name: "lost write", Count: 1}, {Name: "lost write", Count: 1}}},
			"Every call was answered. It lied: stale read (3), lost write (1)."},
		{Results{Verdict: Valid, Ops: OpCounts{Total: 1, OK: 1}, Anomalies: []AnomalyResult{{Name: "stale read",
			Count: 3}}},
			"Every call was answered. What it answered was not linearizable, nor did it promise that: stale read (3)."},
	} {
		if got := c.res.tellObservable(); got != c.want {
			t.Errorf("%+v:\n%q, expected\n%q", c.res.Ops, got, c.want)
		}
	}
}

func TestRecoverableIsSaidInWords(t *testing.T) {
	heal := func(watched float64, first, sustained *float64) Window {
		return Window{Fault: 0, WatchedMS: &watched, Groups: []Group{{By: byAll, FirstSuccessMS: first,
			SustainedMS: sustained},
			{By: byNode, Name: "n1", FirstSuccessMS: new(99999.0)}}}
	}
	finals := func(n int) (h history.History) {
		for range n {
			h.Pairs = append(h.Pairs, history.Pair{Final: true, Outcome: history.OK})
		}
		h.Pairs = append(h.Pairs, history.Pair{Final: true, Outcome: history.Fail})
		return h
	}
	for _, c := range []struct {
		windows []Window
		finals  int
		want    string
	}{
		{nil, 3, "Nothing was healed, so nothing is known about recovery."},
		{[]Window{{Fault: 0, Groups: []Group{{By: byAll}}}, {Fault: -1, Groups: []Group{{By: byAll}}}}, 3,
			"Nothing was healed, so nothing is known about recovery."},
		{[]Window{heal(5000, new(12.0), new(300.0))}, 1,
			"After 1 of 1 heal a call succeeded again, at the latest 12 ms later; " +
				"rate and latency were back to normal after 1, at the latest 0.3 s later. " +
				"1 final read after the last heal was answered."},
		{[]Window{heal(5000, nil, nil), heal(4000, nil, nil)}, 0,
			"After none of 2 heals did a call succeed before the next " +
				"fault or the end; after 2 rate and latency were not back to normal before the next " +
				"fault or the end. " +
				"There were no final reads after the last heal."},
		{[]Window{heal(5000, new(12.0), new(300.0)), heal(2000, new(40.0), nil), heal(200, new(7.0), nil), heal(0, nil,
			nil)}, 2,
			"After 3 of 4 heals a call succeeded again, at the latest 40 ms later; rate and latency were back to " +
				"normal after 1, " +
				"at the latest 0.3 s later; after 1 rate and latency were not back to normal before " +
				"the next fault or the end; " +
				"after 2 the next fault or the end came within a second, too soon to tell. " +
				"2 final reads after the last heal were answered."},
	} {
		res := &Results{Windows: c.windows}
		if got := res.tellRecoverable(finals(c.finals)); got != c.want {
			t.Errorf("\n%q, expected\n%q", got, c.want)
		}
	}
}
