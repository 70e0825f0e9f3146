package linear

import "slices"

// prepare brings an object to the search.
func (s *Search) prepare(o *Object, m Model, budget *Budget) {
	s.object, s.model, s.budget = o, m, budget
	s.valued, _ = m.(Valued)
	n := len(o.Ops)
	s.state, s.hash, s.trail, s.far = m.Init(), [2]uint64{}, s.trail[:0], -1
	s.extra, s.extraHash = s.extra[:0], [2]uint64{}
	s.dead.reset()
	s.classify()
	due := returned(o.Ops)
	s.byCall.fill(n, due)
	s.byReturn.fill(n, byReturn(o.Ops, due))
}

// classify numbers what operations do, and counts who needs and who makes which state.
func (s *Search) classify() {
	o := s.object
	s.class = resized(s.class, len(o.Ops), 0)
	if s.classes == nil {
		s.classes = map[does]int32{}
	}
	clear(s.classes)
	s.pending = s.pending[:0]
	for i := range o.Ops {
		op := &o.Ops[i]
		if op.Kind.Observes() {
			continue // placed as soon as it fits, whatever else does the same
		}
		d := does{op.Kind, op.Value, op.From}
		class, known := s.classes[d]
		if !known {
			class = int32(len(s.classes))
			s.classes[d] = class
			if len(s.pending) < cap(s.pending) {
				s.pending = s.pending[:class+1]
				s.pending[class] = waiting{ops: s.pending[class].ops[:0]}
			} else {
				s.pending = append(s.pending, waiting{})
			}
		}
		s.class[i] = class
		if op.Pending() {
			s.pending[class].ops = append(s.pending[class].ops, int32(i))
		}
	}
	s.stamp = resized(s.stamp, len(s.classes), -1)
	s.look = 0
	if s.valued == nil {
		return
	}
	s.awaited = resized(s.awaited, o.Values, -1)
	s.next = resized(s.next, len(s.classes), -1)
	s.demand.reset(s.valued, o)
	for class, w := range s.pending {
		if len(w.ops) == 0 {
			continue
		}
		if v, one := s.valued.Makes(&o.Ops[w.ops[0]]); one {
			s.next[class], s.awaited[v] = s.awaited[v], int32(class)
		}
	}
}

func resized(of []int32, n int, fill int32) []int32 {
	of = slices.Grow(of[:0], n)[:n]
	for i := range of {
		of[i] = fill
	}
	return of
}

// chain is some operations in some order, from which each can be taken in O(1), and put back as long as that happens in
// the opposite order (Knuth 2000, "dancing links").
type chain struct {
	next, prev []int32 // by operation; the last place is the end
}

func (c *chain) fill(n int, order []int32) {
	c.next, c.prev = resized(c.next, n+1, -1), resized(c.prev, n+1, -1)
	end := int32(n)
	last := end
	for _, i := range order {
		c.next[last], c.prev[i] = i, last
		last = i
	}
	c.next[last], c.prev[end] = end, last
}

func (c *chain) end() int32  { return int32(len(c.next) - 1) }
func (c *chain) empty() bool { return c.next[c.end()] == c.end() }

// first returns the first of those that are there, -1 where there is none; after the one behind.
func (c *chain) first() int32 { return c.after(c.end()) }

func (c *chain) after(i int32) int32 {
	if c.next[i] == c.end() {
		return -1
	}
	return c.next[i]
}

func (c *chain) remove(i int32) {
	c.next[c.prev[i]], c.prev[c.next[i]] = c.next[i], c.prev[i]
}

// insert puts an operation that is not there behind another one, or the end: first.
func (c *chain) insert(i, behind int32) {
	c.prev[i], c.next[i] = behind, c.next[behind]
	c.restore(i)
}

func (c *chain) restore(i int32) {
	c.next[c.prev[i]], c.prev[c.next[i]] = i, i
}

// use is how many pending operations of a class were placed.
type use struct{ class, placed int32 }

// deadEnds are what led nowhere: an open hash table, at most half full. Where pending operations had been placed, the
// same with as many or more of each class placed leads nowhere either.
type deadEnds struct {
	ids   [][2]uint64 // the zero value is empty
	first []int32     // of each the first of its records; hopeless, or none
	used  int

	records []record
	uses    []use
}

// record is what was used up of pending operations at a dead end.
type record struct{ from, to, next int32 }

const (
	fewDeadEnds = 1 << 10
	hopeless    = -1 // no pending operation was placed, so that it does not matter which are
	none        = -2 // the end of the records of a dead end
)

func (d *deadEnds) reset() {
	if len(d.ids) > 64*fewDeadEnds {
		d.ids, d.first, d.records, d.uses = nil, nil, nil, nil
	}
	if d.used > 0 {
		clear(d.ids)
	}
	d.used, d.records, d.uses = 0, d.records[:0], d.uses[:0]
}

func (d *deadEnds) bytes() int64 {
	return int64(len(d.ids))*20 + int64(cap(d.records))*12 + int64(cap(d.uses))*8
}

// growth is how many bytes more it will take when it grows next, if that is soon.
func (d *deadEnds) growth() int64 {
	grow := int64(0)
	if 2*(d.used+patience) >= len(d.ids) {
		grow += 2 * int64(len(d.ids)) * 20
	}
	if len(d.records)+patience >= cap(d.records) {
		grow += int64(cap(d.records)) * 12
	}
	if len(d.uses)+patience >= cap(d.uses) {
		grow += int64(cap(d.uses)) * 8
	}
	return grow
}

// place returns where an id is, or the empty place where it belongs.
func (d *deadEnds) place(id [2]uint64) uint64 {
	mask := uint64(len(d.ids) - 1)
	for at := id[0] & mask; ; at = (at + 1) & mask {
		if e := &d.ids[at]; *e == id || *e == [2]uint64{} {
			return at
		}
	}
}

func (d *deadEnds) has(id [2]uint64, now []waiting) bool {
	if d.used == 0 {
		return false
	}
	at := d.place(id)
	if d.ids[at] != id {
		return false
	}
	for n := d.first[at]; n != hopeless; {
		if n == none {
			return false
		}
		r := &d.records[n]
		if !slices.ContainsFunc(d.uses[r.from:r.to], func(u use) bool { return now[u.class].placed < int(u.placed) }) {
			return true
		}
		n = r.next
	}
	return true
}

func (d *deadEnds) add(id [2]uint64, uses []use) {
	if 2*(d.used+1) > len(d.ids) {
		d.grow()
	}
	at := d.place(id)
	if d.ids[at] != id {
		d.ids[at], d.first[at] = id, none
		d.used++
	}
	switch {
	case len(uses) == 0:
		d.first[at] = hopeless
	case d.first[at] != hopeless:
		from := int32(len(d.uses))
		d.uses = append(d.uses, uses...)
		d.records = append(d.records, record{from, int32(len(d.uses)), d.first[at]})
		d.first[at] = int32(len(d.records) - 1)
	}
}

func (d *deadEnds) grow() {
	ids, first := d.ids, d.first
	n := max(2*len(ids), fewDeadEnds)
	d.ids, d.first = make([][2]uint64, n), make([]int32, n)
	for i, id := range ids {
		if id != [2]uint64{} {
			at := d.place(id)
			d.ids[at], d.first[at] = id, first[i]
		}
	}
}
