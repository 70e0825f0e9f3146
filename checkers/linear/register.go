package linear

import "slices"

// Zones decides registers, with compare-and-set or without, in which every value was stored once (Gibbons & Korach,
// Testing shared memories, 1997; in terms of zones Golab, Li & Shah 2011). It is exact for them, operations that never
// returned included.
//
// A value's writer and all who saw it are a cluster: in every legal order they stand together. So do the clusters that
// follow each other by compare-and-set: they are a block. A block spans from its first return to its last call. An order
// of the blocks exists if and only if no two of them must each come before the other, and then the blocks stand in the
// order in which they begin.
//
// Cost: O(n) where the events are numbered without large gaps, otherwise O(n log n); about 40 bytes for each value and
// 12 for each operation. A Zones keeps its memory for the next object; it is for one goroutine at a time.
type Zones struct {
	object   *Object
	clusters []cluster // by value
	spans    []int32   // by value that begins a block, two for each; of use only where there are compare-and-sets: see block
	begins   []int32   // by event: the block that begins there, plus one
	sorted   []begin   // the same where events have large gaps
	blocks   []int32   // the values that begin blocks, in the order in which the blocks begin
	order    []int32
	swaps    int // that took effect
	failed   int // compare-and-sets
	found    []breach
}

// cluster is a value with everything done to it. Of operations it names the positions, -1 where there is none.
type cluster struct {
	writer int32
	next   int32 // the compare-and-set that replaced the value
	first  int32 // of those that take part, the one that returned first
	last   int32 // and the one that was called last
	count  int32 // how many take part
	wanted bool  // an operation that surely took effect saw the value
	twice  bool  // more than one operation would store the value
}

// span is a block: the operations that returned first and were called last.
type span struct{ first, last int32 }

type begin struct {
	event int64
	value int32
}

// Register decides one object with a [Zones] of its own.
func Register(o *Object) Result { return new(Zones).Decide(o) }

// Spare is memory of which nothing but the order of a legal answer is in use until the next object. Whoever needs some
// may overwrite it until then.
func (z *Zones) Spare() [][]int32 {
	return [][]int32{
		z.begins[:cap(z.begins)], z.blocks[:cap(z.blocks)], z.order[:cap(z.order)], z.spans[:cap(z.spans)],
	}
}

// Model is what the orders of legal answers are replayed on.
func (*Zones) Model() Model { return RegisterModel() }

// Decide answers legal or illegal for good, or [ErrUnfit] where a value was stored more than once or the operations are
// not those of a register. Compare-and-sets that failed are illegal where the value surely was what they expected, and
// legal where they find a place in the order of the others; where neither is so the answer is [ErrUnfit] too, for some
// other order may have a place, or one with a pending writer whom nobody else noticed. The order of a legal answer is
// overwritten by the next call.
func (z *Zones) Decide(o *Object) Result {
	switch z.judge(o) {
	case Legal:
		order, fit := z.spell(), true
		if z.failed > 0 {
			order, fit = weave(o, order)
		}
		if fit {
			return Result{Answer: Legal, By: "zones", Order: order, At: -1}
		}
	case Illegal:
		return z.illegal()
	}
	return Result{By: "zones", At: -1, Cause: ErrUnfit}
}

// judge finds the answer, and leaves what is needed for its proof. Of compare-and-sets that failed it considers only
// whether they are illegal whatever the order.
func (z *Zones) judge(o *Object) Answer {
	z.reset(o)
	if !z.gather() || !z.settle() {
		return Undecided
	}
	z.join()
	z.chain()
	z.arrange()
	z.sweep()
	if z.failed > 0 && len(z.found) == 0 { // otherwise those who saw the value are not to be trusted
		z.refused()
	}
	if len(z.found) > 0 {
		return Illegal
	}
	return Legal
}

func (z *Zones) reset(o *Object) {
	z.object, z.swaps, z.failed, z.found, z.spans = o, 0, 0, nil, z.spans[:0]
	z.clusters = slices.Grow(z.clusters[:0], o.Values)[:o.Values]
	for i := range z.clusters {
		z.clusters[i] = cluster{writer: -1, next: -1, first: -1, last: -1}
	}
}

