package txn

import (
	"context"
	"slices"
)

// committed: who reads from one transaction, and then in another key, which that one also wrote, from another: the other
// wrote there later.
func (w *weak) committed(_ context.Context, emit emit) {
	const unset = -2
	type later struct{ stamp, first, second int32 }
	keys := make([]later, len(w.keys))
	var readers []int
	for v := range int32(len(w.txnOf)) {
		reads := w.reads(v)
		distinct := 0         // keys read after the present read
		readers = readers[:0] // positions of the first reads from each transaction
		for n, s := range reads {
			if s.by >= 0 && !slices.ContainsFunc(reads[:n], func(b seen) bool { return b.by == s.by }) {
				readers = append(readers, n)
			}
		}
		for n := len(reads) - 1; n >= 0; n-- {
			s := reads[n]
			if len(readers) > 0 && readers[len(readers)-1] == n {
				readers = readers[:len(readers)-1]
				look := func(key int32) {
					k := &keys[key]
					if k.stamp != v+1 {
						return
					}
					switch {
					case k.first != s.by:
						emit(s.by, k.first, v, key)
					case k.second != unset:
						emit(s.by, k.second, v, key)
					}
				}
				if len(w.writes(s.by)) <= distinct {
					for _, key := range w.writes(s.by) {
						look(key)
					}
				} else {
					for _, o := range reads[n+1:] {
						if w.wrote(s.by, o.key) {
							look(o.key)
						}
					}
				}
			}
			k := &keys[s.key]
			if k.stamp != v+1 {
				*k = later{v + 1, s.by, unset}
				distinct++
			} else if k.first != s.by {
				k.first, k.second = s.by, k.first
			}
		}
	}
}

// atomic: who reads from one transaction, and in a key that this one also wrote from another: the other wrote there later.
// The same goes for what the session did before.
func (w *weak) atomic(_ context.Context, emit emit) {
	type last struct{ stamp, by int32 }
	keys := make([]last, len(w.keys))
	wrote := newWriters(w.storesOf)
	var distinct []int32
	for v := range int32(len(w.txnOf)) {
		reads := w.reads(v)
		session := w.txns[w.txnOf[v]].session
		distinct = distinct[:0]
		for _, s := range reads {
			keys[s.key] = last{v + 1, s.by}
			if s.by >= 0 && !slices.Contains(distinct, s.by) {
				distinct = append(distinct, s.by)
			}
			if own := wrote.slot(s.key, session); own.session != 0 && own.by != s.by {
				emit(own.by, s.by, v, s.key)
			}
		}
		for _, by := range distinct {
			if len(w.writes(by)) <= len(reads) {
				for _, key := range w.writes(by) {
					if k := keys[key]; k.stamp == v+1 && k.by != by {
						emit(by, k.by, v, key)
					}
				}
				continue
			}
			for _, s := range reads {
				if s.by != by && w.wrote(by, s.key) {
					emit(by, s.by, v, s.key)
				}
			}
		}
		for _, key := range w.writes(v) {
			*wrote.slot(key, session) = writer{session + 1, v}
		}
	}
}

// writers finds who of a session stored in a key last.
type writers struct {
	rooms
	slots []writer
}

type writer struct{ session, by int32 } // the session plus 1; 0 where the slot is empty

func newWriters(entries []int32) writers {
	r := newRooms(entries)
	return writers{r, make([]writer, r.size)}
}

func (w *writers) slot(key, session int32) *writer {
	from, mask := w.of(key)
	slots := w.slots[from:][:mask+1]
	for at := hash(int64(session)) & mask; ; at = (at + 1) & mask {
		if s := &slots[at]; s.session == 0 || s.session == session+1 {
			return s
		}
	}
}

// causal: whoever comes causally before a reader and wrote the key wrote before what was read. Of each session only the
// last such counts, for sessions keep their order.
func (w *weak) causal(ctx context.Context, emit emit) {
	order := w.graph.topological(wr | session)
	if len(order) < len(w.txnOf) {
		return // so ∪ wr makes a circle by itself, which judge finds
	}
	m := w.members()
	k := len(m.of)
	clocks := make([]int32, len(w.txnOf)*k) // by vertex and session: how many of it come causally before
	clockOf := func(v int32) []int32 { return clocks[int(v)*k:][:k] }
	for done, v := range order {
		if done%4096 == 0 && ctx.Err() != nil {
			return
		}
		clock := clockOf(v)
		join := func(u int32) {
			for s, n := range clockOf(u) {
				clock[s] = max(clock[s], n)
			}
			clock[m.session[u]] = max(clock[m.session[u]], m.nth[u]+1)
		}
		if w.before[v] >= 0 {
			join(w.before[v])
		}
		for _, s := range w.reads(v) {
			if s.by >= 0 {
				join(s.by)
			}
		}
		for _, s := range w.reads(v) {
			for at := m.latest[s.key]; at != 0; at = m.runs[at].next {
				r := &m.runs[at]
				n, _ := slices.BinarySearch(m.writers[r.from:r.to], clock[r.session])
				if n == 0 {
					continue
				}
				last := m.writers[r.from+int32(n)-1]
				if s.by >= 0 && last < clockOf(s.by)[r.session] {
					continue // it comes causally before what was read, too
				}
				if u := m.of[r.session][last]; u != s.by {
					emit(u, s.by, v, s.key)
				}
			}
		}
	}
}

// members are the transactions by session, and the writers of each key by session.
type members struct {
	of      [][]int32 // by session, its vertices; only of those that have any
	session []int32   // by vertex
	nth     []int32   // by vertex, its place in its session
	writers []int32   // places in their sessions
	runs    []run     // but for the first, which is none
	latest  []int32   // by key, its latest run, or 0
}

// run is where the writers of a key that are of one session are.
type run struct {
	session, from, to int32
	next              int32 // another of the same key, or 0
}

func (w *weak) members() *members {
	n := len(w.txnOf)
	m := &members{
		session: make([]int32, n), nth: make([]int32, n), writers: make([]int32, w.stores),
		runs: make([]run, 1), latest: make([]int32, len(w.keys)),
	}
	for v, b := range w.before {
		if b == none {
			m.session[v] = int32(len(m.of))
			m.of = append(m.of, nil)
		} else {
			m.session[v], m.nth[v] = m.session[b], m.nth[b]+1
		}
		m.of[m.session[v]] = append(m.of[m.session[v]], int32(v))
	}
	end := make([]int32, len(w.keys)) // by key, where its next writer goes
	for key, at := 0, int32(0); key < len(end); key++ {
		end[key] = at
		at += w.storesOf[key]
	}
	for session, vertices := range m.of {
		for _, v := range vertices {
			for _, key := range w.writes(v) {
				if r := m.latest[key]; r == 0 || m.runs[r].session != int32(session) {
					m.latest[key] = int32(len(m.runs))
					m.runs = append(m.runs, run{int32(session), end[key], end[key], r})
				}
				m.writers[end[key]] = m.nth[v]
				end[key]++
				m.runs[m.latest[key]].to++
			}
		}
	}
	return m
}
