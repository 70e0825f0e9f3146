package checkers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
)

// setTotals adds up what was found in the sets of one history.
type setTotals struct {
	best     map[string]harness.Anomaly
	examples map[string][]any // a few elements by the name of what is wrong with them
	badKeys  int
	reads    int
	acked    int // elements acknowledged
	proved   int // of these: a read was called later
	neverOK  int // elements added without an answer that no read has
	unread   int // elements acknowledged after which no read was called
	visible  []time.Duration
	stale    []time.Duration
}

// examplesKept is how many wrong elements of a name are listed.
const examplesKept = 10

func newSetTotals() *setTotals {
	return &setTotals{best: map[string]harness.Anomaly{}, examples: map[string][]any{}}
}

// take adds one set, and reports whether something is wrong with it.
func (t *setTotals) take(r *roster) (wrong bool) {
	t.reads += len(r.reads)
	fates := make([]fate, len(r.elements))
	for e := range r.elements {
		if m := &r.elements[e]; m.call != never {
			fates[e] = r.fate(m)
			t.count(r, m, fates[e])
		}
	}
	found := r.findings(fates)
	if len(found) > 0 {
		t.badKeys++
	}
	for _, f := range found {
		t.add(r, f)
	}
	return len(found) > 0
}

func (t *setTotals) add(r *roster, f setFinding) {
	best, met := t.best[f.name]
	times := best.Count + 1
	if !met || len(f.witness) < len(best.Witness) {
		best = harness.Anomaly{
			Name: f.name, Key: r.k.key, Explanation: r.k.shown(words.Upper(f.story), f.witness), Witness: r.pairs(f),
			Impossible: f.wrong.call,
		}
	}
	best.Count = times
	t.best[f.name] = best
	if len(t.examples[f.name]) < examplesKept {
		t.examples[f.name] = append(t.examples[f.name], r.k.words[f.element])
	}
}

// count counts an element and measures how long it took to become visible.
func (t *setTotals) count(r *roster, m *member, f fate) {
	if m.acked >= 0 {
		t.acked++
		if r.calledAfter(r.k.ops[m.acked].ret) < len(r.reads) {
			t.proved++
		} else {
			t.unread++
		}
	}
	if len(m.in) == 0 {
		if m.acked < 0 {
			t.neverOK++
		}
		return
	}
	first := r.firstReturnOf(m)
	t.visible = append(t.visible, max(first-r.k.pairs[r.k.ops[m.adds[0]].pair].Call, 0))
	late := time.Duration(0)
	if f.absent >= 0 && f.name != LostWrite {
		late = r.k.pairOf(r.read(f.absent)).Call - r.k.pairs[r.k.ops[f.known].pair].Return
	}
	t.stale = append(t.stale, max(late, 0))
}

func (r *roster) firstReturnOf(m *member) time.Duration {
	first := r.k.pairOf(r.read(m.in[0])).Return
	for _, n := range m.in {
		first = min(first, r.k.pairs[r.k.ops[r.reads[n]].pair].Return)
	}
	return first
}

func (t *setTotals) anomalies() []harness.Anomaly {
	var out []harness.Anomaly
	for _, a := range t.best {
		if a.Count > 1 {
			a.Explanation += fmt.Sprintf(" The same is true of %s.", words.Count(a.Count-1, "other element"))
		}
		out = append(out, a)
	}
	slices.SortFunc(out, clearestFirst)
	return out
}

func (t *setTotals) tally(all []harness.Anomaly) string {
	var parts []string
	for _, a := range all {
		parts = append(parts, fmt.Sprintf("%s (%s)", a.Name, words.Count(a.Count, "element")))
	}
	return strings.Join(parts, ", ")
}

// stats are the counts, the examples and the quantiles.
//
//	first_seen_ms_*  from the call of an element's add until the first read that has it returned
//	stale_ms_*       from when it was known to be in until the last read without it was called; 0 in a correct system
func (t *setTotals) stats() map[string]any {
	s := map[string]any{
		"model": "set", "acknowledged": t.acked, "looked_for": t.proved, "never_seen": t.neverOK, "unread": t.unread,
		"lost": t.best[LostWrite].Count, "stale": t.best[StaleRead].Count, "flicker": t.best[Flicker].Count,
		"phantom": t.best[PhantomRead].Count, "aborted": t.best[AbortedRead].Count, "duplicate": t.best[Duplicate].Count,
		"seen": len(t.visible),
	}
	for name, list := range t.examples {
		s["examples_"+strings.ReplaceAll(name, " ", "_")] = list
	}
	quantiles(s, "first_seen_ms", t.visible)
	quantiles(s, "stale_ms", t.stale)
	return s
}

// quantiles puts the median, the 99th percentile and the maximum into the stats, where there are any.
func quantiles(s map[string]any, name string, all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	s[name+"_p50"] = ms(all[len(all)/2])
	s[name+"_p99"] = ms(all[(len(all)*99)/100])
	s[name+"_max"] = ms(all[len(all)-1])
}
