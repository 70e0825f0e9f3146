package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// enoughOK is how many ok operations of a kind a phase must have seen at least, for the kind to have been tested there.
const enoughOK = 5

// enoughKeys is the share of the keys asked for by the final reads that must have been read. Losses show there: where
// most of it failed, a loss may be in what was not read.
const enoughKeys = 0.9

// coverage holds a run against what it must have done for a valid verdict to mean anything. A rule that does not apply
// is not listed: a run without faults has nothing to prove about faults. Of a foreign history only the kinds are known.
func coverage(rec Recorded) []CoverageRule {
	c := &coverer{rec: rec, end: loadEnd(rec.History, rec.Info), ok: map[slot]int{}, nodes: map[string]int{}}
	c.count()
	c.kinds()
	if rec.Info.Schema == "" {
		return c.rules
	}
	c.everyNode()
	c.faults()
	c.finalReads()
	return c.rules
}

// slot is a kind of operation in a phase of the run.
type slot struct{ kind, phase string }

// The phases of a run, for coverage.
const (
	before = "before the first fault"
	during = "while a fault was on"
	after  = "after a heal"
	finals = "in the final reads"
	whole  = "" // of the load as a whole
)

type coverer struct {
	rec   Recorded
	end   time.Duration // of the load
	ok    map[slot]int
	nodes map[string]int
	// finals is the number of final reads that succeeded.
	finals int
	rules  []CoverageRule
}

func (c *coverer) rule(rule string, met bool, detail string, args ...any) {
	c.rules = append(c.rules, CoverageRule{Rule: rule, Met: met, Detail: fmt.Sprintf(detail, args...)})
}

// phaseOf tells the phase an operation belongs to: one that runs from calm into a fault belongs to the fault.
func phaseOf(p *history.Pair, strikes []history.Strike) string {
	if p.Final {
		return finals
	}
	phase := before
	for i := range strikes {
		s := &strikes[i]
		switch {
		case s.Overlaps(p.Call, p.Return):
			return during
		case s.Struck() && s.End > 0 && s.End < p.Call:
			phase = after
		}
	}
	return phase
}

func (c *coverer) count() {
	for i := range c.rec.History.Pairs {
		p := &c.rec.History.Pairs[i]
		if p.Outcome != history.OK {
			continue
		}
		c.ok[slot{p.F, phaseOf(p, c.rec.History.Strikes)}]++
		if p.Final {
			c.finals++
			continue
		}
		c.ok[slot{p.F, whole}]++
		c.nodes[p.Node]++
	}
}

// kindsOf are the kinds that must have succeeded: those of the workload or, where that is unknown, those that were
// tried.
func (c *coverer) kindsOf() []string {
	if len(c.rec.Info.Kinds) > 0 {
		return c.rec.Info.Kinds
	}
	var kinds []string
	seen := map[string]bool{}
	for i := range c.rec.History.Pairs {
		if f := c.rec.History.Pairs[i].F; !seen[f] {
			seen[f] = true
			kinds = append(kinds, f)
		}
	}
	return kinds
}

func (c *coverer) kinds() {
	need := enoughOK
	if c.rec.Info.Schema == "" {
		need = 1 // a foreign history may be as small as it likes
	}
	var parts []string
	met := len(c.rec.History.Pairs) > 0
	for _, kind := range c.kindsOf() {
		n := c.ok[slot{kind, whole}] + c.ok[slot{kind, finals}]
		met = met && n >= need
		parts = append(parts, fmt.Sprintf("%s %d ok", kind, n))
	}
	if len(parts) == 0 {
		parts = []string{"no operation at all"}
	}
	c.rule("every kind of operation succeeded often enough", met, "%s; needed %d of each", strings.Join(parts, ", "),
		need)
}

func (c *coverer) everyNode() {
	var silent []string
	for _, n := range c.rec.Info.Nodes {
		if c.nodes[n] == 0 {
			silent = append(silent, n)
		}
	}
	if len(silent) > 0 {
		c.rule("every node served", false, "no operation succeeded on %s", joined(silent, 9))
		return
	}
	c.rule("every node served", len(c.rec.Info.Nodes) > 0, "%d of %d nodes answered ok", len(c.rec.Info.Nodes),
		len(c.rec.Info.Nodes))
}

