package linear

// calls are the operations that are open.
type calls struct {
	open  map[int]*opened
	queue []*opened // by call; those that are over are taken away at the front
}

// opened is an operation that was called.
type opened struct {
	call  int64
	kind  Kind
	value any
	from  any
	over  bool
}

func newCalls() calls { return calls{open: map[int]*opened{}} }

func (c *calls) begin(id int, at int64, d Deed) *opened {
	o := &opened{call: at, kind: d.Kind, value: d.Value, from: d.From}
	c.open[id] = o
	c.queue = append(c.queue, o)
	return o
}

// end returns the operation that ends, nil where it is not open.
func (c *calls) end(id int) *opened {
	o := c.open[id]
	if o != nil {
		o.over = true
		delete(c.open, id)
	}
	return o
}

// horizon is the first call of the operations that are open: whatever returns from now on was called at that time or
// later.
func (c *calls) horizon() int64 {
	for len(c.queue) > 0 && c.queue[0].over {
		c.queue[0] = nil
		c.queue = c.queue[1:]
	}
	if len(c.queue) > 0 {
		return c.queue[0].call
	}
	return Never
}
