package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// good is an object that is right, in use: it says what a process does next, and lets that take effect. What is not ok
// fails.
type good interface {
	call(rng *rand.Rand, process int) Deed
	effect(process int, d Deed) (done Deed, ok bool)
}

// market is what streams are measured with.
type market struct {
	name   string
	stream func() Stream
	open   func() good
	each   int // operations after which another object begins; 0 means never
	crowd  int // how many clients there are
}

func markets() []market {
	register := func(values int64, swaps bool) func() good {
		return func() good { return &goodRegister{values: values, swaps: swaps} }
	}
	lock := func(fenced bool) (func() Stream, func() good) {
		return func() Stream { return StreamLocks(fenced) }, func() good { return &goodLock{fenced: fenced} }
	}
	queue := func(fifo bool) (func() Stream, func() good) {
		return func() Stream { return StreamQueues(fifo) }, func() good { return &goodQueue{fifo: fifo} }
	}
	counter := func(down bool) func() good { return func() good { return &goodCounter{down: down} } }
	list := func(reads int) func() good { return func() good { return &goodList{reads: reads} } }
	plain, plainLock := lock(false)
	fenced, fencedLock := lock(true)
	ordered, orderedQueue := queue(true)
	free, freeQueue := queue(false)
	return []market{
		{"register", StreamRegisters, register(0, false), 0, 20},
		{"cas-register", StreamRegisters, register(0, true), 0, 20},
		{"register, 10 values", StreamRegisters, register(10, false), 0, 5},
		{"cas-register, 10 values", StreamRegisters, register(10, true), 0, 5},
		{"cas-register, 10 values, crowded", StreamRegisters, register(10, true), 0, 20},
		{"member", StreamMembers, register(2, false), 0, 5},
		{"lock", plain, plainLock, 0, 20},
		{"fenced-lock", fenced, fencedLock, 0, 20},
		{"counter", StreamCounters, counter(false), 0, 20},
		{"counter, up and down", StreamCounters, counter(true), 0, 5},
		{"append, 200 operations a key", StreamLists, list(2), 200, 20},
		{"append, 20000 operations a key, few reads", StreamLists, list(500), 20_000, 20},
		{"set, 20 elements a key", StreamSets, list(2), 40, 20},
		{"set, 200 elements a key", StreamSets, list(2), 400, 20},
		{"set, 2000 elements a key", StreamSets, list(2), 4000, 20},
		{"queue", ordered, orderedQueue, 0, 20},
		{"unordered-queue", free, freeQueue, 0, 20},
	}
}

type goodRegister struct {
	swaps  bool
	values int64 // how many are used again and again; 0 means that each is new
	fresh  int64
	state  any
}

func (g *goodRegister) call(rng *rand.Rand, _ int) Deed {
	if rng.IntN(2) == 0 {
		return Deed{Kind: Read}
	}
	g.fresh++
	v := g.fresh
	if g.values > 0 {
		v = rng.Int64N(g.values)
	}
	if g.swaps && rng.IntN(2) == 0 {
		return Deed{Swap, v, g.state}
	}
	return Deed{Kind: Write, Value: v}
}

func (g *goodRegister) effect(_ int, d Deed) (Deed, bool) {
	switch {
	case d.Kind == Swap && g.state != d.From:
		return d, false
	case d.Kind == Read:
		d.Value = g.state
	}
	g.state = d.Value
	return d, true
}

type goodLock struct {
	fenced bool
	held   bool
	token  int64
	mine   [64]bool
}

func (g *goodLock) call(_ *rand.Rand, process int) Deed {
	if g.mine[process] {
		return Deed{Kind: Release, From: process}
	}
	return Deed{Kind: Acquire, From: process}
}

func (g *goodLock) effect(process int, d Deed) (Deed, bool) {
	switch {
	case d.Kind == Release:
		g.held, g.mine[process] = false, false
	case g.held:
		d.Kind = Busy
	default:
		g.held, g.mine[process] = true, true
		if g.fenced {
			g.token++
			d.Value = g.token
		}
	}
	return d, true
}

type goodCounter struct {
	down bool
	n    int64
}

func (g *goodCounter) call(rng *rand.Rand, _ int) Deed {
	switch {
	case rng.IntN(2) == 0:
		return Deed{Kind: Count}
	case g.down:
		return Deed{Kind: Add, Value: []int64{1, 2, -1, -2}[rng.IntN(4)]}
	}
	return Deed{Kind: Add, Value: int64(1)}
}

func (g *goodCounter) effect(_ int, d Deed) (Deed, bool) {
	if d.Kind == Count {
		d.Value = g.n
	} else {
		g.n += d.Value.(int64)
	}
	return d, true
}

type goodList struct {
	reads int // one operation in so many
	fresh int64
	list  []int64
}

func (g *goodList) call(rng *rand.Rand, _ int) Deed {
	if rng.IntN(g.reads) == 0 {
		return Deed{Kind: Read}
	}
	g.fresh++
	return Deed{Kind: Append, Value: g.fresh}
}

func (g *goodList) effect(_ int, d Deed) (Deed, bool) {
	if d.Kind == Read {
		d.Value = g.list[:len(g.list):len(g.list)]
	} else {
		g.list = append(g.list, d.Value.(int64))
	}
	return d, true
}

type goodQueue struct {
	fifo  bool
	fresh int64
	rng   *rand.Rand
	queue []int64
}

