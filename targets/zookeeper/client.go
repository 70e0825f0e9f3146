package zookeeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-zookeeper/zk"

	"github.com/capsize-dev/capsize/harness"
)

// Client is a session with one node. It sends each request once. An error wraps harness.ErrNotApplied when the call
// certainly had no effect; any other error of a call that changes something means that nobody knows. Where the
// connection broke, the next call makes a new session.
type Client struct {
	connect   func(ctx context.Context) (*session, error)
	session   *session // nil where there is none
	syncReads bool
}

// newClient makes a client that has a session.
func newClient(ctx context.Context, connect func(context.Context) (*session, error), syncReads bool) (*Client, error) {
	c := &Client{connect: connect, syncReads: syncReads}
	if err := c.connected(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// connected makes a session where there is none that works. Its error wraps harness.ErrNotApplied.
func (c *Client) connected(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	if c.session != nil && !c.session.alive() {
		c.session.abandon()
		c.session = nil
	}
	if c.session == nil {
		c.session, err = c.connect(ctx)
	}
	return err
}

// Close ends the session.
func (c *Client) Close() error {
	if c.session != nil {
		c.session.close()
		c.session = nil
	}
	return nil
}

// try makes one request.
func try[T any](ctx context.Context, c *Client, do func(*zk.Conn) (T, error)) (T, error) {
	if err := c.connected(ctx); err != nil {
		var none T
		return none, err
	}
	return call(ctx, c.session, do)
}

// data is what a znode holds.
type data struct {
	bytes []byte
	stat  *zk.Stat
}

// get reads a znode from the node's own state. What is not there is the error zk.ErrNoNode.
func (c *Client) get(ctx context.Context, path string) (data, error) {
	return try(ctx, c, func(conn *zk.Conn) (data, error) {
		bytes, stat, err := conn.Get(path)
		return data{bytes, stat}, err
	})
}

// set changes a znode of this version, or of any where that is -1.
func (c *Client) set(ctx context.Context, path string, bytes []byte, version int32) (revision int64, err error) {
	stat, err := try(ctx, c, func(conn *zk.Conn) (*zk.Stat, error) { return conn.Set(path, bytes, version) })
	if err != nil {
		return 0, err
	}
	return stat.Mzxid, nil
}

func (c *Client) create(ctx context.Context, path string, bytes []byte) error {
	_, err := try(ctx, c, func(conn *zk.Conn) (string, error) {
		return conn.Create(path, bytes, 0, zk.WorldACL(zk.PermAll))
	})
	return err
}

// fresh brings the node up to the leader, in the setting that asks for it.
func (c *Client) fresh(ctx context.Context) error {
	if !c.syncReads {
		return nil
	}
	_, err := try(ctx, c, func(conn *zk.Conn) (string, error) { return conn.Sync("/") })
	return err
}

// read is get for those who want to know what is there. What is not there has no stat.
func (c *Client) read(ctx context.Context, path string) (data, error) {
	if err := c.fresh(ctx); err != nil {
		return data{}, unsent(err)
	}
	found, err := c.get(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return data{}, nil
	}
	return found, unsent(err)
}

// Read returns the register's value, or found = false where nobody wrote it.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	d, err := c.read(ctx, register(key))
	if err != nil || d.stat == nil {
		return 0, false, 0, err
	}
	value, err = strconv.ParseInt(string(d.bytes), 10, 64)
	return value, err == nil, d.stat.Mzxid, err
}

// Write sets the register. Creating it is the second step where it was not there, and setting it the third where
// another client was faster; none of them is taken before the one before certainly had no effect.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	path, bytes := register(key), decimal(value)
	revision, err = c.set(ctx, path, bytes, -1)
	if errors.Is(err, zk.ErrNoNode) {
		err = c.create(ctx, path, bytes)
	}
	if errors.Is(err, zk.ErrNodeExists) {
		revision, err = c.set(ctx, path, bytes, -1)
	}
	return revision, outcome(err)
}

// CompareAndSet sets the register to new if it is old. It reads the register as Read does, and sets it if nobody changed
// it since. A mismatch wraps harness.ErrUnmet, and so harness.ErrNotApplied: what the read saw is as old as any read of
// the setting may be, while a change since then is the leader's word.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	now, err := c.read(ctx, register(key))
	switch {
	case err != nil:
		return 0, err
	case now.stat == nil:
		return 0, fmt.Errorf("%w: there is no value", harness.ErrUnmet)
	case string(now.bytes) != string(decimal(old)):
		return 0, fmt.Errorf("%w: the value is %s and not %d", harness.ErrUnmet, now.bytes, old)
	}
	revision, err = c.set(ctx, register(key), decimal(new), now.stat.Version)
	return revision, outcome(err)
}

// Append puts the element at the end of the list. It reads the list, and writes it back if nobody changed it since;
// where somebody did, the error wraps harness.ErrUnmet.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	path := list(key)
	now, err := c.get(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		bytes, _ := json.Marshal([]int64{element})
		return 0, outcome(c.create(ctx, path, bytes))
	}
	if err != nil {
		return 0, unsent(err)
	}
	elements, err := decode(now.bytes)
	if err != nil {
		return 0, unsent(err)
	}
	bytes, _ := json.Marshal(append(elements, element))
	revision, err = c.set(ctx, path, bytes, now.stat.Version)
	return revision, outcome(err)
}

// List returns the list.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	d, err := c.read(ctx, list(key))
	if err != nil || d.stat == nil {
		return nil, 0, err
	}
	elements, err = decode(d.bytes)
	return elements, d.stat.Mzxid, err
}

// AddMember puts the element into the set. Where the set is not there yet it is made first, empty.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	member := set(key) + "/" + string(decimal(element))
	err = c.create(ctx, member, nil)
	if !errors.Is(err, zk.ErrNoNode) {
		return 0, outcome(err)
	}
	if err := c.create(ctx, set(key), nil); err != nil && !errors.Is(err, zk.ErrNodeExists) {
		return 0, unsent(err) // an empty set is no effect
	}
	return 0, outcome(c.create(ctx, member, nil))
}

// Members returns the elements of the set.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	if err := c.fresh(ctx); err != nil {
		return nil, 0, unsent(err)
	}
	type children struct {
		names []string
		stat  *zk.Stat
	}
	all, err := try(ctx, c, func(conn *zk.Conn) (children, error) {
		names, stat, err := conn.Children(set(key))
		return children{names, stat}, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, unsent(err)
	}
	for _, name := range all.names {
		element, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("member %q: %w", name, err)
		}
		elements = append(elements, element)
	}
	return elements, all.stat.Pzxid, nil
}

// The znodes of a key.
func register(key string) string { return "/register-" + key }
func list(key string) string     { return "/list-" + key }
func set(key string) string      { return "/set-" + key }

func decimal(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

func decode(bytes []byte) (elements []int64, err error) {
	if err := json.Unmarshal(bytes, &elements); err != nil {
		return nil, fmt.Errorf("the list %q: %w", bytes, err)
	}
	return elements, nil
}
