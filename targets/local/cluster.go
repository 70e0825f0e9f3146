package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/capsize-dev/capsize/harness"
)

// Spec says what the nodes of a cluster are.
type Spec struct {
	Service string   // its name in the map given to [Main]
	Args    []string // added to the flags of the [Membership]
	// Dial makes a client of one node; [Node.Address] tells where it is now.
	Dial func(ctx context.Context, node *Node) (harness.Client, error)
}

// DefaultNodes is how many nodes a cluster has where nobody said.
const DefaultNodes = 5

// Cluster is a running set of nodes and the links between them.
type Cluster struct {
	spec       Spec
	id         string
	log        *slog.Logger
	folder     string // of the data; removed by Stop
	executable string
	nodes      []*Node
	network    *network
	spawner    *spawner
	warden     *Warden

	stopping sync.Once
	stopErr  error
}

// Start starts the nodes n1, n2, ... and returns when each has reported that it accepts connections. Whether they
// have found each other is for the target to wait for. On an error nothing is left behind.
func Start(ctx context.Context, env harness.Env, spec Spec) (*Cluster, error) {
	if env.Nodes <= 0 {
		env.Nodes = DefaultNodes
	}
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	c := &Cluster{spec: spec, log: env.Log}
	if err := c.build(env); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	if err := c.launch(ctx); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// build makes everything but the processes.
func (c *Cluster) build(env harness.Env) error {
	var err error
	if c.executable, err = os.Executable(); err != nil {
		return fmt.Errorf("find the program to run as a node: %w", err)
	}
	if c.folder, err = os.MkdirTemp("", "capsize-"); err != nil {
		return fmt.Errorf("make a folder for the data: %w", err)
	}
	c.id = filepath.Base(c.folder) + "-" + strconv.Itoa(os.Getpid()) // no two clusters of a machine at one time share it
	if c.warden, err = StartWarden(); err != nil {
		return err
	}
	c.warden.tell("folder", c.folder)
	c.spawner = newSpawner()
	names := make([]string, env.Nodes)
	for i := range names {
		names[i] = "n" + strconv.Itoa(i+1)
		c.nodes = append(c.nodes, &Node{name: names[i], cluster: c})
	}
	if c.network, err = newNetwork(names, c.address, rand.NewPCG(env.Seed, 0x10ca1)); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.furnish(env); err != nil {
			return fmt.Errorf("prepare %s: %w", n.name, err)
		}
	}
	return nil
}

// furnish makes a node's folders and its command line.
func (n *Node) furnish(env harness.Env) error {
	c := n.cluster
	data := filepath.Join(c.folder, n.name)
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	logs := c.folder
	if env.NodeDir != nil {
		var err error
		if logs, err = env.NodeDir(n.name); err != nil {
			return err
		}
		n.log = filepath.Join(logs, "node.log")
	} else {
		n.log = filepath.Join(logs, n.name+".log")
	}
	member := Membership{
		Cluster: c.id, Node: n.name, Data: data, Listen: "127.0.0.1:0", Peers: c.network.peers(n.name),
	}
	n.args = append(append([]string{c.spec.Service}, member.Args()...), c.spec.Args...)
	return nil
}

// launch starts every process and waits until each is ready.
func (c *Cluster) launch(ctx context.Context) error {
	for _, n := range c.nodes {
		n.acting.Lock()
		err := n.start()
		n.acting.Unlock()
		if err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := n.current.Load().await(ctx); err != nil {
			return fmt.Errorf("start %s: %w", n.name, err)
		}
	}
	return nil
}

// address is where the proxies reach a node now.
func (c *Cluster) address(name string) (string, bool) {
	for _, n := range c.nodes {
		if n.name == name {
			address, err := n.Address()
			return address, err == nil
		}
	}
	return "", false
}

// Nodes returns the members in the order of their names.
func (c *Cluster) Nodes() []harness.Node {
	nodes := make([]harness.Node, len(c.nodes))
	for i, n := range c.nodes {
		nodes[i] = n
	}
	return nodes
}

// Members returns the nodes with all that this runtime can do to them.
func (c *Cluster) Members() []*Node { return c.nodes }

// ID names the cluster in every connection that is meant for it.
func (c *Cluster) ID() string { return c.id }

// Stop kills every node, whatever its state, and removes the data. It may be called again, and does it once.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stopping.Do(func() { c.stopErr = c.stop(ctx) })
	return c.stopErr
}

func (c *Cluster) stop(ctx context.Context) error {
	var errs []error
	for _, n := range c.nodes {
		n.acting.Lock()
		n.stopped = true
		if err := n.kill(ctx); err != nil {
			errs = append(errs, err)
		}
		n.acting.Unlock()
	}
	if c.network != nil {
		c.network.close()
	}
	if c.spawner != nil {
		c.spawner.close()
	}
	if c.folder != "" {
		if err := removeAll(c.folder); err != nil {
			errs = append(errs, fmt.Errorf("remove the data: %w", err))
		}
	}
	if c.warden != nil {
		_ = c.warden.Dismiss() // what it could not remove was reported just above
	}
	return errors.Join(errs...)
}

// Cut holds what travels on the links until they are mended as often as they were cut.
func (c *Cluster) Cut(_ context.Context, links []harness.Link) error { return c.network.cut(links) }

// Mend undoes one cut of each link, and delivers what was held.
func (c *Cluster) Mend(_ context.Context, links []harness.Link) error { return c.network.mend(links) }

// CanShape refuses what a proxy of byte streams cannot do: it has no packets to lose.
func (c *Cluster) CanShape(s harness.Shaping) error {
	if s.Loss > 0 || s.Rate > 0 {
		return errors.New("the links of local processes carry streams of bytes, which can be slowed and reset but lose " +
			"no packets and have no rate: use --runtime containers")
	}
	return nil
}

// Shape slows the links, and resets the connections that are open on them now, whichever side opened them.
func (c *Cluster) Shape(_ context.Context, links []harness.Link, s harness.Shaping) error {
	return c.network.shape(links, s)
}

// Unshape ends the slowness.
func (c *Cluster) Unshape(_ context.Context, links []harness.Link) error {
	return c.network.shape(links, harness.Shaping{})
}

// Traffic reads the counters of every link.
func (c *Cluster) Traffic(context.Context) (map[harness.Link]harness.Traffic, error) {
	return c.network.traffic(), nil
}

// Logs opens what a node wrote to its standard error over all its starts.
func (c *Cluster) Logs(_ context.Context, node string) (io.ReadCloser, error) {
	for _, n := range c.nodes {
		if n.name == node {
			return os.Open(n.log)
		}
	}
	return nil, fmt.Errorf("logs of %s: there is no such node", node)
}
