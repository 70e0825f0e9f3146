package nemesis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// cluster is a cluster in memory: it has every power, counts what its links do, and can be told to lie or to fail. Its
// links may be used from several goroutines; each of its nodes by one at a time.
type cluster struct {
	nodes   []harness.Node
	leaders []string
	leading func() []string // in place of leaders
	asked   int             // how often who leads was asked
	members []string

	mu       sync.Mutex // guards the rest
	cuts     map[harness.Link]int
	refusals map[harness.Link]int
	shapes   map[harness.Link]harness.Shaping
	traffic  map[harness.Link]harness.Traffic
	clients  map[string]int // cuts
	served   map[string]harness.Traffic

	leaky   bool           // cuts, shapes and removals are said to be made, and are not
	failure error          // of Cut, Mend, Refuse, Admit, CutClients, MendClients, Shape, Unshape
	strict  error          // of CanShape
	blind   error          // of Probe and Resumed
	steady  []harness.Link // on these nothing comes again after a heal
	keeps   string         // the member that cannot be removed
	budget  int            // Cut and Mend fail after so many; 0 means never
}

var (
	_ harness.Network       = (*cluster)(nil)
	_ harness.Refuser       = (*cluster)(nil)
	_ harness.ClientNetwork = (*cluster)(nil)
	_ harness.Shaper        = (*cluster)(nil)
	_ harness.Prober        = (*cluster)(nil)
	_ harness.Members       = (*cluster)(nil)
	_ harness.Leaders       = (*cluster)(nil)
)

// disk is how many bytes each node's disk holds, and memory how many it uses.
const (
	disk   = 100_000_000
	memory = 70_000_000
)

// newCluster returns n1 ... of so many nodes; n1 leads.
func newCluster(size int) *cluster {
	c := &cluster{
		cuts: make(map[harness.Link]int), refusals: make(map[harness.Link]int),
		shapes: make(map[harness.Link]harness.Shaping), traffic: make(map[harness.Link]harness.Traffic),
		clients: make(map[string]int), served: make(map[string]harness.Traffic), leaders: []string{"n1"},
	}
	for i := range size {
		n := &node{name: fmt.Sprintf("n%d", i+1), state: harness.Running, pid: 100 + i, free: disk}
		n.pressed.Memory = memory
		c.nodes = append(c.nodes, n)
		c.members = append(c.members, n.name)
	}
	return c
}

func (c *cluster) Nodes() []harness.Node      { return c.nodes }
func (c *cluster) Stop(context.Context) error { return nil }

func (c *cluster) node(name string) *node {
	for _, n := range c.nodes {
		if n.Name() == name {
			return n.(*node)
		}
	}
	return nil
}

func (c *cluster) names() []string {
	var all []string
	for _, n := range c.nodes {
		all = append(all, n.Name())
	}
	return all
}

// in returns the nodes in a state.
func (c *cluster) in(state harness.VitalState) []string {
	var found []string
	for _, n := range c.nodes {
		if n.(*node).state == state {
			found = append(found, n.Name())
		}
	}
	return found
}

// change adds to the counts of things, unless the cluster is to fail.
func change[K comparable](c *cluster, counts map[K]int, things []K, by int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budget > 0 {
		if c.budget--; c.budget == 0 {
			c.failure = errors.New("out of budget")
		}
	}
	if c.failure != nil && by > 0 {
		return c.failure
	}
	for _, thing := range things {
		if counts[thing] += by; counts[thing] == 0 {
			delete(counts, thing)
		}
	}
	return c.failure
}

func (c *cluster) Cut(_ context.Context, links []harness.Link) error {
	return change(c, c.cuts, links, 1)
}
func (c *cluster) Mend(_ context.Context, links []harness.Link) error {
	return change(c, c.cuts, links, -1)
}

func (c *cluster) Refuse(_ context.Context, links []harness.Link) error {
	return change(c, c.refusals, links, 1)
}

func (c *cluster) Admit(_ context.Context, links []harness.Link) error {
	return change(c, c.refusals, links, -1)
}

func (c *cluster) CutClients(_ context.Context, nodes []string) error {
	return change(c, c.clients, nodes, 1)
}
func (c *cluster) MendClients(_ context.Context, nodes []string) error {
	return change(c, c.clients, nodes, -1)
}

func (c *cluster) CanShape(harness.Shaping) error { return c.strict }

func (c *cluster) Shape(_ context.Context, links []harness.Link, s harness.Shaping) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	for _, l := range links {
		if s.Reset && !c.leaky {
			t := c.traffic[l]
			t.Resets++
			c.traffic[l] = t
		}
		if s != (harness.Shaping{Reset: true}) {
			c.shapes[l] = s
		}
	}
	return nil
}

func (c *cluster) Unshape(_ context.Context, links []harness.Link) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range links {
		delete(c.shapes, l)
	}
	return c.failure
}

func (c *cluster) Traffic(context.Context) (map[harness.Link]harness.Traffic, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.traffic), nil
}

func (c *cluster) ClientTraffic(context.Context) (map[string]harness.Traffic, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.served), nil
}

