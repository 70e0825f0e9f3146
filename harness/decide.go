package harness

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness/history"
)

// decide makes one verdict of the checks and the coverage. A proven violation stands whatever else is wrong with the
// run; without one, a run that did not do what it must have done proves nothing.
func (res *Results) decide() {
	res.Verdict, res.Vacuous = Valid, false
	if len(res.Checks) == 0 {
		res.Verdict = Unknown
	}
	beyond, open := "", "" // what did not hold and was not promised, or nobody knows whether it was
	for _, c := range res.Checks {
		judged := c.against(res.Claim)
		if judged != Invalid && c.Verdict == Invalid {
			beyond = fmt.Sprintf("it claims %s, so this is no violation: not %s, %s", res.Claim, c.Level, c.Reason)
		}
		if judged == Unknown && c.Verdict == Invalid {
			open = fmt.Sprintf("it claims %s, and whether that held is not known: not %s, %s", res.Claim, c.Level,
				c.Reason)
		}
		res.Verdict = res.Verdict.Worse(judged)
	}
	missing := slices.IndexFunc(res.Coverage, func(c CoverageRule) bool { return !c.Met })
	switch {
	case res.Verdict == Invalid:
		res.Reason = res.violation()
	case res.Error != "":
		res.Verdict, res.Reason = Unknown, "the run failed: "+res.Error
	case res.Unfinished:
		res.Verdict = Unknown
		res.Reason = fmt.Sprintf("the run did not end: it was killed, or goes on still; no violation was found in the "+
			"%.1f s that were recorded", res.DurationMS/1000)
	case res.Interrupted:
		res.Verdict = Unknown
		res.Reason = fmt.Sprintf("interrupted after %.1f s; no violation was found in what was recorded until then",
			res.DurationMS/1000)
	case res.Verdict == Unknown:
		res.Reason = orWord(open, firstReason(res.Checks))
	case missing >= 0:
		rule := res.Coverage[missing]
		res.Verdict, res.Vacuous = Unknown, true
		res.Reason = fmt.Sprintf("this run proves nothing: it is not so that %s (%s)", rule.Rule, rule.Detail)
	case beyond != "":
		res.Reason = beyond
	default:
		res.Reason = fmt.Sprintf("%s in this run: %s", orWord(string(res.Checks[0].Level), "valid"),
			res.Checks[0].Reason)
	}
	res.Strongest = strongest(res.Checks)
}

// against is the verdict of a check measured against a claim. What a history lacks may be more than was claimed: then
// the claim held where what the history kept implies it, and was broken where a single key did not keep it, for what
// the whole has each key has alone. Otherwise nobody knows. Of claims that are no level of ours nothing can be told but
// that the check asked for something else.
func (c Check) against(claim Level) Validity {
	if c.Verdict != Invalid || claim.covers(c.Level) {
		return c.Verdict
	}
	_, _, known := claim.rank()
	switch {
	case !known, c.Strongest.Implies(claim), claim == NoLevel:
		return Valid
	case c.breaks(claim) != nil:
		return Invalid
	}
	return Unknown
}

// breaks returns the worst of the keys that are known not to have what is claimed, or nil. What is not known of a key
// says nothing.
func (c Check) breaks(claim Level) *KeyLevel {
	if c.Kept == nil {
		return nil
	}
	at := slices.IndexFunc(c.Kept.Keys, func(k KeyLevel) bool { return k.lacks(claim.PerKey()) })
	if at < 0 {
		return nil
	}
	return &c.Kept.Keys[at]
}

// strongest is the strongest level that held, as far as all checks know: "" where one of them does not, or where it
// found one level and another check found another that does not imply it.
func strongest(checks []Check) Level {
	if len(checks) == 0 {
		return ""
	}
	held := checks[0].Strongest
	for _, c := range checks[1:] {
		switch {
		case c.Strongest == "" || held == "":
			return ""
		case held.Implies(c.Strongest):
			held = c.Strongest
		case !c.Strongest.Implies(held):
			return ""
		}
	}
	return held
}

func (res *Results) violation() string {
	if len(res.Anomalies) == 0 {
		return firstReason(res.Checks)
	}
	for _, c := range res.Checks {
		if !res.Claim.covers(c.Level) && c.against(res.Claim) == Invalid {
			k := c.breaks(res.Claim)
			name := "the register"
			if k.Key != "" {
				name = "key " + k.Key
			}
			alone := strings.TrimSuffix(string(res.Claim), " per key")
			return fmt.Sprintf("%s is not %s, though %s claims to be %s: %s", name, alone, res.Target, res.Claim,
				k.Sentence)
		}
	}
	a := res.Anomalies[0]
	on := ""
	if a.Key != "" {
		on = fmt.Sprintf(" on key %s", a.Key)
	}
	if res.Target == "" { // of a foreign history nobody said what its system claims
		return fmt.Sprintf("%s%s: the history is not %s", a.Name, on, orWord(string(res.Claim), string(Linearizable)))
	}
	return fmt.Sprintf("%s%s, though %s claims to be %s", a.Name, on, res.Target, res.Claim)
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
	if res.Ops.Total == 0 {
		return "No call was made."
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
		return text + fmt.Sprintf(". %s ignored the deadline and would have waited for ever.", counted(res.Ops.Hung,
			"call"))
	}
	return text + ". No call outlived its deadline."
}

