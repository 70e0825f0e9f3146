package linear

import (
	"encoding/binary"
	"slices"
)

// QueueModel is a queue, first in first out or in any order. Its states are what is in it.
//
// A dequeue that never returned may, where the order is any, have taken whatever was there. That is decided when it
// matters: until a dequeue finds nothing it is only known that it took something. It may then turn out to have taken
// what was put in after its place in the order, which is as if it stood later: it may stand anywhere after its call.
func QueueModel(fifo bool) Model {
	m := &queueModel{fifo: fifo, numbers: map[string]int32{}}
	m.number(nil)
	return m
}

type queueModel struct {
	fifo    bool
	states  [][]int32 // in any order: how many dequeues may have taken something, and then the values, sorted
	numbers map[string]int32
	key     []byte
}

func (m *queueModel) number(state []int32) int32 {
	m.key = m.key[:0]
	for _, v := range state {
		m.key = binary.LittleEndian.AppendUint32(m.key, uint32(v))
	}
	n, known := m.numbers[string(m.key)]
	if !known {
		n = int32(len(m.states))
		m.states = append(m.states, state)
		m.numbers[string(m.key)] = n
	}
	return n
}

func (*queueModel) Init() int32 { return 0 }

func (m *queueModel) Step(state int32, o *Op) (int32, bool) {
	if m.fifo {
		return m.ordered(state, o)
	}
	return m.free(state, o)
}

func (m *queueModel) ordered(state int32, o *Op) (int32, bool) {
	now := m.states[state]
	switch {
	case o.Kind == Enqueue:
		return m.number(append(slices.Clone(now), o.Value)), true
	case o.empty():
		return state, len(now) == 0
	case len(now) == 0:
		return state, o.Pending()
	case o.Pending() || now[0] == o.Value:
		return m.number(now[1:]), true
	}
	return state, false
}

func (m *queueModel) free(state int32, o *Op) (int32, bool) {
	now := m.states[state]
	if len(now) == 0 {
		now = []int32{0} // nothing was ever done
	}
	lent, values := now[0], now[1:]
	switch {
	case o.Kind == Enqueue:
		at, _ := slices.BinarySearch(values, o.Value)
		return m.number(slices.Insert(slices.Clone(now), at+1, o.Value)), true
	case o.empty():
		return m.number([]int32{lent - int32(len(values))}), len(values) <= int(lent)
	case o.Pending():
		next := slices.Clone(now)
		next[0]++
		return m.number(next), true
	}
	at, in := slices.BinarySearch(values, o.Value)
	if !in {
		return state, false
	}
	return m.number(slices.Delete(slices.Clone(now), at+1, at+2)), true
}

// queueReplay is a queue of values each of which is put in once, for one pass along an order: its state is kept on the
// side.
type queueReplay struct {
	fifo  bool
	in    []bool  // by value
	line  []int32 // what was put in since the queue was empty; first in first out: what is in
	count int     // how many are in
	lent  int     // how many dequeues may have taken something, as in QueueModel
}

func (*queueReplay) Init() int32 { return 0 }

func (m *queueReplay) Step(_ int32, o *Op) (int32, bool) {
	switch {
	case o.Kind == Enqueue:
		m.in[o.Value] = true
		m.line = append(m.line, o.Value)
		m.count++
		return 0, true
	case o.empty():
		return 0, m.clear()
	case o.Pending() && !m.fifo:
		m.lent++
		return 0, true
	case o.Pending() && m.count == 0:
		return 0, true
	case o.Pending():
		return 0, m.take(m.line[0])
	}
	return 0, m.take(o.Value)
}

func (m *queueReplay) take(v int32) bool {
	if !m.in[v] || m.fifo && m.line[0] != v {
		return false
	}
	m.in[v] = false
	m.count--
	if m.fifo {
		m.line = m.line[1:]
	}
	return true
}

// clear reports whether the queue can be empty, and makes it so.
func (m *queueReplay) clear() bool {
	if m.count > m.lent {
		return false
	}
	m.lent -= m.count
	for _, v := range m.line {
		m.in[v] = false
	}
	m.line, m.count = m.line[:0], 0
	return true
}
