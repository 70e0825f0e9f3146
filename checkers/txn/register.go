package txn

import (
	"fmt"
	"slices"
)

// registers infers what transactions over registers say about each other. See [RWRegister].
type registers struct {
	*script
	table    *stores
	vertexOf []int32
	txnOf    []int32
	found    *findings
	replaced [][]int32 // by operation that stores: those that stored in place of what it had stored
	cyclic   []bool    // by key: its versions go in a circle
	loose    bool      // a transaction may see two versions of one key
}

func inferRegisters(s *script, f *findings) (*registers, *graph, error) {
	table, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	r := &registers{script: s, table: table, found: f, cyclic: make([]bool, len(s.keys))}
	r.inside()
	r.admit()
	r.succession()
	g := newGraph(len(r.txnOf), len(r.micros)*2)
	r.link(g)
	s.order(g, r.txnOf)
	return r, g, nil
}

// inside looks at each transaction alone, and at who stored what it read.
func (r *registers) inside() {
	for t := range int32(len(r.txns)) {
		if !r.txns[t].committed {
			continue
		}
		for i := r.txns[t].from; i < r.txns[t].to; i++ {
			m := &r.micros[i]
			if !m.read {
				continue
			}
			if before := r.settled(t, i); before != nil {
				if before.value != m.value {
					r.found.internal(r.script, t, i)
				}
				continue
			}
			if m.value == nothing {
				continue
			}
			switch w := r.table.find(m.key, m.value); {
			case w == nil:
				r.found.garbage(r.script, t, m.key, m.value)
			case r.txns[w.txn].failed:
				r.found.aborted(r.script, t, m.key, w)
			case w.txn == t:
				r.found.internal(r.script, t, i) // it read what it stored only later
			default:
				r.intermediate(t, m.key, w)
			}
		}
	}
}

