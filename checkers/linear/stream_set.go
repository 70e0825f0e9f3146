package linear

import (
	"cmp"
	"slices"
)

// What can be wrong with a set that only grows, besides what can be with any object.
const (
	Doubled  = "an element twice in one set"
	Lacking  = "a set without what was in it before"
	Branched = "sets neither of which holds the other"
	Disorder = "elements against the order of their adds"
)

// StreamSets judges an empty set to which elements are added (Append) and of which reads show all, exactly after every
// event: also where an element is added more than once, which is as if it had been added once, from the first call
// until the first return.
//
// What reads showed are stages, each a part of the next, and between two of them stand the elements that the second
// shows for the first time. That dictates what comes before what, and nothing of it may have been called after what
// comes later had returned. What every read to come must show is settled: of that it keeps the number, a sum of
// 128 bits, and the same for each element, so as to know it when it is added again. It keeps the stages and elements
// that operations which are open may still lack, and those whose adds never returned until a read shows them.
//
// Cost: the length of each read, and the stages that others showed while it was open.
func StreamSets() Stream {
	return &setStream{calls: newCalls(), settled: map[digest]struct{}{}, stages: []*stage{{}}}
}

type setStream struct {
	calls
	fresh   newcomers // elements that were added and are not settled
	settled map[digest]struct{}
	stages  []*stage    // by size; the first is settled
	known   []rise      // what reads showed, each later and more than the one before
	unread  []*newcomer // those whose adds returned, in this order; those that were shown are taken away at the front
	reads   int
	found   []*newcomer // by the read that is looked at
	why     string
}

// stage is a set that a read showed.
type stage struct {
	size  int
	sum   digest
	group []*newcomer // what it has more than the stage before
	// known is when a read had returned that showed it, or an add of its group, whichever was first.
	returned, known int64
}

// newcomer is an element that not every read to come has to show.
type newcomer struct {
	sum     digest // that stands for it
	adds    []*opened
	one     [1]*opened // room for the first
	call    int64      // of the first add that did not fail
	ret     int64      // of the add that returned first
	in      *stage     // the first that shows it
	seen    int64      // when the first read that shows it returned
	read    int        // the last read that was looked at and shows it
	settled bool
}

func (s *setStream) Illegal() string { return s.why }
func (s *setStream) Unfit() bool     { return false }
func (s *setStream) Size() int {
	return s.fresh.n + len(s.settled) + len(s.stages) + len(s.known) + len(s.unread) + len(s.open)
}

func (s *setStream) Call(id int, at int64, d Deed) {
	if s.why != "" {
		return
	}
	o := s.begin(id, at, Deed{Kind: d.Kind})
	if d.Kind != Append {
		return
	}
	sum := digestOf(d.Value)
	if _, in := s.settled[sum]; in {
		return
	}
	n := s.fresh.find(sum[0], sum[1])
	if n == nil {
		n = &newcomer{sum: sum, call: at, ret: Never}
		n.adds = n.one[:0]
		s.fresh.add(n)
	}
	n.adds = append(n.adds, o)
	o.value = n
}

// adding returns the element that an operation adds, nil where that does not matter.
func adding(o *opened) *newcomer {
	if o == nil {
		return nil
	}
	if n, _ := o.value.(*newcomer); n != nil && !n.settled {
		return n
	}
	return nil
}

func (s *setStream) GiveUp(id int) { s.end(id) }

func (s *setStream) Fail(id int) {
	o := s.end(id)
	n := adding(o)
	if n == nil || s.why != "" {
		return
	}
	n.adds = slices.DeleteFunc(n.adds, func(add *opened) bool { return add == o })
	switch {
	case len(n.adds) > 0:
		s.later(n, n.adds[0].call)
	case n.in != nil:
		s.why = Nowhere
	default:
		s.fresh.remove(n)
	}
}

// later takes an element to have been added for the first time at a later call.
func (s *setStream) later(n *newcomer, call int64) {
	if n.call == call {
		return
	}
	n.call = call
	if n.in == nil {
		return
	}
	switch {
	case n.seen < call:
		s.why = Future
	case s.missing(s.place(n.in.size)) < call:
		s.why = Disorder
	}
}

func (s *setStream) Return(id int, at int64, d Deed) {
	o := s.end(id)
	if o == nil || s.why != "" {
		return
	}
	if o.kind == Read {
		ints, _ := d.Value.([]int64)
		all, _ := d.Value.([]any)
		if s.read(o, at, ints, all); s.why == "" {
			s.settle()
		}
		return
	}
	if n := adding(o); n != nil && n.ret == Never {
		if n.ret = at; n.in == nil {
			s.unread = append(s.unread, n)
		}
	}
}

