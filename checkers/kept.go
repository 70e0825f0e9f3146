package checkers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/levels"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The most keys that are asked what they kept, and of those the most that are named.
const (
	mostAsked = 5000
	mostNamed = 100
)

// kept is what a key that is not linearizable kept all the same.
type kept struct {
	report *levels.Report // nil where it is not known
	weaker string         // the model that its report has it relaxed to
	why    string         // it is not known
}

// keeper finds out what a key kept. What it cannot find out until the context ends is not known in its report. It is
// given a decider of its kind of object, and one of the weaker kind where there is one.
type keeper func(ctx context.Context, h *levels.History, decide, weaker levels.Decider) (levels.Report, error)

// levelsOf returns the keeper of a kind of object, or nil where there is none, or nobody asked.
func levelsOf(ctx context.Context, o object) keeper {
	if harness.VerdictOnly(ctx) {
		return nil
	}
	alone := func(judge func(context.Context, *levels.History, levels.Decider) (levels.Report, error)) keeper {
		return func(ctx context.Context, h *levels.History, decide, _ levels.Decider) (levels.Report, error) {
			return judge(ctx, h, decide)
		}
	}
	switch o := o.(type) {
	case register, versioned:
		return alone(levels.JudgeRegister)
	case memberSet:
		return alone(levels.JudgeMember)
	case counter:
		return alone(levels.JudgeCounter)
	case list:
		return alone(func(_ context.Context, h *levels.History, _ levels.Decider) (levels.Report, error) {
			return levels.JudgeList(h)
		})
	case queue:
		return func(ctx context.Context, h *levels.History, decide, weaker levels.Decider) (levels.Report, error) {
			return levels.JudgeQueue(ctx, h, o.fifo, decide, weaker)
		}
	case lock:
		return func(ctx context.Context, h *levels.History, decide, weaker levels.Decider) (levels.Report, error) {
			return levels.JudgeLock(ctx, h, o.fenced, decide, weaker)
		}
	}
	return nil
}

// weakened returns the model of what an object is without what it promises about order, if there is one.
func weakened(o object) (Model, bool) {
	switch o := o.(type) {
	case queue:
		return UnorderedQueue(), o.fifo
	case lock:
		return Lock(), o.fenced
	}
	return Model{}, false
}

// keep asks every key that is not linearizable what it kept, each within a fair share of the time that is left.
func (j *judges) keep(ctx context.Context, judge keeper) {
	bad := toAsk(j.rulings)
	j.each(bad, func(b *bench, nth, i int) {
		k := &j.rulings[i].kept
		if ctx.Err() != nil {
			k.why = "there was no " + errTime.Error() + " left"
			return
		}
		b.read(i)
		within, cancel := j.share(ctx, len(bad)-nth)
		defer cancel()
		var weaker levels.Decider
		name := ""
		if m, some := weakened(j.check.model.object); some {
			weaker, name = j.decider(m.object, m.object.deciders()), m.Name()
		}
		*k = keptOf(judge(within, b.timed(), j.decider(j.check.model.object, b.deciders), weaker))
		k.weaker = name
	})
}

// toAsk are the keys that are not linearizable, but for those beyond the most that are asked.
func toAsk(rulings []ruling) []int {
	var bad []int
	for i, r := range rulings {
		if r.answer == linear.Illegal {
			rulings[i].kept.why = fmt.Sprintf("there are more than %d such keys", mostAsked)
			bad = append(bad, i)
		}
	}
	return bad[:min(len(bad), mostAsked)]
}

// keptOf is what whoever was asked has to say of a key that is not linearizable.
func keptOf(report levels.Report, err error) kept {
	switch {
	case errors.Is(err, linear.ErrUnfit):
		return kept{why: strings.TrimPrefix(err.Error(), linear.ErrUnfit.Error()+": ")}
	case err != nil:
		return kept{why: err.Error()}
	case report.Levels[levels.Linearizable].Held: // two of us do not agree: nothing more is said
		return kept{why: "its levels contradict the verdict, which is a mistake in capsize: please report it"}
	}
	report.Refute() // whoever did not know it: the verdict is proven
	return kept{report: &report}
}

// sentence is what stands beside a violation of the key, "" where nothing is known.
func (k *kept) sentence() string {
	if k.report == nil {
		return ""
	}
	return k.report.Sentence()
}

// timed is the key at the desk with its processes and times.
func (d *desk) timed() *levels.History {
	pair := func(op int32) *history.Pair { return &d.load.pairs[d.at[op]] }
	return &levels.History{
		Object:  &d.object,
		Process: func(op int32) int { return pair(op).Process },
		Call:    func(op int32) int64 { return pair(op).Call.Nanoseconds() },
		Return:  func(op int32) int64 { return pair(op).Return.Nanoseconds() },
	}
}

