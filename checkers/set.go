package checkers

import (
	"context"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/checkers/levels"
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Set returns the checker of sets that only grow: every key, taken alone, behaved like a set to which each add added
// its element at some moment between its call and its return, and of which each read returned all members at some
// moment.
// That is linearizability, decided exactly; the words are those of Jepsen's set checker.
//
// Violations are: lost (acknowledged or seen before a read was called, absent from it, and seen by nothing later),
// stale (the same, but something later has it), flicker (seen, absent, seen again; it is not counted as stale as well),
// phantom, aborted and future reads, duplicates (twice in one read), and what remains of linearizability: reads neither
// of which holds the other, and elements that became visible against the order of their adds.
//
// No violations are: an add that never returned and was never seen (never_seen in the stats), and an acknowledged add
// after which no read was called (unread): nobody can know. A history without reads after an acknowledged add is
// unknown.
//
// Of sets that are wrong package levels is asked what they kept all the same: [harness.Kept].
//
// Cost: O(n log n) plus the total length of the reads; see [levels.JudgeSet] for those that are wrong.
func Set() harness.Checker { return setChecker{} }

type setChecker struct{}

func (setChecker) Name() string { return "set" }

// members is how the history of a set is read.
type members struct{}

func (members) noun() string { return "set" }
func (members) whole() bool  { return true }

func (members) check(p *history.Pair) (linear.Kind, error) {
	switch function(p.F) {
	case "read":
		if p.Outcome == history.OK && !isList(p.Output) {
			return 0, fmt.Errorf("operation %d read %v, and a set is read as a list of its members", p.Index, p.Output)
		}
		return linear.Read, nil
	case "add":
		return linear.Append, nil
	}
	return 0, unknownFunction(*p)
}

func (members) take(t *table, p *history.Pair, o *linear.Op, elements []int32) []int32 {
	return list{}.take(t, p, o, elements)
}

func (members) stored(p *history.Pair) any { return p.Input }

func (setChecker) Check(ctx context.Context, h history.History) (harness.Verdict, error) {
	load, err := group(members{}, h)
	if err != nil {
		return harness.Verdict{}, err
	}
	v := harness.Verdict{Level: harness.Linearizable, Keys: len(load.keys), Ops: load.ops}
	total, d, rulings := newSetTotals(), newDesk(load, members{}), make([]ruling, len(load.keys))
	for i, key := range load.keys {
		if ctx.Err() != nil {
			v.Undecided = append(v.Undecided, key)
			continue
		}
		d.read(i)
		if rulings[i].answer = linear.Legal; total.take(newRoster(d.file())) {
			rulings[i].answer = linear.Illegal
		}
		harness.Progress(ctx, i+1, len(load.keys))
	}
	v.Anomalies = total.anomalies()
	v.Stats = total.stats()
	keys := words.Count(len(load.keys), "key")
	switch {
	case len(v.Anomalies) > 0:
		v.Validity = harness.Invalid
		v.Reason = fmt.Sprintf("%d of %s %s not a set that only grows: %s",
			total.badKeys, keys, isAre(total.badKeys), total.tally(v.Anomalies))
	case len(v.Undecided) > 0:
		v.Reason = fmt.Sprintf("%d of %s undecided (interrupted)", len(v.Undecided), keys)
	case len(load.keys) == 0:
		v.Reason = "the history is empty: there is nothing to judge"
	case total.reads == 0:
		v.Reason = "no read succeeded: nothing that was added was ever looked for"
	case total.proved == 0:
		v.Reason = "no read was called after an acknowledged add: nothing could have been missed"
	default:
		v.Validity, v.Strongest = harness.Valid, harness.Linearizable
		v.Reason = fmt.Sprintf("%s of %s fit sets that only grow: none of the acknowledged elements (%d) is missing",
			words.Count(v.Ops, "operation"), keys, total.proved)
	}
	if v.Validity == harness.Invalid && !harness.VerdictOnly(ctx) {
		keepSets(ctx, d, rulings)
		v.Kept, v.Strongest = sumUp(load.keys, rulings)
		for i := range v.Anomalies {
			a := &v.Anomalies[i]
			a.Kept = rulings[slices.Index(load.keys, a.Key)].kept.sentence()
		}
	}
	return v, nil
}

// keepSets asks every set that is wrong what it kept all the same.
func keepSets(ctx context.Context, d *desk, rulings []ruling) {
	for _, i := range toAsk(rulings) {
		if ctx.Err() != nil {
			rulings[i].kept.why = "it was interrupted"
			continue
		}
		d.read(i)
		rulings[i].kept = keptOf(levels.JudgeSet(d.timed()))
	}
}

// roster is one set: who added each element, and which reads have it.
type roster struct {
	k        *keyHistory
	reads    []int    // positions in k.ops, in the order of the calls
	minima   [][]int  // range minima of the reads' returns: see firstReturn
	elements []member // by value
}

// member is an element of a set.
type member struct {
	adds  []int // positions in k.ops
	call  int   // of its first add; never where nobody added it
	acked int   // position of the add acknowledged first, -1 where none was
	in    []int // the reads (by their place in roster.reads) that have it
	twice int   // the read that has it more than once, -1 where none has
}

func newRoster(k *keyHistory) *roster {
	r := &roster{k: k, elements: make([]member, len(k.words))}
	for v := range r.elements {
		r.elements[v] = member{call: never, acked: -1, twice: -1}
	}
	for i := range k.ops {
		o := &k.ops[i]
		if o.kind == reads {
			r.takeRead(i)
			continue
		}
		m := &r.elements[o.value]
		m.adds = append(m.adds, i)
		m.call = min(m.call, o.call)
		if !o.pending && (m.acked < 0 || o.ret < k.ops[m.acked].ret) {
			m.acked = i
		}
	}
	r.rangeMinima()
	return r
}

func (r *roster) takeRead(i int) {
	n := len(r.reads)
	r.reads = append(r.reads, i)
	for _, e := range r.k.ops[i].list {
		m := &r.elements[e]
		if last := len(m.in) - 1; last >= 0 && m.in[last] == n {
			if m.twice < 0 {
				m.twice = n
			}
			continue
		}
		m.in = append(m.in, n)
	}
}

func (r *roster) read(n int) *op { return &r.k.ops[r.reads[n]] }

// rangeMinima prepares firstReturn: level l holds, for every read, which of the next 2^l reads returned first.
func (r *roster) rangeMinima() {
	level := make([]int, len(r.reads))
	for n := range level {
		level[n] = n
	}
	r.minima = [][]int{level}
	for width := 1; 2*width <= len(r.reads); width *= 2 {
		below := r.minima[len(r.minima)-1]
		level := make([]int, len(r.reads)-2*width+1)
		for n := range level {
			level[n] = r.sooner(below[n], below[n+width])
		}
		r.minima = append(r.minima, level)
	}
}

func (r *roster) sooner(a, b int) int {
	if r.read(b).ret < r.read(a).ret {
		return b
	}
	return a
}

// firstReturn returns which of the reads from..to-1 returned first. There must be one.
func (r *roster) firstReturn(from, to int) int {
	level := 0
	for 2<<level <= to-from {
		level++
	}
	return r.sooner(r.minima[level][from], r.minima[level][to-1<<level])
}

// calledAfter returns the first read that was called after the time.
func (r *roster) calledAfter(time int) int {
	n, _ := slices.BinarySearchFunc(r.reads, time, func(i, time int) int {
		if r.k.ops[i].call <= time {
			return -1
		}
		return 1
	})
	return n
}

// gaps calls the function with each stretch of reads, none before from, that do not have the element, until it says
// to stop. Cost: as many steps as reads have it.
func (m *member) gaps(from, end int, see func(from, to int) bool) {
	for _, n := range m.in {
		if n < from {
			continue
		}
		if n > from && !see(from, n) {
			return
		}
		from = n + 1
	}
	if from < end {
		see(from, end)
	}
}

// fate is what became of an element that was known to be in the set.
type fate struct {
	name   string // "" where nothing is wrong
	known  int    // position in k.ops of the operation that proves it was in
	missed int    // the read that should have it
	again  int    // of a stale or flickering one: a read that has it later; -1 otherwise
	absent int    // the last read called after it was known that does not have it, -1 where none
}

// fate follows an element through the reads.
func (r *roster) fate(m *member) fate {
	f := fate{known: m.acked, missed: -1, again: -1, absent: -1}
	known, lastReturn := never, -1
	if m.acked >= 0 {
		known = r.k.ops[m.acked].ret
	}
	firstSeen := never
	for _, n := range m.in {
		ret := r.read(n).ret
		if ret < known {
			known, f.known = ret, r.reads[n]
		}
		firstSeen = min(firstSeen, ret)
		if lastReturn < 0 || ret > r.read(lastReturn).ret {
			lastReturn = n
		}
	}
	from := r.calledAfter(known)
	first := -1
	m.gaps(from, len(r.reads), func(a, b int) bool {
		if first < 0 {
			first = a
		}
		f.absent = b - 1
		return true
	})
	if first < 0 {
		return f
	}
	if lastReturn < 0 || r.read(lastReturn).ret < r.read(f.absent).call {
		f.name, f.missed = LostWrite, f.absent
		return f
	}
	f.name, f.missed, f.again = StaleRead, first, lastReturn
	m.gaps(r.calledAfter(firstSeen), m.in[len(m.in)-1], func(a, b int) bool {
		if n := r.firstReturn(a, b); r.read(n).ret < r.read(m.in[len(m.in)-1]).call {
			f.name, f.missed, f.again = Flicker, n, m.in[len(m.in)-1]
			return false
		}
		return true
	})
	return f
}
