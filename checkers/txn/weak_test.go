package txn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// fact is a read from outside, by a transaction, of what another stored; -1 where nobody had.
type fact struct{ reader, place, key, by int }

// definition decides a weak level by its axioms (Biswas & Enea 2019), trying every order of the transactions: whenever
// one must have been seen by a reader and stored in a key, it comes no later than the one that the reader saw there.
type definition struct {
	txns    []history.Pair
	facts   []fact
	stores  []map[int]bool
	before  [][]bool // by session or reading from, and what follows from those
	session [][]bool
	direct  [][]bool // the one reads from the other
	broken  bool     // a read of what was aborted, intermediate, nobody's, or against itself
	twice   bool     // reads of one key from two
}

func define(h history.History) *definition {
	d := &definition{}
	type origin struct {
		txn  int
		last bool
	}
	origins := map[[2]int64]origin{}
	failed := map[[2]int64]bool{}
	observed := map[[2]int64]bool{}
	for _, p := range h.Pairs {
		for _, op := range opsOf(p) {
			if op[0] == "r" && op[2] != nil && p.Outcome == history.OK {
				observed[[2]int64{op[1].(int64), op[2].(int64)}] = true
			}
			if op[0] == "w" && p.Outcome == history.Fail {
				failed[[2]int64{op[1].(int64), op[2].(int64)}] = true
			}
		}
	}
	for _, p := range h.Pairs {
		seen := slices.ContainsFunc(opsOf(p), func(op []any) bool {
			return op[0] == "w" && observed[[2]int64{op[1].(int64), op[2].(int64)}]
		})
		if p.Outcome == history.OK || p.Outcome == history.Info && seen {
			d.txns = append(d.txns, p)
		}
	}
	for t, p := range d.txns {
		d.stores = append(d.stores, map[int]bool{})
		last := map[int64]int64{}
		for _, op := range opsOf(p) {
			if op[0] == "w" {
				d.stores[t][int(op[1].(int64))] = true
				last[op[1].(int64)] = op[2].(int64)
				origins[[2]int64{op[1].(int64), op[2].(int64)}] = origin{t, false}
			}
		}
		for k, v := range last {
			origins[[2]int64{k, v}] = origin{t, true}
		}
	}
	for t, p := range d.txns {
		if p.Outcome == history.OK {
			d.read(t, p, func(k, v int64) (int, bool, bool) {
				o, known := origins[[2]int64{k, v}]
				return o.txn, o.last, known && !failed[[2]int64{k, v}]
			})
		}
	}
	d.relate()
	return d
}

func opsOf(p history.Pair) [][]any {
	value := p.Input
	if p.Outcome == history.OK {
		value = p.Output
	}
	var all [][]any
	for _, op := range value.([]any) {
		all = append(all, op.([]any))
	}
	return all
}

func (d *definition) read(t int, p history.Pair, origin func(k, v int64) (int, bool, bool)) {
	own, saw := map[int64]any{}, map[int64]any{}
	for place, op := range opsOf(p) {
		key := op[1].(int64)
		if op[0] == "w" {
			own[key] = op[2]
			continue
		}
		if v, mine := own[key]; mine {
			d.broken = d.broken || v != op[2]
			continue
		}
		if v, again := saw[key]; again && v != op[2] {
			d.twice = true
		}
		saw[key] = op[2]
		if op[2] == nil {
			d.facts = append(d.facts, fact{t, place, int(key), -1})
			continue
		}
		by, last, known := origin(key, op[2].(int64))
		if !known || !last || by == t {
			d.broken = true
			continue
		}
		d.facts = append(d.facts, fact{t, place, int(key), by})
	}
}

func (d *definition) relate() {
	n := len(d.txns)
	square := func() [][]bool {
		m := make([][]bool, n)
		for i := range m {
			m[i] = make([]bool, n)
		}
		return m
	}
	d.before, d.session, d.direct = square(), square(), square()
	for i := range n {
		for j := range i {
			d.session[j][i] = d.txns[j].Process == d.txns[i].Process
			d.before[j][i] = d.session[j][i]
		}
	}
	for _, f := range d.facts {
		if f.by >= 0 {
			d.direct[f.by][f.reader], d.before[f.by][f.reader] = true, true
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				d.before[i][j] = d.before[i][j] || d.before[i][k] && d.before[k][j]
			}
		}
	}
}

// known reports whether a reader must have seen a transaction, when it made a read.
func (d *definition) known(level harness.Level, t int, f fact) bool {
	switch level {
	case harness.ReadCommitted:
		return slices.ContainsFunc(d.facts, func(g fact) bool { return g.reader == f.reader && g.by == t && g.place < f.place })
	case harness.ReadAtomic:
		return d.session[t][f.reader] || d.direct[t][f.reader]
	}
	return d.before[t][f.reader]
}

func (d *definition) holds(level harness.Level) bool {
	if d.broken || d.twice && level != harness.ReadCommitted {
		return false
	}
	n := len(d.txns)
	place := make([]int, n)
	var try func(k int) bool
	used := make([]bool, n)
	try = func(k int) bool {
		if k == n {
			return d.fits(level, place)
		}
		for t := range n {
			if used[t] {
				continue
			}
			ready := true
			for u := range n {
				ready = ready && (!d.before[u][t] || used[u])
			}
			if !ready {
				continue
			}
			used[t], place[t] = true, k
			if try(k + 1) {
				return true
			}
			used[t] = false
		}
		return false
	}
	return try(0)
}

func (d *definition) fits(level harness.Level, place []int) bool {
	for _, f := range d.facts {
		for t := range d.txns {
			if t == f.by || t == f.reader || !d.stores[t][f.key] || !d.known(level, t, f) {
				continue
			}
			if f.by < 0 || place[t] > place[f.by] {
				return false
			}
		}
	}
	return true
}

// TestWeakAgainstTheAxioms compares small histories with the definition: 800 of each sort, or -long N.
func TestWeakAgainstTheAxioms(t *testing.T) {
	t.Parallel()
	for _, level := range []harness.Level{harness.ReadCommitted, harness.ReadAtomic, harness.Causal} {
		held, broken := 0, 0
		for n, d := range []dice{
			{txns: 5, processes: 3, keys: 2, lies: 25}, {txns: 6, processes: 2, keys: 2, lies: 20, fails: 10},
			{txns: 6, processes: 3, keys: 3, skew: 60, lies: 10}, {txns: 5, processes: 3, keys: 2, skew: 50, pending: 30, lies: 10},
			{txns: 5, processes: 2, keys: 1, lies: 40},
		} {
			rng := rand.New(rand.NewPCG(31, uint64(n)))
			for range max(800, *long) {
				h := d.roll(rng)
				want := define(h).holds(level)
				v := judge(t, Weak(level), h)
				if (v.Validity == harness.Invalid) == want {
					t.Fatalf("%s: %s, but the axioms say %t\n%s", level, v.Reason, want, show(h))
				}
				if want {
					held++
				} else {
					broken++
					standAlone(t, Weak(level), v, h)
				}
			}
		}
		t.Logf("%s: %d held, %d did not", level, held, broken)
		if held < 500 || broken < 300 {
			t.Fatalf("%s: %d held, %d did not: too few of a kind", level, held, broken)
		}
	}
}
