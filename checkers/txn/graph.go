package txn

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
	vertices     int
	from, to     []int32
	kinds        []kind

	start []int32 // by vertex, where its edges begin in the following, after build
	next  []int32
	why   []kind
}

// newGraph makes a graph with room for so many edges besides those of session and clock.
func newGraph(transactions, edges int) *graph {
	edges += 4 * transactions
	return &graph{
		transactions: transactions, vertices: transactions,
		from: make([]int32, 0, edges), to: make([]int32, 0, edges), kinds: make([]kind, 0, edges),
	}
}

// vertex makes another vertex, which is no transaction.
func (g *graph) vertex() int32 {
	g.vertices++
	return int32(g.vertices - 1)
}

func (g *graph) edge(from, to int32, why kind) {
	if from == to {
		return
	}
	g.from, g.to, g.kinds = append(g.from, from), append(g.to, to), append(g.kinds, why)
}

// build sorts the edges by where they come from.
func (g *graph) build() {
	g.start = make([]int32, g.vertices+1)
	for _, v := range g.from {
		g.start[v+1]++
	}
	for v := range g.vertices {
		g.start[v+1] += g.start[v]
	}
	at := append([]int32(nil), g.start...)
	g.next, g.why = make([]int32, len(g.to)), make([]kind, len(g.to))
	for i, v := range g.from {
		g.next[at[v]], g.why[at[v]] = g.to[i], g.kinds[i]
		at[v]++
	}
	g.from, g.to, g.kinds = nil, nil, nil
}

// components returns the strongly connected components (Tarjan 1972) of the edges whose kinds are all allowed: those that
// have several transactions.
func (g *graph) components(allowed kind) [][]int32 {
	const unseen = 0
	type frame struct{ v, edge int32 }
	index, low := make([]int32, g.vertices), make([]int32, g.vertices)
	stack, path := make([]int32, 0, g.vertices), make([]frame, 0, g.vertices)
	var found [][]int32
	done := int32(1 << 30) // larger than every index: the component of the vertex is known
	count := int32(0)
	for root := range int32(g.vertices) {
		if index[root] != unseen {
			continue
		}
		count++
		index[root], low[root] = count, count
		stack, path = append(stack, root), append(path, frame{root, g.start[root]})
		for len(path) > 0 {
			f := &path[len(path)-1]
			if f.edge < g.start[f.v+1] {
				e := f.edge
				f.edge++
				if g.why[e]&^allowed != 0 {
					continue
				}
				switch w := g.next[e]; {
				case index[w] == unseen:
					count++
					index[w], low[w] = count, count
					stack, path = append(stack, w), append(path, frame{w, g.start[w]})
				case low[w] != done:
					low[f.v] = min(low[f.v], index[w])
				}
				continue
			}
			v := f.v
			path = path[:len(path)-1]
			if len(path) > 0 {
				above := path[len(path)-1].v
				low[above] = min(low[above], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			at := len(stack) - 1
			transactions := 0
			for ; ; at-- {
				low[stack[at]] = done
				if int(stack[at]) < g.transactions {
					transactions++
				}
				if stack[at] == v {
					break
				}
			}
			if transactions > 1 {
				found = append(found, append([]int32(nil), stack[at:]...))
			}
			stack = stack[:at]
		}
	}
	return found
}