// share writes a part in percent. It says none and 100 % only where that is exact.
func share(part, whole int) string {
	switch part {
	case 0:
		return "none"
	case whole:
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", min(max(100*float64(part)/float64(whole), 0.1), 99.9))
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func (res *Results) tellObservable() string {
	refused := res.Ops.Fail - res.Ops.Unmet
	were := "were"
	if refused+res.Ops.Info == 1 {
		were = "was"
	}
	text := fmt.Sprintf("Of %s that %s not answered the system owned up to %d (a definite error) and left %d open "+
		"(nobody knows whether they happened)", counted(refused+res.Ops.Info, "call"), were, refused, res.Ops.Info)
	switch {
	case res.Ops.Total == 0:
		return "No call was made, so nothing was observed."
	case refused+res.Ops.Info == 0:
		text = "Every call was answered"
	}
	switch {
	case len(res.Anomalies) > 0 && res.Verdict == Invalid:
		return text + ". It lied: " + res.anomalyNames() + "."
	case len(res.Anomalies) > 0:
		return text + ". What it answered was not " + string(Linearizable) + ", nor did it promise that: " +
			res.anomalyNames() + "."
	case res.Verdict == Valid:
		return text + ". No answer was a lie."
	}
	return text + ". Whether an answer was a lie was not decided."
}

func (res *Results) anomalyNames() string {
	var names []string
	for _, a := range res.Anomalies {
		if name := fmt.Sprintf("%s (%d)", a.Name, a.Count); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return joined(names, 4)
}

// recovery sums up over all heals how the operations as a whole came back.
type recovery struct {
	heals, first, sustained, slow, unwatched int
	firstMax, sustainedMax                   float64
}

func (res *Results) recovery() recovery {
	var r recovery
	for _, w := range res.Windows {
		i := slices.IndexFunc(w.Groups, func(g Group) bool { return g.By == byAll })
		if w.WatchedMS == nil || i < 0 {
			continue
		}
		g := w.Groups[i]
		r.heals++
		if g.FirstSuccessMS != nil {
			r.first, r.firstMax = r.first+1, max(r.firstMax, *g.FirstSuccessMS)
		}
		switch {
		case g.SustainedMS != nil:
			r.sustained, r.sustainedMax = r.sustained+1, max(r.sustainedMax, *g.SustainedMS)
		case *w.WatchedMS < milliseconds(recoveredFor):
			r.unwatched++
		default:
			r.slow++
		}
	}
	return r
}

// later says when something came, in milliseconds, to the precision with which recovery is looked for.
func later(ms float64) string {
	if ms < milliseconds(recoveryStep) {
		return "at once"
	}
	return fmt.Sprintf("at the latest %.1f s later", ms/1000)
}

func (res *Results) tellRecoverable(h history.History) string {
	r := res.recovery()
	if r.heals == 0 {
		return "Nothing was healed, so nothing is known about recovery."
	}
	text := fmt.Sprintf("After %d of %s a call succeeded again, at the latest %.0f ms later", r.first,
		counted(r.heals, "heal"), r.firstMax)
	if r.first == 0 {
		text = fmt.Sprintf("After none of %s did a call succeed before the next fault or the end", counted(r.heals,
			"heal"))
	}
	if r.sustained > 0 {
		text += fmt.Sprintf("; rate and latency were back to normal after %d, %s", r.sustained, later(r.sustainedMax))
	}
	if r.slow > 0 {
		text += fmt.Sprintf("; after %d rate and latency were not back to normal before the next fault or the end",
			r.slow)
	}
	if r.unwatched > 0 {
		text += fmt.Sprintf("; after %d the next fault or the end came within a second, too soon to tell", r.unwatched)
	}
	finals := 0
	for i := range h.Pairs {
		if h.Pairs[i].Final && h.Pairs[i].Outcome == history.OK {
			finals++
		}
	}
	switch finals {
	case 0:
		return text + ". There were no final reads after the last heal."
	case 1:
		return text + ". 1 final read after the last heal was answered."
	}
	return text + fmt.Sprintf(". %d final reads after the last heal were answered.", finals)
}
