package levels

import "math"

// sessions looks for what contradicts the session guarantees. All four say: after a client saw (or stored) one value,
// what it sees (or stores) then is not older. Older is what certainly is: the store of the one value had returned when
// that of the other was called, or the other came from it by swaps; where a value was swapped twice only the first
// counts, and rings say nothing. The initial value is older than all others that were stored.
//
// This is real time and not only the order of processes, so that a guarantee may fall where the register was
// sequential. And for most registers it leaves nothing that could show stores out of order: of stores, only what is
// known from swaps or was seen before it was stored can contradict real time. A register whose stores were applied in
// another order shows it by reads that go back.
//
// Cost: O(n).
func (r *register) sessions(all *view) [guarantees]Session {
	var found [guarantees]Session
	for g := range found {
		found[g].Held = true
	}
	saw, stored := newMemory(r, all), newMemory(r, all)
	for i := range r.ops {
		if !r.part[i] {
			continue
		}
		o, here := &r.ops[i], int32(i)
		look, looked := looks(o)
		if looked {
			found[ReadYourWrites].take(stored, here, look)
			found[MonotonicReads].take(saw, here, look)
		}
		if stores(o) {
			found[MonotonicWrites].take(stored, here, o.Value)
			found[WritesFollowReads].take(saw, here, o.Value)
		}
		if o.Pending() {
			continue // nothing has to come after it
		}
		if looked {
			saw.keep(here, look)
		}
		if stores(o) {
			stored.keep(here, o.Value)
		}
	}
	return found
}

// take judges an operation by what its session remembers.
func (s *Session) take(m *memory, i, value int32) {
	session := m.r.session[i]
	if !m.any(session) {
		return
	}
	s.Asked++
	earlier := m.newer(session, value)
	if earlier.op < 0 {
		return
	}
	s.Broken++
	if s.Held {
		s.Held = false
		ops := []int32{earlier.op, i}
		for _, v := range []int32{value, earlier.value} {
			if w := m.r.writer[v]; w >= 0 {
				ops = append(ops, w)
			}
		}
		s.Witness = sorted(ops)
	}
}

// memory is what each session saw, or what it stored: of all values only the newest count.
type memory struct {
	r      *register
	all    *view
	latest []memo            // by session: of all, the one whose store was called last
	chains map[[2]int32]memo // by session and head of a block with swaps: the one with the most swaps behind it
}

// memo is an operation and the value that is remembered of it. Without any, op is -1.
type memo struct{ op, value int32 }

func newMemory(r *register, all *view) *memory {
	m := &memory{r: r, all: all, latest: make([]memo, r.people), chains: map[[2]int32]memo{}}
	for s := range m.latest {
		m.latest[s].op = -1
	}
	return m
}

func (m *memory) any(session int32) bool { return m.latest[session].op >= 0 }

// called returns when a value's store was: the initial one before everything, and one that nothing stored too.
func (m *memory) called(value int32) int64 {
	if w := m.r.writer[value]; w >= 0 {
		return m.r.ops[w].Call
	}
	return math.MinInt64
}

func (m *memory) keep(i, value int32) {
	session := m.r.session[i]
	if l := &m.latest[session]; l.op < 0 || m.called(value) > m.called(l.value) {
		*l = memo{i, value}
	}
	if m.all.depth[value] > 0 {
		key := [2]int32{session, m.all.head[value]}
		if c, known := m.chains[key]; !known || m.all.depth[value] > m.all.depth[c.value] {
			m.chains[key] = memo{i, value}
		}
	}
}

// newer returns what the session remembers that is certainly newer than a value.
func (m *memory) newer(session, value int32) memo {
	if l := m.latest[session]; m.returned(value) < m.called(l.value) {
		return l
	}
	if c, known := m.chains[[2]int32{session, m.all.head[value]}]; known && m.all.depth[c.value] > m.all.depth[value] {
		return c
	}
	return memo{op: -1}
}

// returned returns when a value's store did: the initial one's before everything.
func (m *memory) returned(value int32) int64 {
	if w := m.r.writer[value]; w >= 0 {
		return m.r.ops[w].Return
	}
	if value == 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}
