package txn

import (
	"slices"
)

// lists infers what transactions over lists say about each other, after Elle (Kingsbury & Alvaro, VLDB 2020): every
// element is appended once, so a list tells the order of its appends, and whose they were.
type lists struct {
	*script
	table    *stores
	vertexOf []int32 // by transaction; -1 where it takes no part
	txnOf    []int32 // by vertex
	longest  []int32 // by key: the operation that read most of it, less one; 0 where nobody did
	unseen   [][]int32
	found    *findings
	byTxn    [][]int32 // by key and place in the longest read, who appended the element; -1 where nobody did
	byMicro  [][]int32 // and by which operation
}

// unfit marks, as its value, a read that is not how its key's longest read begins, or not what its transaction had to see.
const unfit word = 1

// inferLists finds the anomalies that need no cycle and builds the graph for those that do.
func inferLists(s *script, f *findings) (*lists, *graph, error) {
	table, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	l := &lists{script: s, table: table, found: f, longest: make([]int32, len(s.keys))}
	l.measure()
	l.inside()
	l.admit()
	l.lost()
	l.unseen = make([][]int32, len(s.keys))
	g := newGraph(len(l.txnOf), len(l.micros)*2)
	l.link(g)
	s.order(g, l.txnOf)
	return l, g, nil
}

// own returns how many elements at the end of what a transaction read at a place of it are its own.
func (l *lists) own(t, i int32) int {
	own := 0
	for j := i - 1; j >= l.txns[t].from; j-- {
		m := &l.micros[j]
		if m.key != l.micros[i].key {
			continue
		}
		if m.read {
			break
		}
		own++
	}
	return own
}

// firstRead reports whether no operation of the transaction before it read the same key: then what it shows comes from
// outside, but for what the transaction itself appended.
func (l *lists) firstRead(t, i int32) bool {
	for j := l.txns[t].from; j < i; j++ {
		if m := &l.micros[j]; m.read && m.key == l.micros[i].key {
			return false
		}
	}
	return true
}

// measure finds the longest read of each key.
func (l *lists) measure() {
	for t := range l.txns {
		if !l.txns[t].committed {
			continue
		}
		for i := l.txns[t].from; i < l.txns[t].to; i++ {
			m := &l.micros[i]
			if !m.read {
				continue
			}
			if at := l.longest[m.key]; at == 0 || len(m.list) > len(l.micros[at-1].list) {
				l.longest[m.key] = i + 1
			}
		}
	}
}

// order returns the elements of a key in the order of their appends, as far as it is known.
func (l *lists) order(key int32) []int64 {
	if l.longest[key] == 0 {
		return nil
	}
	return l.micros[l.longest[key]-1].list
}

// inside looks at each transaction alone, and at its reads beside the longest ones.
func (l *lists) inside() {
	for t := range int32(len(l.txns)) {
		if !l.txns[t].committed {
			continue
		}
		for i := l.txns[t].from; i < l.txns[t].to; i++ {
			m := &l.micros[i]
			if !m.read {
				continue
			}
			l.internal(t, i)
			if order := l.order(m.key); !slices.Equal(m.list, order[:len(m.list)]) {
				m.value = unfit
				l.found.incompatible(l, t, i)
				l.elements(t, m.key, m.list)
			}
			l.intermediate(t, i)
		}
	}
	l.byTxn, l.byMicro = make([][]int32, len(l.keys)), make([][]int32, len(l.keys))
	for key := range int32(len(l.keys)) {
		if at := l.longest[key]; at > 0 {
			l.elements(l.reader(at-1), key, l.order(key))
			l.trace(key)
			l.dirty(key)
		}
	}
}

// internal: what a transaction did before it must see itself.
func (l *lists) internal(t, i int32) {
	m := &l.micros[i]
	own, before := l.own(t, i), -1
	for j := i - 1; j >= l.txns[t].from; j-- {
		if o := &l.micros[j]; o.read && o.key == m.key {
			before = int(j)
			break
		}
	}
	fits := len(m.list) >= own && l.endsWithOwn(t, i, own)
	if before >= 0 && fits {
		fits = slices.Equal(m.list[:len(m.list)-own], l.micros[before].list)
	}
	if !fits {
		m.value = unfit
		l.found.internal(l.script, t, i)
	}
}

// endsWithOwn reports whether a read ends with the last so many of the transaction's own appends before it.
func (l *lists) endsWithOwn(t, i int32, own int) bool {
	m := &l.micros[i]
	for j, n := i-1, len(m.list)-1; own > 0; j-- {
		if o := &l.micros[j]; o.key == m.key {
			if m.list[n] != o.value {
				return false
			}
			n--
			own--
		}
	}
	return true
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
		switch w := l.table.find(key, e); {
		case w == nil:
			l.found.garbage(l.script, t, key, e)
		case l.txns[w.txn].failed:
			l.found.aborted(l.script, t, key, w)
		}
	}
}

// intermediate: a read from outside must not end in the middle of another's appends.
func (l *lists) intermediate(t, i int32) {
	m := &l.micros[i]
	if len(m.list) == 0 {
		return
	}
	w := l.table.find(m.key, m.list[len(m.list)-1])
	if w == nil || w.txn == t {
		return
	}
	for j := w.micro; j < l.txns[w.txn].to; j++ { // those after it
		if o := &l.micros[j]; !o.read && o.key == m.key {
			l.found.intermediate(l.script, t, w, o)
			return
		}
	}
}

