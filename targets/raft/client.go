package raft

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/local"
)

// Client is a connection to one node. It sends each call once. An error wraps harness.ErrNotApplied when the call
// certainly had no effect; any other error of a call that changes something means that nobody knows. Where the
// connection broke, the next call makes a new one.
type Client struct{ line *line }

// newClient makes a client of a node of the local runtime, which connects at its first call.
func newClient(cluster string, node *local.Node) *Client {
	return &Client{line: newLine(node.Name(), func(timeout time.Duration) (net.Conn, error) {
		address, err := node.Address() // asked each time: it changes at a restart
		if err != nil {
			return nil, err
		}
		return dial(address, kindAPI, cluster, timeout)
	})}
}

// Close ends the connection.
func (c *Client) Close() error {
	c.line.close()
	return nil
}

// call makes one call and turns its outcome into an error.
func (c *Client) call(ctx context.Context, req request) (response, error) {
	r, err := c.line.call(ctx, req)
	if err != nil {
		return response{}, err
	}
	return r, r.err()
}

// err is nil for a call that happened.
func (r response) err() error {
	switch {
	case r.Outcome == done:
		return nil
	case r.Outcome == notApplied && r.Unmet:
		return fmt.Errorf("%w: %s", harness.ErrUnmet, r.Error)
	case r.Outcome == notApplied:
		return fmt.Errorf("%w: %s", harness.ErrNotApplied, r.Error)
	default:
		return fmt.Errorf("outcome unknown: %s", r.Error)
	}
}

// Read returns the register's value, or found = false where nobody wrote it.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	r, err := c.call(ctx, request{Op: opRead, Key: key})
	return r.Value, r.Found, int64(r.Revision), err
}

// Write sets the register.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	r, err := c.call(ctx, request{Op: opWrite, Key: key, Value: value})
	return int64(r.Revision), err
}

// CompareAndSet sets the register to new if it is old, in one step. A mismatch wraps harness.ErrUnmet, and
// so harness.ErrNotApplied.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	r, err := c.call(ctx, request{Op: opCAS, Key: key, Old: old, Value: new})
	return int64(r.Revision), err
}

// Append puts the element at the end of the list.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	r, err := c.call(ctx, request{Op: opAppend, Key: key, Value: element})
	return int64(r.Revision), err
}

// List returns the list.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	r, err := c.call(ctx, request{Op: opList, Key: key})
	return r.Elements, int64(r.Revision), err
}

// AddMember puts the element into the set.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	r, err := c.call(ctx, request{Op: opAdd, Key: key, Value: element})
	return int64(r.Revision), err
}

// Members returns the elements of the set.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	r, err := c.call(ctx, request{Op: opMembers, Key: key})
	return r.Elements, int64(r.Revision), err
}

// Increment adds delta to the counter.
func (c *Client) Increment(ctx context.Context, key string, delta int64) (revision int64, err error) {
	r, err := c.call(ctx, request{Op: opIncrement, Key: key, Value: delta})
	return int64(r.Revision), err
}

// Counter returns the sum of all increments.
func (c *Client) Counter(ctx context.Context, key string) (value int64, revision int64, err error) {
	r, err := c.call(ctx, request{Op: opCounter, Key: key})
	return r.Value, int64(r.Revision), err
}

// Transact carries out a transaction in one step: a list of [f key value] in their order, f being "append" (the list
// gets an element), "w" (the register is set) or "r" (of which the value is nil). It returns the same list with what
// the reads saw: the whole list, the register's value, or nil where there is neither.
func (c *Client) Transact(ctx context.Context, ops []any) ([]any, error) {
	steps, err := parseTransaction(ops)
	if err != nil {
		return nil, err
	}
	r, err := c.call(ctx, request{Op: opTxn, Txn: steps})
	if err != nil {
		return nil, err
	}
	return r.history(), nil
}

// Transfer moves an amount from one account to another, in one step. Where that would leave less than nothing, or is
// no transfer, the error wraps harness.ErrUnmet, and so harness.ErrNotApplied. A fresh cluster has the accounts 0 to 7
// with a balance of 10 each.
func (c *Client) Transfer(ctx context.Context, from, to, amount int64) error {
	_, err := c.call(ctx, request{Op: opTransfer, From: from, To: to, Value: amount})
	return err
}

// Balances returns every account and its balance, in order of account, as they are at one moment.
func (c *Client) Balances(ctx context.Context) (balances [][2]int64, err error) {
	r, err := c.call(ctx, request{Op: opBalances})
	for account, balance := range r.Elements {
		balances = append(balances, [2]int64{int64(account), balance})
	}
	return balances, err
}

// status asks the node what it knows.
func (c *Client) status(ctx context.Context) (status, error) {
	r, err := c.call(ctx, request{Op: opStatus})
	if err != nil || r.Status == nil {
		return status{}, fmt.Errorf("status of %s: %w", c.line.name, err)
	}
	return *r.Status, nil
}
