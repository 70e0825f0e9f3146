package zookeeper

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

func TestOutcomes(t *testing.T) {
	for _, c := range certain {
		containerstest.Outcome(t, outcome(fmt.Errorf("set: %w", c.err)), c.as)
		if c.reason == "" {
			t.Errorf("%v has no reason", c.err)
		}
	}
	for _, err := range []error{
		zk.ErrConnectionClosed, zk.ErrClosing, zk.ErrSessionExpired, zk.ErrSessionMoved, zk.ErrUnknown, zk.ErrAPIError,
		io.EOF, context.DeadlineExceeded,
	} {
		containerstest.Outcome(t, outcome(err), containerstest.ErrAny)
	}
	containerstest.Outcome(t, outcome(nil), nil)
}

// Every call, against a server that gives each of its requests another answer.
func TestCalls(t *testing.T) {
	write := func(ctx context.Context, c *Client) error { _, err := c.Write(ctx, "k", 1); return err }
	swap := func(ctx context.Context, c *Client) error { _, err := c.CompareAndSet(ctx, "k", 0, 1); return err }
	push := func(ctx context.Context, c *Client) error { _, err := c.Append(ctx, "k", 1); return err }
	add := func(ctx context.Context, c *Client) error { _, err := c.AddMember(ctx, "k", 1); return err }
	read := func(ctx context.Context, c *Client) error { _, _, _, err := c.Read(ctx, "k"); return err }
	for _, test := range []struct {
		name    string
		call    func(context.Context, *Client) error
		answers map[int32][]int32
		want    error
	}{
		{"write", write, nil, nil},
		{"write, created", write, map[int32][]int32{opSet: {noNode}}, nil},
		{"write, created by another", write, map[int32][]int32{opSet: {noNode, ok}, opCreate: {nodeExists}}, nil},
		{"write, end", write, map[int32][]int32{opSet: {hangUp}}, containerstest.ErrAny},
		{"write, end while creating", write, map[int32][]int32{opSet: {noNode}, opCreate: {hangUp}}, containerstest.ErrAny},
		{"write, silence", write, map[int32][]int32{opSet: {hang}}, containerstest.ErrAny},
		{"cas of nothing", swap, map[int32][]int32{opGet: {noNode}}, harness.ErrUnmet},
		{"cas of another value", swap, nil, harness.ErrUnmet},
		{"cas, end while reading", swap, map[int32][]int32{opGet: {hangUp}}, harness.ErrNotApplied},
		{"append, first", push, map[int32][]int32{opGet: {noNode}}, nil},
		{"append, not the first after all", push,
			map[int32][]int32{opGet: {noNode}, opCreate: {nodeExists}}, harness.ErrUnmet},
		{"append, end while reading", push, map[int32][]int32{opGet: {hangUp}}, harness.ErrNotApplied},
		{"append, end while creating", push, map[int32][]int32{opGet: {noNode}, opCreate: {hangUp}}, containerstest.ErrAny},
		{"add", add, nil, nil},
		{"add to a new set", add, map[int32][]int32{opCreate: {noNode, ok, ok}}, nil},
		{"add to a set that another made", add, map[int32][]int32{opCreate: {noNode, nodeExists, ok}}, nil},
		{"add, end while making the set", add, map[int32][]int32{opCreate: {noNode, hangUp}}, harness.ErrNotApplied},
		{"add, end", add, map[int32][]int32{opCreate: {noNode, ok, hangUp}}, containerstest.ErrAny},
		{"read of nothing", read, map[int32][]int32{opGet: {noNode}}, nil},
		{"read, end", read, map[int32][]int32{opGet: {hangUp}}, harness.ErrNotApplied},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := newFake(t, test.answers)
			c, err := client(t, server.Addr().String(), false)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			containerstest.Outcome(t, test.call(ctx, c), test.want)
			sent := server.times(opSet) + server.times(opCreate)
			containerstest.Outcome(t, test.call(canceled(t), c), harness.ErrNotApplied)
			if now := server.times(opSet) + server.times(opCreate); now != sent {
				t.Errorf("%d requests became %d without a call", sent, now)
			}
		})
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A list is written back under the version that was read, and only then.
func TestTheConditionIsAsked(t *testing.T) {
	server := newFake(t, map[int32][]int32{opSet: {badVersion}})
	server.payload = append([]byte{0, 0, 0, 3, '[', '5', ']'}, make([]byte, 100)...)
	c, err := client(t, server.Addr().String(), false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Append(t.Context(), "k", 6)
	containerstest.Outcome(t, err, harness.ErrUnmet)
	list, _, err := c.List(t.Context(), "k")
	if len(list) != 1 || list[0] != 5 || err != nil || server.times(opSync) != 0 {
		t.Errorf("got %v, %v after %d syncs", list, err, server.times(opSync))
	}
	synced, err := client(t, server.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := synced.List(t.Context(), "k"); err != nil || server.times(opSync) != 1 {
		t.Errorf("got %v after %d syncs", err, server.times(opSync))
	}
}

// After a break the next call has a session of its own, and the driver sends nothing by itself.
func TestTheNextCallReconnects(t *testing.T) {
	server := newFake(t, map[int32][]int32{opSet: {hangUp, ok}})
	c, err := client(t, server.Addr().String(), false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Write(t.Context(), "k", 1)
	containerstest.Outcome(t, err, containerstest.ErrAny)
	if _, err := c.Write(t.Context(), "k", 2); err != nil || server.times(opSet) != 2 {
		t.Errorf("got %v after %d requests", err, server.times(opSet))
	}
}

// A server without a quorum ends every connection.
func TestAServerThatServesNobody(t *testing.T) {
	listener := containerstest.Listen(t, func(conn net.Conn) { _ = conn.Close() })
	_, err := client(t, listener.Addr().String(), false)
	containerstest.Outcome(t, err, harness.ErrNotApplied)
}
