package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// summaryOf are the few figures at the top.
func summaryOf(in Input) []fact {
	r := in.Results
	if r.Ops.Total == 0 {
		return nil
	}
	list := []fact{{"operations", count(r.Ops.Total)}, {"answered", percent(float64(r.Ops.OK+r.Ops.Unmet) / float64(r.Ops.Total))}}
	keys := 0
	for _, c := range r.Checks {
		keys = max(keys, c.Keys)
	}
	if keys > 0 {
		list = append(list, fact{"keys", count(keys)})
	}
	struck, effect := struckFaults(r.Faults), 0
	for _, f := range struck {
		if f.TookEffect {
			effect++
		}
	}
	list = append(list, fact{"faults proved", fmt.Sprintf("%d of %d", effect, len(struck))})
	if r.Ops.OK > 0 {
		list = append(list, fact{"median", span(r.LatencyMS.P50)}, fact{"99th percentile", span(r.LatencyMS.P99)},
			fact{"slowest", span(r.LatencyMS.Max)})
	}
	return append(list, fact{"length", span(r.DurationMS)})
}

func kindRows(r harness.Results) []kindRow {
	var rows []kindRow
	for _, name := range slices.Sorted(maps.Keys(r.Kinds)) {
		c := r.Kinds[name]
		row := kindRow{Name: clean(name, 40), Share: "–",
			Counts: [5]string{count(c.Total), count(c.OK), count(c.Fail), count(c.Info), count(c.Hung)}}
		if c.Total > 0 {
			share := float64(c.OK) / float64(c.Total)
			row.Share, row.Width = percent(share), int(math.Round(share*100))
		}
		rows = append(rows, row)
	}
	return rows
}

func faultRows(faults []harness.FaultResult) (rows []faultRow, more int) {
	for i, f := range faults {
		if i == mostFaultRows {
			return rows, len(faults) - i
		}
		row := faultRow{ID: f.ID, Name: clean(f.Fault, 40), Detail: clean(f.Detail, 120), From: moment(f.StartMS, 2),
			For: "not healed", Took: f.TookEffect, Struck: len(struckFaults(faults[i:i+1])) > 0, Effect: "no",
			Evidence: orElse(clean(f.Evidence, 300), "none"), Ops: count(f.OpsOverlapping)}
		if f.EndMS != nil {
			row.For = span(*f.EndMS - f.StartMS)
		}
		switch {
		case !row.Struck:
			row.Effect, row.For, row.Evidence = clean(f.State, 20), "–", "–"
		case f.TookEffect:
			row.Effect = "yes"
		}
		if f.Error != "" {
			row.Evidence += "; " + clean(f.Error, 300)
		}
		rows = append(rows, row)
	}
	return rows, 0
}

func checkRows(r harness.Results) []checkRow {
	var rows []checkRow
	for _, c := range r.Checks {
		row := checkRow{Name: clean(c.Name, 60), Verdict: c.Verdict.String(), Level: levelText(c.Level),
			Reason: sentence(c.Reason), Ops: count(c.Ops), Keys: count(c.Keys), Took: span(c.DurationMS)}
		if n := len(c.Undecided); n > 0 {
			var keys []string
			for _, key := range c.Undecided[:min(n, mostUndecided)] {
				keys = append(keys, clean(key, 40))
			}
			row.Undecided = fmt.Sprintf("%s without a decision: %s", counted(n, "key"), strings.Join(keys, ", "))
			if n > mostUndecided {
				row.Undecided += ", …"
			}
		}
		for _, name := range slices.Sorted(maps.Keys(c.Stats)) {
			row.Stats = append(row.Stats, fact{clean(name, 40), valueText(c.Stats[name])})
		}
		rows = append(rows, row)
	}
	return rows
}

