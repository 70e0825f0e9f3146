package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Weak returns the checker of [harness.ReadCommitted], [harness.ReadAtomic] or [harness.Causal] for transactions over registers, as [RWRegister]
// has them; every process is a session. It is exact: what it finds is a proof, and where it finds nothing there is an
// order of all transactions with which the level holds (Biswas & Enea, OOPSLA 2019).
//
// From what each transaction must have known, it infers which of two that stored in one key came first, no more than the
// level demands; it holds if and only if that makes no circle (AWDIT: Møldrup & Pavlogiannis, PLDI 2025).
//
// Cost: O(n^1.5) for read committed and read atomic, O(n k log n) for causal with k sessions.
func Weak(level harness.Level) harness.Checker {
	return harness.CheckerFunc(string(level), func(ctx context.Context, h history.History) (harness.Verdict, error) {
		s, err := read(h, false)
		if err != nil {
			return harness.Verdict{}, err
		}
		f := newFindings()
		table, err := s.index()
		if err != nil {
			return harness.Verdict{}, err
		}
		r := &registers{
			script: s, table: table, found: f, cyclic: make([]bool, len(s.keys)), loose: level == harness.ReadCommitted,
		}
		r.inside()
		r.admit()
		w := newWeak(r)
		w.judge(ctx, level)
		v := s.conclude(ctx, f, string(level))
		if v.Validity == harness.Valid {
			v.Level = level
			v.Reason = fmt.Sprintf("%d committed transactions on %s are %s", v.Stats["transactions_committed"],
				words.Count(len(s.keys), "key"), level)
		}
		return v, nil
	})
}

// weak is what each transaction saw of the others, and stored.
type weak struct {
	*registers
	reads  [][]seen  // by vertex, in the order of the transaction
	writes [][]int32 // by vertex, keys, sorted
	before []int32   // by vertex, the one before it in its session, or -1
}

// seen is a read from outside: of nothing where by is -1.
type seen struct{ key, by int32 }

func newWeak(r *registers) *weak {
	n := len(r.txnOf)
	w := &weak{registers: r, reads: make([][]seen, n), writes: make([][]int32, n), before: make([]int32, n)}
	last := map[int]int32{}
	for v, t := range r.txnOf {
		w.before[v] = -1
		if b, has := last[r.txns[t].process]; has {
			w.before[v] = b
		}
		last[r.txns[t].process] = int32(v)
		for i := r.txns[t].from; i < r.txns[t].to; i++ {
			if m := &r.micros[i]; !m.read && r.last(t, i) {
				w.writes[v] = append(w.writes[v], m.key)
			}
		}
		slices.Sort(w.writes[v])
		r.outside(t, func(m *micro, by *store) bool {
			s := seen{m.key, -1}
			if by != nil {
				s.by = r.vertexOf[by.txn]
			}
			w.reads[v] = append(w.reads[v], s)
			return true
		})
	}
	return w
}

// emit is told that one transaction stored in a key before another did, because of what a third one read.
type emit func(first, then, reader, key int32)

// judge looks for a circle in what must have come before what.
func (w *weak) judge(ctx context.Context, level harness.Level) {
	infer, name := w.committed, NonMonotonic
	switch level {
	case harness.ReadAtomic:
		infer, name = w.atomic, Fractured
	case harness.Causal:
		infer, name = w.causal, CausalityViolation
	}
	g := newGraph(len(w.txnOf), len(w.micros)*2)
	for v := range int32(len(w.txnOf)) {
		if w.before[v] >= 0 {
			g.edge(w.before[v], v, session)
		}
		for _, s := range w.reads[v] {
			if s.by >= 0 {
				g.edge(s.by, v, wr)
			}
		}
	}
	nothingBefore := false
	infer(ctx, func(first, then, reader, key int32) {
		if then < 0 {
			nothingBefore = true
			w.tooOld(name, first, reader, key)
			return
		}
		g.edge(first, then, ww)
	})
	if nothingBefore {
		return
	}
	g.build()
	components := g.components(ww | wr | session)
	local := make([]int32, g.vertices)
	for _, c := range components {
		part := g.part(c, ww|wr|session, local)
		for _, first := range []kind{ww, wr} {
			steps := part.hunt(phenomenon{allowed: ww | wr | session, first: first})
			if steps == nil {
				continue
			}
			w.tell(ctx, name, infer, steps)
			break
		}
	}
}

