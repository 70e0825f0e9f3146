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
// It judges whole histories only: without real time a transaction may read something older for ever, so that hardly any
// could be forgotten while a run goes on.
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
	graph     *graph
	seen      []seen  // of all transactions, in their order
	seenTo    []int32 // by vertex and one more, where its own begin in it
	written   []int32 // keys; of each transaction they are sorted
	writtenTo []int32
	before    []int32 // by vertex, the one before it in its session, or -1
}

// seen is a read from outside: of nothing where by is -1.
type seen struct{ key, by int32 }

func newWeak(r *registers) *weak {
	n := len(r.txnOf)
	w := &weak{
		registers: r, seen: make([]seen, 0, r.script.reads), seenTo: make([]int32, 1, n+1),
		written: make([]int32, 0, r.stores), writtenTo: make([]int32, 1, n+1), before: make([]int32, n),
	}
	last := slices.Repeat([]int32{none}, int(r.sessions.count))
	for v, t := range r.txnOf {
		w.before[v] = last[r.txns[t].session]
		last[r.txns[t].session] = int32(v)
		for i := r.txns[t].from; i < r.txns[t].to; i++ {
			m := &r.micros[i]
			switch by := r.saw[i]; {
			case !m.read && r.last(i):
				w.written = append(w.written, m.key)
			case by == nobody:
				w.seen = append(w.seen, seen{m.key, none})
			case by != none:
				w.seen = append(w.seen, seen{m.key, r.vertexOf[r.micros[by].txn]})
			}
		}
		slices.Sort(w.written[w.writtenTo[v]:])
		w.seenTo, w.writtenTo = append(w.seenTo, int32(len(w.seen))), append(w.writtenTo, int32(len(w.written)))
	}
	return w
}

// reads are those of a vertex from outside, in the order of the transaction.
func (w *weak) reads(v int32) []seen { return w.seen[w.seenTo[v]:w.seenTo[v+1]] }

// writes are the keys in which a vertex stored, sorted.
func (w *weak) writes(v int32) []int32 { return w.written[w.writtenTo[v]:w.writtenTo[v+1]] }

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
	g := newGraph(len(w.txnOf), len(w.txnOf)+2*len(w.seen))
	w.graph = g
	for v := range int32(len(w.txnOf)) {
		if w.before[v] >= 0 {
			g.edge(w.before[v], v, session)
		}
		for _, s := range w.reads(v) {
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
	components := g.components(nil, ww|wr|session)
	local := make([]int32, len(g.first))
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
				"transaction (%s), which had written there.", w.spellKey(key), words.Who(w.pairs[a]), words.Lasted(w.pairs[a])),
			w.at(append(w.between(first, reader), a, b)...), b
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
		for _, s := range w.reads(v) {
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
			reader := w.pairs[w.txnOf[at.by]]
			return fmt.Sprintf("both wrote key %s, and %s's transaction (%s) knew of FROM when it read what TO wrote",
				w.spellKey(at.key), words.Who(reader), words.Lasted(reader))
		}), w.at(all...), -1
	})
}

func (w *weak) wrote(v, key int32) bool {
	_, found := slices.BinarySearch(w.writes(v), key)
	return found
}
