package txn

import (
	"fmt"
	"iter"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

// reason tells why one transaction comes before another. FROM and TO stand for their names.
func (r *registers) reason(from, to int32, why kind) string {
	switch {
	case why&ww != 0:
		for m, by := range r.outside(to) {
			if j := r.stored(to, m.key); j != none && r.by(by, from) {
				return fmt.Sprintf("TO read %s in key %s, which FROM wrote, and wrote %s", r.spell(m.value), r.spellKey(m.key),
					r.spell(r.micros[j].value))
			}
		}
	case why&wr != 0:
		for m, by := range r.outside(to) {
			if r.by(by, from) {
				return fmt.Sprintf("TO read %s in key %s, which FROM wrote", r.spell(m.value), r.spellKey(m.key))
			}
		}
	case why&rw != 0:
		for m, by := range r.outside(from) {
			if j := r.stored(to, m.key); j != none && r.follows(by, j, why) {
				return fmt.Sprintf("FROM read %s in key %s, and TO wrote %s%s", r.spell(m.value), r.spellKey(m.key),
					r.spell(r.micros[j].value), r.how(by, why))
			}
		}
	default:
		return r.ordered(from, to, why)
	}
	return ""
}

// outside yields the reads of a transaction that show what others stored, with which operation did, or nobody.
func (r *registers) outside(t int32) iter.Seq2[*micro, int32] {
	return func(yield func(*micro, int32) bool) {
		for i := r.txns[t].from; i < r.txns[t].to; i++ {
			if r.saw[i] != none && !yield(&r.micros[i], r.saw[i]) {
				return
			}
		}
	}
}

// by reports whether an operation, or nobody, is of a transaction.
func (r *registers) by(i, t int32) bool { return i != nobody && r.micros[i].txn == t }

// follows reports whether a version is known to come after one that was read.
func (r *registers) follows(by, j int32, why kind) bool {
	switch {
	case by == nobody:
		return true
	case why&clock != 0:
		first := &r.txns[r.micros[by].txn]
		return first.committed && first.ret < r.txns[r.micros[j].txn].call
	}
	for heir := r.heir[by]; heir != none; heir = r.coheir[heir] {
		if heir == j {
			return true
		}
	}
	return false
}

// how tells in which way a version follows one that was read.
func (r *registers) how(by int32, why kind) string {
	switch {
	case by == nobody:
		return ""
	case why&clock != 0:
		m := &r.micros[by]
		return fmt.Sprintf(" after that: it was called when %s's write of %s had returned", words.Who(r.pairs[m.txn]),
			r.spell(m.value))
	}
	return " in its place"
}

// prove returns, where only real time says that one version came after another, who wrote the first.
func (r *registers) prove(from, to int32, why kind) []int32 {
	if why&clock == 0 || why&rw == 0 {
		return nil
	}
	for m, by := range r.outside(from) {
		if j := r.stored(to, m.key); j != none && by != nobody && r.follows(by, j, why) {
			return []int32{r.micros[by].txn}
		}
	}
	return nil
}

func (r *registers) cut([]int32) map[int32]any { return nil }

func (r *registers) txn(vertex int32) int32 { return r.txnOf[vertex] }
