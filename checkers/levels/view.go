package levels

import (
	"math/bits"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// view is what must hold of one order of a register's operations. A value's writer and all who saw it, its cluster,
// stand together in it, and where somebody swapped a value for another, so do their clusters: they are a block. An
// order exists if and only if nothing is wrong inside a block and the blocks do not have to come before each other in
// a ring.
//
// A value of the register is a node here.
type view struct {
	r      *register
	values []int32 // by node; nil in the view of everything, where every value is its own node
	node   []int32 // by value, -1 for those that are not part of the view; nil as values
	next   []int32 // by node: the swap that replaced the value, -1 where none did; nil where there is no swap
	head   []int32 // by node: the node with which its block begins; nil as next: each is a block then
	depth  []int32 // by node: how many swaps after it; nil as next
	wrong  []int32 // operations that contradict each other inside a block
	rule   string  // what they break, in the words of package linear, where these have a word
}

// everything is the view of somebody who sees all operations. On the way it finds the spans of the clusters, and whether
// somebody saw what nothing stored.
func (r *register) everything() *view {
	v := &view{r: r}
	r.spans = r.pool.unset(3 * r.Object.Values)
	for i := range r.ops { // in the order of the calls
		if !r.part[i] {
			continue
		}
		o, at := &r.ops[i], int32(i)
		c := r.spans.of(o.Value)
		if c.first = r.sooner(c.first, at); o.Kind == linear.Read {
			c.read = at
		} else {
			c.fixed = at
		}
		r.spans.set(o.Value, c)
		if look, saw := looks(o); saw && look != 0 && r.writer[look] < 0 && r.nowhere < 0 {
			r.nowhere = at
		}
		if swaps(o) {
			v.link(at)
		}
	}
	v.chain()
	return v
}

// size is how many nodes there are.
func (v *view) size() int {
	if v.node == nil {
		return len(v.r.writer)
	}
	return len(v.values)
}

func (v *view) nodeOf(value int32) int32 {
	if v.node == nil {
		return value
	}
	return v.node[value]
}

func (v *view) valueOf(n int32) int32 {
	if v.node == nil {
		return n
	}
	return v.values[n]
}

func (v *view) headOf(n int32) int32 {
	if v.next == nil {
		return n
	}
	return v.head[n]
}

func (v *view) depthOf(n int32) int32 {
	if v.next == nil {
		return 0
	}
	return v.depth[n]
}

// add makes a value part of the view. All are added before any is linked.
func (v *view) add(value int32) {
	if v.node[value] < 0 {
		v.node[value] = int32(len(v.values))
		v.values = append(v.values, value)
	}
}

// link joins the clusters of a swap.
func (v *view) link(i int32) {
	if v.next == nil {
		v.next = v.r.pool.unset(v.size())
	}
	from := v.nodeOf(v.r.ops[i].From)
	if v.next[from] >= 0 {
		v.fault(linear.Twice, v.next[from], i)
		return
	}
	v.next[from] = i
}

// fault notes operations that contradict each other, the first time.
func (v *view) fault(rule string, ops ...int32) {
	if v.wrong == nil {
		v.wrong, v.rule = ops, rule
	}
}

// follows reports whether a node's value is one that a swap of the view put in the place of another.
func (v *view) follows(n int32) bool {
	w := v.r.writer[v.valueOf(n)]
	if w < 0 || !swaps(&v.r.ops[w]) {
		return false
	}
	from := v.nodeOf(v.r.ops[w].From)
	return from >= 0 && v.next[from] == w
}

// chain finds the blocks. Swaps whose values came from each other in a ring are wrong; each is its own block then.
func (v *view) chain() {
	if v.next == nil {
		return
	}
	v.head, v.depth = v.r.pool.unset(v.size()), v.r.pool.zeros(v.size())
	for n := range v.head {
		if !v.follows(int32(n)) {
			v.walk(int32(n), func(at int32, depth int) { v.head[at], v.depth[at] = int32(n), int32(depth) })
		}
	}
	for n := range v.head {
		if v.head[n] >= 0 {
			continue
		}
		var ring []int32
		for at := int32(n); v.head[at] < 0; {
			v.head[at] = at
			w := v.r.writer[v.valueOf(at)]
			ring = append(ring, w)
			at = v.nodeOf(v.r.ops[w].From)
		}
		v.fault(linear.Ring, ring...)
	}
}

// walk goes through a block from its head.
func (v *view) walk(head int32, each func(node int32, depth int)) {
	for n, depth := head, 0; ; depth++ {
		each(n, depth)
		if v.next == nil || v.next[n] < 0 {
			return
		}
		n = v.nodeOf(v.r.ops[v.next[n]].Value)
	}
}

// bind takes the demand that an operation on a node comes before one on another. It returns what blocks it ties; false
// where they are one.
func (v *view) bind(d bond) (b bond, apart bool) {
	b = bond{v.headOf(d.from), v.headOf(d.to), d.before, d.after}
	switch apart = b.from != b.to; {
	case !apart && (v.depthOf(d.from) > v.depthOf(d.to) || d.from == d.to && stores(&v.r.ops[d.after])):
		v.fault("", d.before, d.after)
	case apart && v.valueOf(b.to) == 0: // the block that begins with the initial value is the first
		v.fault("", d.before, d.after)
	}
	return b, apart
}

// held looks for a contradiction between demands. The places are those of the nodes.
func (v *view) held(place []int32, demands bonds) Finding {
	ties := bonds{demands.count, func(n int32) (bond, bool) {
		d, is := demands.at(n)
		if !is || v.wrong != nil {
			return bond{}, false
		}
		b, apart := v.bind(d)
		return b, apart && v.wrong == nil
	}}
	if v.wrong == nil {
		if ring := v.r.pool.cycle(place, ties); v.wrong == nil {
			return v.r.brokenBy(ring, demands)
		}
	}
	return broken(v.r, v.wrong)
}

// brokenBy is the finding that bonds lead from a node back to itself; that all is well where there are none.
func (r *register) brokenBy(ring []int32, all bonds) Finding {
	if len(ring) == 0 {
		return Finding{Held: true}
	}
	ops := r.pool.take(2 * len(ring))[:0]
	for _, n := range ring {
		b, _ := all.at(n)
		for _, i := range [2]int32{b.before, b.after} {
			if i >= 0 {
				ops = append(ops, i)
			}
		}
	}
	f := broken(r, ops)
	r.pool.give(ops)
	return f
}

// broken is the finding that operations contradict each other, with the writers of what they saw; that all is well
// where there are none.
func broken(r *register, ops []int32) Finding {
	if len(ops) == 0 {
		return Finding{Held: true}
	}
	return Finding{Witness: r.withWriters(ops)}
}

// withWriters adds whoever stored the values that operations are about.
func (r *register) withWriters(ops []int32) []int32 {
	if len(ops) > 1024 {
		return r.marked(ops)
	}
	all := slices.Clone(ops)
	for _, i := range ops {
		if v, saw := looks(&r.ops[i]); saw && r.writer[v] >= 0 {
			all = append(all, r.writer[v])
		}
	}
	return sorted(all)
}

// marked is withWriters for many, which are not sorted but marked.
func (r *register) marked(ops []int32) []int32 {
	marks, count := make([]uint64, len(r.ops)/64+1), 0
	for _, i := range ops {
		marks[i/64] |= 1 << (i % 64)
		if v, saw := looks(&r.ops[i]); saw && r.writer[v] >= 0 {
			w := r.writer[v]
			marks[w/64] |= 1 << (w % 64)
		}
	}
	for _, m := range marks {
		count += bits.OnesCount64(m)
	}
	all := make([]int32, 0, count)
	for n, m := range marks {
		for ; m != 0; m &= m - 1 {
			all = append(all, int32(64*n+bits.TrailingZeros64(m)))
		}
	}
	return all
}

// sorted returns operations by position, each once.
func sorted(ops []int32) []int32 {
	slices.Sort(ops)
	return slices.Compact(ops)
}
