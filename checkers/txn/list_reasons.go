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
	for i := l.txns[from].from; i < l.txns[from].to; i++ {
		m, n := &l.micros[i], l.version[i]
		if m.read || n == none {
			continue
		}
		switch {
		case l.next[n] == v:
			return fmt.Sprintf("FROM appended %s to key %s, and TO appended %s right after it", l.spell(m.value),
				l.spellKey(m.key), l.spell(l.after(n)))
		case l.unseenOf(to, m.key) != none && l.lastKnown(n, m.key):
			return fmt.Sprintf("FROM appended %s to key %s, the last that was ever read of it, and what TO appended was never "+
				"seen", l.spell(m.value), l.spellKey(m.key))
		}
	}
	return "TO changed what FROM had stored"
}

// after is the element that the next writer of a version's key appended.
func (l *lists) after(version int32) word {
	n := version + 1
	for l.writer[n] == none {
		n++
	}
	return l.micros[l.maker[n]].value
}

// lastKnown reports whether no writer is known of a later version of the key.
func (l *lists) lastKnown(version, key int32) bool {
	return !slices.ContainsFunc(l.writer[version+1:l.empty[key+1]], func(v int32) bool { return v != none })
}

// unseenOf returns an operation of a transaction that appended to a key what nobody saw, or none.
func (l *lists) unseenOf(t, key int32) int32 {
	for i := l.txns[t].from; i < l.txns[t].to; i++ {
		if m := &l.micros[i]; !m.read && m.key == key && l.version[i] == none {
			return i
		}
	}
	return none
}

func (l *lists) readFrom(from, to int32) string {
	for i := l.txns[to].from; i < l.txns[to].to; i++ {
		m, n := &l.micros[i], l.version[i]
		if m.read && n != none && l.writer[n] == l.vertexOf[from] {
			return fmt.Sprintf("TO read key %s with %s, which FROM appended", l.spellKey(m.key), l.spell(l.micros[l.maker[n]].value))
		}
	}
	return "TO read what FROM stored"
}

func (l *lists) missed(from, to int32) string {
	for i := l.txns[from].from; i < l.txns[from].to; i++ {
		m, n := &l.micros[i], l.version[i]
		if !m.read || n == none {
			continue
		}
		var missing word
		switch unseen := l.unseenOf(to, m.key); {
		case l.next[n] == l.vertexOf[to]:
			missing = l.after(n)
		case unseen != none && l.lastKnown(n, m.key):
			missing = l.micros[unseen].value
		default:
			continue
		}
		return fmt.Sprintf("FROM read key %s as %s, without %s, which TO appended", l.spellKey(m.key),
			l.spellList(l.listOf(m)), l.spell(missing))
	}
	return "FROM did not see what TO stored"
}

// prove returns, of two that appended one after the other, the shortest read that shows it.
func (l *lists) prove(from, to int32, why kind) []int32 {
	if why&ww == 0 {
		return nil
	}
	shortest, by := -1, int32(none)
	for i := range l.micros {
		m := &l.micros[i]
		if !m.read || m.unfit || !l.txns[m.txn].committed || !l.appends(from, m.key) || !l.appends(to, m.key) {
			continue
		}
		if list := l.listOf(m); (shortest < 0 || len(list) < shortest) && l.shows(list, m.key, from, to) {
			shortest, by = len(list), m.txn
		}
	}
	if by == none {
		return nil
	}
	return []int32{by}
}

// shows reports whether a read shows something that one transaction appended, and behind it something of another.
func (l *lists) shows(list []int64, key, first, then int32) bool {
	place := func(t int32, last bool) int {
		at := -1
		for _, o := range l.ops(t) {
			if n := slices.Index(list, o.value); !o.read && o.key == key && n >= 0 && (at < 0 || last == (n > at)) {
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
		ops, _ := values.Elements(l.pairs[t].Output)
		if !l.txns[t].committed || len(ops) == 0 {
			continue
		}
		less := make([]any, len(ops))
		for i, m := range l.ops(t) {
			less[i] = ops[i]
			if !m.read {
				continue
			}
			list := []any{}
			for _, e := range l.listOf(&m) {
				if by := l.table.find(m.key, e); by != none && slices.Contains(txns, l.micros[by].txn) {
					list = append(list, l.script.value(e))
				}
			}
			parts := ops[i].([]any)
			less[i] = []any{parts[0], parts[1], list}
		}
		if normal, err := history.Normalize(less); err == nil {
			cut[t] = normal
		}
	}
	return cut
}

func (l *lists) txn(vertex int32) int32 { return l.txnOf[vertex] }
