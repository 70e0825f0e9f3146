package nemesis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// cluster is a cluster in memory: it has every power, counts what its links do, and can be told to lie or to fail.
type cluster struct {
	nodes   []harness.Node
	cuts    map[harness.Link]int
	delays  map[harness.Link]harness.Shaping
	traffic map[harness.Link]harness.Traffic
	leaders []string
	leading func() []string // in place of leaders
	asked   int             // how often who leads was asked

	leaky   bool  // cuts and shapes are said to be made, and are not
	failure error // of Cut, Mend, Shape, Unshape
}

// node is a node of it.
type node struct {
	name    string
	state   harness.VitalState
	pid     int
	starts  int
	numb    bool  // kills and pauses are said to be done, and are not
	failure error // of Kill and Pause
	stuck   error // of Restart and Resume
	mute    error // of Vitals
}

var (
	_ harness.Network = (*cluster)(nil)
	_ harness.Shaper  = (*cluster)(nil)
	_ harness.Leaders = (*cluster)(nil)
	_ harness.Killer  = (*node)(nil)
	_ harness.Pauser  = (*node)(nil)
	_ harness.Vitals  = (*node)(nil)
)

// newCluster returns n1 ... of so many nodes; n1 leads.
func newCluster(size int) *cluster {
	c := &cluster{
		cuts: make(map[harness.Link]int), delays: make(map[harness.Link]harness.Shaping),
		traffic: make(map[harness.Link]harness.Traffic), leaders: []string{"n1"},
	}
	for i := range size {
		c.nodes = append(c.nodes, &node{name: fmt.Sprintf("n%d", i+1), state: harness.Running, pid: 100 + i})
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

func (c *cluster) Cut(_ context.Context, links []harness.Link) error {
	if c.failure != nil {
		return c.failure
	}
	for _, l := range links {
		c.cuts[l]++
	}
	return nil
}

func (c *cluster) Mend(_ context.Context, links []harness.Link) error {
	for _, l := range links {
		if c.cuts[l]--; c.cuts[l] == 0 {
			delete(c.cuts, l)
		}
	}
	return c.failure
}

func (c *cluster) Shape(_ context.Context, links []harness.Link, s harness.Shaping) error {
	if c.failure != nil {
		return c.failure
	}
	for _, l := range links {
		if s.Reset && !c.leaky {
			t := c.traffic[l]
			t.Resets++
			c.traffic[l] = t
		}
		if s.Delay > 0 {
			c.delays[l] = s
		}
	}
	return nil
}

func (c *cluster) Unshape(_ context.Context, links []harness.Link) error {
	for _, l := range links {
		delete(c.delays, l)
	}
	return c.failure
}

func (c *cluster) Traffic(context.Context) (map[harness.Link]harness.Traffic, error) {
	return maps.Clone(c.traffic), nil
}

func (c *cluster) Leaders(context.Context) ([]string, error) {
	c.asked++
	if c.leading != nil {
		return c.leading(), nil
	}
	return c.leaders, nil
}

// talk lets every running node send 100 bytes to every other.
func (c *cluster) talk() {
	for _, from := range c.nodes {
		for _, to := range c.nodes {
			if from == to || from.(*node).state != harness.Running {
				continue
			}
			l := harness.Link{From: from.Name(), To: to.Name()}
			t := c.traffic[l]
			switch {
			case c.cuts[l] > 0 && !c.leaky:
				t.Held += 100
			case c.delays[l].Delay > 0 && !c.leaky:
				t.Passed, t.Delayed = t.Passed+100, t.Delayed+100
			default:
				t.Passed += 100
			}
			c.traffic[l] = t
		}
	}
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

func (n *node) Name() string { return n.name }
func (n *node) Dial(context.Context) (harness.Client, error) {
	return nil, errors.New("nobody is there")
}

func (n *node) Kill(context.Context) error {
	if n.failure == nil && !n.numb {
		n.state, n.pid = harness.Dead, 0
	}
	return n.failure
}

func (n *node) Restart(context.Context) error {
	if n.stuck != nil {
		return n.stuck
	}
	if n.state == harness.Running {
		return errors.New("already running")
	}
	n.starts++
	n.state, n.pid = harness.Running, 1000+n.starts
	return nil
}

func (n *node) Pause(context.Context) error {
	if n.failure == nil && !n.numb {
		n.state = harness.Paused
	}
	return n.failure
}

func (n *node) Resume(context.Context) error {
	if n.stuck != nil {
		return n.stuck
	}
	if n.state != harness.Paused {
		return errors.New("not paused")
	}
	n.state = harness.Running
	return nil
}

func (n *node) Vitals(context.Context) (harness.Vital, error) {
	return harness.Vital{State: n.state, PID: n.pid}, n.mute
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

// strike injects a fault that must succeed.
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
