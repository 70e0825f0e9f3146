package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// simulation makes a history that looks like one of a five-node cluster: fast while calm, refusing or silent on the
// side that a partition cuts off, slow for a moment after a heal.
type simulation struct {
	ops     int
	span    time.Duration
	strikes []history.Strike
}

var fixtureNodes = []string{"n1", "n2", "n3", "n4", "n5"}

func (s simulation) history() history.History {
	rng := rand.New(rand.NewPCG(7, 8821))
	h := history.History{Strikes: s.strikes}
	processes := make([]int, 10)
	free := make([]time.Duration, 10)
	for w := range processes {
		processes[w] = w
	}
	step := s.span / time.Duration(s.ops)
	line := 0
	for i := range s.ops {
		at := time.Duration(i) * step
		w := i % 10
		p := history.Pair{Index: line, End: line + 1, Process: processes[w], Node: fixtureNodes[w%5],
			Key: fmt.Sprintf("r%d", i/(s.ops/16+1)), Call: max(at, free[w]), Due: at, Outcome: history.OK}
		line += 2
		p.Due = p.Call
		switch v := int64(i); rng.IntN(3) {
		case 0:
			p.F, p.Input, p.Output = "write", v, v
		case 1:
			p.F, p.Output = "read", v
		case 2:
			p.F, p.Input, p.Output = "cas", []int64{v, v + 1}, []int64{v, v + 1}
		}
		latency := time.Duration(900_000 * math.Exp(rng.NormFloat64()*0.45))
		s.hurt(&p, &latency, rng)
		p.Return = p.Call + latency
		free[w] = p.Return + step
		if p.Outcome == history.Info {
			processes[w] += 10
		}
		h.Pairs = append(h.Pairs, p)
	}
	h.Lines = line
	return h
}

// hurt makes an operation suffer from the strike it falls into.
func (s simulation) hurt(p *history.Pair, latency *time.Duration, rng *rand.Rand) {
	for _, strike := range s.strikes {
		in := p.Call - strike.Began
		if in < 0 || p.Call > strike.End+300*time.Millisecond {
			continue
		}
		switch {
		case p.Call > strike.End:
			*latency *= time.Duration(4 + rng.IntN(12))
		case slices.Contains(strike.Nodes, p.Node):
			if rng.IntN(3) == 0 {
				p.Outcome, p.Error, p.Output = history.Info, "no answer within 1s", nil
				*latency = time.Second
			} else {
				p.Outcome, p.Error, p.Output = history.Fail, "not the leader", nil
				*latency = time.Duration(200_000 + rng.IntN(400_000))
			}
		case in < 900*time.Millisecond && strings.HasPrefix(strike.Fault, "partition:leader"):
			*latency = 900*time.Millisecond - in + *latency
		}
	}
}

func fixtureStrikes() []history.Strike {
	second := time.Second
	return []history.Strike{
		{ID: 1, Fault: "partition:minority", State: history.Healed, Nodes: []string{"n1", "n2"},
			Sides: [][]string{{"n1", "n2"}, {"n3", "n4", "n5"}}, Detail: "n1 n2 | n3 n4 n5", Began: 4 * second,
			Start: 4 * second,
			End:   7 * second, TookEffect: true, Evidence: "31.2 kB held on 12 links"},
		{ID: 2, Lane: 1, Fault: "kill:one", State: history.Healed, Nodes: []string{"n4"}, Detail: "n4",
			Began: 6 * second,
			Start: 6 * second, End: 8 * second, TookEffect: true, Evidence: "pid 4711 ended by SIGKILL; pid 4790 now"},
		{ID: 3, Fault: "partition:leader", State: history.Healed, Nodes: []string{"n3"},
			Sides: [][]string{{"n3"}, {"n1", "n2", "n4", "n5"}}, Detail: "n3 | n1 n2 n4 n5", Began: 11 * second,
			Start: 11 * second,
			End:   14 * second, TookEffect: true, Evidence: "18.4 kB held on 8 links"},
	}
}

