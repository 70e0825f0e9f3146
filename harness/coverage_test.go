package harness

import (
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// soundRun is a run that did everything: cutRun, and a final read of two keys by each node.
func soundRun() Recorded {
	h := cutRun()
	for _, key := range []string{"k", "l"} {
		for _, n := range twoNodes.Nodes {
			p := call(&h, "read", n, 11*time.Second, 11001*ms, history.OK)
			p.Final, p.Key = true, key
		}
	}
	info := twoNodes
	info.Kinds, info.FinalStart = []string{"read"}, 11*time.Second
	return Recorded{Info: info, History: h}
}

// unmet returns what a run lacks.
func unmet(rec Recorded) []string {
	var rules []string
	for _, r := range coverage(rec) {
		if !r.Met {
			rules = append(rules, r.Rule+" ("+r.Detail+")")
		}
	}
	return rules
}

func TestCoverage(t *testing.T) {
	fail := func(rec *Recorded, which func(*history.Pair) bool) {
		for i := range rec.History.Pairs {
			if p := &rec.History.Pairs[i]; which(p) {
				p.Outcome = history.Fail
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Recorded)
		lacks  string // "" where the run is sound
	}{
		"a sound run": {func(*Recorded) {}, ""},
		"a kind that never succeeded": {func(rec *Recorded) { rec.Info.Kinds = []string{"read", "cas"} },
			"every kind of operation succeeded often enough (read 1754 ok, cas 0 ok; needed 5 of each)"},
		"a node that never answered": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Node == "n1" && !p.Final })
		}, "every node served (no operation succeeded on n1)"},
		"a node that answered finally only": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Node == "n1" && !p.Final })
		}, "every node served"},
		"all was planned, nothing reached": {func(rec *Recorded) { rec.History.Strikes[0].State = history.Planned },
			"a planned fault struck (0 of 1 planned)"},
		"all were skipped": {func(rec *Recorded) { rec.History.Strikes[0].State = history.Skipped },
			"a planned fault struck (0 of 1 planned)"},
		"one was skipped, one not reached": {func(rec *Recorded) {
			rec.History.Strikes = append(rec.History.Strikes, history.Strike{ID: 1, State: history.Skipped},
				history.Strike{ID: 2, State: history.Planned})
		}, ""},
		"it could not be injected": {func(rec *Recorded) {
			s := &rec.History.Strikes[0]
			s.State, s.Start, s.End, s.Error = history.Broken, 0, 0, "inject: no hands"
		}, "every fault could be injected and healed (not partition:one at 3.0 s: inject: no hands)"},
		"it could not be healed": {func(rec *Recorded) {
			rec.History.Strikes[0].State, rec.History.Strikes[0].Error = history.Broken, "heal: stuck"
		}, "every fault could be injected and healed (not partition:one at 3.0 s: heal: stuck)"},
		"no evidence": {func(rec *Recorded) {
			rec.History.Strikes[0].TookEffect,
				rec.History.Strikes[0].Evidence = false, ""
		},
			"every fault took effect (not partition:one at 3.0 s: no evidence)"},
		"no effect": {func(rec *Recorded) {
			struckBetween(&rec.History, 6*time.Second, 7*time.Second).TookEffect = false
		}, "every fault took effect (not partition:one at 6.0 s: bytes held)"},
		"nobody called while it was on": {func(rec *Recorded) {
			for i := range rec.History.Pairs {
				if p := &rec.History.Pairs[i]; p.Call >= 2900*ms && p.Call <= 5*time.Second {
					p.Call, p.Return = 2900*ms, 2901*ms
				}
			}
		}, "operations overlapped every fault (not partition:one at 3.0 s)"},
		"nothing was ok while it was on, as with kill:all": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Call >= 2990*ms && p.Call <= 5*time.Second })
		}, ""},
		"nothing was ok before": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Call < 3*time.Second })
		}, "every kind succeeded before the first fault (read 0 ok)"},
		"nothing was ok after the heal": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Call > 5*time.Second && !p.Final })
		}, "every kind succeeded after a heal (read 0 ok)"},
		"the load ended too soon after the heal to ask": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Call > 5*time.Second && !p.Final })
			rec.Info.LoadEnd = 7 * time.Second
		}, ""},
		"a strike without effect that the end cut short": {func(rec *Recorded) {
			s := struckBetween(&rec.History, 9990*ms, 10001*ms)
			s.PlannedFor, s.TookEffect = 3*time.Second, false
		}, ""},
		"only such a strike": {func(rec *Recorded) {
			rec.History.Strikes[0].PlannedFor, rec.History.Strikes[0].TookEffect = time.Minute, false
		}, "a planned fault struck (0 of 1 planned)"},
		"a strike that the end cut short, with its effect": {func(rec *Recorded) {
			rec.History.Strikes[0].PlannedFor = time.Minute
		}, ""},
		"it did not settle": {func(rec *Recorded) { rec.Info.Settled = false },
			"the cluster recovered before the final reads (it did not say so within the time allowed)"},
		"no final reads": {func(rec *Recorded) { rec.History.Pairs = cutRun().Pairs },
			"keys were read after the last heal (0 of 0 keys, by 0 final reads)"},
		"a final read of one node failed, but another's succeeded": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Final && p.Node == "n1" })
		}, ""},
		"half of the keys could not be read in the end": {func(rec *Recorded) {
			fail(rec, func(p *history.Pair) bool { return p.Final && p.Key == "l" })
		}, "keys were read after the last heal (1 of 2 keys, by 2 final reads)"},
		"a run without a nemesis has nothing to prove about faults": {func(rec *Recorded) {
			rec.History.Strikes, rec.Info.Settled = nil, false
			rec.History.Pairs = cutRun().Pairs
		}, ""},
		"a foreign history of one read": {func(rec *Recorded) {
			rec.Info, rec.History.Strikes, rec.History.Pairs = RunInfo{}, nil, rec.History.Pairs[:1]
		}, ""},
		"a foreign history of nothing": {func(rec *Recorded) { *rec = Recorded{} },
			"every kind of operation succeeded often enough (no operation at all; needed 1 of each)"},
		"a foreign history in which a kind never succeeded": {func(rec *Recorded) {
			rec.Info, rec.History.Strikes = RunInfo{}, nil
			call(&rec.History, "write", "", 20*time.Second, 21*time.Second, history.Info)
		}, "write 0 ok; needed 1 of each"},
	} {
		rec := soundRun()
		c.change(&rec)
		lacks := strings.Join(unmet(rec), "; ")
		if c.lacks == "" && lacks != "" || !strings.HasPrefix(lacks, c.lacks) && !strings.Contains(lacks, c.lacks) {
			t.Errorf("%s: lacks %q, expected %q", name, lacks, c.lacks)
		}
	}
}