// levelNames are the levels in the words of the harness, for one key.
var levelNames = [...]harness.Level{
	levels.None: harness.NoLevel, levels.PRAM: harness.PRAM, levels.Causal: harness.Causal,
	levels.Sequential: harness.Sequential, levels.Linearizable: harness.Linearizable,
}

// sumUp makes of what the keys kept what is known of the whole: the strongest level, or "" where it is not known.
func sumUp(keys []string, rulings []ruling) (*harness.Kept, harness.Level) {
	var sum *levels.Report
	var known []int
	undecided, unknown, why := 0, 0, map[string]bool{}
	timeless := 0 // keys of which it is not known how late answers were
	for i, r := range rulings {
		switch {
		case r.answer == linear.Undecided:
			undecided++
		case r.answer == linear.Legal:
		case r.kept.report == nil:
			unknown++
			why[r.kept.why] = true
		default:
			known = append(known, i)
			if r.kept.report.Staleness.Unknown {
				timeless++
			}
			if sum == nil {
				sum = new(*r.kept.report)
			} else {
				sum.Add(r.kept.report)
			}
		}
	}
	all := &harness.Kept{Keys: []harness.KeyLevel{}, Unknown: unknown}
	if sum == nil {
		all.Sentence = "what it kept all the same is not known: " + listed(why)
		return all, ""
	}
	slices.SortStableFunc(known, func(a, b int) int {
		return worstFirst(rulings[a].kept.report, rulings[b].kept.report)
	})
	for _, i := range known[:min(len(known), mostNamed)] {
		all.Keys = append(all.Keys, keyLevel(keys[i], &rulings[i].kept))
	}
	all.More = len(known) - len(all.Keys)
	strongest := levelNames[sum.Strongest]
	if sum.Unclear {
		strongest = ""
	}
	all.Sentence = sum.Sentence()
	if len(keys) > 1 { // of these levels only linearizability is local
		strongest, all.Sentence = strongest.PerKey(), sum.SentencePerKey()
	}
	if undecided+unknown > 0 {
		strongest = ""
		all.Sentence += "; " + silence(undecided, unknown, why)
	}
	if timeless > 0 {
		all.Sentence += fmt.Sprintf("; of %s it is not known how late answers were", words.Count(timeless, "key"))
	}
	return all, strongest
}

// silence says of which keys nothing was said.
func silence(undecided, unknown int, why map[string]bool) string {
	var parts []string
	if undecided > 0 {
		parts = append(parts, "of "+words.Count(undecided, "undecided key"))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("of %s (%s)", words.Count(unknown, "other key"), listed(why)))
	}
	return "nothing is known " + strings.Join(parts, " and ")
}

// worstFirst goes by what is known not to have held, and then by what is known to have.
func worstFirst(a, b *levels.Report) int {
	unbounded := func(r *levels.Report) int {
		if r.Staleness.Bounded {
			return 0
		}
		return 1
	}
	not, _ := a.Weakest()
	other, _ := b.Weakest()
	return cmp.Or(cmp.Compare(not, other), cmp.Compare(a.Strongest, b.Strongest),
		cmp.Compare(unbounded(b), unbounded(a)), cmp.Compare(b.Staleness.Delta, a.Staleness.Delta),
		cmp.Compare(b.Versions.Max, a.Versions.Max))
}

func keyLevel(key string, kept *kept) harness.KeyLevel {
	r := kept.report
	k := harness.KeyLevel{
		Key: key, Strongest: levelNames[r.Strongest], StalenessUnknown: r.Staleness.Unknown, Held: []string{},
		Broken: []string{}, Sentence: r.Sentence(),
	}
	if r.Unclear {
		k.Strongest, k.AtLeast = "", levelNames[r.Strongest]
		if not, some := r.Weakest(); some {
			k.Not = levelNames[not]
		}
	}
	if r.Staleness.Bounded && !r.Staleness.Unknown {
		k.StalenessMS = new(float64(r.Staleness.Delta) / float64(time.Millisecond))
	}
	if !r.Versions.Unknown {
		k.Versions, k.StaleReads = new(r.Versions.Max), new(r.Versions.Stale)
	}
	if !r.Regular.Unknown {
		k.Regular = new(r.Regular.Held)
	}
	if r.Relaxed.Asked {
		k.Relaxed = &harness.Relaxed{Model: kept.weaker}
		if !r.Relaxed.Unknown {
			k.Relaxed.Linearizable = new(r.Relaxed.Held)
		}
	}
	for g, s := range r.Sessions {
		switch name := levels.Guarantee(g).String(); {
		case s.Refuted():
			k.Broken = append(k.Broken, name)
		case s.Held && s.Asked > 0:
			k.Held = append(k.Held, name)
		}
	}
	return k
}
