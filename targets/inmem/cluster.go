package inmem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// cluster is nodes, the links between them, and the goroutine that lives their lives.
type cluster struct {
	*scheduler
	options Options
	env     harness.Env
	nodes   []*node
	members []harness.Node
	links   [][]*link // [from][to]
	calls   uint64    // so far: the id of the next
	clients uint64    // so far: each has a stream of its own
}

// The random streams of a cluster: one family for each kind of thing that draws.
const (
	streamLink uint64 = (iota + 1) << 32
	streamNode
	streamClient
)

func (c *cluster) stream(family uint64, number uint64) *rand.Rand {
	return rand.New(rand.NewPCG(c.env.Seed, family+number))
}

func newCluster(o Options, env harness.Env) *cluster {
	c := &cluster{scheduler: newScheduler(), options: o, env: env}
	for i := range env.Nodes {
		n := &node{cluster: c, id: i, name: fmt.Sprintf("n%d", i+1), rng: c.stream(streamNode, uint64(i))}
		c.nodes = append(c.nodes, n)
		c.members = append(c.members, n)
		row := make([]*link, env.Nodes)
		for j := range row {
			if j != i {
				row[j] = &link{rng: c.stream(streamLink, uint64(i*env.Nodes+j))}
			}
		}
		c.links = append(c.links, row)
	}
	for _, n := range c.nodes {
		n.start()
	}
	go c.run()
	return c
}

func (c *cluster) Nodes() []harness.Node { return c.members }

// find returns a node's position, or -1.
func (c *cluster) find(name string) int {
	for i, n := range c.nodes {
		if n.name == name {
			return i
		}
	}
	return -1
}

// quorum is how many nodes must agree.
func (c *cluster) quorum() int {
	if c.options.Bug == SplitBrain {
		return 1
	}
	return len(c.nodes)/2 + 1
}

// control runs what somebody asks of the cluster itself.
func (c *cluster) control(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var err error
	return errors.Join(c.ask(func() { err = do() }), err)
}

// Stop may be called again. The nodes' logs go to the run's folder, where there is one.
func (c *cluster) Stop(context.Context) error {
	c.stop()
	if c.env.NodeDir == nil {
		return nil
	}
	var errs []error
	for _, n := range c.nodes {
		dir, err := c.env.NodeDir(n.name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "node.log"), n.log.bytes(), 0o644)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("keep the log of %s: %w", n.name, err))
		}
	}
	return errors.Join(errs...)
}

// Leaders returns the node that a majority of the nodes follows, as far as they can speak.
func (c *cluster) Leaders(ctx context.Context) ([]string, error) {
	var names []string
	err := c.control(ctx, func() error {
		if n := c.leader(); n != nil {
			names = []string{n.name}
		}
		return nil
	})
	return names, err
}

func (c *cluster) leader() *node {
	for _, leader := range c.nodes {
		followers := 0
		for _, n := range c.nodes {
			if n.vital == harness.Running && n.leader == leader.id && n.disk.term == leader.disk.term {
				followers++
			}
		}
		if leader.role == leading && leader.vital != harness.Dead && followers > len(c.nodes)/2 {
			return leader
		}
	}
	return nil
}

// Settled waits until every node runs and has all of the leader's log.
func (c *cluster) Settled(ctx context.Context) error {
	const step = 5 * time.Millisecond
	err := c.until(ctx, step, func() bool {
		leader := c.leader()
		if leader == nil || leader.applied < leader.firstOfTerm {
			return false
		}
		for _, n := range c.nodes {
			if n.vital != harness.Running || n.applied != leader.last() {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("not settled: %w", err)
	}
	return nil
}

// Logs returns what a node has logged so far.
func (c *cluster) Logs(_ context.Context, name string) (io.ReadCloser, error) {
	i := c.find(name)
	if i < 0 {
		return nil, fmt.Errorf("logs: there is no node %q", name)
	}
	return io.NopCloser(bytes.NewReader(c.nodes[i].log.bytes())), nil
}