func (g *goodQueue) call(rng *rand.Rand, _ int) Deed {
	g.rng = rng
	if rng.IntN(2) == 0 {
		return Deed{Kind: Dequeue}
	}
	g.fresh++
	return Deed{Kind: Enqueue, Value: g.fresh}
}

func (g *goodQueue) effect(_ int, d Deed) (Deed, bool) {
	switch {
	case d.Kind == Enqueue && len(g.queue) >= 100:
		return d, false // it is full
	case d.Kind == Enqueue:
		g.queue = append(g.queue, d.Value.(int64))
	case len(g.queue) > 0:
		i := 0
		if !g.fifo {
			i = g.rng.IntN(len(g.queue))
		}
		d.Value = g.queue[i]
		g.queue = slices.Delete(g.queue, i, i+1)
	}
	return d, true
}

// watch runs clients that are always busy against an object and tells a stream of them, until the stop function, which
// is asked after every operation, ends it. Of some per cent of the operations nobody learns how they ended.
func (m market) watch(tb testing.TB, operations, lost int, stop func(s Stream) bool) (stopped bool) {
	tb.Helper()
	type client struct {
		step int
		deed Deed
		ok   bool
	}
	rng := rand.New(rand.NewPCG(1, 2))
	clients, ids := make([]client, m.crowd), make([]int, m.crowd)
	for i := range ids {
		ids[i] = i
	}
	g, s, started, open := m.open(), m.stream(), 0, 0
	for at, done := int64(0), 0; done < operations; at++ {
		who := rng.IntN(len(clients))
		c := &clients[who]
		switch {
		case c.step == 0 && m.each > 0 && started == m.each:
			if open == 0 {
				g, s, started = m.open(), m.stream(), 0
			}
			continue
		case c.step == 0:
			c.deed = g.call(rng, who)
			started++
			open++
			s.Call(ids[who], at, c.deed)
		case c.step == 1:
			c.deed, c.ok = g.effect(who, c.deed)
		default:
			done++
			open--
			holds := c.deed.Kind.Holds() // who lost count of a lock would do what no process does
			switch {
			case !holds && rng.IntN(100) < lost:
				s.GiveUp(ids[who])
				ids[who] += len(clients)
			case c.ok:
				s.Return(ids[who], at, c.deed)
			default:
				s.Fail(ids[who])
			}
			if stop(s) {
				return true
			}
		}
		c.step = (c.step + 1) % 3
	}
	return false
}

// trade lets clients trade that are told no lies. It returns the most that the stream remembered.
func (m market) trade(tb testing.TB, operations int) (most int) {
	tb.Helper()
	n := 0
	m.watch(tb, operations, 0, func(s Stream) bool {
		if most = max(most, s.Size()); s.Unfit() {
			tb.Fatalf("%s: unfit after %d operations", m.name, n)
		}
		if n++; (n%4096 == 0 || n == operations) && s.Illegal() != "" {
			tb.Fatalf("%s, after %d operations: %s", m.name, n, s.Illegal())
		}
		return false
	})
	return most
}

// TestStreamsStaySmall: with ten times the operations they remember no more.
func TestStreamsStaySmall(t *testing.T) {
	t.Parallel()
	for _, m := range markets() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			few, many := m.trade(t, 3_000), m.trade(t, 30_000)
			if many > 4*few+100 {
				t.Errorf("it remembers %d after 3,000 operations and %d after 30,000", few, many)
			}
		})
	}
}

// liar is an object that spoils a few answers, one of which somebody will get.
type liar struct {
	good
	after int // operations
	lied  *int
}

const lies = 3

func (l *liar) effect(process int, d Deed) (Deed, bool) {
	d, ok := l.good.effect(process, d)
	if l.after--; l.after > 0 || *l.lied == lies || !ok {
		return d, ok
	}
	*l.lied++
	list, _ := d.Value.([]int64)
	switch {
	case len(list) > 1:
		d.Value = slices.Concat(list[:len(list)-2], list[len(list)-1:])
	case d.Kind == Read:
		d.Value = int64(-1)
	case d.Kind == Count:
		d.Value = d.Value.(int64) + 1000
	case d.Kind == Dequeue:
		d.Value = int64(1)
	case d.Kind == Busy:
		d.Kind, d.Value = Acquire, int64(1)
	default:
		*l.lied--
	}
	return d, ok
}

// TestStreamsNoticeSoon: one answer that cannot be is noticed while it matters, and so it is where a few operations
// never return.
func TestStreamsNoticeSoon(t *testing.T) {
	t.Parallel()
	for _, m := range markets() {
		for _, lost := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d%% lost", m.name, lost), func(t *testing.T) {
				t.Parallel()
				m, lied, open := m, 0, m.open
				m.open = func() good { return &liar{good: open(), after: 1000, lied: &lied} }
				if m.each > 0 {
					m.each = 5000
				}
				const enough = 30 // operations of each client
				since := 0
				noticed := m.watch(t, 6_000, lost, func(s Stream) bool {
					if lied > 0 {
						since++
					}
					return s.Illegal() != "" || s.Unfit()
				})
				if !noticed || lied == 0 || since > enough*m.crowd {
					t.Errorf("noticed %t, %d lies, %d operations after the first", noticed, lied, since)
				}
			})
		}
	}
}

// BenchmarkStream has 20 clients that are always busy, or 5 where that is much for what they do. -benchtime 50000000x
// shows that a stream remembers no more after fifty million operations.
func BenchmarkStream(b *testing.B) {
	for _, m := range markets() {
		b.Run(m.name, func(b *testing.B) {
			most := m.trade(b, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric(float64(most), "remembered")
		})
	}
}
