package txn

import (
	"context"
	"slices"
)

// phenomenon is a sort of cycle.
type phenomenon struct {
	name    string
	rank    int  // how bad it is: a lower one is worse
	strict  int  // 0 plain, 1 also over sessions, 2 also over real time
	allowed kind // edges it may have
	first   kind // what it must have, and the search begins with
	must    kind // what it must have besides
	single  bool // it has one anti-dependency, no more
	apart   bool // no two anti-dependencies follow each other
}

const (
	rankG0 = iota
	rankG1c
	rankGSingle
	rankGNonadjacent
	rankG2
	ranks = iota // how many there are
)

// phenomena are all sorts, the worst first: those of Adya 1999 with Elle's names (Kingsbury & Alvaro 2020). The ones over
// sessions have at least one step of a process, those over real time at least one of the clock.
func phenomena() []phenomenon {
	var all []phenomenon
	for strict, s := range []struct {
		suffix        string
		allowed, must kind
	}{{"", 0, 0}, {"-process", session, session}, {"-realtime", session | clock, clock}} {
		g0 := phenomenon{name: G0 + s.suffix, rank: rankG0, strict: strict, allowed: ww | s.allowed, first: ww, must: s.must}
		g1c, gSingle := g0, g0
		g1c.name, g1c.rank, g1c.allowed, g1c.first = G1c+s.suffix, rankG1c, ww|wr|s.allowed, wr
		gSingle.name, gSingle.rank, gSingle.single = GSingle+s.suffix, rankGSingle, true
		gSingle.allowed, gSingle.first = ww|wr|rw|s.allowed, rw
		nonadjacent := gSingle
		nonadjacent.name, nonadjacent.rank, nonadjacent.single = GNonadjacent+s.suffix, rankGNonadjacent, false
		nonadjacent.apart = true
		g2 := nonadjacent
		g2.name, g2.rank, g2.apart = G2+s.suffix, rankG2, false
		all = append(all, g0, g1c, gSingle, nonadjacent, g2)
	}
	return all
}

// dominates reports whether whoever knows of p learns little from q: it is no worse and needs no less. What says
// most plainly that something is wrong, the first three without sessions and time, is always looked for.
func (p phenomenon) dominates(q phenomenon) bool {
	if q.strict == 0 && q.rank <= rankGSingle {
		return false
	}
	return p.rank <= q.rank && p.strict <= q.strict
}

// cycle is transactions each of which comes before the next, and the last before the first.
type cycle struct {
	phenomenon
	steps []step
	count int // components in which there is one
}

type step struct {
	from, to int32
	why      kind
}

// patience is how many edges one look for a sort of cycle in one component follows.
const patience = 20_000_000

// cycles returns a shortest cycle of every phenomenon there is. It ends early with ctx.
func (g *graph) cycles(ctx context.Context) []cycle {
	entangled := slices.Concat(g.components(nil, ww|wr|rw|session|clock)...)
	if len(entangled) == 0 {
		return nil
	}
	var found []cycle
	all := phenomena()
	local := make([]int32, len(g.first))
	seen := map[int32][]phenomenon{} // by vertex that stands for a component: what was found in it
	for strict := range 3 {
		allowed := all[strict*ranks+rankG2].allowed
		for _, component := range g.components(entangled, allowed) {
			var known []phenomenon
			for _, v := range component {
				known = append(known, seen[v]...)
			}
			part := g.part(component, allowed, local)
			for _, p := range all[strict*ranks:][:ranks] {
				if ctx.Err() != nil {
					return found
				}
				if slices.ContainsFunc(known, func(q phenomenon) bool { return q.dominates(p) }) {
					continue
				}
				if steps := part.hunt(p); steps != nil {
					known = append(known, p)
					found = add(found, cycle{p, steps, 1})
				}
			}
			if len(known) == 0 { // the patience was not enough
				if steps := part.some(allowed); steps != nil {
					p := classify(steps)
					known = append(known, p)
					found = add(found, cycle{p, steps, 1})
				}
			}
			seen[component[0]] = known
		}
	}
	return found
}

// add counts a cycle, and keeps the shorter of two with one name.
func add(found []cycle, c cycle) []cycle {
	at := slices.IndexFunc(found, func(f cycle) bool { return f.name == c.name })
	if at < 0 {
		return append(found, c)
	}
	f := &found[at]
	if f.count++; len(c.steps) < len(f.steps) {
		f.steps = c.steps
	}
	return found
}

// classify names a cycle by its edges.
func classify(steps []step) phenomenon {
	var has kind
	rws, adjacent := 0, false
	for i, s := range steps {
		has |= s.why
		if s.why&rw != 0 {
			rws++
			adjacent = adjacent || steps[(i+1)%len(steps)].why&rw != 0
		}
	}
	strict, rank := 0, rankG0
	switch {
	case has&clock != 0:
		strict = 2
	case has&session != 0:
		strict = 1
	}
	switch {
	case rws == 1:
		rank = rankGSingle
	case rws > 1 && !adjacent:
		rank = rankGNonadjacent
	case rws > 1:
		rank = rankG2
	case has&wr != 0:
		rank = rankG1c
	}
	return phenomena()[strict*ranks+rank]
}

// part is a component with vertices of its own.
type part struct {
	vertex      []int32 // in the graph
	start, next []int32
	why         []kind
	real        []bool // it is a transaction

	// Of a look: by vertex and flags.
	stamp  []int32
	length []int32
	parent []int32
	via    []kind // of the edge that led here
	look   int32
}

// flags is what a path has had so far.
type flags uint8