// looks returns the value that the operation must have seen, had it taken effect.
func (o *Op) looks() (value int32, saw bool) {
	switch {
	case o.Kind == Read:
		return o.Value, true
	case o.Kind == Swap:
		return o.From, true
	}
	return 0, false
}

// same is a compare-and-set to the value that it expects: it stores nothing new. Where it returned it is a read.
func (o *Op) same() bool { return o.Kind == Swap && o.From == o.Value }

// about returns the value of which the operation says, or would say, that it was there then or before.
func (o *Op) about() int32 {
	if o.Kind == SwapFailed {
		return o.From
	}
	return o.Value
}

// stores reports whether the operation puts a new value into a register.
func (o *Op) stores() bool { return o.Kind == Write || o.Kind == Swap && o.From != o.Value }

// gather notes who would store each value and which values were seen by operations that returned. False: this is no
// register.
func (z *Zones) gather() bool {
	ops := z.object.Ops
	for i := range ops {
		o := &ops[i]
		switch {
		case o.stores():
			c := &z.clusters[o.Value]
			if c.writer >= 0 {
				c.twice = true
			}
			if c.writer < 0 || !o.Pending() {
				c.writer = int32(i)
			}
		case o.Kind == SwapFailed:
			z.failed++
		case o.Kind != Read && o.Kind != Swap:
			return false
		}
		if v, saw := o.looks(); saw && !o.Pending() {
			z.clusters[v].wanted = true
		}
	}
	return true
}

// settle finds out which compare-and-sets that never returned took effect, which is those whose value was seen, and
// whether what took effect stored every value once.
//
// Pending operations whose value nobody saw are left out from here on. Sound both ways: put back, they can stand at the
// end of any order; and in an order that holds one, nobody looks between it and the next change, so that nobody notices
// when it is taken out. Compare-and-sets that failed do notice: see Decide.
func (z *Zones) settle() bool {
	ops := z.object.Ops
	for i := range ops {
		for o := &ops[i]; o.Kind == Swap && o.Pending() && !o.same() && z.clusters[o.Value].wanted; {
			c := &z.clusters[o.From]
			if c.wanted {
				break
			}
			c.wanted = true
			if c.writer < 0 {
				break
			}
			o = &ops[c.writer]
		}
	}
	stored := make(map[int32]bool)
	for v := range z.clusters {
		c := &z.clusters[v]
		switch {
		case c.writer < 0:
		case v == 0 && (c.wanted || !ops[c.writer].Pending()):
			return false
		case c.twice && c.wanted:
			return false
		case c.twice && !ops[c.writer].Pending():
			stored[int32(v)] = false // nobody saw it: it is unique if the others never returned
		}
	}
	return len(stored) == 0 || z.once(stored)
}

// once reports whether no value is stored by two operations that returned.
func (z *Zones) once(stored map[int32]bool) bool {
	for i := range z.object.Ops {
		o := &z.object.Ops[i]
		already, asked := stored[o.Value]
		if !asked || !o.stores() || o.Pending() {
			continue
		}
		if already {
			return false
		}
		stored[o.Value] = true
	}
	return true
}

// takesPart reports whether the operation has a place in the order.
func (z *Zones) takesPart(o *Op) bool {
	if o.Kind == SwapFailed {
		return false
	}
	return !o.Pending() || o.stores() && z.clusters[o.Value].wanted
}

// join puts every operation that takes part into its cluster and links clusters by compare-and-set.
func (z *Zones) join() {
	ops := z.object.Ops
	for i := range ops {
		o := &ops[i]
		if !z.takesPart(o) {
			continue
		}
		c := &z.clusters[o.Value]
		c.count++
		c.last = int32(i) // they are in the order of the calls
		if c.first < 0 || o.Return < ops[c.first].Return {
			c.first = int32(i)
		}
		if v, saw := o.looks(); saw && v != 0 && z.clusters[v].writer < 0 {
			z.note(breach{rule: Nowhere, chosen: []int32{int32(i)}})
		}
		if o.Kind == Swap && !o.same() {
			z.swaps++
			if from := &z.clusters[o.From]; from.next < 0 {
				from.next = int32(i)
			} else {
				z.note(breach{rule: Twice, chosen: []int32{from.next, int32(i)}})
			}
		}
	}
}
