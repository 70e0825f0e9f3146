package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// Recorded is a run as it was found on disk: all that is judged.
type Recorded struct {
	Info    RunInfo
	History history.History
}

// Open reads a run's folder. A run that was killed is read as far as it got. The files that are not there yet are
// taken as empty, but run.json must be there.
func Open(folder store.Folder) (Recorded, error) {
	var rec Recorded
	if err := folder.ReadJSON(store.RunFile, &rec.Info); err != nil {
		return rec, err
	}
	if rec.Info.Schema != RunSchema {
		return rec, fmt.Errorf("%s: schema %q, expected %q: made by another version of capsize",
			folder.Path(store.RunFile), rec.Info.Schema, RunSchema)
	}
	var err error
	if rec.History, err = readHistory(folder.Path(store.HistoryFile)); err != nil {
		return rec, err
	}
	rec.History.Strikes, err = history.ReadStrikesFile(folder.Path(store.FaultsFile))
	return rec, err
}

// readHistory reads the ops of a run. A file without a line is a run without an op, not a broken file.
func readHistory(path string) (history.History, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || (err == nil && info.Size() == 0) {
		return history.History{}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return history.History{}, err
	}
	defer func() { _ = file.Close() }()
	return history.ReadJSONL(file, path)
}

// judge is step 7 of [Run]: what is on disk is read back and judged, whatever happened before.
func (r *run) judge(ctx context.Context, failure error) (Results, error) {
	r.info.Status = "done"
	interrupted := ctx.Err() != nil
	switch {
	case failure != nil && (!interrupted || !errors.Is(failure, context.Canceled)):
		r.info.Status, r.info.Error = "error", failure.Error()
	case interrupted:
		r.info.Status, failure = "interrupted", nil
	}
	r.noticing.Lock()
	r.info.Notices = slices.Clone(r.notices)
	r.noticing.Unlock()
	failure = errors.Join(failure, r.folder.WriteJSON(store.RunFile, r.info))
	recorded, err := Open(r.folder)
	failure = errors.Join(failure, err)
	if failure != nil { // run.json may be what could not be written
		r.info.Status, r.info.Error = "error", failure.Error()
		recorded.Info = r.info
	}
	r.watcher.phase(PhaseCheck, r.test.Workload.Name, cmp.Or(r.test.Budget.Time, defaultCheck))
	checking, cancel := outliving(ctx, interruptedTime)
	defer cancel()
	results := Judge(WithProgress(checking, r.watcher.progress), recorded, r.test.Workload.Checker, r.test.Budget)
	r.watcher.phase(PhaseReport, "", 0)
	if err := results.Save(r.folder); err != nil {
		failure = errors.Join(failure, err)
		results.Error = failure.Error()
		results.decide()
	}
	r.watcher.phase(PhaseDone, "", 0)
	return results, failure
}

