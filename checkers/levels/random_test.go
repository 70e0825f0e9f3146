package levels

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// dice says what random histories look like. Every value is new.
type dice struct {
	swaps, failed bool
	ops           int
	processes     int
	pending       int  // per cent of operations that never return
	lies          int  // per cent of what is seen that is not the state
	local         bool // lies are mostly what the process itself can have seen: it runs behind
}

// client is a process of the simulation.
type client struct {
	at      int // its operation, -1 where it does nothing
	effect  bool
	process int
	behind  int // the state that it saw last, by number
}

// world is a register that is right, with its clients.
type world struct {
	dice
	rng   *rand.Rand
	event int64
	now   int64
	ever  []int32
	fresh int32
	h     *sheet
	all   []client
}

// roll runs clients against a register that is right, but for lies.
func (d dice) roll(rng *rand.Rand) *sheet {
	w := &world{dice: d, rng: rng, ever: []int32{0}, all: make([]client, d.processes)}
	w.h = &sheet{Object: &linear.Object{}}
	for i := range w.all {
		w.all[i] = client{at: -1, process: i}
	}
	for started := 0; ; {
		c := &w.all[rng.IntN(len(w.all))]
		switch {
		case c.at >= 0 && !c.effect && rng.IntN(3) > 0:
			w.perform(c)
		case c.at >= 0:
			w.finish(c)
		case started < d.ops:
			started++
			w.call(c)
		case !slices.ContainsFunc(w.all, func(c client) bool { return c.at >= 0 }):
			w.h.Object.Values = int(w.fresh) + 3
			return w.h.without(func(i int) bool {
				o := &w.h.Object.Ops[i]
				return o.Kind.Observes() && (o.Pending() || o.Kind == linear.SwapFailed && !d.failed)
			})
		}
	}
}

// tick is the next event. Some happen in the same nanosecond.
func (w *world) tick() (event, now int64) {
	w.event++
	w.now += w.rng.Int64N(4)
	return w.event, w.now
}

func (w *world) call(c *client) {
	event, now := w.tick()
	op := linear.Op{Call: event, Return: linear.Never}
	switch dare := w.rng.IntN(100); {
	case dare < 50:
		op.Kind = linear.Read
	case w.swaps && dare < 80:
		op.Kind, op.From = linear.Swap, w.ever[max(0, len(w.ever)-1-w.rng.IntN(3))]
	default:
		op.Kind = linear.Write
	}
	if !op.Kind.Observes() {
		w.fresh++
		op.Value = w.fresh
	}
	if op.Kind == linear.Swap && w.rng.IntN(12) == 0 {
		op.Value = op.From
	}
	c.at, c.effect = len(w.h.Object.Ops), false
	w.h.Object.Ops = append(w.h.Object.Ops, op)
	w.h.Process, w.h.Call, w.h.Return = append(w.h.Process, c.process), append(w.h.Call, now), append(w.h.Return, 0)
}

func (w *world) perform(c *client) {
	c.effect = true
	o := &w.h.Object.Ops[c.at]
	state := w.ever[len(w.ever)-1]
	lies := w.rng.IntN(100) < w.lies
	switch {
	case o.Kind == linear.Read && lies:
		o.Value = w.lie(c)
	case o.Kind == linear.Read:
		o.Value, c.behind = state, len(w.ever)-1
	case o.Kind == linear.Swap && state != o.From && !lies:
		o.Kind = linear.SwapFailed
	default:
		w.ever = append(w.ever, o.Value)
		if w.rng.IntN(2) == 0 {
			c.behind = len(w.ever) - 1
		}
	}
}

// lie returns a state of another time: one that its client can have seen, or any, or sometimes one that is stored about
// now, only later, or never.
func (w *world) lie(c *client) int32 {
	if w.local {
		c.behind += w.rng.IntN(len(w.ever) - c.behind)
		return w.ever[c.behind]
	}
	old := w.ever[w.rng.IntN(len(w.ever))]
	if old != 0 && w.rng.IntN(6) == 0 {
		return w.fresh + w.rng.Int32N(3)
	}
	return old
}

func (w *world) finish(c *client) {
	o := &w.h.Object.Ops[c.at]
	if c.effect && w.rng.IntN(100) >= w.pending {
		o.Return, w.h.Return[c.at] = w.tick()
	} else if w.rng.IntN(3) > 0 { // mostly a client goes on as another process
		c.process += w.processes
	}
	if o.Pending() && o.Kind == linear.SwapFailed {
		o.Kind = linear.Swap
	}
	c.at = -1
}

// without leaves operations out.
func (h *sheet) without(out func(i int) bool) *sheet {
	n := &sheet{Object: &linear.Object{Values: h.Object.Values}}
	for i, op := range h.Object.Ops {
		if !out(i) {
			n.Object.Ops = append(n.Object.Ops, op)
			n.Process, n.Call = append(n.Process, h.Process[i]), append(n.Call, h.Call[i])
			n.Return = append(n.Return, h.Return[i])
		}
	}
	return n
}

// show prints a history for whoever has to find out what is wrong.
func show(h *sheet) string {
	names := map[linear.Kind]string{
		linear.Read: "read", linear.Write: "write", linear.Swap: "swap", linear.SwapFailed: "swap failed",
	}
	out := ""
	for i, op := range h.Object.Ops {
		end := fmt.Sprintf("%d @%d", op.Return, h.Return[i])
		if op.Pending() {
			end = "never"
		}
		out += fmt.Sprintf("  %d: process %d [%d @%d, %s] %s %d from %d\n", i, h.Process[i], op.Call, h.Call[i], end,
			names[op.Kind], op.Value, op.From)
	}
	return out
}