func TestCoverageListsOnlyRulesThatApply(t *testing.T) {
	rec := soundRun()
	if rules := coverage(rec); len(rules) != 10 {
		t.Errorf("%d rules of a run with faults: %+v", len(rules), rules)
	}
	rec.History.Strikes = nil
	if rules := coverage(rec); len(rules) != 2 {
		t.Errorf("%d rules of a run without: %+v", len(rules), rules)
	}
	rec.Info = RunInfo{}
	if rules := coverage(rec); len(rules) != 1 {
		t.Errorf("%d rules of a foreign history: %+v", len(rules), rules)
	}
}

func TestAnOperationBelongsToThePhaseOfTheFaultItTouches(t *testing.T) {
	h := history.History{}
	struckBetween(&h, 3*time.Second, 5*time.Second)
	for _, c := range []struct {
		from, to time.Duration
		want     string
	}{
		{0, 2 * time.Second, before}, {2 * time.Second, 3 * time.Second, during}, {2 * time.Second, 6 * time.Second,
			during},
		{4 * time.Second, 4500 * ms, during}, {5 * time.Second, 6 * time.Second, during}, {5001 * ms, 6 * time.Second,
			after},
	} {
		if got := phaseOf(&history.Pair{Call: c.from, Return: c.to}, h.Strikes); got != c.want {
			t.Errorf("from %s to %s: %q, expected %q", c.from, c.to, got, c.want)
		}
	}
	if got := phaseOf(&history.Pair{Call: time.Hour, Final: true}, h.Strikes); got != finals {
		t.Errorf("a final read: %q", got)
	}
}
