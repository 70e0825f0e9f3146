package txn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// dice says what random histories look like.
type dice struct {
	lists     bool
	txns      int
	processes int
	keys      int
	pending   int // per cent that never return
	fails     int // per cent that fail
	lies      int // per cent of reads that show another state than they should
	skew      int // per cent of transactions that are not done in one piece
	final     bool
}

// world is a store with its clients. Its state of a key is every value that was ever stored in it, in order.
type world struct {
	dice
	rng   *rand.Rand
	state map[int64][]int64
	fresh int64
	pairs []history.Pair
	event int
}

// client does its transaction in one piece, or operation by operation.
type client struct {
	open    bool
	pair    int
	input   []any
	output  []any
	next    int
	piece   bool
	process int
}

// roll runs clients against a store which is right, but for what the dice say.
func (d dice) roll(rng *rand.Rand) history.History {
	w := &world{dice: d, rng: rng, state: map[int64][]int64{}}
	clients := make([]client, d.processes)
	for i := range clients {
		clients[i].process = i
	}
	for {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case !c.open && len(w.pairs) < d.txns:
			w.call(c)
		case !c.open:
			if !slices.ContainsFunc(clients, func(c client) bool { return c.open }) {
				if d.final {
					w.readAll()
				}
				return history.History{Pairs: w.pairs}
			}
		case c.next < len(c.input):
			w.step(c)
		default:
			w.finish(c)
		}
	}
}

func (w *world) call(c *client) {
	n := 1 + w.rng.IntN(3)
	*c = client{open: true, pair: len(w.pairs), process: c.process, piece: w.rng.IntN(100) >= w.skew}
	for range n {
		key := int64(w.rng.IntN(w.keys))
		if w.rng.IntN(2) == 0 {
			c.input = append(c.input, []any{"r", key, nil})
			continue
		}
		w.fresh++
		c.input = append(c.input, []any{w.store(), key, w.fresh})
	}
	w.add(history.Pair{Process: c.process, Input: c.input})
}

func (w *world) store() string {
	if w.lists {
		return "append"
	}
	return "w"
}

func (w *world) add(p history.Pair) {
	p.F, p.Index, p.End, p.Outcome = "txn", w.event, -1, history.Info
	p.Call, p.Due = time.Duration(w.event)*time.Millisecond, time.Duration(w.event)*time.Millisecond
	w.event++
	w.pairs = append(w.pairs, p)
}

// step does the transaction, or one operation of it.
func (w *world) step(c *client) {
	if c.next == 0 && w.rng.IntN(100) < w.fails {
		w.pairs[c.pair].Outcome = history.Fail
		c.next = len(c.input)
		return
	}
	for {
		op := c.input[c.next].([]any)
		c.next++
		key := op[1].(int64)
		if op[0] == "r" {
			c.output = append(c.output, []any{"r", key, w.read(key)})
		} else {
			w.state[key] = append(w.state[key], op[2].(int64))
			c.output = append(c.output, op)
		}
		if c.next == len(c.input) || !c.piece {
			return
		}
	}
}

func (w *world) read(key int64) any {
	all := w.state[key]
	if w.rng.IntN(100) < w.lies && len(all) > 0 {
		all = all[:w.rng.IntN(len(all))]
	}
	if w.lists {
		return append([]int64{}, all...)
	}
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func (w *world) finish(c *client) {
	c.open = false
	p := &w.pairs[c.pair]
	if w.rng.IntN(100) < w.pending && p.Outcome != history.Fail {
		c.process += 100
		return
	}
	p.End, p.Return = w.event, time.Duration(w.event)*time.Millisecond
	w.event++
	if p.Outcome != history.Fail {
		p.Outcome, p.Output = history.OK, c.output
	}
}

// readAll lets one last transaction read everything as it is.
func (w *world) readAll() {
	var out []any
	for key := range int64(w.keys) {
		lies := w.lies
		w.lies = 0
		out = append(out, []any{"r", key, w.read(key)})
		w.lies = lies
	}
	w.add(history.Pair{Process: 1000, Input: out})
	p := &w.pairs[len(w.pairs)-1]
	p.Outcome, p.Output, p.End, p.Return = history.OK, out, w.event, time.Duration(w.event)*time.Millisecond
}

// brute decides strict serializability by trying every order, with rules of its own.
func brute(h history.History) bool {
	var all []history.Pair
	for _, p := range h.Pairs {
		if p.Outcome != history.Fail {
			all = append(all, p)
		}
	}
	b := bruteForce{all: all, dead: map[string]bool{}}
	return b.from(0, map[int64][]int64{})
}

type bruteForce struct {
	all  []history.Pair
	dead map[string]bool
}

func (b *bruteForce) from(done uint32, state map[int64][]int64) bool {
	deadline, finished := 1<<30, true
	for i, p := range b.all {
		if done&(1<<i) == 0 && p.Outcome == history.OK {
			deadline, finished = min(deadline, p.End), false
		}
	}
	if finished {
		return true
	}
	name := fmt.Sprint(done, stateOf(state))
	if b.dead[name] {
		return false
	}
	for i, p := range b.all {
		if done&(1<<i) != 0 || p.Index > deadline {
			continue
		}
		if next, fits := bruteTxn(p, state); fits && b.from(done|1<<i, next) {
			return true
		}
	}
	b.dead[name] = true
	return false
}

func stateOf(state map[int64][]int64) string {
	var keys []int64
	for k := range state {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	out := ""
	for _, k := range keys {
		out += fmt.Sprint(k, state[k], ";")
	}
	return out
}

func bruteTxn(p history.Pair, state map[int64][]int64) (map[int64][]int64, bool) {
	next := map[int64][]int64{}
	for k, v := range state {
		next[k] = v
	}
	ops := p.Output
	if p.Outcome != history.OK {
		ops = p.Input
	}
	for _, op := range ops.([]any) {
		op := op.([]any)
		key := op[1].(int64)
		switch {
		case op[0] != "r":
			next[key] = append(slices.Clone(next[key]), op[2].(int64))
		case p.Outcome != history.OK:
		default:
			switch saw := op[2].(type) {
			case []int64:
				if !slices.Equal(saw, next[key]) {
					return nil, false
				}
			case nil:
				if len(next[key]) > 0 {
					return nil, false
				}
			case int64:
				if n := len(next[key]); n == 0 || next[key][n-1] != saw {
					return nil, false
				}
			}
		}
	}
	return next, true
}

func show(h history.History) string {
	out := ""
	for _, p := range h.Pairs[:min(len(h.Pairs), 40)] {
		out += fmt.Sprintf("  [%d %d] p%d %v -> %v %v\n", p.Index, p.End, p.Process, p.Input, p.Output, p.Outcome)
	}
	return out
}
