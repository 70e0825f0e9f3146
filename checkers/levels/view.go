package levels

import (
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
	values []int32 // by node
	node   []int32 // by value, -1 for those that are not part of the view
	next   []int32 // by node: the swap that replaced the value, -1 where none did
	head   []int32 // by node: the node with which its block begins
	depth  []int32 // by node: how many swaps after it
	bonds  []bond
	wrong  []int32 // operations that contradict each other inside a block
	rule   string  // what they break, in the words of package linear, where these have a word
}

// bond says that a node has to come before another, and which two operations demand it; -1 is none.
type bond struct{ from, to, before, after int32 }

// everything is the view of somebody who sees all operations: a node is a value.
func (r *register) everything() *view {
	v := &view{r: r, values: make([]int32, r.Object.Values), node: make([]int32, r.Object.Values)}
	for i := range v.values {
		v.values[i], v.node[i] = int32(i), int32(i)
	}
	v.next = unset(len(v.values))
	for i := range r.ops {
		if r.part[i] && swaps(&r.ops[i]) {
			v.link(int32(i))
		}
	}
	v.chain()
	return v
}

// add makes a value part of the view.
func (v *view) add(value int32) {
	if v.node[value] < 0 {
		v.node[value] = int32(len(v.values))
		v.values = append(v.values, value)
		v.next = append(v.next, -1)
	}
}

// link joins the clusters of a swap.
func (v *view) link(i int32) {
	from := v.node[v.r.ops[i].From]
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
	w := v.r.writer[v.values[n]]
	if w < 0 || !swaps(&v.r.ops[w]) {
		return false
	}
	from := v.node[v.r.ops[w].From]
	return from >= 0 && v.next[from] == w
}

// chain finds the blocks. Swaps whose values came from each other in a ring are wrong; each is its own block then.
func (v *view) chain() {
	v.head, v.depth = unset(len(v.values)), make([]int32, len(v.values))
	for n := range v.values {
		if !v.follows(int32(n)) {
			v.walk(int32(n), func(at int32, depth int) { v.head[at], v.depth[at] = int32(n), int32(depth) })
		}
	}
	for n := range v.values {
		if v.head[n] >= 0 {
			continue
		}
		var ring []int32
		for at := int32(n); v.head[at] < 0; {
			v.head[at] = at
			w := v.r.writer[v.values[at]]
			ring = append(ring, w)
			at = v.node[v.r.ops[w].From]
		}
		v.fault(linear.Ring, ring...)
	}
}

// walk goes through a block from its head.
func (v *view) walk(head int32, each func(node int32, depth int)) {
	for n, depth := head, 0; ; depth++ {
		each(n, depth)
		if v.next[n] < 0 {
			return
		}
		n = v.node[v.r.ops[v.next[n]].Value]
	}
}

// bind demands that an operation comes before another.
func (v *view) bind(before, after int32) {
	a, b := v.node[v.r.ops[before].Value], v.node[v.r.ops[after].Value]
	same := v.head[a] == v.head[b]
	switch {
	case same && (v.depth[a] > v.depth[b] || a == b && stores(&v.r.ops[after])):
		v.fault("", before, after)
	case !same && v.values[v.head[b]] == 0: // the block that begins with the initial value is the first
		v.fault("", before, after)
	case !same:
		v.bonds = append(v.bonds, bond{v.head[a], v.head[b], before, after})
	}
}

// held looks for a contradiction.
func (v *view) held() Finding {
	if v.wrong == nil {
		v.wrong = witnesses(ring(len(v.values), v.bonds))
	}
	return broken(v.r, v.wrong)
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
	all := slices.Clone(ops)
	for _, i := range ops {
		if v, saw := looks(&r.ops[i]); saw && r.writer[v] >= 0 {
			all = append(all, r.writer[v])
		}
	}
	return sorted(all)
}

// sorted returns operations by position, each once.
func sorted(ops []int32) []int32 {
	slices.Sort(ops)
	return slices.Compact(ops)
}

func witnesses(bonds []bond) []int32 {
	var ops []int32
	for _, b := range bonds {
		for _, i := range []int32{b.before, b.after} {
			if i >= 0 {
				ops = append(ops, i)
			}
		}
	}
	return ops
}

// ring returns bonds that lead from a node back to itself, as few as there are for that node; none where there is no
// such node.
//
// Cost: O(nodes + bonds).
func ring(nodes int, bonds []bond) []bond {
	start, demands := make([]int32, nodes+1), make([]int32, nodes) // demands: how many must still come before
	for _, b := range bonds {
		start[b.from]++
		demands[b.to]++
	}
	sum := int32(0)
	for n := range start {
		sum, start[n] = sum+start[n], sum
	}
	out, fill := make([]int32, len(bonds)), slices.Clone(start[:nodes])
	for i, b := range bonds {
		out[fill[b.from]] = int32(i)
		fill[b.from]++
	}
	free := fill[:0]
	for n, d := range demands {
		if d == 0 {
			free = append(free, int32(n))
		}
	}
	for done := 0; done < len(free); done++ {
		n := free[done]
		for _, i := range out[start[n]:start[n+1]] {
			to := bonds[i].to
			if demands[to]--; demands[to] == 0 {
				free = append(free, to)
			}
		}
	}
	if len(free) == nodes {
		return nil
	}
	left := func(n int32) bool { return demands[n] > 0 }
	return around(onRing(nodes, bonds, left), bonds, func(n int32) []int32 { return out[start[n]:start[n+1]] }, left)
}

// onRing returns a node of a ring: each of those that are left has another before it, so that going back leads into
// one.
func onRing(nodes int, bonds []bond, left func(int32) bool) int32 {
	before := unset(nodes)
	at := int32(-1)
	for _, b := range bonds {
		if left(b.from) && left(b.to) {
			before[b.to], at = b.from, b.to
		}
	}
	for range nodes {
		at = before[at]
	}
	return at
}

// around finds the shortest way from a node back to itself.
func around(node int32, bonds []bond, out func(int32) []int32, left func(int32) bool) []bond {
	came := map[int32]int32{} // the bond by which a node was reached first
	for queue := []int32{node}; ; queue = queue[1:] {
		for _, i := range out(queue[0]) {
			to := bonds[i].to
			if _, met := came[to]; met || !left(to) {
				continue
			}
			came[to] = i
			queue = append(queue, to)
		}
		if i, met := came[node]; met {
			way := []bond{bonds[i]}
			for bonds[i].from != node {
				i = came[bonds[i].from]
				way = append(way, bonds[i])
			}
			return way
		}
	}
}
