package linear

import (
	"maps"
	"math/bits"
	"slices"
)

// configurations is just-in-time linearization (Lowe, Testing for linearizability, 2017): every state in which the
// object may be, and which of the open operations have taken effect by then. At a return those stay in which the
// operation has, and the others are extended by open operations that end in it. To keep them few:
//
//   - an operation that changes nothing takes place as soon as it fits, and what differs only in fewer of those is
//     dropped;
//   - of several that do the same the one that returned first takes place first;
//   - one that never returned takes place only where somebody waits for its effect, and those that do the same are
//     counted, not told apart; what differs only in more of them used up is dropped;
//   - so does one that brings a state about whatever was before (a blind write), and when it returns it may as well
//     have stood unseen, where that was free: right before another one, or where the state was the same.
type configurations struct {
	model   Model
	valued  Valued // the model, or nil: a counter
	most    int    // how many may come up at one return
	now     []configuration
	ops     [maxOpen]Op
	needs   [maxOpen]int32  // the state that an operation has to find, or anyState
	earlier [maxOpen]uint64 // those that do the same and returned before
	open    uint64          // as the following: sets of positions in ops
	change  uint64          // they do not only observe
	blind   uint64
	waiting []idlers // by class: operations that never returned
	class   map[does]int32
	falls   bool // something was taken off a counter
	next    pool
	work    pool
	wanted  []int32
	ends    int
	broken  bool // none is left
	tooMany bool
}

const (
	maxOpen = 64
	// normalizeEvery is how many returns pass between two looks for what all configurations have used up.
	normalizeEvery = 64
	anyState       = -1
)

// configuration is one way in which it may stand.
type configuration struct {
	state  int32
	placed uint64
	free   uint64 // blind writes that may as well have stood unseen before now
	used   *used
}

// idlers are operations of one class that never returned.
type idlers struct {
	op    Op
	count int32
}

func newConfigurations(m Model, most int) *configurations {
	c := &configurations{model: m, most: most, class: map[does]int32{}, work: pool{stays: true}}
	c.valued, _ = m.(Valued)
	c.now = []configuration{{state: m.Init()}}
	return c
}

func (c *configurations) copied() *configurations {
	d := *c
	d.now, d.waiting, d.class = slices.Clone(c.now), slices.Clone(c.waiting), maps.Clone(c.class)
	d.next, d.work, d.wanted = pool{}, pool{stays: true}, nil
	return &d
}

func (c *configurations) size() int {
	return len(c.now) + bits.OnesCount64(c.open) + len(c.waiting)
}

// mention tells of every value that is still of use.
func (c *configurations) mention(states map[int32]bool, op func(*Op)) {
	for i := range c.now {
		states[c.now[i].state] = true
	}
	for left := c.open; left != 0; left &= left - 1 {
		op(&c.ops[bits.TrailingZeros64(left)])
	}
	for n := range c.waiting {
		op(&c.waiting[n].op)
	}
}

// begin takes the call of an operation that returns later, and gives it a position.
func (c *configurations) begin(op Op) int {
	slot := bits.TrailingZeros64(^c.open)
	if slot == maxOpen {
		c.tooMany = true
		return 0
	}
	bit := uint64(1) << slot
	c.open |= bit
	c.ops[slot], c.earlier[slot], c.needs[slot] = op, 0, anyState
	if c.valued != nil {
		if v, one := c.valued.Needs(&op); one {
			c.needs[slot] = v
		}
	}
	if op.Kind.Observes() {
		for i := range c.now {
			c.settle(&c.now[i])
		}
		return slot
	}
	c.sort(slot)
	c.falls = c.falls || op.Kind == Add && op.Amount() < 0
	return slot
}

// sort compares an operation that changes something with others.
func (c *configurations) sort(slot int) {
	bit, op := uint64(1)<<slot, &c.ops[slot]
	for left := c.change; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		switch other := &c.ops[i]; {
		case other.Kind != op.Kind || other.Value != op.Value || other.From != op.From:
		case other.Return < op.Return:
			c.earlier[slot] |= 1 << i
		default:
			c.earlier[i] |= bit
		}
	}
	c.change |= bit
	if c.valued != nil && c.needs[slot] == anyState {
		c.blind |= bit
		for i := range c.now {
			c.settle(&c.now[i])
		}
	}
}