func fixtureOrigin() time.Time { return time.Date(2026, 11, 23, 12, 37, 11, 0, time.UTC) }

// fixtureOf is a valid run of so many operations; the others are made from it.
func fixtureOf(ops int) Input {
	h := simulation{ops: ops, span: 20 * time.Second, strikes: fixtureStrikes()}.history()
	in := Input{History: h, Folder: "results/runs/20261123T123711Z-raft-register-k3f9", Logs: fixtureLogs()}
	in.Info = harness.RunInfo{
		Schema: harness.RunSchema, ID: "20261123T123711Z-raft-register-k3f9", Status: "done",
		Started: time.Date(2026, 11, 23, 12, 37, 9, 0, time.UTC), Origin: fixtureOrigin(),
		Argv: []string{"capsize", "run", "raft", "--seed", "8821"},
		Repro: "capsize run raft --workload register --nemesis partition:minority,kill:one --time-limit 20s " +
			"--seed 8821",
		Target: "raft", Claim: harness.Linearizable, Workload: "register", Nemesis: "partition,kill",
		Nodes:       fixtureNodes,
		Concurrency: 10, TimeLimit: 20 * time.Second, OpTimeout: time.Second, Seed: 8821,
		Kinds:   []string{"read", "write", "cas"},
		LoadEnd: 19 * time.Second, FinalStart: 19500 * time.Millisecond, Settled: true,
		Versions: map[string]string{"capsize": "v0.1.0", "go": "go1.26.0", "hashicorp/raft": "v1.7.3"},
		Host:     map[string]string{"os": "linux", "arch": "amd64", "cpus": "2"},
	}
	r := harness.Results{
		Schema: harness.ResultsSchema, Run: in.Info.ID, Target: "raft", Workload: "register", Seed: 8821,
		Verdict: harness.Valid, Claim: harness.Linearizable, Strongest: harness.Linearizable, Nodes: fixtureNodes,
		Reason: "linearizable in this run: an order was found for the ops of each of 16 keys",
		Bounded: "88.2 % of all calls succeeded (100 % before the first fault); at worst 63.1 %, during " +
			"partition:minority at 4.0 s. No call outlived its deadline.",
		Observable: "Of 940 calls that did not succeed the system owned up to 640 (a definite error) and left " +
			"300 open. No answer was a lie.",
		Recoverable: "After 3 of 3 heals a call succeeded again, at the latest 12 ms later; rate and latency were " +
			"back to normal after 3, at the latest 1.2 s later.",
		Repro: in.Info.Repro, DurationMS: milliseconds(h.Duration()), Kinds: map[string]harness.OpCounts{},
		Checks: []harness.Check{{Name: "linearizable", Verdict: harness.Valid, Level: harness.Linearizable,
			Reason: "an order was found for the ops of each of 16 keys", Ops: ops, Keys: 16, DurationMS: 812,
			Stats: map[string]any{"dropped_info_ops": 37, "longest_key_ops": 512}}},
		Coverage: []harness.CoverageRule{
			{Rule: "every kind of operation succeeded often enough", Met: true,
				Detail: "read 2311 ok, write 2290 ok, cas 2402 ok; needed 5 of each"},
			{Rule: "every node served", Met: true, Detail: "5 of 5 nodes answered ok"},
			{Rule: "every fault took effect", Met: true, Detail: "all 3"},
			{Rule: "operations overlapped every fault", Met: true, Detail: "all 3"},
			{Rule: "keys were read after the last heal", Met: true, Detail: "16 final reads"},
		},
	}
	countFixture(&r, h)
	in.Results = r
	return in
}

