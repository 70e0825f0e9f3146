package levels

import "github.com/capsize-dev/capsize/checkers/linear"

// knowledge is what sessions knew of a set.
type knowledge struct {
	read   [][]int32 // by session: what its reads showed, as they went on
	from   [][]int32 // beside it: the first read that showed it
	before []int32   // by add: the last one of its session that had returned, -1 where none had
	knew   []int     // by add: how much of read its session had read
}

// sessions asks of every operation what its session did before, and of every read what those knew who added what it
// shows. What contradicts PRAM is a read that shows what no set has, lacks what its process had added or seen before,
// or shows what that added only later, or what somebody added later than an element that is missing: otherwise let the
// adds that each read of a process shows for the first time, as they were called, come right before it. Causal is
// broken as well by reads that lack what somebody had seen who added what they show. Otherwise whatever a read causally
// follows it shows, and then nothing follows itself: on every way back to a read something that its process added
// later comes before it.
func (s *growSet) sessions() (found [guarantees]Session, causal, pram Finding) {
	for g := range found {
		found[g].Held = true
	}
	pram, causal = Finding{Held: true}, Finding{Held: true}
	for _, i := range s.reads {
		if s.amiss[i] {
			pram = Finding{Witness: []int32{i}}
			break
		}
	}
	m := s.remember(&found)
	for _, g := range []Guarantee{ReadYourWrites, MonotonicReads} {
		if !found[g].Held {
			pram = pram.unless(found[g].Witness)
		}
	}
	outrun, unread := unset(len(s.ops)), unset(len(s.ops)) // by add: a read that shows it without what came before
	need, asked := make([]int, s.people), []int32{}
	for _, i := range s.reads {
		seen := s.mark(i)
		asked = asked[:0]
		for _, e := range seen {
			w := s.writer[e]
			if w < 0 {
				continue
			}
			if b := m.before[w]; b >= 0 && !s.shows(i, b) {
				outrun[w] = i
				pram = pram.unless(sorted([]int32{i, w, b}))
			}
			by := s.session[w]
			if by == s.session[i] && w > i {
				pram = pram.unless(sorted([]int32{i, w}))
			}
			if need[by] == 0 && m.knew[w] > 0 {
				asked = append(asked, by)
			}
			need[by] = max(need[by], m.knew[w])
		}
		for _, by := range asked {
			if lacking := s.lacking(m, i, by, need[by]); lacking < need[by] {
				for _, e := range seen {
					if w := s.writer[e]; w >= 0 && s.session[w] == by && m.knew[w] > lacking {
						unread[w] = i
						causal = causal.unless(sorted([]int32{i, w, m.from[by][lacking]}))
					}
				}
			}
			need[by] = 0
		}
	}
	s.judge(&found, m, outrun, unread)
	if !pram.Held {
		causal = pram
	}
	return found, causal, pram
}

// lacking is the first of so many elements that a session had read that a read, which is marked, lacks.
func (s *growSet) lacking(m *knowledge, read, session int32, need int) int {
	if s.rule == "" && int(s.ops[read].Value) >= need { // each read holds all that are smaller
		return need
	}
	return s.first(m.read[session][:need], read)
}

// first is the place of the first of some elements that a read, which is marked, lacks.
func (s *growSet) first(elements []int32, read int32) int {
	for n, e := range elements {
		if s.marked[e] != read+1 {
			return n
		}
	}
	return len(elements)
}

// remember finds what sessions knew, and compares it with what they read later.
func (s *growSet) remember(found *[guarantees]Session) *knowledge {
	m := &knowledge{
		read: make([][]int32, s.people), from: make([][]int32, s.people),
		before: unset(len(s.ops)), knew: make([]int, len(s.ops)),
	}
	s.bySession(s.everybody())
	known := make([]int32, s.Object.Values) // by element: the last session that has read it, plus one
	clear(s.marked)
	for by := range int32(s.people) {
		var added []int32 // what returned
		reads := 0
		for _, i := range s.sessionOf(by) {
			if o := &s.ops[i]; o.Kind == linear.Append {
				m.knew[i] = len(m.read[by])
				found[WritesFollowReads].ask(reads > 0, -1, i)
				found[MonotonicWrites].ask(len(added) > 0, -1, i)
				if len(added) > 0 {
					m.before[i] = added[len(added)-1]
				}
				if !o.Pending() {
					added = append(added, i)
				}
				continue
			}
			own, old := 0, 0 // of what it had added, and of what it had read
			fresh := len(m.read[by])
			for _, e := range s.Object.Seen(int(i)) {
				if s.marked[e] == i+1 {
					continue // twice
				}
				s.marked[e] = i + 1
				if w := s.writer[e]; w >= 0 && w < i && s.session[w] == by && !s.ops[w].Pending() {
					own++
				}
				if known[e] == by+1 {
					old++
					continue
				}
				known[e] = by + 1
				m.read[by], m.from[by] = append(m.read[by], e), append(m.from[by], i)
			}
			found[ReadYourWrites].ask(len(added) > 0, s.absent(added, i, own == len(added)), i)
			gone := int32(-1)
			if old < fresh {
				gone = m.from[by][s.first(m.read[by][:fresh], i)]
			}
			found[MonotonicReads].ask(reads > 0, gone, i)
			reads++
		}
	}
	return m
}

// absent returns the first of some adds that a read, which is marked, does not show, unless it is known to show all.
func (s *growSet) absent(added []int32, read int32, all bool) int32 {
	if !all {
		for _, a := range added {
			if !s.shows(read, a) {
				return a
			}
		}
	}
	return -1
}

// judge notes which adds were seen without what came before them.
func (s *growSet) judge(found *[guarantees]Session, m *knowledge, outrun, unread []int32) {
	note := func(f *Session, witness ...int32) {
		f.Broken++
		if f.Held {
			f.Finding = Finding{Witness: sorted(witness)}
		}
	}
	for i := range s.ops {
		here := int32(i)
		if read := outrun[i]; read >= 0 {
			note(&found[MonotonicWrites], here, read, m.before[i])
		}
		if read := unread[i]; read >= 0 {
			s.mark(read)
			by := s.session[i]
			note(&found[WritesFollowReads], here, read, m.from[by][s.lacking(m, read, by, m.knew[i])])
		}
	}
}
