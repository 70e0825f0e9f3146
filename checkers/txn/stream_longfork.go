package txn

import (
	"errors"
	"math/bits"
	"slices"
	"strconv"
)

// forkRules are those of [LongFork]: nothing follows from one key alone but what a read must be by itself, and all that
// was seen of some keys must be in one order.
type forkRules struct {
	groups map[string]*forkGroup // of keys that were read together
	swept  int
}

// forkGroup is what was seen of some keys: each view has all that is in the one before it, so there are at most as many
// as keys and one more.
type forkGroup struct {
	views [][]uint64 // a bit for each key
	used  int
}

func newForkRules() *forkRules { return &forkRules{groups: map[string]*forkGroup{}} }

func (*forkRules) isOfLists() bool { return false }

func (*forkRules) call(_ *stream, st *stored) error {
	if st.key.written {
		return errors.New("a key is written twice")
	}
	st.key.written = true
	return nil
}

func (*forkRules) undone(st *stored) bool { return registerRules{}.undone(st) }

func (*forkRules) see(s *stream, t *streamTxn, deeds []deed, i int) {
	st, ok := s.source(t, deeds, i)
	if !ok {
		s.accuse(deeds[i].key)
	}
	if st != nil {
		st.by.seen, st.by.unseen = min(st.by.seen, s.lines), 0
	}
}

func (r *forkRules) commit(s *stream, t *streamTxn, deeds []deed) {
	t.seen, t.unseen = min(t.seen, t.ret), 0
	if s.lines-r.swept > s.patience {
		for name, g := range r.groups {
			if s.lines-g.used > s.patience {
				delete(r.groups, name)
			}
		}
		r.swept = s.lines
	}
	var room [8]*streamKey
	keys := room[:0]
	for _, d := range deeds {
		if d.key.retired {
			return
		}
		if d.read && !slices.Contains(keys, d.key) {
			keys = append(keys, d.key)
		}
	}
	if len(keys) < 2 {
		return
	}
	slices.SortFunc(keys, func(a, b *streamKey) int { return a.number - b.number })
	var name []byte
	for _, k := range keys {
		name = append(strconv.AppendInt(name, int64(k.number), 10), ' ')
	}
	g := r.groups[string(name)]
	if g == nil {
		g = &forkGroup{}
		r.groups[string(name)] = g
	}
	g.used = s.lines
	view := make([]uint64, (len(keys)+63)/64)
	for _, d := range deeds {
		if at := slices.Index(keys, d.key); d.read && d.value != nothing {
			view[at/64] |= 1 << (at % 64)
		}
	}
	if !g.take(view) {
		for _, k := range keys {
			s.accuse(k)
		}
	}
}

// take puts a view where it belongs, and reports whether it fits there.
func (g *forkGroup) take(view []uint64) bool {
	at := 0
	for at < len(g.views) && ones(g.views[at]) < ones(view) {
		at++
	}
	if at < len(g.views) && slices.Equal(g.views[at], view) {
		return true
	}
	if at > 0 && !within(g.views[at-1], view) || at < len(g.views) && !within(view, g.views[at]) {
		return false
	}
	g.views = slices.Insert(g.views, at, view)
	return true
}

func ones(view []uint64) int {
	n := 0
	for _, w := range view {
		n += bits.OnesCount64(w)
	}
	return n
}

// within reports whether all that is in one view is in the other.
func within(a, b []uint64) bool {
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}
