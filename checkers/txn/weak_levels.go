package txn

import (
	"context"
	"slices"
)

// committed: who reads from one transaction, and then in another key, which that one also wrote, from another: the other
// wrote there later.
func (w *weak) committed(_ context.Context, emit emit) {
	const none = -2
	type later struct{ stamp, first, second int32 }
	keys := make([]later, len(w.keys))
	var readers []int
	for v := range int32(len(w.txnOf)) {
		reads := w.reads[v]
		distinct := 0         // keys read after the present read
		readers = readers[:0] // positions of the first reads from each transaction
		for n, s := range reads {
			if s.by >= 0 && !slices.ContainsFunc(reads[:n], func(b seen) bool { return b.by == s.by }) {
				readers = append(readers, n)
			}
		}
		for n := len(reads) - 1; n >= 0; n-- {
			s := reads[n]
			if len(readers) > 0 && readers[len(readers)-1] == n {
				readers = readers[:len(readers)-1]
				look := func(key int32) {
					k := &keys[key]
					if k.stamp != v+1 {
						return
					}
					switch {
					case k.first != s.by:
						emit(s.by, k.first, v, key)
					case k.second != none:
						emit(s.by, k.second, v, key)
					}
				}
				if len(w.writes[s.by]) <= distinct {
					for _, key := range w.writes[s.by] {
						look(key)
					}
				} else {
					for _, o := range reads[n+1:] {
						if w.wrote(s.by, o.key) {
							look(o.key)
						}
					}
				}
			}
			k := &keys[s.key]
			if k.stamp != v+1 {
				*k = later{v + 1, s.by, none}
				distinct++
			} else if k.first != s.by {
				k.first, k.second = s.by, k.first
			}
		}
	}
}

// atomic: who reads from one transaction, and in a key that this one also wrote from another: the other wrote there later.
// The same goes for what the session did before.
func (w *weak) atomic(_ context.Context, emit emit) {
	type last struct{ stamp, by int32 }
	keys := make([]last, len(w.keys))
	session := map[int]map[int32]int32{} // by process and key, who wrote last
	for v := range int32(len(w.txnOf)) {
		reads := w.reads[v]
		process := w.txns[w.txnOf[v]].process
		var distinct []int32
		for _, s := range reads {
			keys[s.key] = last{v + 1, s.by}
			if s.by >= 0 && !slices.Contains(distinct, s.by) {
				distinct = append(distinct, s.by)
			}
			if by, has := session[process][s.key]; has && by != s.by {
				emit(by, s.by, v, s.key)
			}
		}
		for _, by := range distinct {
			if len(w.writes[by]) <= len(reads) {
				for _, key := range w.writes[by] {
					if k := keys[key]; k.stamp == v+1 && k.by != by {
						emit(by, k.by, v, key)
					}
				}
				continue
			}
			for _, s := range reads {
				if s.by != by && w.wrote(by, s.key) {
					emit(by, s.by, v, s.key)
				}
			}
		}
		for _, key := range w.writes[v] {
			if session[process] == nil {
				session[process] = map[int32]int32{}
			}
			session[process][key] = v
		}
	}
}

// causal: whoever comes causally before a reader and wrote the key wrote before what was read. Of each session only the
// last such counts, for sessions keep their order.
func (w *weak) causal(ctx context.Context, emit emit) {
	sessions := map[int]int32{} // process -> number
	of, nth := make([]int32, len(w.txnOf)), make([]int32, len(w.txnOf))
	var members [][]int32
	for v, t := range w.txnOf {
		n, known := sessions[w.txns[t].process]
		if !known {
			n = int32(len(members))
			sessions[w.txns[t].process] = n
			members = append(members, nil)
		}
		of[v], nth[v] = n, int32(len(members[n]))
		members[n] = append(members[n], int32(v))
	}
	type writer struct{ session, nth int32 }
	writers := make([][]writer, len(w.keys)) // by key, sorted by session
	for n := range members {
		for _, v := range members[n] {
			for _, key := range w.writes[v] {
				writers[key] = append(writers[key], writer{int32(n), nth[v]})
			}
		}
	}
	order, left := w.topological()
	if left {
		return // so ∪ wr makes a circle by itself, which judge finds
	}
	k := len(members)
	clocks := make([]int32, len(w.txnOf)*k) // by vertex and session: how many of it come causally before
	for done, v := range order {
		if done%4096 == 0 && ctx.Err() != nil {
			return
		}
		clock := clocks[int(v)*k : int(v)*k+k]
		join := func(u int32) {
			for s, n := range clocks[int(u)*k : int(u)*k+k] {
				clock[s] = max(clock[s], n)
			}
			clock[of[u]] = max(clock[of[u]], nth[u]+1)
		}
		if w.before[v] >= 0 {
			join(w.before[v])
		}
		for _, s := range w.reads[v] {
			if s.by >= 0 {
				join(s.by)
			}
		}
		for _, s := range w.reads[v] {
			all := writers[s.key]
			for from := 0; from < len(all); {
				to := from
				for to < len(all) && all[to].session == all[from].session {
					to++
				}
				n, _ := slices.BinarySearchFunc(all[from:to], clock[all[from].session],
					func(a writer, c int32) int { return int(a.nth - c) })
				if n > 0 {
					if u := members[all[from].session][all[from+n-1].nth]; u != s.by {
						emit(u, s.by, v, s.key)
					}
				}
				from = to
			}
		}
	}
}

// topological orders the transactions by session and by who read from whom. It reports whether some are in a circle.
func (w *weak) topological() (order []int32, left bool) {
	n := len(w.txnOf)
	g := newGraph(n, len(w.micros))
	in := make([]int32, n)
	add := func(from, to int32) {
		if from >= 0 && from != to {
			g.edge(from, to, wr)
			in[to]++
		}
	}
	for v := range int32(n) {
		add(w.before[v], v)
		for _, s := range w.reads[v] {
			add(s.by, v)
		}
	}
	for v := range int32(n) {
		if in[v] == 0 {
			order = append(order, v)
		}
	}
	for at := 0; at < len(order); at++ {
		v := order[at]
		for e := g.first[v]; e != 0; e = g.edges[e].next {
			u := g.edges[e].to
			if in[u]--; in[u] == 0 {
				order = append(order, u)
			}
		}
	}
	return order, len(order) < n
}
