package report

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// fact is a labelled sentence. Every form of the report shows the same facts in the same order.
type fact struct {
	Label string
	Text  string
}

// headline is the verdict in one sentence, without its word.
func headline(in Input) string {
	r := in.Results
	switch {
	case r.Verdict != harness.Invalid && r.Error != "":
		first, _, _ := strings.Cut(r.Error, "\n")
		return sentence(first)
	case r.Reason != "":
		return sentence(r.Reason)
	case r.Verdict == harness.Invalid && len(r.Anomalies) > 0:
		a := r.Anomalies[0]
		return clean(a.Name, 60) + " on key " + orElse(clean(a.Key, 40), "(none)")
	case r.Verdict == harness.Valid:
		return "no violation was found in this history"
	}
	return "no reason was given"
}

// sentence cleans what one or more sentences say. A final stop is kept only where there are several.
func sentence(s string) string {
	s = strings.TrimSpace(clean(s, longestSentence))
	if head := strings.TrimSuffix(s, "."); !strings.Contains(head, ". ") {
		return head
	}
	return s
}

// longestWord is how much of the last line of a log a note shows.
const longestWord = 300

// noteText is a note in one piece. Of one that quotes a log it is the first line and the last of the log, in which a
// server that gave up says why.
func noteText(note string) string {
	first, quoted, _ := strings.Cut(strings.TrimSpace(note), "\n")
	lines := strings.Split(quoted, "\n")
	last := strings.TrimLeft(lines[len(lines)-1], " |")
	if last == "" {
		return sentence(note)
	}
	text := sentence(first) + " " + clean(last, longestWord)
	if before := len(lines) - 1; before > 0 {
		text += fmt.Sprintf(" (%s before it in run.json)", counted(before, "line"))
	}
	return text
}

// title says what was run: "raft · register · partition,kill · seed 8821".
func title(in Input) string {
	var parts []string
	for _, part := range []string{in.Results.Target, in.Results.Workload, in.Info.Nemesis} {
		if part != "" {
			parts = append(parts, clean(part, 60))
		}
	}
	if in.Info.Target != "" {
		parts = append(parts, fmt.Sprintf("seed %d", in.Results.Seed))
	}
	return strings.Join(parts, " · ")
}

// facts are what stands under the verdict: on how much it rests, and under what.
func facts(in Input) []fact {
	r := in.Results
	list := append(troubles(r.Error), fact{"checked", checkedText(in)})
	if r.Error != "" && r.Ops.Total == 0 { // nothing was run, and so there is nothing else to say
		return list
	}
	if r.Ops.Total > 0 {
		list = append(list, fact{"load", loadText(in)})
	}
	list = append(list, fact{"faults", faultsText(r)})
	for _, f := range []fact{
		{"bounded", r.Bounded}, {"observable", r.Observable}, {"recoverable", r.Recoverable},
	} {
		if f.Text != "" {
			list = append(list, fact{f.Label, sentence(f.Text)})
		}
	}
	list = append(list, fact{"evidence", evidenceText(r)})
	if r.Verdict == harness.Valid && len(r.Anomalies) == 0 {
		list = append(list, fact{"not proof", "no violation was found in this history; other seeds may find one"})
	}
	if r.Ops.OK > 0 {
		list = append(list, fact{"latency", fmt.Sprintf("p50 %s · p99 %s · max %s",
			span(r.LatencyMS.P50), span(r.LatencyMS.P99), span(r.LatencyMS.Max))})
	}
	return list
}

// troubleLine is a line of an error that has a label of its own: "  do     start Docker".
var troubleLine = regexp.MustCompile(`^ +([a-z]+) {2,}(.*)$`)

// troubles are the lines of an error after the first: why, what to do, the last words of a server.
func troubles(message string) []fact {
	_, rest, _ := strings.Cut(message, "\n")
	var list []fact
	for line := range strings.SplitSeq(rest, "\n") {
		switch found := troubleLine.FindStringSubmatch(line); {
		case strings.TrimSpace(line) == "":
		case found != nil:
			list = append(list, fact{found[1], sentence(found[2])})
		case len(list) > 0 && (list[len(list)-1].Label == "log" || list[len(list)-1].Label == "" || indented(line)):
			list = append(list, fact{"", clean(strings.TrimSpace(line), longestLine)})
		default:
			list = append(list, fact{"log", clean(strings.TrimSpace(line), longestLine)})
		}
	}
	return list
}

// indented reports whether a line stands under the text of the one above, and so goes on with it.
func indented(line string) bool { return strings.HasPrefix(line, strings.Repeat(" ", 9)) }

