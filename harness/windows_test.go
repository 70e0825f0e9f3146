package harness

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

const ms = time.Millisecond

// steady adds a read of every node each 10 ms from one time to another, each taking the given latency.
func steady(h *history.History, from, to, latency time.Duration, outcome history.Type, nodes ...string) {
	for t := from; t < to; t += 10 * ms {
		for _, n := range nodes {
			call(h, "read", n, t, t+latency, outcome)
		}
	}
}

func call(h *history.History, f, node string, from, to time.Duration, outcome history.Type) *history.Pair {
	i := 2 * len(h.Pairs)
	h.Pairs = append(h.Pairs, history.Pair{
		Index: i, End: i + 1, Process: i, F: f, Key: "k", Node: node, Call: from, Due: from, Return: to,
		Outcome: outcome,
	})
	return &h.Pairs[len(h.Pairs)-1]
}

// struckBetween adds a fault that was healed and had its effect.
func struckBetween(h *history.History, from, to time.Duration) *history.Strike {
	h.Strikes = append(h.Strikes, history.Strike{
		ID: len(h.Strikes), Fault: "partition:one", State: history.Healed, Nodes: []string{"n1"}, Began: from,
		Start:     from,
		PlannedAt: from, PlannedFor: to - from, End: to, TookEffect: true, Evidence: "bytes held",
	})
	return &h.Strikes[len(h.Strikes)-1]
}

func windowNamed(t *testing.T, ws []Window, name string, fault int) Window {
	t.Helper()
	i := slices.IndexFunc(ws, func(w Window) bool { return w.Name == name && w.Fault == fault })
	if i < 0 {
		t.Fatalf("no window %s of fault %d among %+v", name, fault, ws)
	}
	return ws[i]
}

func groupNamed(t *testing.T, w Window, by, name string) Group {
	t.Helper()
	i := slices.IndexFunc(w.Groups, func(g Group) bool { return g.By == by && g.Name == name })
	if i < 0 {
		t.Fatalf("window %s has no group %s %q: %+v", w.Name, by, name, w.Groups)
	}
	return w.Groups[i]
}

var twoNodes = RunInfo{Schema: RunSchema, Nodes: []string{"n1", "n2"}, LoadEnd: 10 * time.Second, Settled: true}

// cutRun is 10 s of two nodes, of which n1 refuses everything from 3 to 5 s and answers again at 5.5 s.
func cutRun() history.History {
	var h history.History
	steady(&h, 0, 10*time.Second, 2*ms, history.OK, "n2")
	steady(&h, 0, 3*time.Second, 2*ms, history.OK, "n1")
	steady(&h, 3*time.Second, 5500*ms, 2*ms, history.Fail, "n1")
	steady(&h, 5500*ms, 10*time.Second, 2*ms, history.OK, "n1")
	struckBetween(&h, 3*time.Second, 5*time.Second).Sides = [][]string{{"n1"}, {"n2"}}
	return h
}

func TestWindowsOfAFault(t *testing.T) {
	ws := windows(cutRun(), twoNodes)
	if len(ws) != 3 {
		t.Fatalf("%d windows, expected calm, the fault and after: %+v", len(ws), ws)
	}
	calm, fault, after := windowNamed(t, ws, "calm", -1), windowNamed(t, ws, "partition:one", 0), windowNamed(t, ws,
		"after", -1)
	if calm.StartMS != 0 || calm.EndMS != 3000 || fault.StartMS != 3000 || fault.EndMS != 5000 || after.EndMS != 10000 {
		t.Errorf("calm %v to %v, fault %v to %v, after to %v", calm.StartMS, calm.EndMS, fault.StartMS, fault.EndMS,
			after.EndMS)
	}
	if all := groupNamed(t, calm, "all",
		""); all.Ops.Total != 600 || all.OKShare != 1 || all.P50MS != 2 || all.LongestGapMS > 11 {
		t.Errorf("calm: %+v", all)
	}
	for by, names := range map[string][2]string{"node": {"n1", "n2"}, "side": {"n1", "n2"}} {
		hurt, well := groupNamed(t, fault, by, names[0]), groupNamed(t, fault, by, names[1])
		if hurt.OKShare != 0 || hurt.Ops.Fail != 200 || hurt.LongestGapMS < 1990 {
			t.Errorf("%s n1 was hurt: %+v", by, hurt)
		}
		if well.OKShare != 1 || well.LongestGapMS > 12 || *well.FirstSuccessMS > 12 || *well.SustainedMS > 100 {
			t.Errorf("%s n2 was well: %+v", by, well)
		}
	}
	if kind := groupNamed(t, fault, "kind", "read"); kind.Ops.Total != 400 || kind.OKShare != 0.5 {
		t.Errorf("reads: %+v", kind)
	}
	if slices.ContainsFunc(calm.Groups, func(g Group) bool { return g.By == "side" }) {
		t.Error("the calm has no sides")
	}
}

