package report

import (
	"fmt"

	"github.com/capsize-dev/capsize/harness"
)

// step is what to try next, with a command to paste where there is one.
type step struct {
	Text    string
	Command string
}

// nextSteps is what to do after a verdict that is not the last word.
func nextSteps(in Input) []step {
	r := in.Results
	var steps []step
	if r.Verdict == harness.Invalid {
		return nil
	}
	if r.Error != "" {
		steps = append(steps, step{"see what is missing on this machine", "capsize doctor"})
	}
	if r.Interrupted && r.Ops.Total > 0 {
		steps = append(steps,
			step{Text: "let it run to the end: only what was recorded before the interrupt was judged"})
	}
	if r.Verdict == harness.Valid || r.Error != "" {
		return steps
	}
	steps = append(steps, unknownSteps(in)...)
	if len(steps) == 0 {
		steps = append(steps, step{Text: "give it more to prove: a longer --time-limit, or another --seed"})
	}
	return steps
}

// unknownSteps reads off the results what kept a run from a verdict.
func unknownSteps(in Input) []step {
	r := in.Results
	var steps []step
	undecided := 0
	for _, c := range r.Checks {
		undecided += len(c.Undecided)
	}
	if undecided > 0 {
		steps = append(steps, step{
			Text: counted(undecided, "key") +
				" without a decision: give the check more time, or spread the load over more --keys",
			Command: "capsize check " + runName(in) + " --timeout 10m",
		})
	}
	for _, f := range struckFaults(r.Faults) {
		if f.TookEffect {
			continue
		}
		why := orElse(sentence(f.Evidence+" "+f.Error), "no evidence")
		steps = append(steps, step{
			Text: fmt.Sprintf("fault #%d %s had no effect (%s): strike longer or harder, or see whether this machine "+
				"can", f.ID, clean(f.Fault, 40), why),
			Command: "capsize doctor",
		})
		break
	}
	if share := float64(r.Ops.Info) / float64(max(r.Ops.Total, 1)); share > 0.2 {
		steps = append(steps, step{
			Text: percent(share) + " of the ops are indeterminate: try a longer --op-timeout or a lower --rate",
		})
	}
	return steps
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// runName is what a command takes for this run.
func runName(in Input) string {
	return orElse(clean(in.Folder, 200), orElse(clean(in.Results.Run, 200), "RUN"))
}

// commands are what to type next, labelled.
func commands(in Input) []fact {
	var list []fact
	if in.Results.Repro != "" {
		list = append(list, fact{"again", clean(in.Results.Repro, 1000)})
	}
	if len(in.Results.Anomalies) > 0 {
		list = append(list, fact{"explain", "capsize explain " + runName(in)})
	}
	if in.Results.Ops.Total > 0 {
		check := "capsize check " + runName(in)
		if check != in.Results.Repro {
			list = append(list, fact{"check", check})
		}
	}
	return list
}
