package txn

import "slices"

// vertex is a transaction, or stands for a set of edges as those of a [graph] do. Edges only ever lead to what is kept.
type vertex struct {
	out   []*vertex
	txn   *streamTxn // nil where it stands for edges
	tail  *streamKey // lists: while it is this key's tail it leads to those whose appends to the key nobody saw
	gone  bool
	kept  bool   // in the latest look
	epoch uint32 // of the look in which it was seen
	index int32  // as in [tarjan]
}

// lead adds an edge. What is gone can be on no circle any more.
func (v *vertex) lead(to *vertex) {
	if v != to && !v.gone && !to.gone && (len(v.out) == 0 || v.out[len(v.out)-1] != to) {
		v.out = append(v.out, to)
	}
}

// next returns the edge of a number, or nil where there are no more.
func (v *vertex) next(n int) *vertex {
	if n < len(v.out) {
		return v.out[n]
	}
	if n -= len(v.out); v.tail != nil && v.tail.lists.tail == v && n < len(v.tail.lists.unseen) {
		return &v.tail.lists.unseen[n].by.vertex
	}
	return nil
}

// letGo forgets a transaction, and what comes after it on its account.
func (t *streamTxn) letGo() {
	t.gone, t.out, t.stores, t.keys, t.room = true, nil, nil, nil, room{}
}

// held reports whether an edge into a transaction may still come. Those by session and clock are there when it is
// called, those from what it read when it returns. Others come from whoever reads something older than it stored: that
// can be one that was called before all had to see what it stored, for with others something is wrong at once; and in
// lists from those whose appends turn out to be before its own, while nobody saw these.
func (t *streamTxn) held(horizon int) bool {
	return t.open || t.unseen > 0 || t.seen != never && t.seen >= horizon && len(t.stores) > 0
}

// look looks for circles, and lets go of the transactions that can be on none any more: those into which no edge can
// come, neither now nor later, from what is held and what comes after that.
func (s *stream) look() {
	s.news = false
	s.tick()
	s.epoch++
	l := lookout{stream: s}
	horizon := s.horizon()
	for _, kept := range []bool{true, false} {
		l.kept = kept
		for _, t := range slices.Backward(s.txns) {
			if !t.gone && (!kept || t.held(horizon)) {
				l.from(&t.vertex)
			}
		}
	}
	left := s.txns[:0]
	for _, t := range s.txns {
		switch {
		case t.gone:
		case t.kept:
			left = append(left, t)
		default:
			t.letGo()
		}
	}
	clear(s.txns[len(left):])
	s.txns, s.kept = left, len(left)
}

// lookout looks for strongly connected components as [tarjan] does, of vertices in memory.
type lookout struct {
	*stream
	kept  bool // what it comes to
	count int32
	stack []*vertex
	path  []lookFrame
}

// lookFrame is a vertex of the path.
type lookFrame struct {
	v   *vertex
	n   int // of its edges, the next one to look at
	low int32
}

func (l *lookout) visit(v *vertex) {
	l.count++
	v.epoch, v.index, v.kept = l.epoch, l.count, l.kept
	l.stack = append(l.stack, v)
	l.path = append(l.path, lookFrame{v, 0, l.count})
}

func (l *lookout) from(root *vertex) {
	if root.epoch == l.epoch {
		return
	}
	l.visit(root)
	for len(l.path) > 0 {
		f := &l.path[len(l.path)-1]
		if to := f.v.next(f.n); to != nil {
			f.n++
			switch {
			case to.epoch != l.epoch:
				l.visit(to)
			case to.index != done:
				f.low = min(f.low, to.index)
			}
			continue
		}
		v, low := f.v, f.low
		l.path = l.path[:len(l.path)-1]
		if low == v.index {
			l.component(v)
			continue
		}
		above := &l.path[len(l.path)-1]
		above.low = min(above.low, low)
	}
}

// component takes a component off the stack. With all keys of several transactions something is wrong.
func (l *lookout) component(v *vertex) {
	at, transactions := len(l.stack), 0
	for at == len(l.stack) || l.stack[at] != v {
		at--
		l.stack[at].index = done
		if l.stack[at].txn != nil {
			transactions++
		}
	}
	if transactions > 1 {
		for _, v := range l.stack[at:] {
			if v.txn == nil {
				continue
			}
			for _, k := range v.txn.keys {
				if !k.retired {
					l.accuse(k)
				}
			}
		}
	}
	l.stack = l.stack[:at]
}
