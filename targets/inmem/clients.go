package inmem

import (
	"context"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// callSize is about what a call, or its answer, would take on a wire.
const callSize = 64

// access is the way between a node and its clients.
type access struct {
	cuts    int
	held    []func() // sets out again when it is mended
	traffic harness.Traffic
}

// cross brings a call, an answer or a connection between the node and its clients after a latency, or some time after
// the way was mended. schedule is that of the cluster for what stays inside, or for what wakes a client.
func (n *node) cross(schedule func(time.Duration, func()), late func() time.Duration, do func()) {
	schedule(late(), func() {
		if n.access.cuts == 0 {
			n.access.traffic.Passed += callSize
			do()
			return
		}
		n.access.traffic.Held += callSize
		if len(n.access.held) < heldMax {
			n.access.held = append(n.access.held, func() { n.cross(schedule, late, do) })
		}
	})
}

// CutClients holds what nodes and their clients send each other.
func (c *cluster) CutClients(ctx context.Context, nodes []string) error {
	return c.onNodes(ctx, "cut clients", nodes, func(n *node) { n.access.cuts++ })
}

// MendClients undoes one cut of each node. What was held sets out again then.
func (c *cluster) MendClients(ctx context.Context, nodes []string) error {
	var uncut int
	err := c.onNodes(ctx, "mend clients", nodes, func(n *node) {
		if n.access.cuts == 0 {
			uncut++
			return
		}
		if n.access.cuts--; n.access.cuts > 0 {
			return
		}
		held := n.access.held
		n.access.held = nil
		for _, again := range held {
			again()
		}
	})
	if err == nil && uncut > 0 {
		return fmt.Errorf("mend clients: %d of the %d nodes were not cut off from theirs", uncut, len(nodes))
	}
	return err
}

// ClientTraffic counts calls, answers and connections, each as one small message.
func (c *cluster) ClientTraffic(ctx context.Context) (map[string]harness.Traffic, error) {
	counted := make(map[string]harness.Traffic)
	err := c.control(ctx, func() error {
		for _, n := range c.nodes {
			counted[n.name] = n.access.traffic
		}
		return nil
	})
	return counted, err
}

// onNodes does something to each node, or to none of them where one does not exist.
func (c *cluster) onNodes(ctx context.Context, what string, names []string, do func(*node)) error {
	return c.control(ctx, func() error {
		found := make([]*node, len(names))
		for i, name := range names {
			at := c.find(name)
			if at < 0 {
				return fmt.Errorf("%s: there is no node %q", what, name)
			}
			found[i] = c.nodes[at]
		}
		for _, n := range found {
			do(n)
		}
		return nil
	})
}
