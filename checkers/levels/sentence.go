package levels

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// Sentence says what was found, the bad first: "not linearizable: reads were up to 412 ms and 3 versions stale, but
// every client read its own writes". What nobody did anything to show is not told, and
// of what is not known nothing is said.
func (r *Report) Sentence() string { return r.sentence("it was ") }

// SentencePerKey is [Report.Sentence] for what [Report.Add] made of several registers: it says that a level held per
// key, since the whole need not have it.
func (r *Report) SentencePerKey() string { return r.sentence("every key alone was ") }

func (r *Report) sentence(was string) string {
	if r.Levels[Linearizable].Held {
		if r.Failed > 0 {
			return "linearizable, compare-and-sets that failed not considered"
		}
		return "linearizable"
	}
	if r.Levels[Linearizable].Unknown {
		return "nobody knows whether it was linearizable"
	}
	text, bad, good := "not linearizable", r.bad(), r.good(was)
	if len(bad) > 0 {
		text += ": " + list(bad)
	}
	if len(good) > 0 {
		text += ", but " + list(good)
	}
	if len(bad)+len(good) == 0 {
		text += ": what it kept all the same is not known"
	}
	return text
}

// reasons are why no staleness of reads explains a history.
var reasons = map[string]string{
	linear.Nowhere:  "a value was seen that nothing stored",
	linear.Future:   "a value was seen before it was stored",
	linear.Twice:    "a value was replaced twice",
	linear.Ring:     "values were swapped from each other in a ring",
	linear.Backward: "compare-and-sets contradict real time, whatever was read",
	linear.Crossed:  "compare-and-sets contradict real time, whatever was read",
	linear.Repeated: "an element was seen more often than it was appended",
	linear.Forked:   "clients saw lists that contradict each other",
	linear.Swapped:  "elements stand against the order in which they were appended",
	linear.TooHigh:  "a count was above all that can have been added by then",
	linear.TooLow:   "a count was below all that can have been added",
}

// reason is why none does. A search knows no rule.
func (v *vocabulary) reason(rule string) string {
	return cmp.Or(v.reasons[rule], reasons[rule], v.reasons[""], "no delay of answers explains what was seen")
}

// instant is the staleness of what happened at the same time, or without a clock: a stand-in that nobody measured.
const instant = time.Nanosecond

// bad says what was wrong.
func (r *Report) bad() []string {
	var bad, stale []string
	words := &vocabularies[r.Kind]
	if !r.Staleness.Bounded {
		bad = append(bad, words.reason(r.Staleness.Rule))
	}
	delta := ""
	if r.Staleness.Delta > instant {
		delta = units(r.Staleness.Delta)
		stale = append(stale, delta)
	}
	if r.Versions.Max > 0 {
		stale = append(stale, count(r.Versions.Max, words.version))
	}
	switch {
	case len(stale) == 0 && r.Staleness.Delta < instant:
	case words.late != nil:
		bad = append(bad, words.late(delta, r.Versions.Max))
	case len(stale) == 0:
		bad = append(bad, words.answers+" were "+words.stale)
	default:
		bad = append(bad, words.answers+" were up to "+list(stale)+" "+words.stale)
	}
	for g, text := range words.broken {
		if r.Sessions[g].Refuted() {
			bad = append(bad, text)
		}
	}
	return bad
}

// good says what held all the same. A level from PRAM on says more than that no session contradicted itself.
func (r *Report) good(was string) []string {
	var good, kept []string
	words := &vocabularies[r.Kind]
	if r.Strongest > None {
		kept = append(kept, r.Strongest.String())
	}
	if r.Regular.Held {
		kept = append(kept, "regular")
	}
	if len(kept) > 0 {
		good = append(good, was+list(kept))
	}
	if r.Relaxed.Held {
		good = append(good, words.relaxed)
	}
	if r.Strongest > None {
		return good
	}
	for g, text := range words.held {
		if s := r.Sessions[g]; text != "" && s.Held && s.Asked > 0 {
			good = append(good, text)
		}
	}
	return good
}

// list puts words beside each other as one says them.
func list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// units is a duration as one says it, with three figures.
func units(d time.Duration) string {
	unit, size := "ns", time.Nanosecond
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"µs", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"min", 2 * time.Minute}} {
		if d >= u.size {
			unit, size = u.name, u.size
		}
	}
	if unit == "min" { // two of them are still told in seconds
		size = time.Minute
	}
	value, decimals := float64(d)/float64(size), 0
	for limit := 100.0; value < limit && decimals < 2; limit /= 10 {
		decimals++
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + unit
}
