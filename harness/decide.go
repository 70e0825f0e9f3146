package harness

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/harness/history"
)

// decide makes one verdict of the checks and the coverage. A proven violation stands whatever else is wrong with the
// run; without one, a run that did not do what it must have done proves nothing.
func (res *Results) decide() {
	res.Verdict, res.Vacuous = Valid, false
	if len(res.Checks) == 0 {
		res.Verdict = Unknown
	}
	beyond := "" // what was not promised and did not hold
	for _, c := range res.Checks {
		if c.Verdict == Invalid && !res.Claim.covers(c.Level) {
			beyond = fmt.Sprintf("it claims %s, so this is no violation: not %s, %s", res.Claim, c.Level, c.Reason)
			continue
		}
		res.Verdict = res.Verdict.Worse(c.Verdict)
	}
	missing := slices.IndexFunc(res.Coverage, func(c CoverageRule) bool { return !c.Met })
	switch {
	case res.Verdict == Invalid:
		res.Reason = res.violation()
	case res.Error != "":
		res.Verdict, res.Reason = Unknown, "the run failed: "+res.Error
	case res.Unfinished:
		res.Verdict = Unknown
		res.Reason = fmt.Sprintf("the run did not end: it was killed, or goes on still; no violation was found in the %.1f s "+
			"that were recorded", res.DurationMS/1000)
	case res.Interrupted:
		res.Verdict = Unknown
		res.Reason = fmt.Sprintf("interrupted after %.1f s; no violation was found in what was recorded until then", res.DurationMS/1000)
	case res.Verdict == Unknown:
		res.Reason = firstReason(res.Checks)
	case missing >= 0:
		rule := res.Coverage[missing]
		res.Verdict, res.Vacuous = Unknown, true
		res.Reason = fmt.Sprintf("this run proves nothing: it is not so that %s (%s)", rule.Rule, rule.Detail)
	case beyond != "":
		res.Reason = beyond
	default:
		res.Reason = fmt.Sprintf("%s in this run: %s", res.Checks[0].Level, res.Checks[0].Reason)
	}
	res.Strongest = strongest(res.Checks)
}

// strongest is the strongest level that held: none where a check found a violation, "" where nothing was decided.
func strongest(checks []Check) Level {
	held := Level("")
	for _, c := range checks {
		switch c.Verdict {
		case Invalid:
			return NoLevel
		case Valid:
			held = c.Level
		case Unknown:
		}
	}
	return held
}

func (res *Results) violation() string {
	if len(res.Anomalies) == 0 {
		return firstReason(res.Checks)
	}
	a := res.Anomalies[0]
	on := ""
	if a.Key != "" {
		on = fmt.Sprintf(" on key %s", a.Key)
	}
	return fmt.Sprintf("%s%s, though %s claims to be %s", a.Name, on, orWord(res.Target, "the system"), res.Claim)
}

func orWord(word, otherwise string) string {
	if word == "" {
		return otherwise
	}
	return word
}

// firstReason is that of the worst check.
func firstReason(checks []Check) string {
	reason := "nothing was checked"
	worst := Valid
	for _, c := range checks {
		if c.Verdict == worst.Worse(c.Verdict) && (c.Verdict != worst || c.Verdict != Valid) {
			worst, reason = c.Verdict, c.Reason
		}
	}
	return reason
}

// tell says in words what failure looked like: bounded, observable, recoverable.
func (res *Results) tell(h history.History) {
	res.Bounded = res.tellBounded()
	res.Observable = res.tellObservable()
	res.Recoverable = res.tellRecoverable(h)
}