// start takes the call of an operation of which it is known how it ended, and gives it a position if it returned.
func (c *configurations) start(op Op) int {
	switch {
	case c.tooMany:
	case !op.Pending():
		return c.begin(op)
	case !op.Kind.Observes():
		op.forget()
		c.idle(op)
	}
	return 0
}

// idle takes the call of an operation that never returns.
func (c *configurations) idle(op Op) {
	d := does{op.Kind, op.Value, op.From}
	if op.Kind == Acquire { // whoever it was does nothing more: whichever took the lock, nobody gives it back
		d.from = 0
	}
	n, known := c.class[d]
	if !known {
		n = int32(slices.IndexFunc(c.waiting, func(i idlers) bool { return i.count == 0 }))
		if n < 0 {
			n = int32(len(c.waiting))
			c.waiting = append(c.waiting, idlers{})
		}
		c.waiting[n] = idlers{op: op}
		c.class[d] = n
	}
	c.waiting[n].count++
	c.falls = c.falls || op.Kind == Add && op.Amount() < 0
}

// end takes a return.
func (c *configurations) end(slot int) {
	bit := uint64(1) << slot
	missing := slices.IndexFunc(c.now, func(n configuration) bool { return n.placed&bit == 0 })
	if missing >= 0 {
		c.extend(slot)
	} else {
		for i := range c.now {
			c.now[i].placed &^= bit
			c.now[i].free &^= bit
		}
	}
	c.open &^= bit
	c.change &^= bit
	c.blind &^= bit
	for left := c.change; left != 0; left &= left - 1 {
		c.earlier[bits.TrailingZeros64(left)] &^= bit
	}
	if c.ends++; len(c.now) == 1 || c.ends%normalizeEvery == 0 {
		c.normalize()
	}
}

// extend makes the configurations in which the operation has taken effect of those in which it has not.
func (c *configurations) extend(slot int) {
	bit := uint64(1) << slot
	c.next.reset(c.change)
	c.work.reset(c.change)
	for _, n := range c.now {
		c.reach(n, bit)
	}
	for i := 0; i < len(c.work.all); i++ {
		n := c.work.all[i]
		if c.change&bit != 0 {
			c.place(n, slot, bit)
			if n.free&bit != 0 {
				n.free &^= bit
				c.next.add(n)
				n.free |= bit
			}
		}
		c.others(&n, bit)
		if len(c.work.all)+len(c.next.all) > c.most {
			c.tooMany = true
			return
		}
	}
	c.now = append(c.now[:0], c.next.all...)
	c.broken = len(c.now) == 0
}

// reach sorts a configuration to those in which the operation that returns has taken effect, or the others.
func (c *configurations) reach(n configuration, bit uint64) {
	if n.placed&bit == 0 {
		c.work.add(n)
		return
	}
	n.placed &^= bit
	n.free &^= bit
	c.next.add(n)
}

// place lets an open operation take effect where it fits, while the one of bit returns.
func (c *configurations) place(n configuration, slot int, bit uint64) {
	state, fits := c.model.Step(n.state, &c.ops[slot])
	if !fits {
		return
	}
	n.state = state
	n.placed |= 1 << slot
	if c.blind&(1<<slot) != 0 {
		n.free = c.blind
	}
	c.arrive(n, bit)
}

// arrive lets those look who wait for the state, once it has changed.
func (c *configurations) arrive(n configuration, bit uint64) {
	if c.valued == nil && n.state >= near {
		c.tooMany = true // the model would remember every such count
	}
	c.settle(&n)
	c.reach(n, bit)
}

// settle lets observers look, and notes which blind writes bring about nothing new.
func (c *configurations) settle(n *configuration) {
	for left := c.open &^ c.change &^ n.placed; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		if _, fits := c.model.Step(n.state, &c.ops[i]); fits {
			n.placed |= 1 << i
		}
	}
	for left := c.blind &^ n.free; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		if made, _ := c.valued.Makes(&c.ops[i]); made == n.state {
			n.free |= 1 << i
		}
	}
	n.free &^= n.placed
}

