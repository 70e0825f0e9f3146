package txn

import (
	"fmt"
	"iter"
	"slices"
)

// registers infers what transactions over registers say about each other. See [RWRegister].
type registers struct {
	*script
	table    *stores
	vertexOf []int32 // by transaction; -1 where it takes no part
	txnOf    []int32 // by vertex
	found    *findings
	saw      []int32 // by operation: if it shows what others stored, which operation did, or nobody; otherwise none
	heir     []int32 // by operation: the first that stored in place of what it had stored, or none
	coheir   []int32 // by operation: the next that replaced the same, or none
	cyclic   []bool  // by key: its versions go in a circle
	loose    bool    // a transaction may see two versions of one key
}

// nobody stored what a read of nothing shows.
const nobody = -2

func inferRegisters(s *script, f *findings) (*registers, *graph, error) {
	table, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	r := &registers{script: s, table: table, found: f, cyclic: make([]bool, len(s.keys))}
	r.inside()
	r.admit()
	r.succession()
	r.circles()
	g := newGraph(len(r.txnOf), 3*s.reads+2*s.stores+4*len(r.txnOf))
	r.link(g)
	s.order(g, r.txnOf)
	return r, g, nil
}

// inside looks at each transaction alone, and at who stored what it read.
func (r *registers) inside() {
	r.saw = slices.Repeat([]int32{none}, len(r.micros))
	for i := range int32(len(r.micros)) {
		m := &r.micros[i]
		if !m.read || !r.txns[m.txn].committed {
			continue
		}
		if before := r.settled(i); before != nil {
			if before.value != m.value {
				r.found.internal(r.script, m.txn, i)
			}
			continue
		}
		if m.value == nothing {
			r.saw[i] = nobody
			continue
		}
		switch by := r.table.find(m.key, m.value); {
		case by == none:
			r.found.garbage(r.script, m.txn, m.key, m.value)
		case r.txns[r.micros[by].txn].failed:
			r.found.aborted(r.script, m.txn, by)
		case r.micros[by].txn == m.txn:
			r.found.internal(r.script, m.txn, i) // it read what it stored only later
		default:
			r.saw[i] = by
			if later := r.stored(r.micros[by].txn, m.key); later != by {
				r.found.intermediate(r.script, m.txn, &r.micros[by], &r.micros[later])
			}
		}
	}
}

// settled returns the operation before one of a transaction that settles what it has to read, or nil: the last on the same
// key. If two versions of one key may be seen, only a store settles anything, and what read it since.
func (r *registers) settled(i int32) *micro {
	var last *micro
	m := &r.micros[i]
	for j := i - 1; j >= r.txns[m.txn].from; j-- {
		o := &r.micros[j]
		if o.key != m.key {
			continue
		}
		if last == nil {
			last = o
		}
		if !r.loose || !o.read {
			return last
		}
	}
	return nil
}

// stored returns the last operation of a transaction that stores in a key, or none.
func (r *registers) stored(t, key int32) int32 {
	for j := r.txns[t].to - 1; j >= r.txns[t].from; j-- {
		if o := &r.micros[j]; !o.read && o.key == key {
			return j
		}
	}
	return none
}

// last reports whether an operation is the last of its transaction that stores in its key.
func (r *registers) last(i int32) bool { return r.stored(r.micros[i].txn, r.micros[i].key) == i }

// admit lets take part who committed, and who was seen.
func (r *registers) admit() {
	for _, by := range r.saw {
		if by >= 0 {
			r.txns[r.micros[by].txn].takesPart = true
		}
	}
	r.vertexOf, r.txnOf = r.enumerate()
}

// succession finds which versions replaced which: a transaction that read a version and stored in the key replaced it.
func (r *registers) succession() {
	r.heir = slices.Repeat([]int32{none}, len(r.micros))
	r.coheir = slices.Repeat([]int32{none}, len(r.micros))
	first := slices.Repeat([]int32{none}, len(r.keys)) // by key, who replaced nothing
	for i, by := range r.saw {
		if by == none {
			continue
		}
		m := &r.micros[i]
		j := r.stored(m.txn, m.key)
		if j == none {
			continue
		}
		heir := &first[m.key]
		if by != nobody {
			heir = &r.heir[by]
		}
		if *heir == none {
			*heir = j
			continue
		}
		r.found.lost(r.script, m.key, r.micros[*heir].txn, m.txn)
		r.coheir[j], r.coheir[*heir] = r.coheir[*heir], j
	}
}