func TestRecoveryIsMeasuredFromTheHeal(t *testing.T) {
	fault := windowNamed(t, windows(cutRun(), twoNodes), "partition:one", 0)
	n1 := groupNamed(t, fault, "node", "n1")
	if n1.FirstSuccessMS == nil || *n1.FirstSuccessMS != 502 {
		t.Errorf("first success after %v ms, expected 502", n1.FirstSuccessMS)
	}
	// the second from 5.3 s on is the first that holds seven tenths of the calls of a calm one
	if n1.SustainedMS == nil || *n1.SustainedMS < 200 || *n1.SustainedMS > 500 {
		t.Errorf("sustained after %v ms", n1.SustainedMS)
	}
	if fault.WatchedMS == nil || *fault.WatchedMS != 5000 {
		t.Errorf("watched for %v ms, expected 5000", fault.WatchedMS)
	}
}

func TestRecoveryThatWasNotSeen(t *testing.T) {
	for name, c := range map[string]struct {
		change           func(*history.History)
		watched          float64 // -1: no heal
		first, sustained bool
	}{
		"seen": {func(*history.History) {}, 5000, true, true},
		"the next fault came at once": {func(h *history.History) { struckBetween(h, 5001*ms, 9*time.Second) }, 1,
			false, false},
		"the next fault came too soon": {func(h *history.History) { struckBetween(h, 5900*ms, 9*time.Second) }, 900,
			true, false},
		"another fault was on": {func(h *history.History) { struckBetween(h, 4*time.Second, 9*time.Second) }, 0,
			false, false},
		"another ended with it": {func(h *history.History) { struckBetween(h, 4*time.Second, 5*time.Second) },
			5000, true, true},
		"another was never healed": {func(h *history.History) {
			s := struckBetween(h, 4*time.Second, 0)
			s.State = history.Injected
		}, 0, false, false},
		"a planned one does not count": {func(h *history.History) {
			h.Strikes = append(h.Strikes, history.Strike{ID: 1, State: history.Planned, PlannedAt: 6 * time.Second})
		}, 5000, true, true},
		"a skipped one does not count": {func(h *history.History) {
			h.Strikes = append(h.Strikes, history.Strike{ID: 1, State: history.Skipped, Began: 5100 * ms})
		}, 5000, true, true},
		"the heal failed": {func(h *history.History) { h.Strikes[0].State = history.Broken }, -1, false, false},
		"it never was healed": {func(h *history.History) {
			h.Strikes[0].State, h.Strikes[0].End = history.Injected,
				0
		}, -1, false, false},
		"no calm to return to": {func(h *history.History) { h.Strikes[0].Began = 500 * ms }, 5000, true, false},
		"it never recovered": {func(h *history.History) {
			for i := range h.Pairs {
				if h.Pairs[i].Call >= 3*time.Second {
					h.Pairs[i].Outcome = history.Fail
				}
			}
		}, 5000, false, false},
		"it stayed slow": {func(h *history.History) {
			for i := range h.Pairs {
				if h.Pairs[i].Call >= 3*time.Second {
					h.Pairs[i].Return += 10 * ms
				}
			}
		}, 5000, true, false},
		"too few came back": {func(h *history.History) {
			for i := range h.Pairs {
				if h.Pairs[i].Call >= 3*time.Second && i%2 == 0 {
					h.Pairs[i].Outcome = history.Info
				}
			}
		}, 5000, true, false},
	} {
		h := cutRun()
		c.change(&h)
		w := windowNamed(t, windows(h, twoNodes), "partition:one", 0)
		g := groupNamed(t, w, "node", "n1")
		if c.watched < 0 != (w.WatchedMS == nil) || w.WatchedMS != nil && *w.WatchedMS != c.watched {
			t.Errorf("%s: watched %v, expected %v", name, w.WatchedMS, c.watched)
		}
		if (g.FirstSuccessMS != nil) != c.first || (g.SustainedMS != nil) != c.sustained {
			t.Errorf("%s: first success %v (expected %t), sustained %v (expected %t)", name, g.FirstSuccessMS, c.first,
				g.SustainedMS, c.sustained)
		}
	}
}

