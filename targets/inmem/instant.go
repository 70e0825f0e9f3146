package inmem

import (
	"context"
	"fmt"
	"sync"

	"github.com/capsize-dev/capsize/harness"
)

// instant is a cluster without a simulation: one copy of the data behind a lock.
type instant struct {
	mu       sync.Mutex
	state    state
	revision int64
	stopped  bool
	nodes    []harness.Node
}

type instantNode struct {
	name    string
	cluster *instant
}

func newInstant(env harness.Env) *instant {
	c := &instant{state: newState()}
	for i := range env.Nodes {
		c.nodes = append(c.nodes, instantNode{fmt.Sprintf("n%d", i+1), c})
	}
	return c
}

func (c *instant) Nodes() []harness.Node { return c.nodes }

func (c *instant) Stop(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	return nil
}

func (n instantNode) Name() string { return n.name }

func (n instantNode) Dial(context.Context) (harness.Client, error) {
	return &Client{node: n.name, do: n.cluster.do}, nil
}

func (c *instant) do(_ context.Context, cmd command) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return reply{rejected: errStopped.Error()}, nil
	}
	var r reply
	if cmd.op.isRead() {
		r = c.state.look(cmd)
	} else {
		c.revision++
		r = c.state.apply(cmd)
	}
	r.revision = c.revision
	return r, nil
}
