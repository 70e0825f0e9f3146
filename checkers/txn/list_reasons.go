package txn

import (
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/harness/history"
)

// reason tells why one transaction comes before another. FROM and TO stand for their names.
func (l *lists) reason(from, to int32, why kind) string {
	switch {
	case why&ww != 0:
		return l.overwrote(from, to)
	case why&wr != 0:
		return l.readFrom(from, to)
	case why&rw != 0:
		return l.missed(from, to)
	}
	return l.ordered(from, to, why)
}

func (l *lists) overwrote(from, to int32) string {
	v := l.vertexOf[to]
	for _, m := range l.ops(from) {
		if m.read {
			continue
		}
		order := l.byTxn[m.key]
		n := slices.Index(l.order(m.key), m.value)
		if n < 0 {
			continue
		}
		for next := n + 1; next < len(order); next++ {
			if order[next] == v {
				return fmt.Sprintf("FROM appended %s to key %s, and TO appended %s right after it", l.spell(m.value),
					l.spellKey(m.key), l.spell(l.order(m.key)[next]))
			}
			if order[next] >= 0 {
				break
			}
		}
		if n == len(order)-1 && slices.Contains(l.unseen[m.key], v) {
			return fmt.Sprintf("FROM appended %s to key %s, the last that was ever read of it, and what TO appended was never "+
				"seen", l.spell(m.value), l.spellKey(m.key))
		}
	}
	return "TO changed what FROM had stored"
}

// outside yields the reads of a transaction that show what others did, and how many elements of it.
func (l *lists) outside(t int32, yield func(m *micro, n int) bool) {
	for i := l.txns[t].from; i < l.txns[t].to; i++ {
		m := &l.micros[i]
		if m.read && m.value != unfit && l.firstRead(t, i) && !yield(m, max(0, len(m.list)-l.own(t, i))) {
			return
		}
	}
}

func (l *lists) readFrom(from, to int32) string {
	text := "TO read what FROM stored"
	l.outside(to, func(m *micro, n int) bool {
		if n == 0 || l.byTxn[m.key][n-1] != l.vertexOf[from] {
			return true
		}
		text = fmt.Sprintf("TO read key %s with %s, which FROM appended", l.spellKey(m.key), l.spell(m.list[n-1]))
		return false
	})
	return text
}

func (l *lists) missed(from, to int32) string {
	text := "FROM did not see what TO stored"
	v := l.vertexOf[to]
	l.outside(from, func(m *micro, n int) bool {
		order := l.byTxn[m.key]
		for n < len(order) && order[n] < 0 {
			n++
		}
		missing := ""
		switch {
		case n < len(order) && order[n] == v:
			missing = l.spell(l.order(m.key)[n])
		case n == len(order) && slices.Contains(l.unseen[m.key], v):
			for _, o := range l.ops(to) {
				if !o.read && o.key == m.key {
					missing = l.spell(o.value)
				}
			}
		default:
			return true
		}
		text = fmt.Sprintf("FROM read key %s as %s, without %s, which TO appended", l.spellKey(m.key), l.spellList(m.list), missing)
		return false
	})
	return text
}

// prove returns, of two that appended one after the other, the shortest read that shows it.
func (l *lists) prove(from, to int32, why kind) []int32 {
	if why&ww == 0 {
		return nil
	}
	shortest, by := -1, int32(-1)
	for t := range int32(len(l.txns)) {
		if !l.txns[t].committed {
			continue
		}
		for _, m := range l.ops(t) {
			if !m.read || m.value == unfit || shortest >= 0 && len(m.list) >= shortest {
				continue
			}
			if l.shows(m, from, to) {
				shortest, by = len(m.list), t
			}
		}
	}
	if by < 0 {
		return nil
	}
	return []int32{by}
}

// shows reports whether a read shows something that one transaction appended, and behind it something of another.
func (l *lists) shows(m micro, first, then int32) bool {
	place := func(t int32, last bool) int {
		at := -1
		for _, o := range l.ops(t) {
			if n := slices.Index(m.list, o.value); !o.read && o.key == m.key && n >= 0 && (at < 0 || last == (n > at)) {
				at = n
			}
		}
		return at
	}
	n := place(first, false)
	return n >= 0 && place(then, true) > n
}

// cut leaves out of the lists that were read what others appended: what is left is how it would have been without them.
func (l *lists) cut(txns []int32) map[int32]any {
	cut := map[int32]any{}
	for _, t := range txns {
		ops, _ := values.Elements(l.pairOf(t).Output)
		if l.txns[t].unanswered || len(ops) == 0 {
			continue
		}
		less := make([]any, len(ops))
		for i, m := range l.ops(t) {
			less[i] = ops[i]
			if !m.read {
				continue
			}
			list := []any{}
			for _, e := range m.list {
				if w := l.table.find(m.key, e); w != nil && slices.Contains(txns, w.txn) {
					list = append(list, l.script.value(e))
				}
			}
			parts := ops[i].([]any)
			less[i] = []any{parts[0], parts[1], list}
		}
		if normal, err := history.Normalize(less); err == nil {
			cut[l.txns[t].pair] = normal
		}
	}
	return cut
}

func (l *lists) txn(vertex int32) int32 { return l.txnOf[vertex] }
