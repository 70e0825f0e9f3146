package levels

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeList is [Judge] for a list to whose end elements are appended and of which reads show the whole: its versions
// are its lengths. What the levels mean for it:
//
//   - Sequential: one order of all operations that respects the order of every process, in which each read shows what
//     was appended before it. As reads then dictate the order of the appends, Causal, which asks for one order of the
//     appends too, is the same.
//   - PRAM: for each process such an order of its own operations and everybody's appends. It may hold of lists that two
//     processes saw differently.
//   - Staleness and its delta: as for registers. In versions a read is as many behind as elements are missing in it
//     that were surely there when it was called.
//   - Regular: a read shows every element whose append had returned when it was called, none that was appended later,
//     and it begins the longest read.
//   - Session guarantees: by what lists showed, not by the time. A client's later read begins with its earlier ones and
//     shows what it appended; the longest read shows what it appended in the order in which it did, and after what it
//     had read.
//
// It is exact. The error is [linear.ErrUnfit] where an element that a read shows was appended twice, the operations are
// not those of a list, or a process did two things at once.
//
// Cost: O(n log n) and the total length of the reads; of reads that contradict each other, that times the processes.
func JudgeList(h *History) (Report, error) {
	l, err := newList(h)
	if err != nil {
		return Report{}, err
	}
	report := Report{Staleness: l.staleness(), Sessions: l.sessions()}
	report.Versions, report.Regular = l.versions()
	report.Levels[Sequential] = l.sequential()
	report.Levels[Causal] = report.Levels[Sequential]
	report.Levels[PRAM] = l.pram()
	report.rank()
	return report, nil
}

// appendList is the history of a list, read. An element's place is its position in the longest read, from 1 on; 0 where
// it is not there.
type appendList struct {
	register         // its values are elements; the writers are their appends
	chain    []int32 // the longest read
	longest  int32   // the read that shows it, -1 where there is none
	place    []int32 // by element
	begins   []bool  // by position: a read that begins the longest
	rule     string  // what reads show that no order of appends explains, and the read at which it is
	wrong    int32
	earliest []int32 // by place, from 1 on to one after the last: who returned first of those after whom it was there
	appended []int32 // the same, of appends alone
	latest   []int32 // by place: who was called last of the appends up to there; -1 for none
	unseen   []int32 // the appends that returned and that no read shows, by return
}

func newList(h *History) (*appendList, error) {
	l := &appendList{longest: -1}
	l.register = register{History: h, ops: h.Object.Ops, nowhere: -1}
	if err := l.gather(); err != nil {
		return nil, err
	}
	l.compare()
	if err := l.follow(); err != nil {
		return nil, err
	}
	l.bound()
	return l, nil
}

// gather finds who appended what, what is shown and who takes part.
func (l *appendList) gather() error {
	l.writer, l.part = unset(l.Object.Values), make([]bool, len(l.ops))
	twice, shown := make([]bool, l.Object.Values), make([]bool, l.Object.Values)
	for i := range l.ops {
		switch o := &l.ops[i]; {
		case o.Kind == linear.Read && !o.Pending():
			l.part[i] = true
			if l.longest < 0 || o.Value > l.ops[l.longest].Value {
				l.longest, l.chain = int32(i), l.Object.Seen(i)
			}
		case o.Kind == linear.Append:
			twice[o.Value] = l.writer[o.Value] >= 0
			l.writer[o.Value] = int32(i)
		case o.Kind != linear.Read:
			return unfit("not a list")
		}
	}
	l.begins = make([]bool, len(l.ops))
	show := func(elements []int32) (twiceShown bool) {
		for _, e := range elements {
			shown[e] = true
			twiceShown = twiceShown || twice[e]
		}
		return twiceShown
	}
	again := show(l.chain)
	for i := range l.ops {
		if l.part[i] {
			l.begins[i] = beginsWith(l.chain, l.Object.Seen(i))
			again = !l.begins[i] && show(l.Object.Seen(i)) || again
		}
	}
	if again {
		return unfit("an element was appended twice")
	}
	for i := range l.ops {
		if o := &l.ops[i]; o.Kind == linear.Append {
			l.part[i] = !o.Pending() || shown[o.Value]
		}
	}
	return nil
}

// beginsWith reports whether a list begins with another.
func beginsWith(list, with []int32) bool {
	return len(with) <= len(list) && slices.Equal(list[:len(with)], with)
}

// compare finds the places and what no order of appends explains.
func (l *appendList) compare() {
	l.place, l.wrong = make([]int32, l.Object.Values), -1
	for p, e := range l.chain {
		switch {
		case l.writer[e] < 0:
			l.never(linear.Nowhere, l.longest)
		case l.place[e] > 0:
			l.never(linear.Repeated, l.longest)
		default:
			l.place[e] = int32(p) + 1
		}
	}
	for i := range l.ops {
		if l.ops[i].Kind == linear.Read && l.part[i] && !l.begins[i] {
			l.never(linear.Forked, int32(i))
		}
	}
}

func (l *appendList) never(rule string, read int32) {
	if l.wrong < 0 {
		l.rule, l.wrong = rule, read
	}
}