// others places one other operation than the one of bit, whichever are of use.
func (c *configurations) others(n *configuration, bit uint64) {
	anything, limit := c.wants(n)
	for left := c.change &^ n.placed &^ bit; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		switch op := &c.ops[i]; {
		case c.earlier[i]&^n.placed != 0:
		case c.valued == nil && !c.toward(n.state, op, limit):
		case c.blind&(1<<i) == 0:
			c.place(*n, i, bit)
		case !anything && !slices.Contains(c.wanted, op.Value):
		case !c.changes(n, op.Value, 1<<i):
		default:
			c.place(*n, i, bit)
		}
	}
	for class := range c.waiting {
		w := &c.waiting[class]
		if w.count == 0 || w.count <= n.used.of(int32(class)) || !c.useful(n, &w.op, anything, limit) {
			continue
		}
		m := *n
		m.state, _ = c.model.Step(n.state, &w.op)
		m.used = n.used.with(int32(class))
		if c.valued != nil {
			if _, one := c.valued.Needs(&w.op); !one {
				m.free = c.blind
			}
		}
		c.arrive(m, bit)
	}
}

// wants finds the states that open operations wait for, directly or by way of some that never returned; whether one
// waits for something that is no one state; and of a counter the highest that one waits for.
func (c *configurations) wants(n *configuration) (anything bool, limit int64) {
	c.wanted, limit = c.wanted[:0], ever
	for left := c.open &^ n.placed; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		switch {
		case c.valued == nil && c.change&(1<<i) == 0:
			limit = max(limit, c.ops[i].Amount())
		case c.valued == nil:
		case c.needs[i] != anyState && (c.needs[i] != n.state || c.change&(1<<i) != 0):
			c.wanted = append(c.wanted, c.needs[i])
		case c.needs[i] == anyState && c.change&(1<<i) == 0:
			anything = true
		}
	}
	if c.valued == nil {
		return false, limit
	}
	for i := 0; i < len(c.wanted); i++ {
		for class := range c.waiting {
			op := &c.waiting[class].op
			if made, one := c.valued.Makes(op); !one || made != c.wanted[i] {
				continue
			}
			if from, one := c.valued.Needs(op); one && !slices.Contains(c.wanted, from) {
				c.wanted = append(c.wanted, from)
			}
		}
	}
	return anything, limit
}

// toward reports whether an addition brings a counter nearer to what somebody waits for.
func (c *configurations) toward(state int32, op *Op, limit int64) bool {
	return limit != ever && (c.falls || int64(state)+op.Amount() <= limit)
}

// useful reports whether the effect of an operation that never returned is waited for, and can be had.
func (c *configurations) useful(n *configuration, op *Op, anything bool, limit int64) bool {
	if c.valued == nil {
		return c.toward(n.state, op, limit)
	}
	made, _ := c.valued.Makes(op)
	if !anything && !slices.Contains(c.wanted, made) {
		return false
	}
	if _, one := c.valued.Needs(op); !one {
		return c.changes(n, made, 0)
	}
	state, fits := c.model.Step(n.state, op)
	return fits && state != n.state
}

// changes reports whether it is of use that a blind write brings a state about: it is another one, or some blind write
// that is not among those of the bits could have stood unseen before it.
func (c *configurations) changes(n *configuration, state int32, besides uint64) bool {
	return state != n.state || c.blind&^n.placed&^n.free&^besides != 0
}

// normalize takes away of those that never returned what all configurations have used up.
func (c *configurations) normalize() {
	if len(c.now) == 0 {
		return
	}
	for u := c.now[0].used; u != nil; u = u.next {
		least := u.count
		for i := range c.now {
			least = min(least, c.now[i].used.of(u.class))
		}
		if least == 0 {
			continue
		}
		w := &c.waiting[u.class]
		if w.count -= least; w.count == 0 {
			maps.DeleteFunc(c.class, func(_ does, n int32) bool { return n == u.class })
		}
		for i := range c.now {
			c.now[i].used = c.now[i].used.less(u.class, least)
		}
	}
}