func countFixture(r *harness.Results, h history.History) {
	var all []time.Duration
	for _, p := range h.Pairs {
		kind := r.Kinds[p.F]
		for _, c := range []*harness.OpCounts{&kind, &r.Ops} {
			countPair(c, p)
		}
		r.Kinds[p.F] = kind
		if p.Outcome == history.OK {
			all = append(all, p.Latency())
		}
	}
	slices.Sort(all)
	if len(all) > 0 {
		r.LatencyMS = harness.Latency{P50: milliseconds(all[len(all)/2]), P99: milliseconds(all[len(all)*99/100]),
			Max: milliseconds(all[len(all)-1])}
	}
	edges := []harness.Window{{Name: "calm", Fault: -1, EndMS: 4000}}
	for _, s := range h.Strikes {
		f := harness.FaultResult{ID: s.ID, Lane: s.Lane, Fault: s.Fault, Detail: s.Detail, State: string(s.State),
			Nodes: s.Nodes,
			Sides: s.Sides, StartMS: milliseconds(s.Began), TookEffect: s.TookEffect, Evidence: s.Evidence,
			Error: s.Error}
		w := harness.Window{Name: s.Fault, Fault: s.ID, StartMS: f.StartMS, EndMS: r.DurationMS}
		if s.End > 0 {
			f.EndMS = new(milliseconds(s.End))
			w.EndMS = *f.EndMS
		}
		for _, p := range h.Pairs {
			if s.Overlaps(p.Call, p.Return) {
				f.OpsOverlapping++
			}
		}
		r.Faults, edges = append(r.Faults, f), append(edges, w)
	}
	edges = append(edges, harness.Window{Name: "after", Fault: -1, StartMS: 14000, EndMS: r.DurationMS})
	for _, w := range edges {
		w.Groups = groupsOf(w, h)
		r.Windows = append(r.Windows, w)
	}
}

func countPair(c *harness.OpCounts, p history.Pair) {
	c.Total++
	switch p.Outcome {
	case history.OK:
		c.OK++
	case history.Fail:
		c.Fail++
	default:
		c.Info++
	}
}

func groupsOf(w harness.Window, h history.History) []harness.Group {
	side := map[string]string{}
	for _, s := range h.Strikes {
		for _, nodes := range s.Sides {
			for _, n := range nodes {
				if s.ID == w.Fault {
					side[n] = strings.Join(nodes, " ")
				}
			}
		}
	}
	var groups []harness.Group
	add := func(by, name string, p history.Pair) {
		i := slices.IndexFunc(groups, func(g harness.Group) bool { return g.By == by && g.Name == name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, harness.Group{By: by, Name: name, P50MS: 1.1, P99MS: 8.4, LongestGapMS: 840})
			if w.Fault >= 0 {
				groups[i].FirstSuccessMS, groups[i].SustainedMS = new(12.5), new(1210.0)
			}
		}
		countPair(&groups[i].Ops, p)
		groups[i].OKShare = float64(groups[i].Ops.OK) / float64(groups[i].Ops.Total)
	}
	for _, by := range []string{"all", "side", "node", "kind"} {
		for _, p := range h.Pairs {
			if call := milliseconds(p.Call); call < w.StartMS || call >= w.EndMS {
				continue
			}
			switch name := side[p.Node]; {
			case by == "all":
				add(by, "", p)
			case by == "side" && name != "":
				add(by, name, p)
			case by == "node":
				add(by, p.Node, p)
			case by == "kind":
				add(by, p.F, p)
			}
		}
	}
	return groups
}

func fixtureLogs() map[string][]byte {
	logs := map[string][]byte{}
	for i, n := range fixtureNodes {
		var b strings.Builder
		start := fixtureOrigin()
		for s := range 40 {
			at := start.Add(time.Duration(s)*500*time.Millisecond + time.Duration(i)*time.Millisecond)
			fmt.Fprintf(&b, "%s [INFO]  raft: heartbeat %d: node=%s\n", at.Format("2006-01-02T15:04:05.000Z0700"), s, n)
		}
		logs[n] = []byte(b.String())
	}
	return logs
}