// faults asks that a fault struck, and that each that did could be healed, took effect and was felt.
func (c *coverer) faults() {
	strikes := c.rec.History.Strikes
	if len(strikes) == 0 {
		return
	}
	struck, broken, effectless, alone := 0, []string{}, []string{}, []string{}
	overlapping := overlaps(c.rec.History)
	for i, s := range strikes {
		name := fmt.Sprintf("%s at %.1f s", s.Fault, s.Began.Seconds())
		switch {
		case s.State == history.Broken:
			broken = append(broken, name+": "+s.Error)
			continue
		case !s.Struck(), c.cutShort(s) && (!s.TookEffect || overlapping[i] == 0):
			continue
		case !s.TookEffect:
			effectless = append(effectless, name+": "+orWord(s.Evidence, "no evidence"))
		case overlapping[i] == 0:
			alone = append(alone, name)
		}
		struck++
	}
	if struck > 0 || len(broken) > 0 {
		c.allBut("every fault could be injected and healed", broken, struck)
	}
	c.rule("a planned fault struck", struck > 0, "%d of %d planned", struck, len(strikes))
	if struck == 0 {
		return
	}
	c.allBut("every fault took effect", effectless, struck)
	c.allBut("operations overlapped every fault", alone, struck)
	c.phases()
}

// cutShort reports whether the load ended before the strike had its time. Such a strike counts where it shows an
// effect, but that it shows none says nothing.
func (c *coverer) cutShort(s history.Strike) bool {
	return s.Start+s.PlannedFor > c.end
}

func (c *coverer) allBut(rule string, failed []string, of int) {
	if len(failed) > 0 {
		c.rule(rule, false, "not %s", joined(failed, 2))
		return
	}
	c.rule(rule, true, "all %d", of)
}

// phases asks for every kind in calm and after a heal. While a fault is on a system may rightly refuse everything (all
// its nodes may be dead), so there it is enough that operations overlapped it.
func (c *coverer) phases() {
	for _, phase := range []string{before, after} {
		least := askBefore
		if phase == after {
			least = askAfter
		}
		if c.length(phase) < least {
			continue
		}
		var missing []string
		for _, kind := range c.kindsOf() {
			if c.ok[slot{kind, phase}] < enoughOK {
				missing = append(missing, fmt.Sprintf("%s %d ok", kind, c.ok[slot{kind, phase}]))
			}
		}
		c.rule("every kind succeeded "+phase, len(missing) == 0, "%s", orWord(joined(missing, 5), "all did"))
	}
}

// How long a phase must have lasted before anything is asked of it. After a heal there may be a leader to elect first,
// which takes a second or two.
const (
	askBefore = time.Second
	askAfter  = 3 * time.Second
)

// length is how long the run was in a phase: where it hardly was, nothing can be asked of it.
func (c *coverer) length(phase string) time.Duration {
	first, total := c.end, time.Duration(0)
	for _, s := range c.rec.History.Strikes {
		if s.Struck() {
			first = min(first, s.Began)
		}
	}
	if phase == before {
		return first
	}
	for t := first; t < c.end; t += coverStep { // the gaps between the faults: each comes after some heal
		if !slices.ContainsFunc(c.rec.History.Strikes, func(s history.Strike) bool { return s.Overlaps(t, t) }) {
			total += coverStep
		}
	}
	return total
}

// finalKeys counts the keys that the final reads asked for, and those that they got.
func (c *coverer) finalKeys() (asked, read int) {
	got := make(map[string]bool)
	for i := range c.rec.History.Pairs {
		if p := &c.rec.History.Pairs[i]; p.Final {
			got[p.Key] = got[p.Key] || p.Outcome == history.OK
		}
	}
	for _, ok := range got {
		if ok {
			read++
		}
	}
	return len(got), read
}

const coverStep = 50 * time.Millisecond

func (c *coverer) finalReads() {
	if len(c.rec.History.Strikes) == 0 {
		return
	}
	c.rule("the cluster recovered before the final reads", c.rec.Info.Settled, "%s",
		map[bool]string{true: "it said so", false: "it did not say so within the time allowed"}[c.rec.Info.Settled])
	asked, read := c.finalKeys()
	c.rule("keys were read after the last heal", read > 0 && float64(read) >= enoughKeys*float64(asked),
		"%d of %s, by %s", read, counted(asked, "key"), counted(c.finals, "final read"))
}
