package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

//go:embed page.html page.css page.js
var files embed.FS

// How much of each list the page shows; what is left out is said where it is.
const (
	mostAnomalies  = 5 // drawn
	mostFaultRows  = 300
	mostWindowRows = 1500
	mostKeyOps     = 80 // around an anomaly
	mostUndecided  = 50
)

// HTML writes the report as one self-contained page: no requests, readable without JavaScript and without style sheets,
// in light and dark and on paper. 100,000 operations take less than 5 MB.
func HTML(w io.Writer, in Input) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	return t.Execute(w, pageOf(in))
}

// pageTemplate parses the page with its style sheet and script, which are constant text of the template and no data.
func pageTemplate() (*template.Template, error) {
	t := template.New("page.html")
	for name, around := range map[string][2]string{"page.css": {"<style>", "</style>"}, "page.js": {"<script>", "</script>"}} {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if _, err := t.New(name).Parse(around[0] + "\n" + string(text) + around[1]); err != nil {
			return nil, err
		}
	}
	return t.ParseFS(files, "page.html")
}

// page is everything the template shows, in the words and numbers it shows it in.
type page struct {
	Outcome      Outcome
	Headline     string
	Title        string
	Run          string
	When         string
	Summary      []fact
	Why          []fact
	Facts        []fact
	Next         []step
	Notes        []string
	Valid        bool
	Anomalies    []anomalyView
	MoreAnoms    int
	Bounded      string
	Observable   string
	Recoverable  string
	Chart        *chart
	Kinds        []kindRow
	Faults       []faultRow
	MoreFaults   int
	Windows      []windowRow // by all and side
	WindowsAll   []windowRow // by node and kind
	MoreWindows  int
	Coverage     []harness.CoverageRule
	CoverageLine string
	Checks       []checkRow
	Logs         []nodeLog
	LogsAbout    string
	Commands     []fact
	Setup        []fact
}

// anomalyView is a violation with its pictures and its operations.
type anomalyView struct {
	Number      int
	Name        string
	Key         string
	KeyID       string
	Check       string
	Explanation string
	Count       string
	Picture     *picture
	Drawing     string
	Note        string
	Ops         []opRow
	Around      []opRow // the other operations on the key, near in time
	AroundNote  string
	Open        bool
}

// opRow is an operation as a row of a table.
type opRow struct {
	ID         string // the anchor; "" where an earlier row has it
	Index      int
	Process    int
	Node       string
	Text       string
	Outcome    string
	Called     string
	Took       string
	Revision   string
	Error      string
	Impossible bool
}

type kindRow struct {
	Name   string
	Counts [5]string // total, ok, fail, info, hung
	Share  string
	Width  int
}

type faultRow struct {
	ID       int
	Name     string
	Detail   string
	From     string
	For      string
	Effect   string
	Took     bool
	Struck   bool
	Evidence string
	Ops      string
}

type checkRow struct {
	Name, Verdict, Level, Reason, Ops, Keys, Took string
	Undecided                                     string
	Stats                                         []fact
}

