package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// dice says what random objects look like.
type dice struct {
	swaps, failed bool

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
	seen   int32
}

// world is a register that is right, with its clients.
type world struct {
	dice
	rng   *rand.Rand
	event int64
	fresh int32
	state int32
	ever  []int32 // what it held, from the beginning on
	out   []Op
}

// roll makes an object by running clients against one that is right, and then lying about some reads.
func (d dice) roll(rng *rand.Rand) *Object {
	w := &world{dice: d, rng: rng, ever: []int32{0}}
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
	case w.swaps && dare < 80:
		return Op{Kind: Swap, From: w.ever[max(0, len(w.ever)-1-w.rng.IntN(3))], Value: v}
	}
	return Op{Kind: Write, Value: v}
}

func (w *world) perform(c *client) {
	c.effect = true
	switch o := &c.op; {
	case o.Kind == Read:
		c.seen = w.state
	case o.Kind == Swap && w.state != o.From && w.rng.IntN(100) >= w.lies:
		o.Kind = SwapFailed
	default:
		w.state = o.Value
		w.ever = append(w.ever, w.state)
	}
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
		o.Value = c.seen
		if w.rng.IntN(100) < w.lies {
			o.Value = w.lie()
		}
	}
	w.out = append(w.out, o)
}

// lie returns a state of another time, sometimes changed to one which is stored about now, only later, or never.
func (w *world) lie() int32 {
	old := w.ever[w.rng.IntN(len(w.ever))]
	if old != 0 && w.rng.IntN(6) == 0 {
		return w.fresh + w.rng.Int32N(3)
	}
	return old
}

func (w *world) object() *Object {
	slices.SortFunc(w.out, func(a, b Op) int { return int(a.Call - b.Call) })
	return &Object{Ops: w.out, Values: int(w.fresh) + 3}
}

// show prints an object for whoever has to find out what is wrong.
func show(o *Object) string {
	names := map[Kind]string{Read: "read", Write: "write", Swap: "swap", SwapFailed: "swap failed"}
	out := ""
	for i, op := range o.Ops {
		end := fmt.Sprint(op.Return)
		if op.Pending() {
			end = "never"
		}
		out += fmt.Sprintf("  %d: [%d %s] %s %d from %d\n", i, op.Call, end, names[op.Kind], op.Value, op.From)
	}
	return out
}
