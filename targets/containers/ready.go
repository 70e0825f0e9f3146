package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

const (
	readyPace  = 50 * time.Millisecond
	askLimit   = 2 * time.Second // of one question to one node
	formLimit  = time.Minute     // from the start of the processes until the cluster serves
	leaderWait = time.Second     // of asking all nodes who leads
)

// await forms the cluster and waits until it serves.
func (c *Cluster) await(ctx context.Context, _ harness.Env) error {
	ctx, cancel := context.WithTimeout(ctx, formLimit)
	defer cancel()
	if c.spec.Form != nil {
		c.progress("forming the cluster")
		if err := c.spec.Form(ctx, c); err != nil {
			return fmt.Errorf("form the cluster: %w", err)
		}
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.spec.Version == nil {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	name, version, err := c.spec.Version(asking, c.nodes[0])
	if err != nil {
		return fmt.Errorf("ask n1 for its version: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[name] = version
	return nil
}

// ready waits until every node is ready and a leader is known. It gives up as soon as a node has ended by itself.
func (c *Cluster) ready(ctx context.Context) error {
	var mu sync.Mutex
	up := 0
	c.progress(fmt.Sprintf("0 of %d nodes ready", len(c.nodes)))
	if err := together(c.nodes, func(n *Node) error {
		if err := n.awaitReady(ctx); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		up++
		c.progress(fmt.Sprintf("%d of %d nodes ready", up, len(c.nodes)))
		return nil
	}); err != nil {
		return err
	}
	if c.spec.Leader == nil {
		return nil
	}
	c.progress("waiting for a leader")
	for {
		leaders, err := c.leaders(ctx)
		if err == nil && len(leaders) > 0 {
			return nil
		}
		if !harness.Wait(ctx, readyPace) {
			return fmt.Errorf("no leader is known to a majority: %w", ctx.Err())
		}
	}
}

// awaitReady waits until a node serves.
func (n *Node) awaitReady(ctx context.Context) error {
	for {
		asking, cancel := context.WithTimeout(ctx, askLimit)
		err := n.cluster.spec.Ready(asking, n)
		cancel()
		if err == nil {
			return nil
		}
		if died := n.endedBySelf(ctx); died != nil {
			return died
		}
		if !harness.Wait(ctx, readyPace) {
			return fmt.Errorf("%s was not ready in time: %w\n%s", n.name, err, n.words(ctx))
		}
	}
}

// endedBySelf tells of a process of the node that is over; nil while all run.
func (n *Node) endedBySelf(ctx context.Context) error {
	for _, p := range n.containers() {
		now, err := n.state(ctx, p.id)
		if err == nil && !now.Running && now.StartedAt != "" && !strings.HasPrefix(now.StartedAt, "0001") {
			return fmt.Errorf("%s of %s ended while it was starting: %s\n%s", p.name, n.name, howEnded(now),
				n.cluster.lastWords(ctx, p.id))
		}
	}
	return nil
}

// leaders asks every node at once who leads. What more than half of all say is true.
func (c *Cluster) leaders(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	votes := make(chan string, len(c.nodes))
	for _, n := range c.nodes {
		go func() {
			name, err := c.spec.Leader(ctx, n)
			if err != nil {
				name = ""
			}
			votes <- name
		}()
	}
	counted := map[string]int{}
	for range c.nodes {
		select {
		case name := <-votes:
			counted[name]++
			if name != "" && counted[name] > len(c.nodes)/2 {
				return []string{name}, nil
			}
		case <-ctx.Done():
			return nil, nil
		}
	}
	return nil, nil
}

// Settled waits until every node is ready, one leads, and every replica is current.
func (c *Cluster) Settled(ctx context.Context) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.spec.Current == nil {
		return nil
	}
	for {
		asking, cancel := context.WithTimeout(ctx, askLimit)
		err := c.spec.Current(asking, c)
		cancel()
		if err == nil || !harness.Wait(ctx, readyPace) {
			return err
		}
	}
}

// The powers that only some clusters have.
type (
	led       struct{ *Cluster }
	ledMember struct {
		led
		membership
	}
	membership struct{ cluster *Cluster }
)

// withPowers is the cluster with the powers that its Spec gives it.
func (c *Cluster) withPowers() harness.Cluster {
	switch changes := c.spec.Remove != nil && c.spec.Add != nil && c.spec.Listed != nil; {
	case c.spec.Leader != nil && changes:
		return ledMember{led{c}, membership{c}}
	case c.spec.Leader != nil:
		return led{c}
	}
	return c
}

// Leaders returns the node that more than half of all nodes take for the leader.
func (l led) Leaders(ctx context.Context) ([]string, error) { return l.leaders(ctx) }

// RemoveMember ends the node and has the others go on without it.
func (m membership) RemoveMember(ctx context.Context, node string) error {
	n := m.cluster.Node(node)
	if n == nil {
		return fmt.Errorf("there is no node %q", node)
	}
	if err := n.Kill(ctx); err != nil {
		return err
	}
	if err := m.cluster.spec.Remove(ctx, m.cluster, node); err != nil {
		return errors.Join(fmt.Errorf("remove %s from the membership: %w", node, err), n.Restart(ctx))
	}
	return nil
}

// AddMember has the others count on the node again, and starts it on an empty disk. One that runs was never removed.
func (m membership) AddMember(ctx context.Context, node string) error {
	n := m.cluster.Node(node)
	if n == nil {
		return fmt.Errorf("there is no node %q", node)
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	if !n.down.Load() {
		return nil
	}
	if err := n.wipe(ctx, true); err != nil {
		return err
	}
	if err := m.cluster.spec.Add(ctx, m.cluster, node); err != nil {
		return fmt.Errorf("add %s to the membership: %w", node, err)
	}
	return n.start(ctx)
}

// Members returns whom the cluster counts on.
func (m membership) Members(ctx context.Context) ([]string, error) {
	return m.cluster.spec.Listed(ctx, m.cluster)
}
