package containers

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/testcontainers/testcontainers-go"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/agent"
	"github.com/capsize-dev/capsize/targets/containers/images"
	"github.com/capsize-dev/capsize/targets/local"
)

// DefaultNodes is how many nodes a cluster has where nobody said.
const DefaultNodes = 5

// Cluster is a running set of nodes.
type Cluster struct {
	spec         Spec
	id, run      string
	token        string // of the agents
	room         *room
	warden       *local.Warden
	sandboxImage string
	images       map[string]images.Resolved // by the name in the Spec; "" is the Spec's own
	slowBackoff  bool                       // the kernel lets TCP's back-off be limited
	diskLimit    int64
	nodes        []*Node
	network      *network
	features     map[string]string // of the kernel, by the agents' names: "" or why not
	nodeDir      func(string) (string, error)
	log          *slog.Logger
	notice       func(string)
	lost         func(error)
	progress     func(string)
	probes       atomic.Uint64

	mu       sync.Mutex // guards versions
	versions map[string]string

	watching sync.WaitGroup
	unwatch  context.CancelFunc
	stopping sync.Once
	stopErr  error
}

// Start starts a cluster and returns when it is ready to serve: every node is ready and, where there are leaders, one is
// known to a majority. Beside the powers of [Cluster] it has harness.Leaders and harness.Members where the Spec can tell
// and do. On an error nothing is left behind.
func Start(ctx context.Context, env harness.Env, spec Spec) (harness.Cluster, error) {
	c := newCluster(env, spec)
	if err := c.start(ctx, env); err != nil {
		err = c.explain(ctx, err)
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c.withPowers(), nil
}

func newCluster(env harness.Env, spec Spec) *Cluster {
	c := &Cluster{
		spec: spec, id: newID(), run: env.Run, diskLimit: env.DiskLimit, nodeDir: env.NodeDir,
		log: env.Log, notice: env.Notice, lost: env.Lost, progress: env.Progress,
		images: map[string]images.Resolved{}, versions: map[string]string{}, unwatch: func() {},
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.notice == nil {
		c.notice = func(text string) { c.log.Warn("notice", "text", text) }
	}
	if c.lost == nil {
		c.lost = func(err error) { c.notice(err.Error()) }
	}
	if c.progress == nil {
		c.progress = func(string) {}
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	c.token = hex.EncodeToString(secret)
	return c
}

func (c *Cluster) start(ctx context.Context, env harness.Env) error {
	for _, step := range []func(context.Context, harness.Env) error{
		c.open, c.fetchImages, c.makeNetwork, c.makeNodes, c.introduce, c.startProcesses, c.await,
	} {
		if err := step(ctx, env); err != nil {
			return err
		}
	}
	return nil
}

// open connects to the engine, and has a warden watch over what is going to be made there.
func (c *Cluster) open(ctx context.Context, env harness.Env) error {
	c.progress("connecting to Docker")
	var err error
	if c.room, err = openRoom(ctx); err != nil {
		return err
	}
	if c.warden, err = local.StartWarden(); err != nil {
		return err
	}
	c.warden.Finally(CleanService, c.id)
	size := env.Nodes
	if size <= 0 {
		size = cmp.Or(c.spec.Nodes, DefaultNodes)
	}
	for i := range size {
		c.nodes = append(c.nodes, &Node{name: "n" + strconv.Itoa(i+1), cluster: c})
	}
	c.network = newNetwork(c.nodes)
	return nil
}

// fetchImages finds the images, and builds the sandbox's.
func (c *Cluster) fetchImages(ctx context.Context, env harness.Env) error {
	wanted := map[string]bool{}
	for _, p := range c.spec.Processes(Member{Name: "n1", Names: c.names(), Cluster: c.id}) {
		wanted[p.Image] = true
	}
	var err error
	if c.sandboxImage, err = images.Sandbox(ctx, c.room.engine, c.progress); err != nil {
		return err
	}
	for image := range wanted {
		name, standIn, override := image, "", ""
		if image == "" {
			name, standIn, override = c.spec.Image, c.spec.StandIn, env.Image
		}
		if image == Self || name == "" && override == "" { // our own programs run in the sandbox's image
			c.images[image] = images.Resolved{Ref: c.sandboxImage}
			continue
		}
		found, err := images.Resolve(ctx, c.room.engine, name, standIn, override, c.progress)
		if err != nil {
			return err
		}
		c.images[image] = found
		c.versions["image "+name] = found.Ref + " " + found.Digest
		if found.StandIn {
			c.versions["image "+name] += " (stand-in)"
		}
	}
	return nil
}

// makeNetwork makes the cluster's own network.
func (c *Cluster) makeNetwork(ctx context.Context, _ harness.Env) error {
	c.progress("creating the network")
	ctx, cancel, err := making(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	//nolint:staticcheck // network.New has no way to be handed a provider
	_, err = c.room.provider.CreateNetwork(ctx, testcontainers.NetworkRequest{
		Name: c.id, Driver: "bridge", Labels: labels(c.id, c.run),
	})
	if err != nil {
		return fmt.Errorf("create the network %s: %w", c.id, err)
	}
	return nil
}

// makeNodes starts the sandboxes, and creates the containers of the processes.
func (c *Cluster) makeNodes(ctx context.Context, _ harness.Env) error {
	c.progress(fmt.Sprintf("starting %d sandboxes", len(c.nodes)))
	c.slowBackoff = c.backoffCanBeLimited()
	return together(c.nodes, func(n *Node) error {
		if err := c.makeVolume(ctx, n); err != nil {
			return fmt.Errorf("create the disk of %s: %w", n.name, err)
		}
		if err := c.makeSandbox(ctx, n); err != nil {
			return fmt.Errorf("start the sandbox of %s: %w", n.name, err)
		}
		if err := c.locate(ctx, n); err != nil {
			return err
		}
		n.agent = agent.Dial(n.published[agentPort], c.token)
		return c.makeProcesses(ctx, n, false)
	})
}

// introduce tells every agent who the others are, and asks one what the kernel can do.
func (c *Cluster) introduce(ctx context.Context, env harness.Env) error {
	peers := map[string]netip.Addr{}
	for _, n := range c.nodes {
		peers[n.name] = n.address
	}
	if err := together(c.nodes, func(n *Node) error {
		others := maps.Clone(peers)
		delete(others, n.name)
		if err := c.greet(ctx, n, agent.Config{
			Peers: others, ClientPorts: c.spec.Ports, Seed: env.Seed,
		}); err != nil {
			return fmt.Errorf("the agent of %s does not answer: %w\n%s", n.name, err, c.lastWords(ctx, n.sandbox))
		}
		return nil
	}); err != nil {
		return err
	}
	var err error
	if c.features, err = c.nodes[0].agent.Features(ctx); err != nil {
		return fmt.Errorf("ask the agent of n1 what the kernel can do: %w", err)
	}
	if why := c.features["cut"]; why != "" {
		return fmt.Errorf("links cannot be cut here: %s", why)
	}
	return nil
}

// greetLimit is how long an agent may take until it answers for the first time.
const greetLimit = 15 * time.Second

func (c *Cluster) greet(ctx context.Context, n *Node, config agent.Config) error {
	ctx, cancel := context.WithTimeout(ctx, greetLimit)
	defer cancel()
	for {
		err := n.agent.Configure(ctx, config)
		if err == nil || !harness.Wait(ctx, 20*time.Millisecond) {
			return err
		}
	}
}

func (c *Cluster) startProcesses(ctx context.Context, _ harness.Env) error {
	c.progress(fmt.Sprintf("starting %d nodes", len(c.nodes)))
	c.watch()
	return together(c.nodes, func(n *Node) error {
		n.acting.Lock()
		defer n.acting.Unlock()
		return n.start(ctx)
	})
}

func (c *Cluster) names() []string {
	names := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		names[i] = n.name
	}
	return names
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

// Node returns the node of that name, nil where there is none.
func (c *Cluster) Node(name string) *Node {
	i := slices.IndexFunc(c.nodes, func(n *Node) bool { return n.name == name })
	if i < 0 {
		return nil
	}
	return c.nodes[i]
}

// ID names the cluster in the engine: every name that belongs to it begins with it.
func (c *Cluster) ID() string { return c.id }

// Versions returns what runs: the images with their digests, and the version the server told.
func (c *Cluster) Versions() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.versions)
}

// Stop keeps the logs and removes everything that was made, whatever its state. It may be called again, and does it
// once.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stopping.Do(func() { c.stopErr = c.stop(ctx) })
	return c.stopErr
}

func (c *Cluster) stop(ctx context.Context) error {
	c.unwatch()
	c.watching.Wait()
	if c.room == nil {
		return nil
	}
	for _, n := range c.nodes {
		n.down.Store(true)
		n.acting.Lock()
		n.ended = true
		n.acting.Unlock()
		n.forget()
		if n.agent != nil {
			n.agent.Close()
		}
	}
	_ = together(c.nodes, func(n *Node) error { c.saveLogs(ctx, n); return nil })
	_, err := sweep(ctx, c.room.docker, c.id)
	if c.warden != nil && err == nil {
		err = c.warden.Dismiss()
	}
	c.room.close()
	return err
}

// backoffCanBeLimited reports whether the engine's kernel has the setting: it came with Linux 6.15.
func (c *Cluster) backoffCanBeLimited() bool {
	var major, minor int
	_, err := fmt.Sscanf(c.room.engine.KernelVersion, "%d.%d", &major, &minor)
	return err == nil && (major > 6 || major == 6 && minor >= 15)
}
