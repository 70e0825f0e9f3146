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
//   - an operation that changes nothing takes place as soon as it fits;
//   - of several that do the same the one that returned first takes place first;
//   - one that never returned takes place only where somebody waits for its effect and nothing that is of less use later
//     does the same, and those that do the same are counted, not told apart;
//   - one that brings a state about whatever was before (a blind write) takes place where somebody waits for that too, and
//     when it returns it may as well have stood unseen, where that was free: right before another one, or where the state
//     was the same;
//   - one of which all comes that comes of another covers it, and that is dropped.
//
// What multiplies them is what never returned. Where that makes them too many they go on as two bounds, see bound.
type configurations struct {
	model   Model
	valued  Valued // the model, or nil: a counter
	most    int    // how many may come up at one return
	now     []configuration
	ops     [maxOpen]Op
	needs   [maxOpen]int32  // the state that an operation has to find, or anyState
	makes   [maxOpen]int32  // the state that it leaves, or anyState: it changes nothing, or a counter
	earlier [maxOpen]uint64 // those that do the same and returned before
	open    uint64          // as the following: sets of positions in ops
	change  uint64          // they do not only observe
	blind   uint64
	vague   uint64   // they observe, and what they saw is no one state
	seek    []uint64 // by state: those that have to find it
	bring   []uint64 // by state: those of blind that leave it
	waiting []idlers // by class: operations that never returned
	class   map[does]int32
	falls   bool // something was taken off a counter
	next    pool
	work    pool
	supply  [][]int32 // by state: classes that leave it
	want    []int32   // states
	lost    bool      // whether what never returned may take effect now
	ends    int
	broken  bool // none is left
	tooMany bool
	bound   bound
	high    *configurations // nil, or the other bound
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
	price  int32 // of what is used
	placed uint64
	free   uint64 // blind writes that may as well have stood unseen before now
	used   *used
}

// idlers are operations of one class that never returned.
type idlers struct {
	op           Op
	count        int32
	needs, makes int32
}

func newConfigurations(m Model, most int) *configurations {
	c := &configurations{model: m, most: most, class: map[does]int32{}}
	c.valued, _ = m.(Valued)
	c.now = []configuration{{state: m.Init()}}
	return c
}

func (c *configurations) copied() *configurations {
	d := *c
	if c.high != nil {
		d.high = c.high.copied()
	}
	d.now, d.waiting, d.class = slices.Clone(c.now), slices.Clone(c.waiting), maps.Clone(c.class)
	d.seek, d.bring = slices.Clone(c.seek), slices.Clone(c.bring)
	d.supply = slices.Clone(c.supply)
	for i := range d.supply {
		d.supply[i] = slices.Clone(c.supply[i])
	}
	d.next, d.work, d.want = pool{}, pool{}, nil
	return &d
}

func (c *configurations) size() int {
	n := len(c.now) + bits.OnesCount64(c.open) + len(c.waiting)
	if c.high != nil {
		n += c.high.size()
	}
	return n
}

// mention tells of every value that is still of use.
func (c *configurations) mention(states map[int32]bool, op func(*Op)) {
	if c.high != nil {
		c.high.mention(states, op)
	}
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
	c.ops[slot], c.earlier[slot] = op, 0
	c.needs[slot], c.makes[slot] = c.effect(&op)
	if v := c.needs[slot]; v != anyState {
		at(&c.seek, v)
		c.seek[v] |= bit
	}
	if op.Kind.Observes() || c.needs[slot] != anyState && c.needs[slot] == c.makes[slot] {
		if c.needs[slot] == anyState {
			c.vague |= bit
		}
		for i := range c.now {
			if n := &c.now[i]; c.fits(n.state, slot) {
				n.placed |= bit
			}
		}
		return slot
	}
	c.sort(slot)
	c.falls = c.falls || op.Kind == Add && op.Amount() < 0
	return slot
}

// effect returns what state an operation has to find, and which one it leaves.
func (c *configurations) effect(op *Op) (needs, makes int32) {
	needs, makes = anyState, anyState
	if c.valued == nil {
		return needs, makes
	}
	if v, one := c.valued.Needs(op); one {
		needs = v
	}
	if v, one := c.valued.Makes(op); one {
		makes = v
	}
	return needs, makes
}

// at makes a table long enough for a state.
func at(table *[]uint64, state int32) {
	if more := int(state) + 1 - len(*table); more > 0 {
		*table = append(*table, make([]uint64, more)...)
	}
}

// of returns what a table has for a state.
func of(table []uint64, state int32) uint64 {
	if uint32(state) < uint32(len(table)) { // counts may be below zero
		return table[state]
	}
	return 0
}

// fits reports whether an open operation can take effect in a state.
func (c *configurations) fits(state int32, slot int) bool {
	switch {
	case c.needs[slot] != anyState:
		return c.needs[slot] == state
	case c.vague&(1<<slot) != 0:
		_, fits := c.model.Step(state, &c.ops[slot])
		return fits
	}
	return true
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
	if c.needs[slot] != anyState || c.makes[slot] == anyState {
		return
	}
	c.blind |= bit
	made := c.makes[slot]
	at(&c.bring, made)
	c.bring[made] |= bit
	for i := range c.now {
		if c.now[i].state == made {
			c.now[i].free |= bit
		}
	}
}

// start takes the call of an operation of which it is known how it ended, and gives it a position if it returned.
func (c *configurations) start(op Op) int {
	if c.high != nil {
		c.high.start(op) // at the same position
	}
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
	needs, makes := c.effect(&op)
	if needs != anyState && needs == makes {
		return
	}
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
		c.waiting[n] = idlers{op: op, needs: needs, makes: makes}
		if makes != anyState {
			if more := int(makes) + 1 - len(c.supply); more > 0 {
				c.supply = append(c.supply, make([][]int32, more)...)
			}
			c.supply[makes] = append(c.supply[makes], n)
		}
		c.class[d] = n
	}
	c.waiting[n].count++
	c.falls = c.falls || op.Kind == Add && op.Amount() < 0
}

// end takes a return.
func (c *configurations) end(slot int) {
	if c.high != nil {
		c.high.end(slot)
	}
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
	c.leave(slot, bit)
	c.judge()
	if c.ends++; len(c.now) == 1 || c.ends%normalizeEvery == 0 {
		c.normalize()
	}
}

// leave takes an operation off the open ones.
func (c *configurations) leave(slot int, bit uint64) {
	if v := c.needs[slot]; v != anyState {
		c.seek[v] &^= bit
	}
	if c.blind&bit != 0 {
		c.bring[c.makes[slot]] &^= bit
	}
	c.open &^= bit
	c.change &^= bit
	c.blind &^= bit
	c.vague &^= bit
	for left := c.change; left != 0; left &= left - 1 {
		c.earlier[bits.TrailingZeros64(left)] &^= bit
	}
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
			if w.makes != anyState {
				all := &c.supply[w.makes]
				*all = slices.DeleteFunc(*all, func(n int32) bool { return n == u.class })
			}
		}
		for i := range c.now {
			c.now[i].used = c.now[i].used.less(u.class, least)
		}
	}
	for i := range c.now {
		c.reckon(&c.now[i])
	}
}
