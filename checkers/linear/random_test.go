package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// dice says what random objects look like.
type dice struct {
	list, swaps, failed, revisions bool

	ops       int
	processes int
	pending   int // per cent of operations that never return
	values    int // how many values are used again and again; 0 means that each is new
	lies      int // per cent of reads that return something else
}

// client is one process of the simulation.
type client struct {
	op     Op
	busy   bool
	effect bool
	seen   []int32
}

// world is an object that is right, with its clients.
type world struct {
	dice
	rng      *rand.Rand
	event    int64
	fresh    int32
	revision int64
	state    []int32 // a register holds one value at most
	ever     [][]int32
	out      []Op
	seen     map[int64][]int32 // of list reads, by call
}

// roll makes an object by running clients against one that is right, and then lying about some reads.
func (d dice) roll(rng *rand.Rand) *Object {
	w := &world{dice: d, rng: rng, seen: map[int64][]int32{}, ever: [][]int32{nil}}
	clients := make([]client, d.processes)
	started := 0
	for {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case c.busy && !c.effect && rng.IntN(2) == 0:
			w.perform(c)
		case c.busy:
			w.finish(c)
		case started < d.ops:
			started++
			w.event++
			*c = client{op: w.call(), busy: true}
			c.op.Call = w.event
		case !slices.ContainsFunc(clients, func(c client) bool { return c.busy }):
			return w.object()
		}
	}
}

func (w *world) call() Op {
	w.fresh++
	v := w.fresh
	if w.values > 0 {
		v = w.rng.Int32N(int32(w.values)) + 1
	}
	dare := w.rng.IntN(100)
	switch {
	case dare < 50:
		return Op{Kind: Read}
	case w.list:
		return Op{Kind: Append, Value: v}
	case w.swaps && dare < 80:
		old := w.ever[max(0, len(w.ever)-1-w.rng.IntN(3))]
		return Op{Kind: Swap, From: held(old), Value: v}
	}
	return Op{Kind: Write, Value: v}
}

// held is the value of a register.
func held(state []int32) int32 {
	if len(state) == 0 {
		return 0
	}
	return state[0]
}

func (w *world) perform(c *client) {
	c.effect = true
	switch o := &c.op; o.Kind {
	case Read:
		c.seen = slices.Clone(w.state)
	case Append:
		w.change(append(slices.Clone(w.state), o.Value))
	case Swap:
		if held(w.state) != o.From && w.rng.IntN(100) >= w.lies {
			o.Kind = SwapFailed
			break
		}
		w.change([]int32{o.Value})
	default:
		w.change([]int32{o.Value})
	}
	c.op.Number = w.revision
}

func (w *world) change(state []int32) {
	w.state = state
	w.ever = append(w.ever, state)
	w.revision++
}

func (w *world) finish(c *client) {
	c.busy = false
	o := c.op
	o.Return = Never
	if c.effect && w.rng.IntN(100) >= w.pending {
		w.event++
		o.Return = w.event
	}
	switch {
	case o.Pending() && o.Kind == SwapFailed:
		o.Kind = Swap
	case o.Kind == SwapFailed && !w.failed, o.Pending() && o.Kind.Observes():
		return
	}
	if o.Kind == Read {
		if w.rng.IntN(100) < w.lies {
			c.seen = w.lie()
		}
		w.seen[o.Call] = c.seen
	}
	if !w.revisions || o.Pending() {
		o.Number = 0
	}
	w.out = append(w.out, o)
}

// lie returns a state of another time, sometimes a little changed.
func (w *world) lie() []int32 {
	s := slices.Clone(w.ever[w.rng.IntN(len(w.ever))])
	if len(s) == 0 || w.rng.IntN(3) > 0 {
		return s
	}
	switch i := w.rng.IntN(len(s)); {
	case w.rng.IntN(2) == 0:
		s[i] = w.fresh + w.rng.Int32N(3) // which is stored about now, only later, or never
	case w.list && w.rng.IntN(2) == 0:
		s = append(s, s[i])
	case w.list:
		s = slices.Delete(s, i, i+1)
	}
	return s
}

func (w *world) object() *Object {
	o := &Object{Ops: w.out, Values: int(w.fresh) + 3}
	slices.SortFunc(o.Ops, func(a, b Op) int { return int(a.Call - b.Call) })
	for i := range o.Ops {
		op := &o.Ops[i]
		switch {
		case op.Kind != Read:
		case w.list:
			op.From, op.Value = int32(len(o.Elements)), int32(len(w.seen[op.Call]))
			o.Elements = append(o.Elements, w.seen[op.Call]...)
		default:
			op.Value = held(w.seen[op.Call])
		}
	}
	return o
}

// show prints an object for whoever has to find out what is wrong.
func show(o *Object) string {
	names := map[Kind]string{Read: "read", Write: "write", Swap: "swap", SwapFailed: "swap failed", Append: "append"}
	out := ""
	for i, op := range o.Ops {
		end := fmt.Sprint(op.Return)
		if op.Pending() {
			end = "never"
		}
		out += fmt.Sprintf("  %d: [%d %s] %s %d from %d, revision %d", i, op.Call, end, names[op.Kind], op.Value, op.From,
			op.Number)
		if op.Kind == Read && len(o.Elements) > 0 {
			out += fmt.Sprint(" ", o.Seen(i))
		}
		out += "\n"
	}
	return out
}