func pageOf(in Input) page {
	r := in.Results
	p := page{
		Outcome: OutcomeOf(r), Headline: headline(in), Title: title(in), Run: clean(r.Run, 120), Why: whyParts(in),
		Facts: facts(in), Next: nextSteps(in), Valid: r.Verdict == harness.Valid, Bounded: sentence(r.Bounded),
		Observable: sentence(r.Observable), Recoverable: sentence(r.Recoverable), Chart: runChart(in), Kinds: kindRows(r),
		CoverageLine: evidenceText(r), Checks: checkRows(r), Commands: commands(in), Setup: setupOf(in), Summary: summaryOf(in),
	}
	if !in.Info.Started.IsZero() {
		p.When = in.Info.Started.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	for _, note := range r.Notes {
		p.Notes = append(p.Notes, sentence(note))
	}
	for _, c := range r.Coverage {
		p.Coverage = append(p.Coverage, harness.CoverageRule{Rule: sentence(c.Rule), Met: c.Met, Detail: sentence(c.Detail)})
	}
	p.Faults, p.MoreFaults = faultRows(r.Faults)
	p.Windows = windowRows(r.Windows, "all", "side")
	p.WindowsAll = windowRows(r.Windows, "all", "node", "kind")
	for _, rows := range []*[]windowRow{&p.Windows, &p.WindowsAll} {
		if n := len(*rows) - mostWindowRows; n > 0 {
			p.MoreWindows += n
			*rows = (*rows)[:mostWindowRows]
		}
	}
	seen := map[string]bool{}
	for i, a := range r.Anomalies {
		if i == mostAnomalies {
			p.MoreAnoms = len(r.Anomalies) - i
			break
		}
		p.Anomalies = append(p.Anomalies, anomalyOf(i, a, in, seen))
	}
	p.Logs, p.LogsAbout = troubleLogs(in)
	return p
}

// summaryOf are the few figures at the top.
func summaryOf(in Input) []fact {
	r := in.Results
	if r.Ops.Total == 0 {
		return nil
	}
	list := []fact{{"operations", count(r.Ops.Total)}, {"ok", percent(float64(r.Ops.OK) / float64(r.Ops.Total))}}
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
		row := checkRow{Name: clean(c.Name, 60), Verdict: c.Verdict.String(), Level: levelText(c.Level), Reason: sentence(c.Reason),
			Ops: count(c.Ops), Keys: count(c.Keys), Took: span(c.DurationMS)}
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

// anomalyOf shows a violation. seen holds the anchors that are already in the page.
func anomalyOf(i int, a harness.AnomalyResult, in Input, seen map[string]bool) anomalyView {
	v := anomalyView{
		Number: i + 1, Name: clean(a.Name, 80), Key: clean(a.Key, 80), Check: clean(a.Check, 60),
		Explanation: sentence(a.Explanation), Picture: witnessPicture(a, in.Results.Faults),
		Drawing: Drawing(a, in.Results.Faults, 100), Open: i == 0,
	}
	if a.Key != "" && !seen[anchor("key", a.Key)] {
		v.KeyID = anchor("key", a.Key)
		seen[v.KeyID] = true
	}
	if a.Count > 1 {
		v.Count = count(a.Count) + " of this kind in all"
	}
	if v.Picture != nil {
		l := layOut(a, in.Results.Faults, witnessColumns)
		v.Note = l.note()
	}
	witness := map[int]bool{}
	for _, op := range a.Ops[:min(len(a.Ops), mostKeyOps)] {
		witness[op.Index] = true
		v.Ops = append(v.Ops, rowOfOp(op, op.Index == a.Impossible, seen))
	}
	v.Around, v.AroundNote = aroundOf(a, in.History, witness, seen)
	return v
}

// aroundOf are the other operations on the anomaly's key that are nearest to it.
func aroundOf(a harness.AnomalyResult, h history.History, witness map[int]bool, seen map[string]bool) ([]opRow, string) {
	from, to := extent(a)
	middle := (from + to) / 2
	var near []history.Pair
	for i := range h.Pairs {
		if p := &h.Pairs[i]; p.Key == a.Key && !witness[p.Index] {
			near = append(near, *p)
		}
	}
	all := len(near)
	distance := func(p history.Pair) float64 { return math.Abs(milliseconds(p.Call) - middle) }
	slices.SortStableFunc(near, func(p, q history.Pair) int { return int(math.Copysign(1, distance(p)-distance(q))) })
	near = near[:min(len(near), mostKeyOps)]
	slices.SortFunc(near, func(p, q history.Pair) int { return p.Index - q.Index })
	var rows []opRow
	for _, p := range near {
		rows = append(rows, rowOfOp(opOf(p), false, seen))
	}
	if all > len(near) {
		return rows, fmt.Sprintf("the nearest %s of %s other operations on this key", count(len(near)), count(all))
	}
	return rows, fmt.Sprintf("all %s other operations on this key", count(all))
}

func rowOfOp(op harness.OpResult, impossible bool, seen map[string]bool) opRow {
	row := opRow{
		Index: op.Index, Process: op.Process, Node: clean(op.Node, 40), Text: opText(op), Outcome: op.Outcome.String(),
		Called: moment(op.CallMS, 6), Took: "–", Revision: "–", Error: clean(op.Error, 200), Impossible: impossible,
	}
	if id := fmt.Sprintf("op-%d", op.Index); !seen[id] {
		row.ID, seen[id] = id, true
	}
	if op.ReturnMS != nil {
		row.Took = span(*op.ReturnMS - op.CallMS)
	}
	if op.Revision != 0 {
		row.Revision = fmt.Sprint(op.Revision)
	}
	return row
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
		{"planted bug", clean(info.Bug, 200)}, {"claim", clean(string(info.Claim), 40)}, {"workload", clean(info.Workload, 120)},
		{"nemesis", clean(info.Nemesis, 200)}, {"nodes", clean(strings.Join(info.Nodes, " "), 200)},
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
