package levels

import (
	"math"

	"github.com/capsize-dev/capsize/checkers/linear"
)

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
func (r *register) sessions(all *view) (told [guarantees]Session) {
	var found [guarantees]promise
	for g := range found {
		found[g].Held = true
	}
	saw, stored := newMemory(r, all), newMemory(r, all)
	judge := func(i int32) {
		o := &r.ops[i]
		look, looked := looks(o)
		if looked {
			found[ReadYourWrites].take(stored, i, look)
			found[MonotonicReads].take(saw, i, look)
		}
		if stores(o) {
			found[MonotonicWrites].take(stored, i, o.Value)
			found[WritesFollowReads].take(saw, i, o.Value)
		}
		if o.Pending() {
			return // nothing has to come after it
		}
		if looked {
			saw.keep(i, look)
		}
		if stores(o) {
			stored.keep(i, o.Value)
		}
	}
	if all.next == nil { // as they were called, for what is near in the history is near in memory
		for i := range r.ops {
			if r.part[i] {
				judge(int32(i))
			}
		}
	} else {
		for s := range r.people {
			own := r.sessionOf(int32(s))
			for _, i := range own {
				judge(i)
			}
			saw.forget(own)
			stored.forget(own)
		}
	}
	for g := range found {
		told[g] = found[g].Session
	}
	return told
}

// promise is a session guarantee as far as it is known.
type promise struct {
	Session
	first int32 // the operation that contradicts it and was called first
}

// take judges an operation by what its session remembers.
func (s *promise) take(m *memory, i, value int32) {
	if m.latest[m.r.session[i]].op < 0 {
		return
	}
	s.Asked++
	earlier := m.newer(m.r.session[i], value)
	if earlier.op < 0 {
		return
	}
	s.Broken++
	if s.Held || i < s.first {
		s.Held, s.first = false, i
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
	latest []newest // by session: of all, the one whose store was called last
	chains []memo   // of one session, by head of a block: the one with the most swaps behind it; nil without swaps
}

// memo is an operation and the value that is remembered of it. Without any, op is -1.
type memo struct{ op, value int32 }

// newest is a memo with when the store of its value was called.
type newest struct {
	memo
	called int64
}

func newMemory(r *register, all *view) *memory {
	m := &memory{r: r, all: all, latest: make([]newest, r.people)}
	for s := range m.latest {
		m.latest[s] = newest{memo{op: -1}, math.MinInt64}
	}
	if all.next != nil {
		m.chains = make([]memo, all.size())
		for head := range m.chains {
			m.chains[head].op = -1
		}
	}
	return m
}

// forget makes the chains as new after a session with these operations.
func (m *memory) forget(own []int32) {
	for _, i := range own {
		o := &m.r.ops[i]
		m.chains[m.all.head[o.Value]].op = -1
		if o.Kind == linear.Swap {
			m.chains[m.all.head[o.From]].op = -1
		}
	}
}

// called returns when a value's store was: the initial one before everything, and one that nothing stored too.
func (m *memory) called(value int32) int64 {
	if w := m.r.writer[value]; w >= 0 {
		return m.r.ops[w].Call
	}
	return math.MinInt64
}

func (m *memory) keep(i, value int32) {
	called := m.called(value)
	if l := &m.latest[m.r.session[i]]; l.op < 0 || called > l.called {
		*l = newest{memo{i, value}, called}
	}
	if depth := m.all.depthOf(value); depth > 0 {
		c := &m.chains[m.all.head[value]]
		if c.op < 0 || depth > m.all.depth[c.value] {
			*c = memo{i, value}
		}
	}
}

// newer returns what the session remembers that is certainly newer than a value.
func (m *memory) newer(session, value int32) memo {
	if l := &m.latest[session]; m.returned(value) < l.called {
		return l.memo
	}
	if m.chains != nil {
		if c := m.chains[m.all.head[value]]; c.op >= 0 && m.all.depth[c.value] > m.all.depth[value] {
			return c
		}
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
