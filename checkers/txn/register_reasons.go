package txn

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/words"
)

// reason tells why one transaction comes before another. FROM and TO stand for their names.
func (r *registers) reason(from, to int32, why kind) string {
	text := ""
	switch {
	case why&ww != 0:
		r.outside(to, func(m *micro, by *store) bool {
			if j := r.stored(to, m.key); j >= 0 && by != nil && by.txn == from {
				text = fmt.Sprintf("TO read %s in key %s, which FROM wrote, and wrote %s", r.spell(m.value), r.spellKey(m.key),
					r.spell(r.micros[j].value))
			}
			return text == ""
		})
	case why&wr != 0:
		r.outside(to, func(m *micro, by *store) bool {
			if by != nil && by.txn == from {
				text = fmt.Sprintf("TO read %s in key %s, which FROM wrote", r.spell(m.value), r.spellKey(m.key))
			}
			return text == ""
		})
	case why&rw != 0:
		r.outside(from, func(m *micro, by *store) bool {
			if j := r.stored(to, m.key); j >= 0 && r.follows(by, j, why) {
				text = fmt.Sprintf("FROM read %s in key %s, and TO wrote %s%s", r.spell(m.value), r.spellKey(m.key),
					r.spell(r.micros[j].value), r.later(by, to, why))
			}
			return text == ""
		})
	default:
		return r.ordered(from, to, why)
	}
	return text
}

// follows reports whether a version is known to come after one that was read.
func (r *registers) follows(by *store, j int32, why kind) bool {
	switch {
	case by == nil:
		return true
	case why&clock != 0:
		return r.txns[by.txn].committed && r.txns[by.txn].ret < r.txns[r.reader(j)].call
	}
	return slices.Contains(r.replaced[by.micro-1], j)
}

func (r *registers) later(by *store, to int32, why kind) string {
	switch {
	case by == nil:
		return ""
	case why&clock != 0:
		return fmt.Sprintf(" after that: it was called when %s's write of %s had returned", words.Who(r.pairOf(by.txn)),
			r.spell(by.value))
	}
	return " in its place"
}

// prove returns, where only real time says that one version came after another, who wrote the first.
func (r *registers) prove(from, to int32, why kind) []int32 {
	var by []int32
	if why&clock == 0 || why&rw == 0 {
		return nil
	}
	r.outside(from, func(m *micro, writer *store) bool {
		if j := r.stored(to, m.key); j >= 0 && writer != nil && r.follows(writer, j, why) {
			by = append(by, writer.txn)
		}
		return len(by) == 0
	})
	return by
}

func (r *registers) cut([]int32) map[int32]any { return nil }

func (r *registers) txn(vertex int32) int32 { return r.txnOf[vertex] }