func (res *Results) tellBounded() string {
	var calm, worst *Group
	var worstWindow *Window
	for i := range res.Windows {
		w := &res.Windows[i]
		for j := range w.Groups {
			g := &w.Groups[j]
			switch {
			case w.Name == windowCalm && g.By == byAll:
				calm = g
			case w.Fault >= 0 && g.By == byAll && g.Ops.Total > 0 && (worst == nil || g.OKShare < worst.OKShare):
				worst, worstWindow = g, w
			}
		}
	}
	text := fmt.Sprintf("%s of all calls were answered", share(res.Ops.answered(), res.Ops.Total))
	if calm != nil && calm.Ops.Total > 0 {
		text += fmt.Sprintf(" (%s before the first fault)", share(calm.Ops.answered(), calm.Ops.Total))
	}
	if worst != nil && worst.Ops.answered() == worst.Ops.Total {
		text += "; every fault left every call answered, if late"
	} else if worst != nil {
		text += fmt.Sprintf("; at worst %s, during %s at %.1f s", share(worst.Ops.answered(), worst.Ops.Total),
			worstWindow.Name, worstWindow.StartMS/1000)
		for _, g := range worstWindow.Groups {
			if g.By == bySide && g.Ops.Total > 0 {
				text += fmt.Sprintf(", %s on the side of %s", share(g.Ops.answered(), g.Ops.Total), g.Name)
			}
		}
	}
	if res.Ops.Hung > 0 {
		return text + fmt.Sprintf(". %s ignored the deadline and would have waited for ever.", counted(res.Ops.Hung, "call"))
	}
	return text + ". No call outlived its deadline."
}

func share(part, whole int) string {
	if whole == 0 {
		return "none"
	}
	if part == whole {
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", min(100*float64(part)/float64(whole), 99.9))
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (res *Results) tellObservable() string {
	refused := res.Ops.Fail - res.Ops.Unmet
	text := fmt.Sprintf("Of %s that were not answered the system owned up to %d (a definite error) and left %d open "+
		"(nobody knows whether they happened)", counted(refused+res.Ops.Info, "call"), refused, res.Ops.Info)
	if refused+res.Ops.Info == 0 {
		text = "Every call was answered"
	}
	switch {
	case len(res.Anomalies) > 0:
		names := make([]string, 0, len(res.Anomalies))
		for _, a := range res.Anomalies {
			name := fmt.Sprintf("%s (%d)", a.Name, a.Count)
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return text + ". It lied: " + joined(names, 4) + "."
	case res.Verdict == Valid:
		return text + ". No answer was a lie."
	}
	return text + ". Whether an answer was a lie was not decided."
}

func (res *Results) tellRecoverable(h history.History) string {
	var first, sustained, heals, slow int
	var firstMax, sustainedMax float64
	for _, w := range res.Windows {
		for _, g := range w.Groups {
			if w.Fault < 0 || g.By != byAll {
				continue
			}
			heals++
			if g.FirstSuccessMS != nil {
				first, firstMax = first+1, max(firstMax, *g.FirstSuccessMS)
			}
			if g.SustainedMS != nil {
				sustained, sustainedMax = sustained+1, max(sustainedMax, *g.SustainedMS)
			} else {
				slow++
			}
		}
	}
	if heals == 0 {
		return "Nothing was healed, so nothing is known about recovery."
	}
	text := fmt.Sprintf("After %s of %s a call succeeded again, at the latest %.0f ms later", fmt.Sprint(first),
		counted(heals, "heal"), firstMax)
	if first == 0 {
		text = fmt.Sprintf("After none of %s did a call succeed before the next fault or the end", counted(heals, "heal"))
	}
	if sustained > 0 {
		text += fmt.Sprintf("; rate and latency were back to normal after %s, at the latest %.1f s later", fmt.Sprint(sustained),
			sustainedMax/1000)
	}
	if slow > 0 {
		text += fmt.Sprintf("; after %d rate and latency were not back to normal before the next fault or the end", slow)
	}
	finals := 0
	for i := range h.Pairs {
		if h.Pairs[i].Final && h.Pairs[i].Outcome == history.OK {
			finals++
		}
	}
	if finals > 0 {
		return text + fmt.Sprintf(". %s after the last heal were answered.", counted(finals, "final read"))
	}
	return text + ". There were no final reads after the last heal."
}