// place is that of the first stage of at least a size.
func (s *setStream) place(size int) int {
	last := len(s.stages) - 1
	if size == s.stages[last].size { // as most are
		return last
	}
	at, _ := slices.BinarySearchFunc(s.stages, size, func(st *stage, size int) int {
		return cmp.Compare(st.size, size)
	})
	return at
}

// read takes what a read shows, in one of two forms.
func (s *setStream) read(o *opened, at int64, ints []int64, all []any) {
	size := len(ints) + len(all)
	place := s.place(size)
	was := place < len(s.stages) && s.stages[place].size == size
	if !was || sumOf(ints, all) != s.stages[place].sum {
		if s.why = s.look(place, was, size, s.sift(ints, all), at); s.why == Lacking {
			s.why = s.amiss(ints, all)
		}
		if s.why != "" {
			return
		}
	}
	missing := s.missing(place)
	if missing < o.call {
		s.why = Lacking
		return
	}
	if was {
		return
	}
	for _, n := range s.stages[place].group { // a smaller set lacks no less
		if missing < n.call {
			s.why = Disorder
		}
	}
}

// sift finds the newcomers among the elements of a read, and the sum of all.
func (s *setStream) sift(ints []int64, all []any) digest {
	s.found = s.found[:0]
	s.reads++
	var a, b uint64
	for _, v := range ints {
		x, y := halves(v)
		a, b = a+x, b+y
		if n := s.fresh.find(x, y); n != nil {
			s.found = append(s.found, n)
		}
	}
	sum := digest{a, b}
	for _, v := range all {
		d := digestOf(v)
		sum = sum.plus(d)
		if n := s.fresh.find(d[0], d[1]); n != nil {
			s.found = append(s.found, n)
		}
	}
	return sum
}

// look looks at a read that is not like one before. It says what is wrong, or puts a stage in its place.
func (s *setStream) look(place int, was bool, size int, sum digest, at int64) string {
	base := s.stages[0]
	rest := sum
	for _, n := range s.found {
		rest = rest.minus(n.sum)
		if n.read == s.reads {
			return Doubled
		}
		n.read = s.reads
	}
	switch {
	case rest != base.sum || size-len(s.found) != base.size:
		return Lacking
	case was:
		return Branched
	}
	before, next := s.stages[place-1], (*stage)(nil)
	if place < len(s.stages) {
		next = s.stages[place]
	}
	here := &stage{size: size, sum: sum, returned: at, known: at}
	old := 0
	for _, n := range s.found {
		switch {
		case n.in == next:
			here.group = append(here.group, n)
			here.known = min(here.known, n.ret)
		case n.in != nil && n.in.size <= before.size:
			old++
		default:
			return Branched
		}
	}
	if old != before.size-base.size {
		return Branched
	}
	for _, n := range here.group {
		if n.in = here; next == nil {
			n.seen = at
		}
	}
	if next != nil {
		next.group = slices.DeleteFunc(next.group, func(n *newcomer) bool { return n.in == here })
		next.known = next.returned
		for _, n := range next.group {
			next.known = min(next.known, n.ret)
		}
	}
	s.stages = slices.Insert(s.stages, place, here)
	if n := len(s.known); n == 0 || s.known[n-1].length < size {
		s.known = append(s.known, rise{at, size})
	}
	return ""
}

// amiss says what is wrong with a read that shows what is neither settled nor new, or lacks what is settled.
func (s *setStream) amiss(ints []int64, all []any) string {
	met := map[digest]bool{}
	for i := range len(ints) + len(all) {
		d := digestOf(nth(ints, all, i))
		if met[d] {
			return Doubled
		}
		met[d] = true
		if _, in := s.settled[d]; !in && s.fresh.find(d[0], d[1]) == nil {
			return Nowhere
		}
	}
	return Lacking
}

// missing is since when something was surely there that a stage lacks.
func (s *setStream) missing(place int) int64 {
	for len(s.unread) > 0 && s.unread[0].in != nil {
		s.unread[0] = nil
		s.unread = s.unread[1:]
	}
	since := int64(Never)
	if len(s.unread) > 0 {
		since = s.unread[0].ret
	}
	for _, st := range s.stages[place+1:] {
		since = min(since, st.known)
	}
	return since
}

// settle settles what was surely there before any operation that is open was called.
func (s *setStream) settle() {
	horizon, n, size := s.horizon(), 0, 0
	for n < len(s.known) && s.known[n].at < horizon {
		size = s.known[n].length
		n++
	}
	if n == 0 {
		return
	}
	s.known = slices.Delete(s.known, 0, n)
	place := s.place(size)
	for _, st := range s.stages[:place+1] {
		for _, n := range st.group {
			s.fresh.remove(n)
			s.settled[n.sum] = struct{}{}
			n.settled, n.in = true, s.stages[place]
		}
		st.group = nil
	}
	s.stages = slices.Delete(s.stages, 0, place)
}