// checkedText says what was judged, on how many operations, and with what result.
func checkedText(in Input) string {
	r := in.Results
	if r.Ops.Total == 0 {
		return "nothing: no operation was recorded"
	}
	parts := make([]string, 0, len(r.Checks)+1)
	for _, c := range r.Checks {
		parts = append(parts, fmt.Sprintf("%s: %s on %s, %s (%s)", clean(c.Name, 40), c.Verdict, counted(c.Ops, "op"),
			counted(c.Keys, "key"), span(c.DurationMS)))
	}
	if r.Claim != "" {
		parts = append(parts, fmt.Sprintf("claim %s, strongest level that held: %s", clean(string(r.Claim), 40),
			levelText(r.Strongest)))
	}
	return orElse(strings.Join(parts, "; "), "nothing: there was no check")
}

// loadText says what the cluster was asked and what came back.
func loadText(in Input) string {
	r := in.Results
	text := fmt.Sprintf("%s in %s", counted(r.Ops.Total, "op"), span(r.DurationMS))
	if n := len(r.Nodes); n > 0 {
		text += " on " + counted(n, "node")
	}
	if in.Info.Concurrency > 0 {
		text += fmt.Sprintf(" by %s", counted(in.Info.Concurrency, "client"))
	}
	text += fmt.Sprintf(": %s ok, %s fail", count(r.Ops.OK), count(r.Ops.Fail))
	if r.Ops.Unmet > 0 {
		text += fmt.Sprintf(" (%s only had an unmet condition)", count(r.Ops.Unmet))
	}
	text += fmt.Sprintf(", %s info", count(r.Ops.Info))
	if r.Ops.Hung > 0 {
		text += fmt.Sprintf(" (%s hung)", count(r.Ops.Hung))
	}
	return text
}

func levelText(l harness.Level) string { return orElse(clean(string(l), 40), notKnown) }

// faultsText says which faults struck, how many took effect and how many operations met them.
func faultsText(r harness.Results) string {
	struck := struckFaults(r.Faults)
	if len(struck) == 0 {
		return "none struck"
	}
	kinds, effect := map[string]int{}, 0
	least, most := struck[0].OpsOverlapping, struck[0].OpsOverlapping
	for _, f := range struck {
		name, _, _ := strings.Cut(f.Fault, ":")
		kinds[clean(name, 30)]++
		least, most = min(least, f.OpsOverlapping), max(most, f.OpsOverlapping)
		if f.TookEffect {
			effect++
		}
	}
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = counted(kinds[name], name)
	}
	text := strings.Join(names, ", ")
	switch {
	case effect == len(struck) && effect == 1:
		text += ", took effect"
	case effect == len(struck):
		text += ", all took effect"
	default:
		text += fmt.Sprintf("; %d of %d took effect", effect, len(struck))
	}
	if least == most {
		return text + fmt.Sprintf("; met %s", counted(most, "op"))
	}
	return text + fmt.Sprintf("; each met %s to %s", count(least), counted(most, "op"))
}

// struckFaults leaves out the faults that were reached when there was nobody left to hurt.
func struckFaults(faults []harness.FaultResult) []harness.FaultResult {
	var list []harness.FaultResult
	for _, f := range faults {
		if f.State != string(history.Skipped) && f.State != string(history.Planned) {
			list = append(list, f)
		}
	}
	return list
}

// evidenceText says how much of what makes a verdict mean something was there.
func evidenceText(r harness.Results) string {
	if len(r.Coverage) == 0 {
		return "was not assessed"
	}
	met, missing := 0, []string{}
	for _, c := range r.Coverage {
		if c.Met {
			met++
			continue
		}
		missing = append(missing, sentence(c.Rule)+" ("+sentence(c.Detail)+")")
	}
	if len(missing) == 0 && r.Verdict != harness.Valid {
		return fmt.Sprintf("%d of %d conditions of a meaningful run met", met, met)
	}
	if len(missing) == 0 {
		rules := make([]string, 0, len(r.Coverage))
		for _, c := range r.Coverage {
			rules = append(rules, sentence(c.Rule))
		}
		return fmt.Sprintf("%d of %d: %s", met, len(r.Coverage), strings.Join(rules, "; "))
	}
	return fmt.Sprintf("%d of %d; missing: %s", met, len(r.Coverage), strings.Join(missing, "; "))
}

