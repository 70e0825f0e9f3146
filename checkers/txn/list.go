package txn

import "slices"

// lists infers what transactions over lists say about each other, after Elle (Kingsbury & Alvaro, VLDB 2020): every
// element is appended once, so a list tells the order of its appends, and whose they were.
//
// The first n elements of the longest read of a key are a version of it, for every n. The versions of all keys are numbered
// one after the other.
type lists struct {
	*script
	table    *stores
	vertexOf []int32 // by transaction; -1 where it takes no part
	txnOf    []int32 // by vertex
	found    *findings
	longest  []int32 // by key: the operation that read most of it, or none
	empty    []int32 // by key and one more: the version of no elements, which is the first
	version  []int32 // by operation: which it made, or, before what its transaction did, saw; or none
	maker    []int32 // by version: the operation that appended its last element, or none
	writer   []int32 // by version: the vertex of the maker, or none
	next     []int32 // by version: the next writer, or else a vertex that leads to who appended what nobody saw, or none
}

// inferLists finds the anomalies that need no cycle and builds the graph for those that do.
func inferLists(s *script, f *findings) (*lists, *graph, error) {
	table, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	l := &lists{script: s, table: table, found: f}
	l.measure()
	for key := range int32(len(l.keys)) {
		l.trace(key)
		l.dirty(key)
	}
	for i := range int32(len(l.micros)) {
		if m := &l.micros[i]; m.read && l.txns[m.txn].committed {
			l.look(i)
		}
	}
	l.admit()
	l.lost()
	g := newGraph(len(l.txnOf), 2*s.reads+s.stores+4*len(l.txnOf))
	l.link(g)
	s.order(g, l.txnOf)
	return l, g, nil
}

// measure finds the longest read of each key, and numbers its versions.
func (l *lists) measure() {
	l.longest = slices.Repeat([]int32{none}, len(l.keys))
	for i := range l.micros {
		m := &l.micros[i]
		if !m.read || !l.txns[m.txn].committed {
			continue
		}
		if at := l.longest[m.key]; at == none || len(l.listOf(m)) > len(l.listOf(&l.micros[at])) {
			l.longest[m.key] = int32(i)
		}
	}
	l.empty = make([]int32, len(l.keys)+1)
	for key := range int32(len(l.keys)) {
		l.empty[key+1] = l.empty[key] + int32(len(l.order(key))) + 1
	}
	l.version = slices.Repeat([]int32{none}, len(l.micros))
	l.maker = slices.Repeat([]int32{none}, int(l.empty[len(l.keys)]))
}

// order returns the elements of a key in the order of their appends, as far as it is known.
func (l *lists) order(key int32) []int64 {
	if l.longest[key] == none {
		return nil
	}
	return l.listOf(&l.micros[l.longest[key]])
}

// makers are those of a key's versions, but for the empty one.
func (l *lists) makers(key int32) []int32 { return l.maker[l.empty[key]+1 : l.empty[key+1]] }

// trace finds who appended the elements of a key.
func (l *lists) trace(key int32) {
	order, makers, right := l.order(key), l.makers(key), true
	for n, e := range order {
		by := l.table.find(key, e)
		if by == none || l.version[by] != none || l.txns[l.micros[by].txn].failed {
			right = false
		}
		if by != none {
			makers[n], l.version[by] = by, l.empty[key]+1+int32(n)
		}
	}
	if !right {
		l.elements(l.micros[l.longest[key]].txn, key, order)
	}
}

// elements looks at every element that was read: who appended it, and whether twice.
func (l *lists) elements(t, key int32, list []int64) {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	for n := 1; n < len(sorted); n++ {
		if sorted[n] == sorted[n-1] {
			l.found.duplicate(l, t, key, sorted[n])
			break
		}
	}
	for _, e := range list {
		switch by := l.table.find(key, e); {
		case by == none:
			l.found.garbage(l.script, t, key, e)
		case l.txns[l.micros[by].txn].failed:
			l.found.aborted(l.script, t, by)
		}
	}
}

// dirty: a committed append that follows a failed one.
func (l *lists) dirty(key int32) {
	failed := int32(none)
	for _, by := range l.makers(key) {
		switch {
		case by == none:
		case l.txns[l.micros[by].txn].failed:
			failed = by
		case failed != none && l.txns[l.micros[by].txn].committed:
			l.found.dirty(l, key, failed, by)
			return
		}
	}
}

