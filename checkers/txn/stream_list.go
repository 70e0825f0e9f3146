package txn

import "slices"

// listRules: a read shows all appends to a key before it, in order.
type listRules struct{}

// listKey is what is known of a list.
type listKey struct {
	list   []int64   // as the longest read showed it
	made   []*stored // its elements
	unseen []*stored // appends that were in no read
	tail   *vertex   // comes after whoever read all of the list, or appended its last element
}

func (listRules) isOfLists() bool { return true }

func (listRules) call(_ *stream, st *stored) error {
	k := &st.key.lists
	k.unseen = append(k.unseen, st)
	return nil
}

func (listRules) undone(st *stored) bool {
	k := &st.key.lists
	if st.place != none {
		return false
	}
	delete(st.key.stored, st.value) // to see it now is to see what nobody stored
	k.unseen = without(k.unseen, st)
	return true
}

func (listRules) commit(_ *stream, t *streamTxn, _ []deed) { t.seen = t.ret }

func without(all []*stored, one *stored) []*stored {
	i, last := slices.Index(all, one), len(all)-1
	all[i], all[last] = all[last], nil
	return all[:last]
}

// see does for one read what [lists] does for all.
func (listRules) see(s *stream, t *streamTxn, deeds []deed, i int) {
	k, list := deeds[i].key, deeds[i].list
	own, before := 0, none
	for j := i - 1; j >= 0 && before == none; j-- {
		switch {
		case deeds[j].key != k:
		case deeds[j].read:
			before = j
		default:
			if own++; own > len(list) || list[len(list)-own] != deeds[j].value {
				s.accuse(k)
				return
			}
		}
	}
	others := list[:len(list)-own]
	if before != none && !slices.Equal(others, deeds[before].list) || !s.grow(k, list) {
		s.accuse(k)
		return
	}
	l := &k.lists
	if len(list) > 0 {
		if last := l.made[len(list)-1]; last.by != t && !last.final {
			s.accuse(k)
		}
	}
	if before != none {
		return
	}
	n := len(others)
	if n > 0 {
		l.made[n-1].by.lead(&t.vertex)
	}
	switch {
	case n == len(l.list):
		t.lead(l.tail)
	case l.made[n].by == t:
	case l.made[n].over.at < t.call:
		s.accuse(k) // it was called when the next element had been seen, or its append had returned
	default:
		t.lead(&l.made[n].by.vertex)
	}
}

// grow compares a read with the longest one, of which it is how that begins, or it goes on from there. It reports
// whether it is, and shows what was appended once, by who did not fail.
func (s *stream) grow(k *streamKey, list []int64) bool {
	l := &k.lists
	if l.tail == nil {
		l.tail = &vertex{tail: k}
	}
	known := min(len(list), len(l.list))
	if !slices.Equal(list[:known], l.list[:known]) {
		return false
	}
	if len(list) <= len(l.list) {
		return true
	}
	before := l.tail
	for p := known; p < len(list); p++ {
		st := k.stored[list[p]]
		if st == nil || st.place != none {
			return false
		}
		by := st.by
		st.place, st.over.at = p, min(s.lines, by.ret)
		if by.unseen--; by.seen == never || by.seen < st.over.at {
			by.seen = st.over.at
		}
		l.unseen, l.made = without(l.unseen, st), append(l.made, st)
		before.lead(&by.vertex)
		before = &by.vertex
	}
	l.list, l.tail = list, &vertex{tail: k}
	before.lead(l.tail)
	return true
}
