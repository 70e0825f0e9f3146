package harness

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// Names of the windows that are not faults, and of the ways to group operations.
const (
	windowCalm  = "calm"
	windowAfter = "after"
	byAll       = "all"
	byNode      = "node"
	bySide      = "side"
	byKind      = "kind"
)

// Recovery is measured against the calm before the first fault: the rate must be back to this share of it, and the
// median latency within this factor plus this slack, and stay so for a second.
const (
	recoveredRate    = 0.7
	recoveredLatency = 2
	recoveredSlack   = 5 * time.Millisecond
	recoveredFor     = time.Second
	recoveryStep     = 100 * time.Millisecond
)

// windows measures availability and recovery over the calm before the first fault, each fault, and the time after the
// last heal. Operations belong to the window they were due in. The final reads belong to none.
func windows(h history.History, info RunInfo) []Window {
	m := newMeasure(h, info)
	found := []Window{}
	struck := slices.DeleteFunc(slices.Clone(h.Strikes), func(s history.Strike) bool { return !s.Struck() })
	first, last := m.end, time.Duration(0)
	for _, s := range struck {
		first, last = min(first, s.Began), max(last, m.endOf(s))
	}
	if first = min(first, m.end); first > 0 {
		found = append(found, m.window(windowCalm, -1, span{0, first}, nil))
	}
	for i, s := range struck {
		w := m.window(s.Fault, s.ID, span{s.Began, m.endOf(s)}, s.Sides)
		if s.State == history.Healed { // after a heal that failed there is no recovery to measure
			m.recovery(&w, s, nextBegin(struck, i, m.end), first)
		}
		found = append(found, w)
	}
	if len(struck) > 0 && last < m.end {
		found = append(found, m.window(windowAfter, -1, span{last, m.end}, nil))
	}
	return found
}

// nextBegin is when the first fault after the heal of the i-th begins, or when another that was on all along ends the
// view at once.
func nextBegin(strikes []history.Strike, i int, end time.Duration) time.Duration {
	heal := strikes[i].End
	for j, s := range strikes {
		if j == i {
			continue
		}
		if s.Began <= heal && (s.End == 0 || s.End > heal) {
			return heal
		}
		if s.Began > heal {
			end = min(end, s.Began)
		}
	}
	return end
}

type span struct{ from, to time.Duration }

// measure is the load's operations in two orders: by when they were due, and by when they returned.
type measure struct {
	due     []*history.Pair
	success []*history.Pair // ok ones, by Return
	end     time.Duration
	nodes   []string
	kinds   []string
}

func newMeasure(h history.History, info RunInfo) *measure {
	m := &measure{nodes: info.Nodes, end: loadEnd(h, info)}
	kinds := map[string]bool{}
	for i := range h.Pairs {
		p := &h.Pairs[i]
		if p.Final {
			continue
		}
		m.due = append(m.due, p)
		if p.Outcome == history.OK {
			m.success = append(m.success, p)
		}
		if !kinds[p.F] {
			kinds[p.F] = true
			m.kinds = append(m.kinds, p.F)
		}
	}
	slices.SortStableFunc(m.due, func(a, b *history.Pair) int { return cmp.Compare(a.Due, b.Due) })
	slices.SortStableFunc(m.success, func(a, b *history.Pair) int { return cmp.Compare(a.Return, b.Return) })
	slices.Sort(m.kinds)
	return m
}

// loadEnd is when the load ended: of a run that was killed, and of a foreign history, with its last event.
func loadEnd(h history.History, info RunInfo) time.Duration {
	end := info.LoadEnd
	if end > 0 {
		return end
	}
	for i := range h.Pairs {
		if p := &h.Pairs[i]; !p.Final {
			end = max(end, p.Call, p.Return)
		}
	}
	return end
}

// endOf is when a strike was over; one that was never healed lasted until the end.
func (m *measure) endOf(s history.Strike) time.Duration {
	if s.End == 0 {
		return max(m.end, s.Began)
	}
	return s.End
}

// group is a way to pick operations.
type group struct {
	by, name string
	has      func(*history.Pair) bool
}

func (m *measure) groups(sides [][]string) []group {
	all := []group{{byAll, "", func(*history.Pair) bool { return true }}}
	for _, side := range sides {
		has := func(p *history.Pair) bool { return slices.Contains(side, p.Node) }
		all = append(all, group{bySide, strings.Join(side, " "), has})
	}
	for _, n := range m.nodes {
		all = append(all, group{byNode, n, func(p *history.Pair) bool { return p.Node == n }})
	}
	for _, k := range m.kinds {
		all = append(all, group{byKind, k, func(p *history.Pair) bool { return p.F == k }})
	}
	return all
}