// settled returns the operation before one of a transaction that settles what it has to read, or nil: the last on the same
// key. If two versions of one key may be seen, only a store settles anything, and what read it since.
func (r *registers) settled(t, i int32) *micro {
	var last *micro
	for j := i - 1; j >= r.txns[t].from; j-- {
		o := &r.micros[j]
		if o.key != r.micros[i].key {
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

// last reports whether an operation is the last of its transaction that stores in its key.
func (r *registers) last(t, i int32) bool {
	for j := i + 1; j < r.txns[t].to; j++ {
		if o := &r.micros[j]; !o.read && o.key == r.micros[i].key {
			return false
		}
	}
	return true
}

func (r *registers) intermediate(t, key int32, w *store) {
	for j := w.micro; j < r.txns[w.txn].to; j++ {
		if o := &r.micros[j]; !o.read && o.key == key {
			r.found.intermediate(r.script, t, w, o)
			return
		}
	}
}

// outside returns the reads of a committed transaction that show what others stored, with who did: nil where nobody had.
func (r *registers) outside(t int32, yield func(m *micro, by *store) bool) {
	if r.txns[t].unanswered {
		return
	}
	for i := r.txns[t].from; i < r.txns[t].to; i++ {
		m := &r.micros[i]
		if !m.read || r.settled(t, i) != nil {
			continue
		}
		by := (*store)(nil)
		if m.value != nothing {
			if by = r.table.find(m.key, m.value); by == nil || r.txns[by.txn].failed || by.txn == t {
				continue // told of already
			}
		}
		if !yield(m, by) {
			return
		}
	}
}

// admit lets take part who committed, and who was seen.
func (r *registers) admit() {
	for t := range int32(len(r.txns)) {
		r.outside(t, func(_ *micro, by *store) bool {
			if by != nil {
				r.txns[by.txn].takesPart = true
			}
			return true
		})
	}
	r.vertexOf, r.txnOf = r.enumerate()
}

// stored returns the last operation of a transaction that stores in a key, or -1.
func (r *registers) stored(t, key int32) int32 {
	for j := r.txns[t].to - 1; j >= r.txns[t].from; j-- {
		if o := &r.micros[j]; !o.read && o.key == key {
			return j
		}
	}
	return -1
}

// succession finds which versions replaced which: a transaction that read a version and stored in the key replaced it.
func (r *registers) succession() {
	r.replaced = make([][]int32, len(r.micros))
	first := make([]int32, len(r.keys)) // by key, who replaced nothing, plus 1
	for _, t := range r.txnOf {
		r.outside(t, func(m *micro, by *store) bool {
			j := r.stored(t, m.key)
			if j < 0 {
				return true
			}
			var other int32
			if by == nil {
				other, first[m.key] = first[m.key], t+1
			} else {
				v := &r.replaced[by.micro-1]
				if len(*v) > 0 {
					other = r.reader((*v)[0]) + 1
				}
				*v = append(*v, j)
			}
			if other > 0 && other-1 != t {
				r.found.lost(r.script, m.key, other-1, t)
			}
			return true
		})
	}
	r.circles()
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
	for root := range int32(len(r.micros)) {
		if len(r.replaced[root]) == 0 || mark[root] != 0 {
			continue
		}
		mark[root] = open
		path = append(path[:0], frame{root, 0})
		for len(path) > 0 {
			f := &path[len(path)-1]
			if by := r.replaced[f.micro]; int(f.next) < len(by) {
				next := by[f.next]
				f.next++
				switch mark[next] {
				case 0:
					mark[next] = open
					path = append(path, frame{next, 0})
				case open:
					r.circle(next, func(yield func(int32)) {
						for at := len(path) - 1; at >= 0; at-- {
							yield(path[at].micro)
							if path[at].micro == next {
								return
							}
						}
					})
				}
				continue
			}
			mark[f.micro] = done
			path = path[:len(path)-1]
		}
	}
}

func (r *registers) circle(first int32, each func(func(int32))) {
	key := r.micros[first].key
	r.cyclic[key] = true
	var txns []int32
	var values []string
	each(func(i int32) {
		txns = append(txns, r.reader(i))
		values = append(values, r.spell(r.micros[i].value))
	})
	slices.Reverse(values)
	r.found.add(CyclicVersions, r.spellKey(key), len(txns), func() (string, []int32, int32) {
		text := ""
		for _, v := range values {
			text += v + ", then "
		}
		return fmt.Sprintf("Of key %s each version replaced the one before, in a circle: %s%s again.", r.spellKey(key), text,
			values[0]), r.at(txns...), -1
	})
}

// link draws the edges between transactions.
func (r *registers) link(g *graph) {
	chains := r.chains(g)
	for v, t := range r.txnOf {
		r.outside(t, func(m *micro, by *store) bool {
			if by != nil {
				g.edge(r.vertexOf[by.txn], int32(v), wr)
			}
			if r.cyclic[m.key] {
				return true
			}
			if j := r.stored(t, m.key); j >= 0 && by != nil && r.last(by.txn, by.micro-1) {
				g.edge(r.vertexOf[by.txn], int32(v), ww)
			}
			chains.missed(g, int32(v), m.key, by)
			if by == nil {
				return true
			}
			for _, j := range r.replaced[by.micro-1] {
				g.edge(int32(v), r.vertexOf[r.reader(j)], rw)
			}
			return true
		})
	}
}

// chains are, for each key, those who stored in it by their calls, each with a vertex from which it and all later ones are
// reached.
type chains struct {
	r       *registers
	writers [][]int32 // by key, transactions
	vertex  []int32   // by key, of the first of them
}

func (r *registers) chains(g *graph) *chains {
	c := &chains{r: r, writers: make([][]int32, len(r.keys)), vertex: make([]int32, len(r.keys))}
	for _, t := range r.txnOf { // in the order of their calls
		for i := r.txns[t].from; i < r.txns[t].to; i++ {
			if m := &r.micros[i]; !m.read && r.last(t, i) {
				c.writers[m.key] = append(c.writers[m.key], t)
			}
		}
	}
	for key, writers := range c.writers {
		c.vertex[key] = int32(len(g.first))
		for n, t := range writers {
			v := g.vertex()
			g.edge(v, r.vertexOf[t], 0)
			if n > 0 {
				g.edge(v-1, v, 0)
			}
		}
	}
	return c
}

// missed draws the edges from a reader to who stored what it did not see: of nothing everybody, and otherwise everybody who
// was called when the store that it saw had returned. That its own store may be among them does no harm.
func (c *chains) missed(g *graph, v, key int32, by *store) {
	writers := c.writers[key]
	if by == nil {
		if len(writers) > 0 {
			g.edge(v, c.vertex[key], rw)
		}
		return
	}
	ret := c.r.txns[by.txn].ret
	if !c.r.txns[by.txn].committed {
		return
	}
	n, _ := slices.BinarySearchFunc(writers, ret, func(t int32, ret int) int { return c.r.txns[t].call - ret })
	if n < len(writers) {
		g.edge(v, c.vertex[key]+int32(n), rw|clock)
	}
}
