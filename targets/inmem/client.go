package inmem

import (
	"context"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Client is a connection to one node. Every method returns the position in the log at which it was served as revision.
// An error wraps harness.ErrNotApplied where the call certainly had no effect; any other means that nobody knows.
type Client struct {
	node string
	do   func(ctx context.Context, c command) (reply, error)
}

// Close ends the connection. Nothing is left to do afterwards.
func (c *Client) Close() error { return nil }

func (c *Client) call(ctx context.Context, cmd command) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, &callError{c.node, cmd, "not sent: " + err.Error(), harness.ErrNotApplied}
	}
	r, err := c.do(ctx, cmd)
	if err == nil {
		err = r.err(c.node, cmd)
	}
	if err != nil {
		return reply{}, err
	}
	return r, nil
}

// Read returns a register's value, and whether it was ever written.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	r, err := c.call(ctx, command{op: read, key: key})
	return r.value, r.found, r.revision, err
}

// Write sets a register.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	r, err := c.call(ctx, command{op: write, key: key, value: value})
	return r.revision, err
}

// CompareAndSet sets a register that holds old. Where it does not, the error wraps harness.ErrUnmet.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, value int64) (revision int64, err error) {
	r, err := c.call(ctx, command{op: compareAndSet, key: key, old: old, value: value})
	return r.revision, err
}

// Append adds an element to the end of a list.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	r, err := c.call(ctx, command{op: appendTo, key: key, value: element})
	return r.revision, err
}

// List returns a list's elements, in order. The slice belongs to the caller.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	r, err := c.call(ctx, command{op: list, key: key})
	return r.list, r.revision, err
}

// AddMember adds an element to a set.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	r, err := c.call(ctx, command{op: addMember, key: key, value: element})
	return r.revision, err
}

// Members returns a set's elements, in the order in which they came. The slice belongs to the caller.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	r, err := c.call(ctx, command{op: members, key: key})
	return r.list, r.revision, err
}

// call is a client's command on its way through a cluster.
type call struct {
	command
	id     uint64
	origin int // the node the client talks to
	starts int // and which of its lives
	late   func() time.Duration
	reply  chan reply // buffered: a client that gave up is not waited for
}