func between(pairs []*history.Pair, s span, at func(*history.Pair) time.Duration) []*history.Pair {
	from := sort.Search(len(pairs), func(i int) bool { return at(pairs[i]) >= s.from })
	to := sort.Search(len(pairs), func(i int) bool { return at(pairs[i]) >= s.to })
	return pairs[from:max(from, to)]
}

func dueAt(p *history.Pair) time.Duration    { return p.Due }
func returnAt(p *history.Pair) time.Duration { return p.Return }

func (m *measure) window(name string, fault int, s span, sides [][]string) Window {
	w := Window{Name: name, Fault: fault, StartMS: milliseconds(s.from), EndMS: milliseconds(s.to)}
	due, success := between(m.due, s, dueAt), between(m.success, s, returnAt)
	for _, g := range m.groups(sides) {
		w.Groups = append(w.Groups, summarize(g, due, success, span{s.from, max(min(s.to, m.end), s.from)}))
	}
	return w
}

// summarize counts what is due in a window. The gaps are those of s, the part of it in which calls were made: a fault
// that is healed after the last call leaves nobody waiting.
func summarize(g group, due, success []*history.Pair, s span) Group {
	sum := Group{By: g.by, Name: g.name}
	var latencies []time.Duration
	for _, p := range due {
		if !g.has(p) {
			continue
		}
		sum.Ops.add(p)
		if p.Outcome == history.OK {
			latencies = append(latencies, p.Latency())
		}
	}
	if sum.Ops.Total > 0 {
		sum.OKShare = float64(sum.Ops.answered()) / float64(sum.Ops.Total)
	}
	slices.Sort(latencies)
	quantiles := latencyOf(latencies)
	sum.P50MS, sum.P99MS = quantiles.P50, quantiles.P99
	last, gap := s.from, time.Duration(0)
	for _, p := range success {
		if g.has(p) && p.Return <= s.to {
			gap, last = max(gap, p.Return-last), p.Return
		}
	}
	sum.LongestGapMS = milliseconds(max(gap, s.to-last))
	return sum
}

// recovery fills in how long it could be watched and how long each group needed after the heal. It looks no further
// than limit, when the next fault begins, because what happens then is not this one's doing.
func (m *measure) recovery(w *Window, s history.Strike, limit, calmEnd time.Duration) {
	w.WatchedMS = new(milliseconds(max(limit-s.End, 0)))
	groups := m.groups(s.Sides)
	seen := between(m.success, span{s.End, limit}, returnAt)
	calm := between(m.success, span{0, calmEnd}, returnAt)
	for i, g := range groups {
		mine := pick(seen, g)
		if len(mine) > 0 {
			w.Groups[i].FirstSuccessMS = new(milliseconds(mine[0].Return - s.End))
		}
		if back, ok := sustained(mine, normalOf(pick(calm, g), calmEnd), span{s.End, limit}); ok {
			w.Groups[i].SustainedMS = new(milliseconds(back))
		}
	}
}

func pick(pairs []*history.Pair, g group) []*history.Pair {
	var mine []*history.Pair
	for _, p := range pairs {
		if g.has(p) {
			mine = append(mine, p)
		}
	}
	return mine
}

// normal is what a group did before the first fault.
type normal struct {
	perSecond float64
	median    time.Duration
}

func normalOf(calm []*history.Pair, length time.Duration) normal {
	if len(calm) == 0 || length < recoveredFor {
		return normal{}
	}
	return normal{float64(len(calm)) / length.Seconds(), medianLatency(calm)}
}

func medianLatency(pairs []*history.Pair) time.Duration {
	latencies := make([]time.Duration, len(pairs))
	for i, p := range pairs {
		latencies[i] = p.Latency()
	}
	slices.Sort(latencies)
	return quantile(latencies, 0.5)
}

// sustained is the first moment after s.from from which on, for a second, rate and latency were as before.
func sustained(success []*history.Pair, before normal, s span) (time.Duration, bool) {
	if before.perSecond == 0 {
		return 0, false
	}
	for t := s.from; t+recoveredFor <= s.to; t += recoveryStep {
		second := between(success, span{t, t + recoveredFor}, returnAt)
		if float64(len(second)) < recoveredRate*before.perSecond*recoveredFor.Seconds() || len(second) == 0 {
			continue
		}
		if medianLatency(second) <= recoveredLatency*before.median+recoveredSlack {
			return t - s.from, true
		}
	}
	return 0, false
}