// outliving returns a context that ends by itself, but not before its parent has been over for d.
func outliving(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		Wait(ctx, d)
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// Save writes results.json into the run's folder and makes latest point to it.
func (res *Results) Save(folder store.Folder) error {
	res.Dir = folder.Dir
	if err := folder.WriteJSON(store.ResultsFile, res); err != nil {
		return err
	}
	return folder.Point(res.Verdict == Invalid)
}

// Judge decides from what was recorded alone. It always returns results; a checker that fails or panics makes the
// verdict unknown. Judging the same record twice gives the same verdict unless a time limit came into play. When ctx
// ends before the checker has decided, Results.Interrupted is set.
func Judge(ctx context.Context, rec Recorded, checker Checker, budget Budget) Results {
	h, info := rec.History, rec.Info
	res := Results{
		Schema: ResultsSchema, Run: info.ID, Target: info.Target, Workload: info.Workload, Seed: info.Seed,
		Claim: info.Claim, Interrupted: info.Status == "interrupted", Unfinished: info.Status == "running",
		Error: info.Error, Nodes: info.Nodes, Repro: info.Repro, Notes: h.Notes, DurationMS: milliseconds(h.Duration()),
		Anomalies: []AnomalyResult{}, Checks: []Check{}, Recorded: &rec,
	}
	if res.Nodes == nil {
		res.Nodes = []string{}
	}
	for _, n := range info.Notices {
		res.Notes = append(res.Notes, n.String())
	}
	res.count(h)
	res.Faults = faultResults(h)
	res.Windows = windows(h, info)
	check, anomalies := runChecker(ctx, checker, h, budget)
	res.Checks = append(res.Checks, check)
	for _, a := range anomalies {
		res.Anomalies = append(res.Anomalies, anomalyResult(a, check.Name, h.Strikes))
	}
	res.Coverage = coverage(rec)
	res.decide()
	if ctx.Err() != nil && check.Verdict == Unknown && res.Error == "" && res.Verdict == Unknown {
		res.Interrupted, res.Reason = true, "interrupted while it was judged: "+check.Reason
	}
	res.tell(h)
	return res
}

// abandonAfter is how long after the end of its time a checker is given up on.
const abandonAfter = 30 * time.Second

// runChecker makes one check within its budget, which the checker finds with [BudgetOf]. What goes wrong inside it is
// not the system's fault: unknown. A checker that ignores the end of its time is left behind.
func runChecker(ctx context.Context, checker Checker, h history.History, budget Budget) (Check, []Anomaly) {
	if checker == nil {
		return Check{Name: "none", Reason: "the workload has no checker"}, nil
	}
	ctx = WithBudget(ctx, budget)
	setDefault(&budget.Time, defaultCheck)
	ctx, cancel := context.WithTimeout(ctx, budget.Time)
	defer cancel()
	began := time.Now()
	type outcome struct {
		check Check
		found []Anomaly
	}
	done := make(chan outcome, 1) // with room for one: whoever was left behind can still leave
	go func() {
		check, found := protected(ctx, checker, h)
		done <- outcome{check, found}
	}()
	out := outcome{check: Check{Name: checker.Name()}}
	select {
	case out = <-done:
	case <-ctx.Done():
		select {
		case out = <-done:
		case <-time.After(abandonAfter):
			out.check.Reason = fmt.Sprintf("the checker did not stop when its time was over and was abandoned %s later",
				abandonAfter)
		}
	}
	out.check.DurationMS = milliseconds(time.Since(began))
	return out.check, out.found
}

// protected makes a check, whatever the checker does.
func protected(ctx context.Context, checker Checker, h history.History) (check Check, found []Anomaly) {
	check.Name = checker.Name()
	defer func() {
		if p := recover(); p != nil {
			check.Verdict, found = Unknown, nil
			check.Reason = fmt.Sprintf("the checker failed: %v at %s", p, firstFrame(debug.Stack()))
		}
	}()
	verdict, err := checker.Check(ctx, h)
	if err != nil {
		check.Reason = "the checker could not do its work: " + err.Error()
		return check, nil
	}
	check.Verdict, check.Reason, check.Level = verdict.Validity, verdict.Reason, verdict.Level
	check.Ops, check.Keys, check.Undecided, check.Stats = verdict.Ops, verdict.Keys, verdict.Undecided, verdict.Stats
	check.Strongest, check.Kept = verdict.Strongest, verdict.Kept
	if verdict.Validity == Valid && check.Strongest == "" {
		check.Strongest = verdict.Level
	}
	if verdict.Validity == Invalid && len(verdict.Anomalies) == 0 {
		check.Verdict, check.Reason = Unknown, "the checker says invalid but shows no operation that proves it"
	}
	if check.Verdict == Unknown && check.Reason == "" {
		check.Reason = "the checker did not decide and gives no reason"
	}
	return check, verdict.Anomalies
}

// firstFrame is where a panic came from: the first line of a stack below the panic that names a file.
func firstFrame(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "panic(")
	lines := strings.Split(below, "\n")
	if len(lines) < 4 {
		return "an unknown place"
	}
	frame, _, _ := strings.Cut(strings.TrimSpace(lines[3]), " ")
	return frame
}