// bound finds for every place by when it was surely there, and from when on it can have been.
func (l *appendList) bound() {
	end := len(l.chain) + 1
	l.appended, l.latest = unset(end+1), unset(end+1)
	for i := range l.ops { // in the order of the calls
		o, here := &l.ops[i], int32(i)
		if o.Kind != linear.Append || !l.part[i] {
			continue
		}
		at := l.place[o.Value]
		if at == 0 {
			at = int32(end)
			l.unseen = append(l.unseen, here)
		} else {
			l.latest[at] = here
		}
		l.appended[at] = l.sooner(l.appended[at], here)
	}
	slices.SortFunc(l.unseen, func(a, b int32) int { return cmp.Compare(l.ops[a].Return, l.ops[b].Return) })
	l.earliest = slices.Clone(l.appended)
	for i := range l.ops {
		if l.begins[i] {
			at := l.ops[i].Value
			l.earliest[at] = l.sooner(l.earliest[at], int32(i))
		}
	}
	for at := end - 1; at > 0; at-- {
		l.appended[at] = l.sooner(l.appended[at], l.appended[at+1])
		l.earliest[at] = l.sooner(l.earliest[at], l.earliest[at+1])
	}
	for at := 1; at <= end; at++ { // of operations that were called later the positions are larger
		l.latest[at] = max(l.latest[at], l.latest[at-1])
	}
}

// returned is when an operation returned: never where there is none.
func (l *appendList) returned(i int32) int64 {
	if i < 0 {
		return math.MaxInt64
	}
	return l.ops[i].Return
}

// staleness: reads that are called early enough fit always, and each for itself, unless appends and returns alone
// contradict the order.
func (l *appendList) staleness() Staleness {
	s := Staleness{Bounded: true, Read: -1, Newer: -1}
	if l.wrong >= 0 {
		return Staleness{Rule: l.rule, Read: -1, Newer: -1, Witness: l.with(l.wrong, l.longest)}
	}
	for at := 1; at < len(l.earliest); at++ {
		late, early := l.latest[at], l.earliest[at]
		if l.after(late, l.returned(early)) {
			rule := linear.Swapped
			if l.ops[early].Kind == linear.Read {
				rule = linear.Future
			}
			return Staleness{Rule: rule, Read: -1, Newer: -1, Witness: l.with(late, early, l.longest)}
		}
	}
	for i := range l.ops {
		if !l.begins[i] {
			continue
		}
		newer := l.earliest[l.ops[i].Value+1]
		if l.ops[i].Call <= l.returned(newer) {
			continue
		}
		if d := max(1, time.Duration(l.Call(int32(i))-l.Return(newer))); d > s.Delta {
			s.Delta, s.Read, s.Newer = d, int32(i), newer
			s.Values = [2]int32{l.last(int32(i)), l.last(newer)}
			s.Witness = l.with(int32(i), newer)
		}
	}
	return s
}

// last is the last element that an operation appended or saw; 0 where the list was empty.
func (l *appendList) last(i int32) int32 {
	o := &l.ops[i]
	switch {
	case o.Kind == linear.Append:
		return o.Value
	case o.Value > 0:
		return l.Object.Seen(int(i))[o.Value-1]
	}
	return 0
}

// with returns operations with the appends of what they saw last.
func (l *appendList) with(ops ...int32) []int32 {
	for _, i := range ops {
		if l.ops[i].Kind == linear.Read && l.ops[i].Value > 0 {
			if w := l.writer[l.last(i)]; w >= 0 {
				ops = append(ops, w)
			}
		}
	}
	return sorted(ops)
}

// versions counts for each read what is missing in it, and finds the first that is not regular.
func (l *appendList) versions() (Versions, Finding) {
	found, regular := Versions{Read: -1}, Finding{Held: true}
	end := len(l.chain) + 1
	for i := range l.ops {
		o := &l.ops[i]
		if o.Kind != linear.Read || !l.part[i] {
			continue
		}
		here, at := int32(i), o.Value
		if !l.begins[i] {
			regular = regular.unless(l.with(here, l.longest))
			continue
		}
		there := sort.Search(end-1, func(p int) bool { return l.returned(l.earliest[p+1]) >= o.Call })
		lost := sort.Search(len(l.unseen), func(n int) bool { return l.ops[l.unseen[n]].Return >= o.Call })
		behind := max(0, there-int(at)) + lost
		found.note(here, behind)
		switch newer := l.appended[at+1]; {
		case l.returned(newer) < o.Call:
			regular = regular.unless(l.with(here, newer))
		case l.after(l.latest[at], o.Return) || l.nowhereIn(at):
			regular = regular.unless(l.with(here))
		}
	}
	return found, regular
}

// nowhereIn reports whether one of the first elements of the longest read was never appended, or stood there before.
func (l *appendList) nowhereIn(n int32) bool {
	if l.wrong != l.longest { // then the longest read is as it should be
		return false
	}
	for p, e := range l.chain[:n] {
		if l.place[e] != int32(p)+1 {
			return true
		}
	}
	return false
}

// unless is the finding, broken by operations if it was not before.
func (f Finding) unless(witness []int32) Finding {
	if f.Held {
		return Finding{Witness: witness}
	}
	return f
}