// look looks at a read beside what its transaction did before, and beside the longest one.
func (l *lists) look(i int32) {
	m := &l.micros[i]
	list, order := l.listOf(m), l.order(m.key)
	own, before := l.before(i)
	if !l.agrees(i, list, own, before) {
		m.unfit = true
		l.found.internal(l.script, m.txn, i)
	}
	last := l.maker[l.empty[m.key]+int32(len(list))]
	if !slices.Equal(list, order[:len(list)]) {
		m.unfit = true
		l.found.incompatible(l, m.txn, i)
		l.elements(m.txn, m.key, list)
		last = l.table.find(m.key, list[len(list)-1])
	}
	if last != none {
		l.intermediate(m.txn, last)
	}
	if !m.unfit && before == none {
		l.version[i] = l.empty[m.key] + int32(len(list)-own)
	}
}

// before returns how often a transaction appended to the key of a read since it had read it before, and where that was.
func (l *lists) before(i int32) (own int, read int32) {
	m := &l.micros[i]
	for j := i - 1; j >= l.txns[m.txn].from; j-- {
		if o := &l.micros[j]; o.key == m.key {
			if o.read {
				return own, j
			}
			own++
		}
	}
	return own, none
}

// agrees: what a transaction did before it must see itself.
func (l *lists) agrees(i int32, list []int64, own int, before int32) bool {
	if len(list) < own {
		return false
	}
	others := list[:len(list)-own]
	for j, n := i-1, len(list)-1; n >= len(others); j-- {
		if o := &l.micros[j]; o.key == l.micros[i].key {
			if list[n] != o.value {
				return false
			}
			n--
		}
	}
	return before == none || slices.Equal(others, l.listOf(&l.micros[before]))
}

// intermediate: a read from outside must not end with an append of another that appended more.
func (l *lists) intermediate(t, by int32) {
	m := &l.micros[by]
	if m.txn == t {
		return
	}
	for j := by + 1; j < l.txns[m.txn].to; j++ {
		if o := &l.micros[j]; !o.read && o.key == m.key {
			l.found.intermediate(l.script, t, m, o)
			return
		}
	}
}

// admit lets take part who committed, and of those that never returned whoever had an append seen. Then all of it took
// effect.
func (l *lists) admit() {
	for _, by := range l.maker {
		if by == none {
			continue
		}
		if t := &l.txns[l.micros[by].txn]; !t.failed {
			t.takesPart = true
		}
	}
	l.vertexOf, l.txnOf = l.enumerate()
}

// lost finds two that read the same version of a key and both appended to it.
func (l *lists) lost() {
	appended := slices.Repeat([]int32{none}, len(l.maker)) // by version, who read it and then appended
	for i := range l.micros {
		m := &l.micros[i]
		if !m.read || l.version[i] == none || !l.appends(m.txn, m.key) {
			continue
		}
		other := &appended[l.version[i]]
		if *other != none {
			l.found.lost(l.script, m.key, *other, m.txn)
		}
		*other = m.txn
	}
}

func (l *lists) appends(t, key int32) bool {
	for i := l.txns[t].from; i < l.txns[t].to; i++ {
		if m := &l.micros[i]; !m.read && m.key == key {
			return true
		}
	}
	return false
}

// link draws the edges between transactions: from who made a version to who saw it, and from both to who made the next.
func (l *lists) link(g *graph) {
	unseen := l.unseen(g)
	l.writer = slices.Repeat([]int32{none}, len(l.maker))
	l.next = slices.Repeat([]int32{none}, len(l.maker))
	for key, next := range unseen {
		for n := l.empty[key+1] - 1; n >= l.empty[key]; n-- {
			l.next[n] = next
			if by := l.maker[n]; by != none && l.vertexOf[l.micros[by].txn] != none {
				l.writer[n] = l.vertexOf[l.micros[by].txn]
				if next != none {
					g.edge(l.writer[n], next, ww)
				}
				next = l.writer[n]
			}
		}
	}
	for i := range l.micros {
		n := l.version[i]
		if n == none || !l.micros[i].read {
			continue
		}
		v := l.vertexOf[l.micros[i].txn]
		if l.writer[n] != none {
			g.edge(l.writer[n], v, wr)
		}
		if l.next[n] != none {
			g.edge(v, l.next[n], rw)
		}
	}
}

// unseen returns, by key, a vertex that leads to those who appended what nobody saw, or none. They come after whoever read
// the longest list, or appended its last element.
func (l *lists) unseen(g *graph) []int32 {
	vertex := slices.Repeat([]int32{none}, len(l.keys))
	for i := range l.micros {
		m := &l.micros[i]
		v := l.vertexOf[m.txn]
		if m.read || v == none || l.version[i] != none || l.longest[m.key] == none {
			continue
		}
		if vertex[m.key] == none {
			vertex[m.key] = g.vertex()
		}
		g.edge(vertex[m.key], v, 0)
	}
	return vertex
}
