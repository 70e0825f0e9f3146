package txn

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// LongFork returns the checker of long forks: transactions write one key, once for all time, [[w key value]], or read
// several, [[r key value] ...]. Of two that read the same keys one must have seen all that the other saw. Parallel
// snapshot isolation allows that it is not so; snapshot isolation does not (Sovran et al. 2011).
//
// Cost: O(n log n).
func LongFork() harness.Checker {
	whole := harness.CheckerFunc("long-fork", func(ctx context.Context, h history.History) (harness.Verdict, error) {
		s, err := read(h, false)
		if err != nil {
			return harness.Verdict{}, err
		}
		table, err := s.index()
		if err != nil {
			return harness.Verdict{}, err
		}
		if err := s.writtenOnce(); err != nil {
			return harness.Verdict{}, err
		}
		f := newFindings()
		r := &registers{script: s, table: table, found: f}
		r.inside()
		groups := r.groups()
		for _, g := range groups {
			r.forks(g)
		}
		v := s.conclude(ctx, f, "long-fork")
		if v.Validity == harness.Valid {
			v.Level = harness.SnapshotIsolation
			v.Reason = fmt.Sprintf("%s on %s saw every write in one order", words.Count(s.txnsReading(), "reader"),
				words.Count(len(groups), "group")+" of keys")
		}
		return v, nil
	})
	return streaming{whole, func() harness.Stream { return newStream(newForkRules()) }}
}

func (s *script) writtenOnce() error {
	by := make([]int32, len(s.keys))
	for t := range s.txns {
		for _, m := range s.ops(int32(t)) {
			if m.read {
				continue
			}
			if by[m.key] > 0 {
				return fmt.Errorf("operations %d and %d both write key %s: for this model every key is written once",
					s.txns[by[m.key]-1].call, s.txns[t].call, s.spellKey(m.key))
			}
			by[m.key] = int32(t) + 1
		}
	}
	return nil
}

func (s *script) txnsReading() int {
	n := 0
	for t := range s.txns {
		if s.txns[t].committed && slices.ContainsFunc(s.ops(int32(t)), func(m micro) bool { return m.read }) {
			n++
		}
	}
	return n
}

// view is what a transaction saw of a group of keys.
type view struct {
	txn  int32
	seen []uint64 // a bit for each key, by its place in the group
	ones int
}

type group struct {
	keys  []int32
	views []view
}

// groups sorts those who read by which keys they read.
func (r *registers) groups() []*group {
	var all []*group
	byKeys := map[string]*group{}
	for t := range int32(len(r.txns)) {
		if !r.txns[t].committed {
			continue
		}
		var keys []int32
		seen := map[int32]bool{}
		for _, m := range r.ops(t) {
			if m.read {
				keys = append(keys, m.key)
				seen[m.key] = m.value != nothing
			}
		}
		keys = unique(sorted(keys))
		if len(keys) < 2 {
			continue
		}
		name := fmt.Sprint(keys)
		g := byKeys[name]
		if g == nil {
			g = &group{keys: keys}
			byKeys[name], all = g, append(all, g)
		}
		v := view{txn: t, seen: make([]uint64, (len(keys)+63)/64)}
		for n, key := range keys {
			if seen[key] {
				v.seen[n/64] |= 1 << (n % 64)
			}
		}
		for _, w := range v.seen {
			v.ones += bits.OnesCount64(w)
		}
		g.views = append(g.views, v)
	}
	return all
}

// forks finds two of a group of whom neither saw all that the other saw. Sorted by how much they saw, each must have seen
// what the one before it saw.
func (r *registers) forks(g *group) {
	slices.SortStableFunc(g.views, func(a, b view) int { return a.ones - b.ones })
	for n := 1; n < len(g.views); n++ {
		a, b := g.views[n-1], g.views[n]
		onlyA, onlyB := -1, -1
		for k := range g.keys {
			bit := uint64(1) << (k % 64)
			inA, inB := a.seen[k/64]&bit != 0, b.seen[k/64]&bit != 0
			if inA && !inB {
				onlyA = k
			}
			if inB && !inA {
				onlyB = k
			}
		}
		if onlyA < 0 {
			continue
		}
		r.fork(a.txn, b.txn, g.keys[onlyA], g.keys[onlyB])
	}
}

// fork tells of two readers, each of whom saw one write and not the other's.
func (r *registers) fork(a, b, inA, inB int32) {
	r.found.add(Forked, "", 4, func() (string, []int32, int32) {
		story := fmt.Sprintf("%s saw key %s written and not yet key %s, and %s saw key %s written and not yet key %s. So the two "+
			"writes came in one order for the one, and in the other for the other.", r.whose(a), r.spellKey(inA), r.spellKey(inB),
			lower(r.whose(b)), r.spellKey(inB), r.spellKey(inA))
		witness := r.at(a, b)
		for t := range int32(len(r.txns)) {
			for _, m := range r.ops(t) {
				if !m.read && (m.key == inA || m.key == inB) {
					witness = append(witness, t)
				}
			}
		}
		return story, unique(sorted(witness)), -1
	})
}