func (c *cluster) Probe(context.Context) (map[harness.Link]bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	arrived := make(map[harness.Link]bool)
	for _, from := range c.names() {
		for _, to := range c.names() {
			if l := (harness.Link{From: from, To: to}); from != to {
				arrived[l] = c.leaky || c.cuts[l]+c.refusals[l] == 0
			}
		}
	}
	return arrived, c.blind
}

// Resumed finds that it took 400 ms, or until ctx ended.
func (c *cluster) Resumed(ctx context.Context, _ []harness.Link, _ time.Time) (time.Duration, []harness.Link, error) {
	if len(c.steady) > 0 {
		<-ctx.Done()
	}
	return 400 * time.Millisecond, c.steady, c.blind
}

func (c *cluster) Members(context.Context) ([]string, error) { return slices.Clone(c.members), nil }

func (c *cluster) RemoveMember(_ context.Context, name string) error {
	n := c.node(name)
	n.state, n.pid = harness.Dead, 0 // it is ended first: a removal that fails has come so far
	if name == c.keeps {
		return errors.New("no quorum")
	}
	if !c.leaky {
		c.members = slices.DeleteFunc(c.members, func(m string) bool { return m == name })
	}
	return nil
}

func (c *cluster) AddMember(ctx context.Context, name string) error {
	if !slices.Contains(c.members, name) {
		c.members = append(c.members, name)
		slices.Sort(c.members)
	}
	n := c.node(name)
	if n.state != harness.Dead {
		return n.stuck
	}
	n.wipes++
	return n.Restart(ctx)
}

func (c *cluster) Leaders(context.Context) ([]string, error) {
	c.asked++
	if c.leading != nil {
		return c.leading(), nil
	}
	return c.leaders, nil
}

// talk lets every running node send 100 bytes to every other and to its clients, and work as hard as it can.
func (c *cluster) talk() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, from := range c.nodes {
		n := from.(*node)
		if n.state != harness.Running {
			continue
		}
		n.work()
		t := c.served[n.name]
		if c.clients[n.name] > 0 && !c.leaky {
			t.Held += 100
		}
		c.served[n.name] = t
		for _, to := range c.nodes {
			if l := (harness.Link{From: from.Name(), To: to.Name()}); from != to {
				c.traffic[l] = c.carried(l)
			}
		}
	}
}

// carried is the traffic of a link after 100 bytes more.
func (c *cluster) carried(l harness.Link) harness.Traffic {
	t, s := c.traffic[l], c.shapes[l]
	if c.leaky {
		s = harness.Shaping{}
	}
	switch {
	case c.cuts[l]+c.refusals[l] > 0 && !c.leaky:
		t.Held += 100
	case s.Loss > 0:
		t.Lost += 100
	case s.Delay > 0 || s.Rate > 0:
		t.Passed, t.Delayed = t.Passed+100, t.Delayed+100
	default:
		t.Passed += 100
	}
	return t
}

// hears reports whether what from sends arrives.
func (c *cluster) hears(to, from string) bool { return c.cuts[harness.Link{From: from, To: to}] == 0 }

// sees returns the nodes that a node can talk with, both ways, and itself.
func (c *cluster) sees(name string) []string {
	var seen []string
	for _, other := range c.names() {
		if c.hears(name, other) && c.hears(other, name) {
			seen = append(seen, other)
		}
	}
	return seen
}

// bare is a cluster without any power.
type bare struct{ nodes []harness.Node }

func (b bare) Nodes() []harness.Node      { return b.nodes }
func (b bare) Stop(context.Context) error { return nil }

// bareNode is a node without any power, or with some.
type bareNode string

func (n bareNode) Name() string { return string(n) }
func (n bareNode) Dial(context.Context) (harness.Client, error) {
	return nil, errors.New("nobody is there")
}

type killableNode struct {
	bareNode
	harness.Killer
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// strike injects a fault that must succeed. Where the test does not heal, its end does.
func strike(t *testing.T, f harness.Fault, c harness.Cluster, seed uint64) harness.Injury {
	t.Helper()
	if err := f.Supports(c); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	injury, err := f.Inject(t.Context(), c, seeded(seed))
	if err != nil {
		t.Fatalf("inject %s: %v", f.Name(), err)
	}
	if len(injury.Nodes) == 0 || injury.Detail == "" || injury.Heal == nil {
		t.Fatalf("%s: the injury says too little: %+v", f.Name(), injury)
	}
	heal, healed := injury.Heal, false
	injury.Heal = func(ctx context.Context) error {
		healed = true
		return heal(ctx)
	}
	t.Cleanup(func() {
		if !healed {
			_ = heal(context.Background())
		}
	})
	return injury
}

// proof asks for the evidence.
func proof(t *testing.T, ask func(context.Context) (harness.Evidence, error)) harness.Evidence {
	t.Helper()
	if ask == nil {
		t.Fatal("there is no evidence to ask for")
	}
	e, err := ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Text == "" {
		t.Error("the evidence is without words")
	}
	return e
}

func mustHeal(t *testing.T, injury harness.Injury) {
	t.Helper()
	if err := injury.Heal(t.Context()); err != nil {
		t.Fatalf("heal: %v", err)
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }
