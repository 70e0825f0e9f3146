package levels

import (
	"cmp"
	"slices"
	"sort"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeSet is [Judge] for a set to which elements are added and of which reads show all. What the levels mean for it:
//
//   - Sequential: one order of all operations that respects the order of every process, in which each read shows what
//     was added before it. So of two reads one must hold the other. Between two of them elements may have been added
//     in any order: such a set is a list whose elements stand in an order that nobody saw.
//   - Causal: each read shows exactly what it causally follows, by steps of a process and from the add of an element to
//     the reads that show it. As it does not matter for a set in which order elements were added, this is causal
//     convergence as in Perrin, Mostéfaoui & Jard 2016 (see [Causal]), and it is less than Sequential: reads may show
//     what others added in different orders.
//   - PRAM: for each process there is an order of its own operations and everybody's adds that respects the order of
//     every process, in which its reads show what was added before them.
//   - Staleness and its delta: as for registers. In versions a read is as many behind as elements are missing in it
//     that were surely there when it was called: their adds had returned, or a read that shows them.
//   - Regular: for each read alone there is an order of it and all adds that respects real time and explains it.
//   - Session guarantees: by what sets showed. A client's later read has what it had added, and what its earlier reads
//     showed; who sees what a client added sees what it had added before, and what it had read before.
//
// It is exact. The error is [linear.ErrUnfit] where an element that a read shows was added twice, the operations are
// not those of a set, or a process did two things at once.
//
// Cost: O(n log n) and the total length of the reads; of reads that contradict each other, that times the processes.
func JudgeSet(h *History) (Report, error) {
	s, err := newGrowSet(h)
	if err != nil {
		return Report{}, err
	}
	report := Report{Kind: Sets, Regular: s.regular(), Versions: s.versions()}
	report.Sessions, report.Levels[Causal], report.Levels[PRAM] = s.sessions()
	if l := s.asList(); l != nil {
		report.Staleness = l.staleness()
		if st := &report.Staleness; st.Rule == linear.Swapped {
			st.Rule, st.Witness = linear.Disorder, l.withReads(st.Witness)
		}
		if report.Levels[Sequential] = l.sequential(); !report.Levels[Sequential].Held {
			report.Levels[Sequential].Witness = l.withReads(report.Levels[Sequential].Witness)
		}
	} else {
		report.Staleness = Staleness{Rule: s.rule, Read: -1, Newer: -1, Witness: s.against}
		report.Levels[Sequential] = Finding{Witness: s.against}
	}
	report.rank()
	return report, nil
}

// growSet is the history of a set, read.
type growSet struct {
	register         // its values are elements; the writers are their adds
	reads    []int32 // by call
	marked   []int32 // by element: the last read that was marked and shows it, plus one
	amiss    []bool  // by position: a read that shows what nobody added, or an element twice
	chain    []int32 // all elements that were shown, in an order in which all reads can have seen them
	rule     string  // why there is none, or ""
	against  []int32 // and what shows it
}

func newGrowSet(h *History) (*growSet, error) {
	s := &growSet{register: register{History: h, ops: h.Object.Ops, nowhere: -1}}
	s.writer, s.part = unset(h.Object.Values), make([]bool, len(s.ops))
	s.marked, s.amiss = make([]int32, h.Object.Values), make([]bool, len(s.ops))
	twice, shown := make([]bool, h.Object.Values), make([]bool, h.Object.Values)
	for i := range s.ops {
		switch o := &s.ops[i]; {
		case o.Kind == linear.Append:
			twice[o.Value] = s.writer[o.Value] >= 0
			s.writer[o.Value] = int32(i)
		case o.Kind != linear.Read:
			return nil, unfit("not a set")
		case !o.Pending():
			s.part[i] = true
			s.reads = append(s.reads, int32(i))
		}
	}
	for _, i := range s.reads {
		for _, e := range h.Object.Seen(int(i)) {
			if twice[e] {
				return nil, unfit("an element was added twice")
			}
			shown[e] = true
		}
	}
	for i := range s.ops {
		if o := &s.ops[i]; o.Kind == linear.Append {
			s.part[i] = !o.Pending() || shown[o.Value]
		}
	}
	if err := s.follow(); err != nil {
		return nil, err
	}
	s.look()
	s.compare()
	return s, nil
}

// mark marks what a read shows.
func (s *growSet) mark(read int32) []int32 {
	seen := s.Object.Seen(int(read))
	for _, e := range seen {
		s.marked[e] = read + 1
	}
	return seen
}

// shows reports whether a read that was marked last shows what an operation adds.
func (s *growSet) shows(read, add int32) bool { return s.marked[s.ops[add].Value] == read+1 }

// never notes what no order explains.
func (s *growSet) never(rule string, ops ...int32) {
	if s.rule == "" {
		s.rule, s.against = rule, sorted(ops)
	}
}

// look looks at each read alone.
func (s *growSet) look() {
	again := int32(-1)
	for _, i := range s.reads {
		for _, e := range s.Object.Seen(int(i)) {
			switch {
			case s.writer[e] < 0:
				s.amiss[i] = true
				s.never(linear.Nowhere, i)
			case s.marked[e] == i+1:
				s.amiss[i] = true
				if again < 0 {
					again = i
				}
			}
			s.marked[e] = i + 1
		}
	}
	if again >= 0 {
		s.never(linear.Doubled, again)
	}
}

// compare puts the reads behind each other, each of which must hold the one before. Elements that are new in the same
// read stand in the order of their calls: that contradicts neither time nor a process.
func (s *growSet) compare() {
	if s.rule != "" {
		return
	}
	bySize, in := slices.Clone(s.reads), make([]bool, s.Object.Values)
	slices.SortStableFunc(bySize, func(a, b int32) int { return cmp.Compare(s.ops[a].Value, s.ops[b].Value) })
	for n, i := range bySize {
		seen, before := s.mark(i), len(s.chain)
		for _, e := range s.chain {
			if s.marked[e] != i+1 {
				s.fork(bySize[n-1], i, e)
				return
			}
		}
		if len(seen) == before {
			continue
		}
		for _, e := range seen {
			if !in[e] {
				in[e] = true
				s.chain = append(s.chain, e)
			}
		}
		slices.SortFunc(s.chain[before:], func(a, b int32) int { return cmp.Compare(s.writer[a], s.writer[b]) })
	}
}

// fork notes two reads of which the larger lacks an element of the smaller.
func (s *growSet) fork(smaller, larger, x int32) {
	s.mark(smaller)
	for _, y := range s.Object.Seen(int(larger)) {
		if s.marked[y] != smaller+1 {
			s.never(linear.Branched, smaller, larger, s.writer[x], s.writer[y])
			return
		}
	}
}

// asList is the set as a list, nil where it is none.
func (s *growSet) asList() *appendList {
	if s.rule != "" {
		return nil
	}
	h := *s.History
	h.Object = &linear.Object{Ops: slices.Clone(s.ops), Elements: s.chain, Values: s.Object.Values}
	l := &appendList{register: s.register, chain: s.chain, longest: -1, wrong: -1}
	l.History, l.ops = &h, h.Object.Ops
	l.begins = make([]bool, len(l.ops))
	for _, i := range s.reads {
		l.ops[i].From, l.begins[i] = 0, true
		if l.longest < 0 || l.ops[i].Value > l.ops[l.longest].Value {
			l.longest = i
		}
	}
	l.place = make([]int32, h.Object.Values)
	for p, e := range s.chain {
		l.place[e] = int32(p) + 1
	}
	l.bound()
	return l
}

// withReads adds of each element whose add is shown the smallest read that shows it. Two that are missing in different
// reads a list shows in one.
func (l *appendList) withReads(shown []int32) []int32 {
	for _, a := range slices.Clone(shown) {
		if l.ops[a].Kind != linear.Append || l.place[l.ops[a].Value] == 0 {
			continue
		}
		at, smallest := l.place[l.ops[a].Value], l.longest
		for i := range l.ops {
			if l.begins[i] && l.ops[i].Value >= at && l.ops[i].Value < l.ops[smallest].Value {
				smallest = int32(i)
			}
		}
		shown = append(shown, smallest)
	}
	return sorted(shown)
}

// versions counts for each read what is missing in it and was surely there.
func (s *growSet) versions() Versions {
	found := Versions{Read: -1}
	known := make([]int64, s.Object.Values) // by element: by when it was surely there
	for e := range known {
		known[e] = linear.Never
		if w := s.writer[e]; w >= 0 {
			known[e] = s.ops[w].Return
		}
	}
	for _, i := range s.reads {
		for _, e := range s.Object.Seen(int(i)) {
			known[e] = min(known[e], s.ops[i].Return)
		}
	}
	var all []int64
	for e, at := range known {
		if s.writer[e] >= 0 && at != linear.Never {
			all = append(all, at)
		}
	}
	slices.Sort(all)
	clear(s.marked)
	for _, i := range s.reads {
		call := s.ops[i].Call
		behind := sort.Search(len(all), func(n int) bool { return all[n] >= call })
		for _, e := range s.Object.Seen(int(i)) {
			if s.writer[e] >= 0 && known[e] < call && s.marked[e] != i+1 {
				behind--
			}
			s.marked[e] = i + 1
		}
		found.note(i, behind)
	}
	return found
}

// regular looks at each read with the adds: with those that it shows at the one side of it, and at the other those that
// it does not.
func (s *growSet) regular() Finding {
	var ends []int32 // adds that returned, by return
	for i := range s.ops {
		if o := &s.ops[i]; o.Kind == linear.Append && !o.Pending() {
			ends = append(ends, int32(i))
		}
	}
	slices.SortFunc(ends, func(a, b int32) int { return cmp.Compare(s.ops[a].Return, s.ops[b].Return) })
	for _, i := range s.reads {
		if s.amiss[i] {
			return Finding{Witness: []int32{i}}
		}
		latest := int32(-1) // of those that it shows: the one whose add was called last
		for _, e := range s.mark(i) {
			latest = max(latest, s.writer[e])
		}
		if s.after(latest, s.ops[i].Return) {
			return Finding{Witness: sorted([]int32{i, latest})}
		}
		for _, a := range ends {
			if s.shows(i, a) {
				continue
			}
			switch end := s.ops[a].Return; {
			case end < s.ops[i].Call:
				return Finding{Witness: sorted([]int32{i, a})}
			case s.after(latest, end):
				return Finding{Witness: sorted([]int32{i, a, latest})}
			}
			break
		}
	}
	return Finding{Held: true}
}