// trace finds who appended the elements of a key.
func (l *lists) trace(key int32) {
	order := l.order(key)
	txns, micros := make([]int32, len(order)), make([]int32, len(order))
	for n, e := range order {
		txns[n], micros[n] = -1, -1
		if w := l.table.find(key, e); w != nil {
			txns[n], micros[n] = w.txn, w.micro-1
		}
	}
	l.byTxn[key], l.byMicro[key] = txns, micros
}

// dirty: a committed append that follows a failed one.
func (l *lists) dirty(key int32) {
	failed := -1
	for n, t := range l.byTxn[key] {
		switch {
		case t < 0:
		case l.txns[t].failed:
			failed = n
		case failed >= 0 && l.txns[t].committed:
			l.found.dirty(l, key, failed, n, l.reader(l.longest[key]-1))
			return
		}
	}
}

// admit lets take part who committed, and of those that never returned whoever had an append seen. Then all of it took
// effect.
func (l *lists) admit() {
	for _, txns := range l.byTxn {
		for _, t := range txns {
			if t >= 0 && !l.txns[t].failed {
				l.txns[t].takesPart = true
			}
		}
	}
	l.vertexOf, l.txnOf = l.enumerate()
}

// link draws the edges between transactions.
func (l *lists) link(g *graph) {
	for _, txns := range l.byTxn {
		before := int32(-1)
		for n, t := range txns {
			if t >= 0 {
				txns[n] = l.vertexOf[t] // from here on
			}
			if v := txns[n]; v >= 0 {
				if before >= 0 {
					g.edge(before, v, ww)
				}
				before = v
			}
		}
	}
	l.unread()
	// Whoever read all of a list, or appended its last element, comes before the appends that nobody saw.
	readers := make([]int32, len(l.keys))
	for key := range l.keys {
		readers[key] = -1
		if len(l.unseen[key]) == 0 || l.longest[key] == 0 {
			continue
		}
		readers[key] = g.vertex()
		for _, v := range l.unseen[key] {
			g.edge(readers[key], v, 0)
		}
		if n := len(l.byTxn[key]); n > 0 && l.byTxn[key][n-1] >= 0 {
			last := g.vertex()
			g.edge(l.byTxn[key][n-1], last, ww)
			g.edge(last, readers[key], 0)
		}
	}
	for v, t := range l.txnOf {
		l.linkReads(g, int32(v), t, readers)
	}
}

// unread notes the appends that nobody saw.
func (l *lists) unread() {
	seen := make([]bool, len(l.micros))
	for _, micros := range l.byMicro {
		for _, i := range micros {
			if i >= 0 {
				seen[i] = true
			}
		}
	}
	for v, t := range l.txnOf {
		for i := l.txns[t].from; i < l.txns[t].to; i++ {
			m := &l.micros[i]
			if all := l.unseen[m.key]; !m.read && !seen[i] && (len(all) == 0 || all[len(all)-1] != int32(v)) {
				l.unseen[m.key] = append(all, int32(v))
			}
		}
	}
}

func (l *lists) linkReads(g *graph, v, t int32, readers []int32) {
	if l.txns[t].unanswered {
		return
	}
	for i := l.txns[t].from; i < l.txns[t].to; i++ {
		m := &l.micros[i]
		if !m.read || m.value == unfit || !l.firstRead(t, i) {
			continue
		}
		next := max(0, len(m.list)-l.own(t, i)) // after what it saw from outside
		order := l.byTxn[m.key]
		if next > 0 && order[next-1] >= 0 {
			g.edge(order[next-1], v, wr)
		}
		for next < len(order) && order[next] < 0 {
			next++
		}
		switch {
		case next < len(order):
			g.edge(v, order[next], rw)
		case readers[m.key] >= 0:
			g.edge(v, readers[m.key], rw)
		}
	}
}

// lost finds two that read the same version of a key and both appended to it.
func (l *lists) lost() {
	first := make([]int32, len(l.keys)) // by key, where its versions begin in the following
	n := int32(0)
	for key := range l.keys {
		first[key] = n
		n += int32(len(l.byTxn[key])) + 1
	}
	appended := make([]int32, n) // by version, who read it and then appended, plus 1
	for _, t := range l.txnOf {
		if l.txns[t].unanswered {
			continue
		}
		for i := l.txns[t].from; i < l.txns[t].to; i++ {
			m := &l.micros[i]
			if !m.read || m.value == unfit || !l.firstRead(t, i) || !l.appends(t, m.key) {
				continue
			}
			version := &appended[first[m.key]+int32(max(0, len(m.list)-l.own(t, i)))]
			if *version > 0 {
				l.found.lost(l.script, m.key, *version-1, t)
			}
			*version = t + 1
		}
	}
}

func (l *lists) appends(t, key int32) bool {
	for j := l.txns[t].from; j < l.txns[t].to; j++ {
		if o := &l.micros[j]; !o.read && o.key == key {
			return true
		}
	}
	return false
}