func TestWindowsWithoutFaultsOrEnds(t *testing.T) {
	var h history.History
	steady(&h, 0, 10*time.Second, 2*ms, history.OK, "n1")
	ws := windows(h, twoNodes)
	if len(ws) != 1 || ws[0].Name != "calm" || ws[0].EndMS != 10000 || ws[0].WatchedMS != nil {
		t.Errorf("a run without faults: %+v", ws)
	}
	if ws := windows(history.History{}, RunInfo{}); ws == nil || len(ws) != 0 {
		t.Errorf("nothing was recorded: %+v", ws)
	}
	killed := twoNodes
	killed.LoadEnd = 0
	last := call(&h, "read", "n1", 20*time.Second, 21*time.Second, history.OK)
	last.Final = true
	if ws := windows(h, killed); len(ws) != 1 || ws[0].EndMS != 9992 {
		t.Errorf("a killed run ends with the last call of its load: %+v", ws)
	}
	struckBetween(&h, 9*time.Second, 0).State = history.Injected
	ws = windows(h, killed)
	if w := windowNamed(t, ws, "partition:one", 0); len(ws) != 2 || w.EndMS != 9992 || w.WatchedMS != nil {
		t.Errorf("killed while a fault was on: %+v", ws)
	}
}

func TestAFaultHealedAfterTheLoadLeavesNobodyWaiting(t *testing.T) {
	var h history.History
	steady(&h, 0, 10*time.Second, 2*ms, history.OK, "n1")
	struckBetween(&h, 8*time.Second, 14*time.Second)
	ws := windows(h, twoNodes)
	w := windowNamed(t, ws, "partition:one", 0)
	if g := groupNamed(t, w, "all", ""); w.EndMS != 14000 || g.LongestGapMS > 12 || *w.WatchedMS != 0 {
		t.Errorf("until %v ms, watched %v, %+v", w.EndMS, *w.WatchedMS, g)
	}
	if len(ws) != 2 {
		t.Errorf("there is no after: %+v", ws)
	}
}

func TestLatencyCountsFromWhenTheCallWasDue(t *testing.T) {
	var h history.History
	call(&h, "read", "n1", time.Second, 1100*ms, history.OK).Due = 100 * ms
	call(&h, "read", "n1", time.Second, 0, history.Info).End = -1
	ws := windows(h, twoNodes)
	g := groupNamed(t, ws[0], "all", "")
	if g.P50MS != 1000 || g.P99MS != 1000 || g.Ops.Total != 2 || g.Ops.Info != 1 || g.OKShare != 0.5 ||
		g.LongestGapMS != 8900 {
		t.Errorf("%+v", g)
	}
}

func TestResultsHoldNoNullWhereAListBelongs(t *testing.T) {
	h := cutRun()
	h.Strikes[0].Nodes = nil
	checker := CheckerFunc("fake", nil)
	for name, rec := range map[string]Recorded{
		"nothing": {}, "no node names": {History: h}, "a run": {Info: twoNodes, History: h},
	} {
		res := Judge(t.Context(), rec, checker, Budget{})
		data, err := json.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		var top map[string]any
		if err := json.Unmarshal(data, &top); err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{"checks", "anomalies", "faults", "windows", "coverage", "nodes", "kinds"} {
			if top[list] == nil {
				t.Errorf("%s: %s is null", name, list)
			}
		}
		for _, f := range top["faults"].([]any) {
			if f.(map[string]any)["nodes"] == nil {
				t.Errorf("%s: the nodes of a fault are null", name)
			}
		}
		if total := OpCounts(res.Ops); total.Total != total.OK+total.Fail+total.Info ||
			total.Total != len(rec.History.Pairs) {
			t.Errorf("%s: %+v does not add up to %d", name, total, len(rec.History.Pairs))
		}
	}
}
