package txn

import "math"

// kind is why one transaction comes before another: a set of the following. An edge of the empty set leads on from a
// vertex that stands for no transaction.
type kind uint8

const (
	ww      kind = 1 << iota // it installed a version, and the other the one after it
	wr                       // the other read the version that it installed
	rw                       // it read a version, and the other installed one after it
	session                  // the same process called it before
	clock                    // it had returned when the other was called
)

// graph is which transaction comes before which. Its first vertices are the transactions; the others stand for sets of
// edges: all that would go from any of those that lead to the vertex to any of those that it leads to.
type graph struct {
	transactions int
	first        []int32 // by vertex, its latest edge; 0 where it has none
	edges        []edge  // but for the first, which is none
	index        []int32 // by vertex, of components
}

// edge leads to a vertex. Those from one vertex are a chain.
type edge struct {
	to   int32
	next int32 // the one before it from the same vertex, or 0
	why  kind
}

// newGraph makes a graph with room for so many edges.
func newGraph(transactions, edges int) *graph {
	return &graph{
		transactions: transactions, first: make([]int32, transactions, 2*transactions), edges: make([]edge, 1, 1+edges),
	}
}

// vertex makes another vertex, which is no transaction.
func (g *graph) vertex() int32 {
	g.first = append(g.first, 0)
	return int32(len(g.first) - 1)
}

func (g *graph) edge(from, to int32, why kind) {
	if from == to {
		return
	}
	g.edges = append(g.edges, edge{to, g.first[from], why})
	g.first[from] = int32(len(g.edges) - 1)
}

// done is the index of a vertex whose component is known.
const done = math.MaxInt32

// components returns the strongly connected components (Tarjan 1972) of the edges whose kinds are all allowed: those that
// have several transactions, each sorted. It looks at some vertices, of which no cycle leads out, or at all where they are nil.
//
// It begins with the latest vertices. Nearly every edge leads to a later one, whose component is then known already, so
// that the path stays short.
func (g *graph) components(among []int32, allowed kind) [][]int32 {
	if among == nil {
		g.index = make([]int32, len(g.first))
		s := tarjan{g: g, allowed: allowed}
		for v := len(g.first) - 1; v >= 0; v-- {
			s.from(int32(v))
		}
		return s.found
	}
	for _, v := range among {
		g.index[v] = 0
	}
	s := tarjan{g: g, allowed: allowed}
	for _, v := range among {
		s.from(v)
	}
	return s.found
}

// tarjan is a look for components. The index of a vertex is 0 until it is seen, then its place in the order in which they
// were seen, and in the end [done].
type tarjan struct {
	g       *graph
	allowed kind
	count   int32
	stack   []int32 // whose component is not known yet
	path    []frame
	found   [][]int32
}

// frame is a vertex of the path.
type frame struct {
	v    int32
	edge int32 // the next one to look at
	low  int32 // the least index on the stack that can be reached from it
}

func (s *tarjan) visit(v int32) {
	s.count++
	s.g.index[v] = s.count
	s.stack = append(s.stack, v)
	s.path = append(s.path, frame{v, s.g.first[v], s.count})
}

// from finds the components of what can be reached from a vertex.
func (s *tarjan) from(root int32) {
	index, edges := s.g.index, s.g.edges
	if index[root] != 0 {
		return
	}
	s.visit(root)
	for len(s.path) > 0 {
		f := &s.path[len(s.path)-1]
		if f.edge != 0 {
			e := &edges[f.edge]
			f.edge = e.next
			switch {
			case e.why&^s.allowed != 0:
			case index[e.to] == 0:
				s.visit(e.to)
			case index[e.to] != done:
				f.low = min(f.low, index[e.to])
			}
			continue
		}
		v, low := f.v, f.low
		s.path = s.path[:len(s.path)-1]
		if low == index[v] {
			s.component(v)
			continue
		}
		above := &s.path[len(s.path)-1]
		above.low = min(above.low, low)
	}
}

// component takes off the stack the component of which a vertex was seen first.
func (s *tarjan) component(v int32) {
	at, transactions := len(s.stack), 0
	for at == len(s.stack) || s.stack[at] != v {
		at--
		s.g.index[s.stack[at]] = done
		if int(s.stack[at]) < s.g.transactions {
			transactions++
		}
	}
	if transactions > 1 {
		s.found = append(s.found, sorted(s.stack[at:]))
	}
	s.stack = s.stack[:at]
}

// topological orders the vertices by the edges whose kinds are all allowed (Kahn 1962). It leaves out those that are on a
// cycle or come after one.
func (g *graph) topological(allowed kind) []int32 {
	left := make([]int32, len(g.first)) // by vertex: edges that lead to it from those not yet in order
	for _, e := range g.edges[1:] {
		if e.why&^allowed == 0 {
			left[e.to]++
		}
	}
	order := make([]int32, 0, len(left))
	for v, n := range left {
		if n == 0 {
			order = append(order, int32(v))
		}
	}
	for at := 0; at < len(order); at++ {
		for e := g.first[order[at]]; e != 0; e = g.edges[e].next {
			if g.edges[e].why&^allowed != 0 {
				continue
			}
			to := g.edges[e].to
			if left[to]--; left[to] == 0 {
				order = append(order, to)
			}
		}
	}
	return order
}
