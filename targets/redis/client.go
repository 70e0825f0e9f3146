package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	driver "github.com/redis/go-redis/v9"

	"github.com/capsize-dev/capsize/harness"
)

// Client is a connection to a node's router, and through it to the primary. It sends each call once. An error wraps
// harness.ErrNotApplied when the call certainly had no effect; any other error of a call that changes something means
// that nobody knows. Where the connection broke, the next call makes a new one. Redis numbers nothing, so all
// revisions are 0.
type Client struct {
	connect func(ctx context.Context) (*line, error)
	line    *line // nil where there is none
	wait    int   // how many replicas must have a write
}

// newClient makes a client that is connected to a primary.
func newClient(ctx context.Context, connect func(context.Context) (*line, error), wait int) (*Client, error) {
	c := &Client{connect: connect, wait: wait}
	if err := c.connected(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// connected makes a connection where there is none. Its error wraps harness.ErrNotApplied.
func (c *Client) connected(ctx context.Context) (err error) {
	if c.line == nil {
		c.line, err = c.connect(ctx)
	}
	return err
}

// Close ends the connection.
func (c *Client) Close() error {
	if c.line == nil {
		return nil
	}
	line := c.line
	c.line = nil
	return line.Close()
}

// try makes one attempt on one connection. An attempt without an answer costs the connection, so that nothing of it
// is sent later and a late answer meets nobody. A refusal costs it too: the router may know a better place by now.
func (c *Client) try(ctx context.Context, do func(*line) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	if err := c.connected(ctx); err != nil {
		return err
	}
	release := c.line.bind(ctx)
	err := do(c.line)
	if inTime := release(); !inTime || !answered(err) || refused(err) {
		_ = c.Close()
	}
	return outcome(err)
}

// waitLimit bounds how long a write waits for replicas where its context has no deadline.
const waitLimit = time.Second

// patience is how long to wait for replicas: half of the time that is left, because the answer needs some too.
func patience(ctx context.Context) time.Duration {
	deadline, limited := ctx.Deadline()
	if !limited {
		return waitLimit
	}
	return max(time.Until(deadline)/2, time.Millisecond) // 0 would be for ever
}

// write sends a command that changes something and, where that is asked for, waits until replicas have it.
func (c *Client) write(ctx context.Context, queue func(driver.Pipeliner) driver.Cmder) error {
	return c.try(ctx, func(l *line) error {
		p := l.Pipeline()
		command := queue(p)
		if c.wait == 0 {
			_, err := p.Exec(ctx)
			return err
		}
		limit := patience(ctx)
		copies := p.Do(ctx, "wait", c.wait, limit.Milliseconds())
		_, err := p.Exec(ctx)
		switch {
		case command.Err() != nil:
			return command.Err()
		case err != nil && !answered(err):
			return err
		case err != nil:
			return fmt.Errorf("%w: %v", errUnconfirmed, err) // %v: no refusal of the write itself
		}
		return confirmed(copies.Val(), c.wait, limit)
	})
}

// confirmed is nil where the answer of WAIT is that enough replicas have the write.
func confirmed(answer any, wanted int, limit time.Duration) error {
	if copies, isNumber := answer.(int64); !isNumber || copies < int64(wanted) {
		return fmt.Errorf("%w: %v of %d replicas within %s", errUnconfirmed, answer, wanted, limit)
	}
	return nil
}

// read sends a command that reads together with the question whether the node is a primary, as one transaction.
func (c *Client) read(ctx context.Context, queue func(driver.Pipeliner)) error {
	return c.try(ctx, func(l *line) error {
		p := l.TxPipeline()
		role := p.Do(ctx, "role")
		queue(p)
		if _, err := p.Exec(ctx); err != nil && !errors.Is(err, driver.Nil) {
			return err
		}
		return primary(role.Slice())
	})
}

// primary is nil where the answer of ROLE is that of a primary.
func primary(role []any, err error) error {
	if err == nil && (len(role) == 0 || role[0] != "master") {
		err = fmt.Errorf("%w: %w: ROLE is %v", harness.ErrNotApplied, errReplica, role)
	}
	return err
}

// Read returns the register's value, or found = false where nobody wrote it.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	var got *driver.StringCmd
	err = c.read(ctx, func(p driver.Pipeliner) { got = p.Get(ctx, register(key)) })
	if err != nil || errors.Is(got.Err(), driver.Nil) {
		return 0, false, 0, err
	}
	value, err = got.Int64()
	return value, err == nil, 0, err
}

// Write sets the register.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	return 0, c.write(ctx, func(p driver.Pipeliner) driver.Cmder { return p.Set(ctx, register(key), value, 0) })
}

// compareAndSet is a script, which Redis executes whole.
const compareAndSet = `if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1`

// CompareAndSet sets the register to new if it is old, in one step. A mismatch wraps harness.ErrUnmet, and so
// harness.ErrNotApplied.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	var swapped *driver.Cmd
	err = c.write(ctx, func(p driver.Pipeliner) driver.Cmder {
		swapped = p.Eval(ctx, compareAndSet, []string{register(key)}, old, new)
		return swapped
	})
	if swapped != nil && swapped.Err() == nil && swapped.Val() == int64(0) {
		return 0, fmt.Errorf("%w: the value is not %d", harness.ErrUnmet, old)
	}
	return 0, err
}

// Append puts the element at the end of the list.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	return 0, c.write(ctx, func(p driver.Pipeliner) driver.Cmder { return p.RPush(ctx, list(key), element) })
}

// List returns the list.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	var got *driver.StringSliceCmd
	if err := c.read(ctx, func(p driver.Pipeliner) { got = p.LRange(ctx, list(key), 0, -1) }); err != nil {
		return nil, 0, err
	}
	elements, err = numbers(got.Val())
	return elements, 0, err
}

// AddMember puts the element into the set.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	return 0, c.write(ctx, func(p driver.Pipeliner) driver.Cmder { return p.SAdd(ctx, set(key), element) })
}

// Members returns the elements of the set.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	var got *driver.StringSliceCmd
	if err := c.read(ctx, func(p driver.Pipeliner) { got = p.SMembers(ctx, set(key)) }); err != nil {
		return nil, 0, err
	}
	elements, err = numbers(got.Val())
	return elements, 0, err
}

// Keys of different kinds do not meet: Redis gives each key one type.
func register(key string) string { return "register:" + key }
func list(key string) string     { return "list:" + key }
func set(key string) string      { return "set:" + key }

func numbers(texts []string) ([]int64, error) {
	all := make([]int64, len(texts))
	for i, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		all[i] = n
	}
	return all, nil
}
