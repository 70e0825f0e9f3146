package linear

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// StreamLists judges an empty list, exactly after every event, as [Lists] does: reads fix the order. Of what they
// showed it keeps 128 bits for each beginning that an operation which is open may still see, and the elements that were
// appended and not shown yet. An element must not be appended again before it was shown.
//
// Cost: the length of each read.
func StreamLists() Stream {
	return &listStream{calls: newCalls(), elements: map[any]*element{}, begins: []digest{{}}}
}

type listStream struct {
	calls
	elements map[any]*element // those appended, but for those that are over and were shown
	begins   []digest         // of the first elements, from base on, to the longest read
	base     int
	known    []rise // what operations that returned showed, each later and more than the one before
	floor    int    // the same, of all that returned before any operation that is open was called
	unread   []*element
	why      string
	unfit    bool
}

// element is one that was appended.
type element struct {
	by    *opened
	ret   int64
	place int // from 1 on; 0 where no read has shown it
}

// rise is that the list was known to have so many elements at a time.
type rise struct {
	at     int64
	length int
}

func (s *listStream) Illegal() string { return s.why }
func (s *listStream) Unfit() bool     { return s.unfit }
func (s *listStream) Size() int {
	return len(s.elements) + len(s.begins) + len(s.known) + len(s.open)
}
func (s *listStream) done() bool  { return s.why != "" || s.unfit }
func (s *listStream) length() int { return s.base + len(s.begins) - 1 }

func (s *listStream) Call(id int, at int64, d Deed) {
	if s.done() {
		return
	}
	o := s.begin(id, at, d)
	if d.Kind != Append {
		return
	}
	if s.elements[d.Value] != nil {
		s.unfit = true
		return
	}
	s.elements[d.Value] = &element{by: o, ret: Never}
}

func (s *listStream) Fail(id int) {
	o := s.end(id)
	if o == nil || s.done() || o.kind == Read {
		return
	}
	if s.elements[o.value].place > 0 {
		s.why = Nowhere
	}
	delete(s.elements, o.value)
}

func (s *listStream) GiveUp(id int) {
	if o := s.end(id); o != nil && !s.done() && o.kind == Append && s.elements[o.value].place > 0 {
		delete(s.elements, o.value)
	}
}

func (s *listStream) Return(id int, at int64, d Deed) {
	o := s.end(id)
	switch {
	case o == nil || s.done():
	case o.kind == Read:
		ints, _ := d.Value.([]int64)
		all, _ := d.Value.([]any)
		s.read(o, at, ints, all)
	default:
		e := s.elements[o.value]
		e.ret = at
		if e.place > 0 {
			s.rise(at, e.place)
			delete(s.elements, o.value)
			return
		}
		s.unread = append(s.unread, e)
	}
}

// read takes what a read shows, in one of two forms.
func (s *listStream) read(o *opened, at int64, ints []int64, all []any) {
	n, longest := len(ints)+len(all), s.length()
	if s.before(o.call) > n {
		s.why = Shorter
		return
	}
	var d digest
	for i := range min(n, longest) {
		d = d.then(nth(ints, all, i))
	}
	if d != s.begins[min(n, longest)-s.base] {
		s.why = Forked
		return
	}
	var placed []*element
	for i := longest; i < n; i++ {
		v := nth(ints, all, i)
		e := s.elements[v]
		switch {
		case e == nil:
			s.why = Nowhere // or what had been shown before
			return
		case e.place > 0:
			s.why = Repeated
			return
		}
		e.place = i + 1
		placed = append(placed, e)
		d = d.then(v)
		s.begins = append(s.begins, d)
		if e.by.over {
			delete(s.elements, v)
		}
	}
	s.order(o, placed)
	s.rise(at, n)
	s.forget()
}

func nth(ints []int64, all []any, i int) any {
	if ints != nil {
		return ints[i]
	}
	return all[i]
}

// order compares what a read shows for the first time with real time: what had returned when something was called does
// not come after it.
func (s *listStream) order(o *opened, placed []*element) {
	for _, e := range placed {
		if e.ret != Never {
			s.rise(e.ret, e.place)
		}
	}
	for len(s.unread) > 0 && s.unread[0].place > 0 {
		s.unread[0] = nil
		s.unread = s.unread[1:]
	}
	missing := int64(Never) // since when an element is missing from the read
	if len(s.unread) > 0 {
		missing = s.unread[0].ret
	}
	if missing < o.call {
		s.why = Missing
		return
	}
	for _, e := range placed {
		if s.before(e.by.call) >= e.place || missing < e.by.call {
			s.why = Swapped
			return
		}
	}
}

// before is how many elements the list was known to have before a time.
func (s *listStream) before(at int64) int {
	n, _ := slices.BinarySearchFunc(s.known, at, func(r rise, at int64) int { return cmp.Compare(r.at, at) })
	if n == 0 {
		return s.floor
	}
	return s.known[n-1].length
}

// rise notes that the list was known to have so many elements at a time.
func (s *listStream) rise(at int64, length int) {
	n, _ := slices.BinarySearchFunc(s.known, at, func(r rise, at int64) int { return cmp.Compare(r.at, at) })
	if n == 0 && s.floor >= length || n > 0 && s.known[n-1].length >= length {
		return
	}
	end := n
	for end < len(s.known) && s.known[end].length <= length {
		end++
	}
	s.known = slices.Replace(s.known, n, end, rise{at, length})
}

// forget drops what nobody may see any more.
func (s *listStream) forget() {
	horizon := s.horizon()
	n := 0
	for n < len(s.known) && s.known[n].at < horizon {
		s.floor = s.known[n].length
		n++
	}
	s.known = slices.Delete(s.known, 0, n)
	if gone := s.floor - s.base; gone > 32 && 2*gone > len(s.begins) {
		s.begins = slices.Delete(s.begins, 0, gone)
		s.base = s.floor
	}
}

// digest stands for a list.
type digest [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// then is the list with one element more.
func (d digest) then(v any) digest {
	var a, b uint64
	if n, whole := v.(int64); whole {
		a, b = mix(uint64(n)), mix(uint64(n)+0x5851f42d4c957f2d)
	} else {
		a, b = maphash.Comparable(seeds[0], v), maphash.Comparable(seeds[1], v)
	}
	return digest{mix(d[0] + a), (d[1]^b)*0x9fb21c651e98df25 + 1}
}
