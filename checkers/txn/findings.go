package txn

import (
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// findings are the anomalies found: of each name the one with the fewest operations, and how many there were.
type findings struct {
	best map[string]*finding
}

type finding struct {
	name, key, story string
	witness          []int32       // positions in the history, by time of call
	impossible       int32         // one of them, or -1
	cut              map[int32]any // of the witness, what is shown in place of its output
	count            int
}

func newFindings() *findings { return &findings{best: map[string]*finding{}} }

// add counts an anomaly. It is told only where it is the one to show.
func (f *findings) add(name string, key string, size int, tell func() (story string, witness []int32, impossible int32)) {
	b := f.best[name]
	if b != nil {
		b.count++
		if size >= len(b.witness) {
			return
		}
	} else {
		b = &finding{name: name, count: 1}
		f.best[name] = b
	}
	b.key, b.cut = key, nil
	b.story, b.witness, b.impossible = tell()
}

// anomalies are the findings as the harness wants them, the clearest first.
func (f *findings) anomalies(pairs []history.Pair) []harness.Anomaly {
	var out []harness.Anomaly
	for _, term := range Vocabulary() {
		b := f.best[term.Name]
		if b == nil {
			continue
		}
		a := harness.Anomaly{Name: b.name, Key: b.key, Explanation: b.story, Count: b.count, Impossible: -1}
		for _, i := range sorted(b.witness) {
			p := pairs[i]
			if less, isCut := b.cut[i]; isCut {
				p.Output = less
			}
			a.Witness = append(a.Witness, p)
		}
		if b.impossible >= 0 {
			a.Impossible = pairs[b.impossible].Index
		}
		out = append(out, a)
	}
	return out
}

// knowledge is what is known of why one transaction comes before another.
type knowledge interface {
	// txn is the transaction of a vertex.
	txn(vertex int32) int32
	// reason tells it. FROM and TO stand for their names.
	reason(from, to int32, why kind) string
	// prove returns who must be looked at besides the two.
	prove(from, to int32, why kind) []int32
	// cut returns, by position in the history, what of the outputs of transactions is about these transactions alone.
	cut(txns []int32) map[int32]any
}

// whose is what a transaction did, and when.
func (s *script) whose(t int32) string {
	p := s.pairs[t]
	return fmt.Sprintf("%s's transaction (%s)", words.Upper(words.Who(p)), words.Lasted(p))
}

func (s *script) tell(reader int32, format string, args ...any) string {
	return s.whose(reader) + " " + fmt.Sprintf(format, args...)
}

func (s *script) at(txns ...int32) []int32 {
	return unique(sorted(txns))
}

func (s *script) spell(w word) string { return words.Spell(s.value(w)) }

func (f *findings) internal(s *script, t, i int32) {
	key := s.micros[i].key
	f.add(Internal, s.spellKey(key), 1, func() (string, []int32, int32) {
		return s.tell(t, "does not agree with itself about key %s: it %s.", s.spellKey(key), s.deeds(t, key)),
			s.at(t), t
	})
}

// deeds tells what a transaction did with a key.
func (s *script) deeds(t, key int32) string {
	var parts []string
	for _, m := range s.ops(t) {
		switch {
		case m.key != key:
		case m.read && s.lists:
			parts = append(parts, "read "+s.spellList(s.listOf(&m)))
		case m.read:
			parts = append(parts, "read "+s.spell(m.value))
		case s.lists:
			parts = append(parts, "appended "+s.spell(m.value))
		default:
			parts = append(parts, "wrote "+s.spell(m.value))
		}
	}
	return strings.Join(parts, ", then ")
}

func (s *script) spellList(list []int64) string {
	all := make([]any, len(list))
	for i, w := range list {
		all[i] = s.value(w)
	}
	return words.Spell(all)
}

func (f *findings) garbage(s *script, t, key int32, w word) {
	f.add(Garbage, s.spellKey(key), 1, func() (string, []int32, int32) {
		return s.tell(t, "read %s of key %s, which nobody stored there.", s.spell(w), s.spellKey(key)), s.at(t), t
	})
}

// aborted: a read of what an operation of a failed transaction stored.
func (f *findings) aborted(s *script, t, w int32) {
	m := &s.micros[w]
	key := m.key
	f.add(Aborted, s.spellKey(key), 2, func() (string, []int32, int32) {
		p := s.pairs[m.txn]
		reason := ""
		if p.Error != "" {
			reason = fmt.Sprintf(" (%s)", p.Error)
		}
		return s.tell(t, "read %s of key %s, which only a transaction of %s stored that had failed%s (G1a).", s.spell(m.value),
			s.spellKey(key), words.Who(p), reason), s.at(m.txn, t), t
	})
}

// intermediate: a read of what an operation stored, without what the same transaction stored later.
func (f *findings) intermediate(s *script, t int32, m, later *micro) {
	f.add(Intermediate, s.spellKey(later.key), 2, func() (string, []int32, int32) {
		return s.tell(t, "read key %s as it was in the middle of %s's transaction: with %s, and without %s, which the same "+
			"transaction stored after it (G1b).", s.spellKey(later.key), words.Who(s.pairs[m.txn]), s.spell(m.value),
			s.spell(later.value)), s.at(m.txn, t), t
	})
}

func (f *findings) lost(s *script, key, one, other int32) {
	f.add(Lost, s.spellKey(key), 2, func() (string, []int32, int32) {
		return fmt.Sprintf("Two transactions read the same version of key %s and both changed it: that of %s (it %s), and "+
				"that of %s (it %s). Whichever came second should have seen the first.", s.spellKey(key),
				words.Who(s.pairs[one]), s.deeds(one, key), words.Who(s.pairs[other]), s.deeds(other, key)),
			s.at(one, other), other
	})
}

func (f *findings) duplicate(l *lists, t, key int32, w word) {
	f.add(Duplicate, l.spellKey(key), 1, func() (string, []int32, int32) {
		return l.tell(t, "read %s twice in key %s, but it was appended once at the most.", l.spell(w), l.spellKey(key)),
			l.at(t), t
	})
}

func (f *findings) incompatible(l *lists, t, i int32) {
	key := l.micros[i].key
	f.add(Incompatible, l.spellKey(key), 2, func() (string, []int32, int32) {
		at := l.longest[key]
		other := l.micros[at].txn
		order, list := l.order(key), l.listOf(&l.micros[i])
		n := 0
		for n < len(list) && list[n] == order[n] {
			n++
		}
		return l.tell(t, "and that of %s read key %s in two orders: at place %d the one saw %s, the other %s.",
			words.Who(l.pairs[other]), l.spellKey(key), n+1, l.spell(list[n]), l.spell(order[n])), l.at(t, other), t
	})
}

func (f *findings) dirty(l *lists, key, failed, then int32) {
	f.add(DirtyUpdate, l.spellKey(key), 3, func() (string, []int32, int32) {
		a, b, reader := l.micros[failed].txn, l.micros[then].txn, l.micros[l.longest[key]].txn
		return l.tell(reader, "read key %s with %s, of %s's transaction that had failed, and after it %s, of %s's that "+
			"committed: on top of what never happened.", l.spellKey(key), l.spell(l.micros[failed].value), words.Who(l.pairs[a]),
			l.spell(l.micros[then].value), words.Who(l.pairs[b])), l.at(a, b, reader), reader
	})
}

// circles tells of cycles, each step with its reason. What proves a step and is not part of the circle, prove returns; and
// cut makes of the witness what is shown of it.
func (f *findings) circles(s *script, found []cycle, k knowledge) {
	for _, c := range found {
		f.add(c.name, "", len(c.steps), func() (string, []int32, int32) {
			txns := make([]int32, len(c.steps))
			for i, step := range c.steps {
				txns[i] = k.txn(step.from)
			}
			witness := txns
			for i, step := range c.steps {
				witness = append(witness, k.prove(txns[i], txns[(i+1)%len(txns)], step.why)...)
			}
			f.best[c.name].cut = k.cut(witness)
			return s.circle(txns, c, k.reason), s.at(witness...), -1
		})
		f.best[c.name].count += c.count - 1
	}
}

func (s *script) circle(txns []int32, c cycle, reason func(from, to int32, why kind) string) string {
	var b strings.Builder
	for i, t := range txns {
		p := s.pairs[t]
		sep := "; "
		if i == 0 {
			sep = "Let "
		}
		fmt.Fprintf(&b, "%sT%d be %s's transaction (%s)", sep, i+1, words.Who(p), words.Lasted(p))
	}
	b.WriteString(". ")
	for i, step := range c.steps {
		from, to := txns[i], txns[(i+1)%len(txns)]
		but := ""
		if i == len(c.steps)-1 {
			but = "But "
		}
		text := reason(from, to, step.why)
		text = strings.ReplaceAll(text, "FROM", fmt.Sprintf("T%d", i+1))
		text = strings.ReplaceAll(text, "TO", fmt.Sprintf("T%d", (i+1)%len(txns)+1))
		fmt.Fprintf(&b, "%sT%d comes before T%d: %s. ", but, i+1, (i+1)%len(txns)+1, text)
	}
	b.WriteString("So each would have to come before itself.")
	return b.String()
}

// ordered tells why one transaction comes before another by session or clock.
func (s *script) ordered(from, to int32, why kind) string {
	a, b := s.pairs[from], s.pairs[to]
	if why&session != 0 {
		return fmt.Sprintf("process %d called them in this order", a.Process)
	}
	return fmt.Sprintf("TO was called %s FROM had returned", words.After(a, b))
}