// whyParts are the sentences behind the verdict: what explains the violation, when it was, what was kept all the same,
// what else went wrong.
func whyParts(in Input) []fact {
	r := in.Results
	var list []fact
	if len(r.Anomalies) > 0 {
		a := r.Anomalies[0]
		if text := sentence(a.Explanation); text != "" {
			list = append(list, fact{"why", text})
		}
		list = append(list, fact{"when", whenText(a, r.Faults)})
		if more := othersText(r.Anomalies); more != "" {
			list = append(list, fact{"also", more})
		}
	}
	list = append(list, keptParts(r)...)
	if r.Error != "" && r.Verdict == harness.Invalid {
		list = append(list, fact{"also", "the run itself failed: " + sentence(r.Error)})
	} else if r.Error != "" && r.Reason != "" && !strings.Contains(r.Reason, r.Error) {
		list = append(list, fact{"reason", sentence(r.Reason)})
	}
	return list
}

// keptParts say what the history kept all the same, and the key of the first violation where that is something else.
func keptParts(r harness.Results) []fact {
	var list []fact
	if text := keptText(r); text != "" {
		list = append(list, fact{"kept", text})
	}
	if len(r.Anomalies) > 0 {
		if text := keyKept(r, r.Anomalies[0]); text != "" {
			list = append(list, fact{"the key", text})
		}
	}
	return list
}

// keptText is what the whole history kept, "" where nobody looked.
func keptText(r harness.Results) string {
	for _, c := range r.Checks {
		if c.Kept != nil {
			return sentence(c.Kept.Sentence)
		}
	}
	return ""
}

// keyKept is what the key of a violation kept, "" where it is not known or where the same is said of the whole.
func keyKept(r harness.Results, a harness.AnomalyResult) string {
	if text := sentence(a.Kept); text != keptText(r) {
		return text
	}
	return ""
}

// othersText names the violations beyond the first.
func othersText(anomalies []harness.AnomalyResult) string {
	const most = 5
	var parts []string
	if n := anomalies[0].Count; n > 1 {
		parts = append(parts, fmt.Sprintf("%s more like it", count(n-1)))
	}
	for i, a := range anomalies[1:] {
		if i == most {
			parts = append(parts, fmt.Sprintf("%s more kinds or keys", count(len(anomalies)-1-most)))
			break
		}
		text := clean(a.Name, 60)
		if a.Key != "" {
			text += " on key " + clean(a.Key, 40)
		}
		if a.Count > 1 {
			text += fmt.Sprintf(" (%s)", count(a.Count))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// whenText places an anomaly among the faults.
func whenText(a harness.AnomalyResult, faults []harness.FaultResult) string {
	from, to := extent(a)
	at := fmt.Sprintf("%s to %s", moment(from, 2), moment(to, 2))
	var on []string
	for _, f := range faultsOf(a, faults) {
		on = append(on, fmt.Sprintf("#%d %s", f.ID, faultText(f)))
	}
	if len(on) > 4 {
		on = append(on[:4], fmt.Sprintf("%d more", len(on)-4))
	}
	if len(on) > 0 {
		return at + ", during " + strings.Join(on, ", ")
	}
	var last *harness.FaultResult
	for i := range faults {
		if end := faults[i].EndMS; end != nil && *end <= from && (last == nil || *end > *last.EndMS) {
			last = &faults[i]
		}
	}
	if last == nil {
		return at + ", no fault was on"
	}
	return fmt.Sprintf("%s, %s after #%d %s was healed", at, span(from-*last.EndMS), last.ID, faultText(*last))
}

// faultText names a fault and whom it hurt.
func faultText(f harness.FaultResult) string {
	text := clean(f.Fault, 40)
	switch {
	case f.Detail != "":
		text += " " + clean(f.Detail, 60)
	case len(f.Nodes) > 0:
		text += " " + clean(strings.Join(f.Nodes, " "), 60)
	}
	return text
}

// faultsOf picks the faults that were on during an anomaly.
func faultsOf(a harness.AnomalyResult, faults []harness.FaultResult) []harness.FaultResult {
	var list []harness.FaultResult
	for _, id := range a.Faults {
		for _, f := range faults {
			if f.ID == id {
				list = append(list, f)
			}
		}
	}
	return list
}

// extent is the time from the first call to the last known event of a witness.
func extent(a harness.AnomalyResult) (from, to float64) {
	for i, op := range a.Ops {
		end := op.CallMS
		if op.ReturnMS != nil && op.Outcome != 0 {
			end = max(end, *op.ReturnMS)
		}
		if i == 0 {
			from, to = op.CallMS, end
		}
		from, to = min(from, op.CallMS), max(to, end)
	}
	return from, to
}
