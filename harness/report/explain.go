package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Explain writes every violation alone for the terminal: its name, what that means, the operations that prove it on
// real time with the faults that were on and the nodes that answered, why no order fits, and what its key kept all the
// same. Means says what a name means, "" where it does not know. No line is wider than asked, as in [Text].
func Explain(w io.Writer, in Input, means func(name string) string, options TextOptions) error {
	p := newPrinter(options)
	r := in.Results
	o := Explained(r)
	head := o.Glyph + " " + explainedHead(r)
	for _, line := range wrap(head, p.width) {
		p.line(p.style.verdict(o)(line))
	}
	if text := title(in); text != "" {
		p.line("  " + p.style.dim(clip(text, p.width-2)))
	}
	for i, a := range r.Anomalies {
		p.line("")
		p.violation(i+1, a, r.Faults, means(a.Name))
	}
	p.line("")
	if len(r.Anomalies) == 0 {
		p.labelled("checked", checkedText(in), p.style.plain)
	}
	for _, c := range r.Checks {
		if c.Verdict == harness.Unknown || len(c.Undecided) > 0 {
			p.labelled("open", sentence(c.Reason), p.style.plain)
		}
	}
	for _, note := range r.Notes {
		p.labelled("note", noteText(note), p.style.plain)
	}
	if !options.Part {
		p.exit(o)
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// Explained is the outcome as far as violations go: a run that proves nothing has none to explain, but where a check
// did not decide everything there may be some.
func Explained(r harness.Results) Outcome {
	switch {
	case r.Verdict == harness.Invalid:
		return OutcomeOf(r)
	case len(r.Checks) == 0, slices.ContainsFunc(r.Checks, undecided), doubtful(r):
		return OutcomeOf(harness.Results{})
	case len(r.Anomalies) > 0:
		return OutcomeOf(harness.Results{Verdict: harness.Valid, Anomalies: r.Anomalies})
	}
	o := OutcomeOf(harness.Results{Verdict: harness.Valid})
	o.Meaning = "there is no violation to explain"
	return o
}

// doubtful reports whether it is not known that what was violated was claimed.
func doubtful(r harness.Results) bool {
	return len(r.Anomalies) > 0 && r.Verdict == harness.Unknown && !r.Vacuous
}

func undecided(c harness.Check) bool { return c.Verdict == harness.Unknown }

func explainedHead(r harness.Results) string {
	n := len(r.Anomalies)
	switch {
	case n == 0 && Explained(r).Exit == 0:
		return "no violation was found"
	case n == 0:
		return "no violation was found, but not everything was decided"
	case doubtful(r):
		return fmt.Sprintf("%s, perhaps not of what is claimed: %s", counted(n, "violation"), levelText(r.Claim))
	case r.Verdict != harness.Invalid:
		return fmt.Sprintf("%s, but not of what is claimed: %s", counted(n, "violation"), levelText(r.Claim))
	case n == 1:
		return "1 violation"
	}
	return fmt.Sprintf("%s, one of each name", counted(n, "violation"))
}

// violation writes one of them.
func (p *printer) violation(number int, a harness.AnomalyResult, faults []harness.FaultResult, means string) {
	name := fmt.Sprintf("%d. %s", number, clean(a.Name, 60))
	if a.Key != "" {
		name += " on key " + clean(a.Key, 40)
	}
	for _, line := range wrap(name, p.width) {
		p.line(p.style.bold(line))
	}
	if means != "" {
		for _, line := range wrap(means, p.width-3) {
			p.line("   " + line)
		}
	}
	p.line("")
	p.drawing(a, faults)
	if text := sentence(a.Explanation); text != "" {
		p.labelled("why", text, p.style.plain)
	}
	p.labelled("when", whenText(a, faults), p.style.plain)
	if text := answeredText(a); text != "" {
		p.labelled("answered", text, p.style.plain)
	}
	if a.Count > 1 {
		p.labelled("also", count(a.Count-1)+" more like it", p.style.plain)
	}
	if text := sentence(a.Kept); text != "" {
		p.labelled("kept", text, p.style.plain)
	}
}

// answeredText names the nodes that answered the operations of a violation, in the order of the first call to each.
func answeredText(a harness.AnomalyResult) string {
	var nodes []string
	for _, op := range a.Ops {
		if node := clean(op.Node, 40); op.Node != "" && op.ReturnMS != nil && !slices.Contains(nodes, node) {
			nodes = append(nodes, node)
		}
	}
	if len(nodes) > 12 {
		nodes = append(nodes[:12], fmt.Sprintf("%d more", len(nodes)-12))
	}
	return strings.Join(nodes, ", ")
}