func (res *Results) count(h history.History) {
	res.Kinds = make(map[string]OpCounts)
	var latencies []time.Duration
	for i := range h.Pairs {
		p := &h.Pairs[i]
		kind := res.Kinds[p.F]
		kind.add(p)
		res.Kinds[p.F] = kind
		res.Ops.add(p)
		if p.Outcome == history.OK {
			latencies = append(latencies, p.Latency())
		}
	}
	slices.Sort(latencies)
	res.LatencyMS = latencyOf(latencies)
}

func (c *OpCounts) add(p *history.Pair) {
	c.Total++
	switch p.Outcome {
	case history.OK:
		c.OK++
	case history.Fail:
		c.Fail++
	case history.Info, history.Invoke:
		c.Info++
	}
	if p.Hung {
		c.Hung++
	}
	if p.Unmet {
		c.Unmet++
	}
}

// answered counts the calls the system served, if only to say that their condition does not hold.
func (c OpCounts) answered() int { return c.OK + c.Unmet }

func faultResults(h history.History) []FaultResult {
	results := []FaultResult{}
	overlapping := overlaps(h)
	for i, s := range h.Strikes {
		if s.State == history.Planned {
			continue
		}
		f := FaultResult{
			ID: s.ID, Lane: s.Lane, Fault: s.Fault, Detail: s.Detail, State: string(s.State),
			Nodes: append([]string{}, s.Nodes...), Sides: s.Sides, // never null
			StartMS: milliseconds(s.Began), TookEffect: s.TookEffect, Evidence: s.Evidence, Error: s.Error,
			OpsOverlapping: overlapping[i],
		}
		if s.End > 0 {
			f.EndMS = new(milliseconds(s.End))
		}
		results = append(results, f)
	}
	return results
}

// overlaps counts for each strike the operations of the load that were under way while it was on.
func overlaps(h history.History) []int {
	counts := make([]int, len(h.Strikes))
	for i := range h.Pairs {
		p := &h.Pairs[i]
		if p.Final {
			continue
		}
		end := p.Return
		if p.End < 0 {
			end = p.Call // nobody knows how long it was under way: it counts where it began
		}
		for j := range h.Strikes {
			if h.Strikes[j].Overlaps(p.Call, end) {
				counts[j]++
			}
		}
	}
	return counts
}

func anomalyResult(a Anomaly, check string, strikes []history.Strike) AnomalyResult {
	res := AnomalyResult{
		Name: a.Name, Check: check, Key: a.Key, Explanation: a.Explanation, Count: max(a.Count, 1),
		Impossible: a.Impossible, Ops: []OpResult{}, Faults: []int{}, Kept: a.Kept,
	}
	witness := slices.Clone(a.Witness)
	slices.SortFunc(witness, func(p, q history.Pair) int { return p.Index - q.Index })
	var from, to time.Duration
	for i, p := range witness {
		op := OpResult{
			Index: p.Index, Process: p.Process, Node: p.Node, F: p.F, Key: p.Key, Input: p.Input, Output: p.Output,
			Outcome: p.Outcome, CallMS: milliseconds(p.Call), Revision: p.Revision, Error: p.Error,
		}
		if i == 0 {
			from = p.Call
		}
		to = max(to, p.Call)
		if p.Returned() {
			op.ReturnMS = new(milliseconds(p.Return))
			to = max(to, p.Return)
		}
		res.Ops = append(res.Ops, op)
	}
	var on []string
	for _, s := range strikes {
		if len(witness) > 0 && s.Overlaps(from, to) {
			res.Faults = append(res.Faults, s.ID)
			on = append(on, fmt.Sprintf("%s%s from %.3f s", s.Fault, inBrackets(s.Detail), s.Began.Seconds()))
		}
	}
	if len(on) > 0 {
		res.Explanation = strings.TrimSpace(res.Explanation + " On at the time: " + joined(on, 3) + ".")
	}
	return res
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// joined lists words for a person, at most limit of them.
func joined(words []string, limit int) string {
	if len(words) > limit {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), len(words)-limit)
	}
	return strings.Join(words, ", ")
}
