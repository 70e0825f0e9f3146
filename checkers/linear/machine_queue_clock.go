package linear

// clocks are, of each operation on a queue, how many of each process must stand before it in every order, as far as
// that follows (a lower bound), from this and nothing else:
//
//   - each process keeps its order, and a value goes in before it comes out;
//   - first in first out: of two values that are got, the one that goes in first comes out first, and the other way
//     round;
//   - what a dequeue that finds nothing has before it going in, comes out before it;
//   - where no dequeue is without an answer, what nobody gets goes in after all that is got, first in first out, and
//     after everybody who finds nothing.
type clocks struct {
	fifo      bool
	object    *Object
	processes []int32
	people    int
	clock     []int32   // by operation and process
	at        []int32   // by operation: how many of its process are before it
	chains    [][]int32 // by process: its operations that returned
	in, out   []int32   // by value: who puts in, and who gets, what is got; -1 for nobody
	// By operation that returned, of it and those of its process before it the last that puts in what is got, gets, and
	// finds nothing; -1 for none.
	lastIn, lastOut, lastEmpty []int32
	late                       []int32 // who puts in what nobody gets, where nobody can take it
	ring                       bool    // something must stand before itself
}

// The most that clocks are worth: numbers to keep, and joins of two of them.
const (
	mostClocks = 1 << 24
	mostJoins  = 1 << 27
)

// newClocks returns the clocks of a queue, nil where it is too large for them.
func newClocks(o *Object, processes, out []int32, fifo, lent bool) *clocks {
	c := &clocks{fifo: fifo, object: o, processes: processes, out: out, in: resized(nil, len(out), -1)}
	for _, p := range processes {
		c.people = max(c.people, int(p)+1)
	}
	if len(o.Ops)*c.people > mostClocks {
		return nil
	}
	c.clock, c.at = make([]int32, len(o.Ops)*c.people), make([]int32, len(o.Ops))
	c.chains = make([][]int32, c.people)
	for _, last := range []*[]int32{&c.lastIn, &c.lastOut, &c.lastEmpty} {
		*last = resized(nil, len(o.Ops), -1)
	}
	for i := range o.Ops {
		c.number(int32(i), lent)
	}
	c.spread()
	return c
}

func (c *clocks) number(i int32, lent bool) {
	op, p := &c.object.Ops[i], c.processes[i]
	chain := c.chains[p]
	c.at[i] = int32(len(chain))
	got := op.Kind == Enqueue && c.out[op.Value] >= 0
	if got {
		c.in[op.Value] = i
	}
	if op.Kind == Enqueue && !got && !lent && !op.Pending() {
		c.late = append(c.late, i)
	}
	if op.Pending() {
		return
	}
	if len(chain) > 0 {
		last := chain[len(chain)-1]
		c.lastIn[i], c.lastOut[i], c.lastEmpty[i] = c.lastIn[last], c.lastOut[last], c.lastEmpty[last]
	}
	switch {
	case got:
		c.lastIn[i] = i
	case op.empty():
		c.lastEmpty[i] = i
	case op.Kind == Dequeue:
		c.lastOut[i] = i
	}
	c.chains[p] = append(chain, i)
}

func (c *clocks) of(i int32) []int32 { return c.clock[int(i)*c.people:][:c.people] }

// join puts an operation after another one, and reports whether that is new.
func (c *clocks) join(i, before int32) (changed bool) {
	if i == before {
		c.ring = true
		return false
	}
	now, then := c.of(i), c.of(before)
	for p := range now {
		if then[p] > now[p] {
			now[p], changed = then[p], true
		}
	}
	if p := c.processes[before]; !c.object.Ops[before].Pending() && now[p] <= c.at[before] {
		now[p], changed = c.at[before]+1, true
	}
	if changed && now[c.processes[i]] > c.at[i] {
		c.ring = true
	}
	return changed
}

// behind puts an operation after others: of each process one that stands with the last of those that must stand before
// some operation. Of a value, to puts in its place who gets it, or who puts it in.
func (c *clocks) behind(i, some int32, last, to []int32) (changed bool) {
	for p, n := range c.of(some) {
		if n == 0 {
			continue
		}
		before := last[c.chains[p][n-1]]
		if before >= 0 && to != nil {
			before = to[c.object.Ops[before].Value]
		}
		if before >= 0 && before != i {
			changed = c.join(i, before) || changed
		}
	}
	return changed
}

// spread joins what must be until nothing changes, or it is enough.
func (c *clocks) spread() {
	joins := 0
	for changed := true; changed && !c.ring && joins < mostJoins; {
		changed = false
		for i := range c.object.Ops {
			changed = c.follow(int32(i)) || changed
		}
		for _, i := range c.late {
			for _, chain := range c.chains {
				if len(chain) == 0 {
					continue
				}
				last := chain[len(chain)-1]
				if empty := c.lastEmpty[last]; empty >= 0 {
					changed = c.join(i, empty) || changed
				}
				if in := c.lastIn[last]; in >= 0 && c.fifo {
					changed = c.join(i, in) || changed
				}
			}
		}
		joins += (len(c.object.Ops)*2 + len(c.late)) * c.people * c.people
	}
}

func (c *clocks) follow(i int32) (changed bool) {
	op := &c.object.Ops[i]
	if at := c.at[i]; at > 0 {
		changed = c.join(i, c.chains[c.processes[i]][at-1])
	}
	switch {
	case op.Kind == Enqueue && c.out[op.Value] >= 0:
		out := c.out[op.Value]
		if c.fifo {
			changed = c.behind(i, out, c.lastOut, c.in) || changed
		}
		changed = c.behind(i, out, c.lastEmpty, nil) || changed
	case op.Kind == Enqueue || op.Pending():
	case op.empty():
		changed = c.behind(i, i, c.lastIn, c.out) || changed
	default:
		in := c.in[op.Value]
		changed = c.join(i, in) || changed
		if c.fifo {
			changed = c.behind(i, in, c.lastIn, c.out) || changed
		}
	}
	return changed
}

// lets reports whether all that must stand before an operation is done, of each process so many.
func (c *clocks) lets(i int32, done []int32) bool {
	for p, n := range c.of(i) {
		if done[p] < n {
			return false
		}
	}
	return true
}