// circles finds keys whose versions replaced each other in a circle. They say nothing about order.
func (r *registers) circles() {
	const (
		open = 1
		done = 2
	)
	mark := make([]uint8, len(r.micros))
	type frame struct{ micro, next int32 }
	var path []frame
	for root, heir := range r.heir {
		if heir == none || mark[root] != 0 {
			continue
		}
		mark[root] = open
		path = append(path[:0], frame{int32(root), heir})
		for len(path) > 0 {
			f := &path[len(path)-1]
			next := f.next
			if next == none {
				mark[f.micro] = done
				path = path[:len(path)-1]
				continue
			}
			f.next = r.coheir[next]
			switch mark[next] {
			case 0:
				mark[next] = open
				path = append(path, frame{next, r.heir[next]})
			case open:
				from := len(path) - 1
				for path[from].micro != next {
					from--
				}
				var circle []int32
				for _, f := range path[from:] {
					circle = append(circle, f.micro)
				}
				r.circle(circle)
			}
		}
	}
}

// circle tells of operations each of which replaced what the one before it had stored, and the first what the last had.
func (r *registers) circle(micros []int32) {
	key := r.micros[micros[0]].key
	r.cyclic[key] = true
	r.found.add(CyclicVersions, r.spellKey(key), len(micros), func() (string, []int32, int32) {
		var txns []int32
		text := ""
		for _, i := range micros {
			txns = append(txns, r.micros[i].txn)
			text += r.spell(r.micros[i].value) + ", then "
		}
		return fmt.Sprintf("Of key %s each version replaced the one before, in a circle: %s%s again.", r.spellKey(key), text,
			r.spell(r.micros[micros[0]].value)), r.at(txns...), -1
	})
}

// link draws the edges between transactions.
func (r *registers) link(g *graph) {
	later := r.chains(g)
	for i, by := range r.saw {
		if by == none {
			continue
		}
		m := &r.micros[i]
		v, writer := r.vertexOf[m.txn], int32(none)
		if by != nobody {
			writer = r.vertexOf[r.micros[by].txn]
			g.edge(writer, v, wr)
		}
		if r.cyclic[m.key] {
			continue
		}
		if by == nobody {
			if later.first[m.key] != none {
				g.edge(v, later.first[m.key], rw)
			}
			continue
		}
		if r.stored(m.txn, m.key) != none && r.last(by) {
			g.edge(writer, v, ww)
		}
		if later.than[by] != none {
			g.edge(v, later.than[by], rw|clock)
		}
		for j := r.heir[by]; j != none; j = r.coheir[j] {
			g.edge(v, r.vertexOf[r.micros[j].txn], rw)
		}
	}
}

// later leads to those who stored later: for each key there is a chain of vertices, from each of which one who stored in it
// and, by their calls, all after that are reached.
type later struct {
	first []int32 // by key: the vertex of all who stored in it, or none
	than  []int32 // by operation that stored: that of all who were called when it had returned, or none
}

// chains makes the vertices. Who did not see what was stored leads to them: whoever saw nothing to the first, and otherwise
// to who was called when the store that was seen had returned. That its own store may be among them does no harm.
func (r *registers) chains(g *graph) later {
	l := later{first: slices.Repeat([]int32{none}, len(r.keys)), than: slices.Repeat([]int32{none}, len(r.micros))}
	var calls []int
	for key, stores := range r.storesByKey() {
		if len(stores) == 0 {
			continue
		}
		l.first[key] = int32(len(g.first))
		calls = calls[:0]
		for n, i := range stores {
			v := g.vertex()
			g.edge(v, r.vertexOf[r.micros[i].txn], 0)
			if n > 0 {
				g.edge(v-1, v, 0)
			}
			calls = append(calls, r.txns[r.micros[i].txn].call)
		}
		for _, i := range stores {
			t := &r.txns[r.micros[i].txn]
			if n, _ := slices.BinarySearch(calls, t.ret); t.committed && n < len(stores) {
				l.than[i] = l.first[key] + int32(n)
			}
		}
	}
	return l
}

// storesByKey yields each key with the operations that store in it, of those who take part, by their calls.
func (r *registers) storesByKey() iter.Seq2[int, []int32] {
	end := make([]int32, len(r.keys))
	n := int32(0)
	for key, stores := range r.storesOf {
		end[key] = n
		n += stores
	}
	all := make([]int32, n)
	for i := range r.micros {
		if m := &r.micros[i]; !m.read && r.vertexOf[m.txn] != none {
			all[end[m.key]] = int32(i)
			end[m.key]++
		}
	}
	return func(yield func(int, []int32) bool) {
		from := int32(0)
		for key, to := range end {
			if !yield(key, all[from:to]) {
				return
			}
			from += r.storesOf[key]
		}
	}
}