const (
	lastRW flags = 1 << iota // its last step between transactions is an anti-dependency
	moreRW                   // it has a second one
	hasMust
	flagSets = 1 << iota
)

func (g *graph) part(component []int32, allowed kind, local []int32) *part {
	p := &part{vertex: component, start: make([]int32, 1, len(component)+1), real: make([]bool, len(component))}
	for i, v := range component {
		local[v] = int32(i) + 1
	}
	for i, v := range component {
		p.real[i] = int(v) < g.transactions
		for at := g.first[v]; at != 0; at = g.edges[at].next {
			e := &g.edges[at]
			if w := local[e.to]; w > 0 && e.why&^allowed == 0 {
				p.next, p.why = append(p.next, w-1), append(p.why, e.why)
			}
		}
		p.start = append(p.start, int32(len(p.next)))
	}
	for _, v := range component {
		local[v] = 0
	}
	return p
}

// hunt returns a shortest cycle of a sort, or nil where there is none, or none was found with patience.
func (p *part) hunt(sort phenomenon) []step {
	p.prepare()
	var best []step
	left := patience
	for v := range p.vertex {
		if !p.real[v] {
			continue
		}
		for e := p.start[v]; e < p.start[v+1] && left > 0; e++ {
			if p.why[e]&sort.first == 0 || p.why[e]&^sort.allowed != 0 {
				continue
			}
			limit := len(p.vertex) + 1
			if best != nil {
				limit = len(best)
			}
			if steps := p.around(int32(v), e, sort, limit, &left); steps != nil {
				best = steps
			}
		}
		if len(best) == 2 {
			break
		}
	}
	return best
}

func (p *part) prepare() {
	if p.stamp == nil {
		n := len(p.vertex) * flagSets
		p.stamp, p.parent, p.via = make([]int32, n), make([]int32, n), make([]kind, n)
		p.length = make([]int32, n)
	}
}

// after returns what a path has had when it has had that and goes on by an edge, or false where the sort forbids it.
func (sort *phenomenon) after(f flags, why kind) (flags, bool) {
	if why == 0 {
		return f, true
	}
	if why&^sort.allowed != 0 {
		return f, false
	}
	if why&sort.must != 0 {
		f |= hasMust
	}
	if why&rw == 0 {
		return f &^ lastRW, true
	}
	if sort.single || sort.apart && f&lastRW != 0 {
		return f, false
	}
	return f | lastRW | moreRW, true
}

// closes reports whether a path that leads back to where it began is a cycle of the sort.
func (sort *phenomenon) closes(f flags) bool {
	switch {
	case sort.must != 0 && f&hasMust == 0, sort.apart && f&lastRW != 0:
		return false
	case sort.first == rw && !sort.single:
		return f&moreRW != 0
	}
	return true
}

// around returns a shortest way from a vertex by one of its edges back to it, of less than limit steps: breadth first over
// vertices and what the path has had. Vertices that are no transactions cost nothing.
func (p *part) around(home, first int32, sort phenomenon, limit int, left *int) []step {
	p.look++
	begin := flags(0)
	if p.why[first]&sort.must != 0 {
		begin |= hasMust
	}
	if p.why[first]&rw != 0 {
		begin |= lastRW
	}
	const root = -1
	at := func(v int32, f flags) int32 { return v*flagSets + int32(f) }
	visit := func(v int32, f flags, from, length int32, why kind) bool {
		n := at(v, f)
		if p.stamp[n] == p.look && p.length[n] <= length {
			return false
		}
		p.stamp[n], p.parent[n], p.via[n], p.length[n] = p.look, from, why, length
		return true
	}
	var now, next []int32
	visit(p.next[first], begin, root, 1, p.why[first])
	now = append(now, at(p.next[first], begin))
	for length := int32(1); int(length) < limit && len(now) > 0; length++ {
		for len(now) > 0 {
			n := now[len(now)-1]
			now = now[:len(now)-1]
			if p.length[n] < length {
				continue // it was come to by a shorter way, and gone on from
			}
			v, f := n/flagSets, flags(n%flagSets)
			if v == home {
				if length > 1 && sort.closes(f) { // who stored in what it read may lead to itself
					return p.path(home, n)
				}
				continue
			}
			for e := p.start[v]; e < p.start[v+1]; e++ {
				if *left--; *left < 0 {
					return nil
				}
				g, ok := sort.after(f, p.why[e])
				if !ok {
					continue
				}
				m := at(p.next[e], g)
				switch {
				case p.why[e] == 0 && visit(p.next[e], g, n, length, 0):
					now = append(now, m)
				case p.why[e] != 0 && visit(p.next[e], g, n, length+1, p.why[e]):
					next = append(next, m)
				}
			}
		}
		now, next = next, now
	}
	return nil
}

// path returns the steps between transactions that led back home.
func (p *part) path(home, n int32) []step {
	var steps []step
	to, why := home, kind(0)
	for {
		why |= p.via[n]
		n = p.parent[n]
		v := home
		if n >= 0 {
			v = n / flagSets
		}
		if p.real[v] {
			steps = append(steps, step{p.vertex[v], p.vertex[to], why})
			to, why = v, 0
		}
		if n < 0 {
			slices.Reverse(steps)
			return steps
		}
	}
}

// some returns any cycle at all.
func (p *part) some(allowed kind) []step {
	p.prepare()
	left := len(p.next) * flagSets * 2
	for v := range p.vertex {
		for e := p.start[v]; p.real[v] && e < p.start[v+1]; e++ {
			return p.around(int32(v), e, phenomenon{allowed: allowed}, len(p.vertex)+1, &left)
		}
	}
	return nil
}