// tooOld tells of a read of nothing by somebody who knew of a store.
func (w *weak) tooOld(name string, first, reader, key int32) {
	a, b := w.txnOf[first], w.txnOf[reader]
	w.found.add(name, w.spellKey(key), 2, func() (string, []int32, int32) {
		return w.script.tell(b, "read nothing in key %s, although what it had read before, or its session had done, came after %s's "+
				"transaction (%s), which had written there.", w.spellKey(key), words.Who(w.pairOf(a)), words.Lasted(w.pairOf(a))),
			w.at(append(w.between(first, reader), a, b)...), w.txns[b].pair
	})
}

// between returns who is between two on a shortest way by session and by who read from whom.
func (w *weak) between(from, to int32) []int32 {
	after := map[int32]int32{to: to}
	line := []int32{to}
	for len(line) > 0 {
		v := line[0]
		line = line[1:]
		if v == from {
			var way []int32
			for v = after[v]; v != to; v = after[v] {
				way = append(way, w.txnOf[v])
			}
			return way
		}
		visit := func(u int32) {
			if _, seen := after[u]; u >= 0 && !seen {
				after[u] = v
				line = append(line, u)
			}
		}
		visit(w.before[v])
		for _, s := range w.reads[v] {
			visit(s.by)
		}
	}
	return nil
}

// tell tells of a circle, with the readers that force its steps.
func (w *weak) tell(ctx context.Context, name string, infer func(context.Context, emit), steps []step) {
	type pair struct{ first, then int32 }
	why := map[pair]seen{} // the reader in place of the writer
	for _, s := range steps {
		if s.why&ww != 0 {
			why[pair{s.from, s.to}] = seen{-1, -1}
		}
	}
	infer(ctx, func(first, then, reader, key int32) {
		if at, wanted := why[pair{first, then}]; wanted && at.by < 0 {
			why[pair{first, then}] = seen{key, reader}
		}
	})
	c := cycle{phenomenon{name: name}, steps, 1}
	var txns, all []int32
	for _, s := range steps {
		txns = append(txns, w.txnOf[s.from])
		if at, inferred := why[pair{s.from, s.to}]; inferred {
			all = append(all, w.between(s.from, at.by)...)
			all = append(all, w.txnOf[at.by])
		}
	}
	all = append(all, txns...)
	w.found.add(name, "", len(unique(sorted(all))), func() (string, []int32, int32) {
		n := -1
		return w.script.circle(txns, c, func(from, to int32, kinds kind) string {
			n++
			at, inferred := why[pair{steps[n].from, steps[n].to}]
			if kinds&ww == 0 || !inferred {
				return w.reason(from, to, kinds)
			}
			reader := w.pairOf(w.txnOf[at.by])
			return fmt.Sprintf("both wrote key %s, and %s's transaction (%s) knew of FROM when it read what TO wrote",
				w.spellKey(at.key), words.Who(reader), words.Lasted(reader))
		}), w.at(all...), -1
	})
}

func (w *weak) wrote(v, key int32) bool {
	_, found := slices.BinarySearch(w.writes[v], key)
	return found
}

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
	g.build()
	for v := range int32(n) {
		if in[v] == 0 {
			order = append(order, v)
		}
	}
	for at := 0; at < len(order); at++ {
		v := order[at]
		for e := g.start[v]; e < g.start[v+1]; e++ {
			u := g.next[e]
			if in[u]--; in[u] == 0 {
				order = append(order, u)
			}
		}
	}
	return order, len(order) < n
}