// keyRows are what keys kept that do not have what was checked, and how many more there are.
func keyRows(r harness.Results) (rows []keyRow, left string) {
	more := 0
	for _, c := range r.Checks {
		if c.Kept == nil {
			continue
		}
		more += c.Kept.More + c.Kept.Unknown
		for _, k := range c.Kept.Keys {
			row := keyRow{Key: orElse(clean(k.Key, 40), "–"), Strongest: keyLevelText(k), Stale: staleText(k),
				Versions: knownCount(k.Versions), Reads: knownCount(k.StaleReads), Regular: notKnown,
				Held: sessionsText(k.Held), Broken: sessionsText(k.Broken)}
			if k.Regular != nil {
				row.Regular = map[bool]string{true: "yes", false: "no"}[*k.Regular]
			}
			rows = append(rows, row)
		}
	}
	if more > 0 {
		left = counted(more, "more key") + " not shown"
	}
	return rows, left
}

// notKnown stands where nobody knows.
const notKnown = "not known"

// keyLevelText is the strongest level of a key, or between which it is, and what it is as an object that promises less.
func keyLevelText(k harness.KeyLevel) string {
	text := strongestText(k)
	if r := k.Relaxed; r != nil && r.Linearizable != nil {
		as := " linearizable"
		if !*r.Linearizable {
			as = " not linearizable either"
		}
		text += "; as " + clean(r.Model, 40) + as
	}
	return text
}

func strongestText(k harness.KeyLevel) string {
	if k.Strongest != "" {
		return levelText(k.Strongest)
	}
	text := notKnown
	if k.AtLeast != "" && k.AtLeast != harness.NoLevel {
		text += ", at least " + levelText(k.AtLeast)
	}
	if k.Not != "" && k.Not != harness.Linearizable {
		text += ", not " + levelText(k.Not)
	}
	return text
}

func staleText(k harness.KeyLevel) string {
	switch {
	case k.StalenessUnknown:
		return notKnown
	case k.StalenessMS == nil:
		return "no bound"
	}
	return span(*k.StalenessMS)
}

func knownCount(n *int) string {
	if n == nil {
		return notKnown
	}
	return count(*n)
}

func sessionsText(names []string) string {
	return orElse(clean(strings.Join(names, ", "), 200), "–")
}

// setupOf is what was run, from run.json.
func setupOf(in Input) []fact {
	info := in.Info
	if info.Schema == "" {
		return []fact{{"history", clean(in.Results.Run, 200)}}
	}
	rate := "as fast as answers come (closed loop)"
	if info.Rate > 0 {
		rate = fmt.Sprintf("%s calls per second (open loop)", num(info.Rate))
	}
	list := []fact{
		{"run", clean(info.ID, 120)}, {"status", clean(info.Status, 20)}, {"target", clean(info.Target, 120)},
		{"planted bug", clean(info.Bug, 200)}, {"claim", clean(string(info.Claim), 40)},
		{"workload", clean(info.Workload, 120)}, {"nemesis", clean(info.Nemesis, 200)}, {"nodes",
			clean(strings.Join(info.Nodes, " "), 200)},
		{"clients", fmt.Sprint(info.Concurrency)}, {"rate", rate}, {"time limit", info.TimeLimit.String()},
		{"op timeout", info.OpTimeout.String()}, {"seed", fmt.Sprint(info.Seed)},
		{"command line", clean(strings.Join(info.Argv, " "), 1000)}, {"load", loadSpan(info)},
		{"versions", mapText(info.Versions)}, {"host", mapText(info.Host)},
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.Text == "" })
}

func loadSpan(info harness.RunInfo) string {
	if info.LoadEnd == 0 {
		return "did not end"
	}
	text := "until " + moment(milliseconds(info.LoadEnd), 2)
	if info.FinalStart > 0 {
		settled := "before the cluster said that it had settled"
		if info.Settled {
			settled = "on a settled cluster"
		}
		text += fmt.Sprintf(", final reads from %s %s", moment(milliseconds(info.FinalStart), 2), settled)
	}
	return text
}

func mapText(m map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, clean(name, 40)+" "+clean(m[name], 120))
	}
	return strings.Join(parts, ", ")
}