// violation is a run in which a cut-off leader answered a read.
func violation(ops int) Input {
	in := fixtureOf(ops)
	r := &in.Results
	r.Target, in.Info.Target, in.Info.Bug = "raft/local-reads", "raft/local-reads",
		"any node answers reads from its own state"
	r.Verdict, r.Strongest = harness.Invalid, harness.SequentialPerKey
	r.Reason = "stale read on key r7, though raft/local-reads claims to be linearizable"
	r.Observable = "Of 940 calls that did not succeed the system owned up to 640 and left 300 open. It lied: " +
		"stale read (3)."
	r.Checks[0].Verdict, r.Checks[0].Reason = harness.Invalid, "no order exists for the ops of key r7"
	r.Checks[0].Strongest, r.Checks[0].Kept = r.Strongest, &harness.Kept{
		Sentence: "not linearizable: reads were up to 412 ms and 3 versions stale, but every key alone was sequential",
		Keys: []harness.KeyLevel{
			{Key: "r3", Strongest: harness.Sequential, StalenessMS: new(412.0), Versions: new(3), StaleReads: new(8),
				Regular: new(false), Held: []string{"read your writes"}, Broken: []string{"monotonic reads"}},
			{Key: "r7", Strongest: harness.Sequential, Versions: new(1), StaleReads: new(1), Regular: new(true)},
		},
		Unknown: 1,
	}
	r.Anomalies = []harness.AnomalyResult{{
		Kept: "not linearizable: reads were up to 311 ms and 1 version stale, but it was sequential",
		Name: "stale read", Check: "linearizable", Key: "r7", Count: 3, Impossible: 9412, Faults: []int{3},
		Explanation: "Process 4 read 12 at 11.682 s. The read of process 1 began 310 ms later, at 11.992 s, and " +
			"returned 9, " +
			"which had been overwritten by 12 at 11.671 s. No order of these 3 operations explains it.",
		Ops: []harness.OpResult{
			{Index: 9300, Process: 12, Node: "n2", F: "write", Key: "r7", Input: int64(12), Output: int64(12),
				Outcome: history.OK,
				CallMS:  11541.2, ReturnMS: new(11671.4), Revision: 811},
			{Index: 9344, Process: 4, Node: "n5", F: "read", Key: "r7", Output: int64(12), Outcome: history.OK,
				CallMS:   11680.9,
				ReturnMS: new(11682.3), Revision: 812},
			{Index: 9412, Process: 1, Node: "n3", F: "read", Key: "r7", Output: int64(9), Outcome: history.OK,
				CallMS:   11992.5,
				ReturnMS: new(11993.1), Revision: 760},
		},
	}}
	return in
}

// vacuous is a run whose fault did nothing.
func vacuous(ops int) Input {
	in := fixtureOf(ops)
	r := &in.Results
	r.Verdict, r.Vacuous, r.Strongest = harness.Unknown, true, ""
	r.Reason = "this run proves nothing: it is not so that every fault took effect (not partition:leader at 11.0 " +
		"s: 0 bytes held)"
	r.Coverage[2] = harness.CoverageRule{Rule: "every fault took effect",
		Detail: "not partition:leader at 11.0 s: 0 bytes held"}
	r.Faults[2].TookEffect, r.Faults[2].Evidence = false, "0 bytes held on 8 links"
	r.Checks[0].Verdict, r.Checks[0].Undecided = harness.Unknown, []string{"r3", "r9"}
	return in
}

// broken is a run whose cluster never came up.
func broken(ops int) Input {
	in := fixtureOf(ops)
	r := &in.Results
	in.History, in.Info.Status = history.History{}, "error"
	*r = harness.Results{Schema: r.Schema, Run: r.Run, Target: r.Target, Workload: r.Workload, Seed: r.Seed,
		Claim: r.Claim,
		Nodes: r.Nodes, Repro: r.Repro, Interrupted: true,
		Error:  "node n2 was not ready within 60 s: its process ended with exit status 2",
		Reason: "the run failed: node n2 was not ready within 60 s: its process ended with exit status 2",
		Checks: []harness.Check{{Name: "linearizable", Reason: "nothing was recorded"}}}
	return in
}

func fixtures(ops int) map[string]Input {
	return map[string]Input{"valid": fixtureOf(ops), "violation": violation(ops), "unknown": vacuous(ops),
		"error": broken(ops)}
}
