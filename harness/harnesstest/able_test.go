package harnesstest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/inmem"
)

// able is the simulated store with the powers added that it lacks: a rate of links, disks, limits, a membership. A bug
// is a power of it, or of the store's own, that does not do what it should.
type able struct{ bug string }

func (a able) Name() string { return "able" }

func (a able) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	cluster, err := inmem.Target{}.Start(ctx, env)
	if err != nil {
		return nil, err
	}
	c := &ableCluster{simulated: cluster.(simulated), bug: a.bug}
	for _, n := range cluster.Nodes() {
		c.nodes = append(c.nodes, &ableNode{simulatedNode: n.(simulatedNode), bug: a.bug, limit: env.DiskLimit})
		c.members = append(c.members, n.Name())
	}
	return c, nil
}

// simulated and simulatedNode are what the simulated store has.
type simulated interface {
	full
	harness.Refuser
	harness.ClientNetwork
	harness.Shaper
	harness.Prober
}

type simulatedNode interface {
	fullNode
	harness.Terminator
	harness.Wiper
}

type ableCluster struct {
	simulated
	bug   string
	nodes []harness.Node

	mu      sync.Mutex // guards members
	members []string
}

func (c *ableCluster) Nodes() []harness.Node { return c.nodes }

func (c *ableCluster) node(name string) *ableNode {
	i := slices.IndexFunc(c.nodes, func(n harness.Node) bool { return n.Name() == name })
	return c.nodes[i].(*ableNode)
}

// Traffic is that of the store. It is one method of four powers.
func (c *ableCluster) Traffic(ctx context.Context) (map[harness.Link]harness.Traffic, error) {
	traffic, err := c.simulated.Traffic(ctx)
	for l, t := range traffic {
		switch c.bug {
		case "refusals are not counted":
			t.Held = 0
		case "shapes are not counted":
			t.Delayed, t.Lost, t.Resets = 0, 0, 0
		case "everything is counted as lost":
			t.Lost += t.Passed
		}
		traffic[l] = t
	}
	return traffic, err
}

func (c *ableCluster) Refuse(ctx context.Context, links []harness.Link) error {
	if c.bug == "refuse does nothing" {
		return nil
	}
	return c.simulated.Refuse(ctx, links)
}

func (c *ableCluster) Admit(ctx context.Context, links []harness.Link) error {
	switch c.bug {
	case "admit does nothing", "refuse does nothing":
		return nil
	case "refusals do not nest":
		for c.simulated.Admit(ctx, links) == nil { // until it is not refused any more
		}
		return nil
	}
	return c.simulated.Admit(ctx, links)
}

func (c *ableCluster) CutClients(ctx context.Context, nodes []string) error {
	if c.bug == "clients are not cut off" {
		return nil
	}
	return c.simulated.CutClients(ctx, nodes)
}

func (c *ableCluster) MendClients(ctx context.Context, nodes []string) error {
	switch c.bug {
	case "clients are not mended", "clients are not cut off":
		return nil
	case "cuts of clients do not nest":
		for c.simulated.MendClients(ctx, nodes) == nil { // until they are not cut off any more
		}
		return nil
	}
	return c.simulated.MendClients(ctx, nodes)
}

func (c *ableCluster) ClientTraffic(ctx context.Context) (map[string]harness.Traffic, error) {
	if c.bug == "cuts of clients are not counted" {
		return nil, nil
	}
	return c.simulated.ClientTraffic(ctx)
}

func (c *ableCluster) CanShape(harness.Shaping) error { return nil }

// Shape makes a rate into a delay, which delivers late too.
func (c *ableCluster) Shape(ctx context.Context, links []harness.Link, s harness.Shaping) error {
	if s.Rate > 0 {
		s = harness.Shaping{Delay: 30 * time.Millisecond}
	}
	return c.simulated.Shape(ctx, links, s)
}

func (c *ableCluster) Unshape(ctx context.Context, links []harness.Link) error {
	if c.bug == "unshape does nothing" {
		return nil
	}
	return c.simulated.Unshape(ctx, links)
}

func (c *ableCluster) Probe(ctx context.Context) (map[harness.Link]bool, error) {
	arrived, err := c.simulated.Probe(ctx)
	for l := range arrived {
		if c.bug == "probes always arrive" {
			arrived[l] = true
		}
		if c.bug == "probes never arrive" {
			arrived[l] = false
		}
	}
	return arrived, err
}

func (c *ableCluster) Resumed(ctx context.Context, links []harness.Link, since time.Time,
) (time.Duration, []harness.Link, error) {
	if c.bug == "nothing resumes" {
		return 0, links, nil
	}
	return c.simulated.Resumed(ctx, links, since)
}

func (c *ableCluster) Members(context.Context) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.members), nil
}

func (c *ableCluster) RemoveMember(ctx context.Context, name string) error {
	if c.bug == "remove does nothing" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = slices.DeleteFunc(c.members, func(m string) bool { return m == name })
	if v, err := c.node(name).Vitals(ctx); err != nil || v.State == harness.Dead {
		return err
	}
	return c.node(name).Kill(ctx)
}

func (c *ableCluster) AddMember(ctx context.Context, name string) error {
	if c.bug == "add does nothing" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.members, name) {
		c.members = append(c.members, name)
	}
	n := c.node(name)
	if v, err := n.Vitals(ctx); err != nil || v.State != harness.Dead {
		return err
	}
	if err := n.simulatedNode.Wipe(ctx); err != nil {
		return err
	}
	return n.Restart(ctx)
}

type ableNode struct {
	simulatedNode
	bug   string
	limit int64 // of the disk

	mu       sync.Mutex // guards the rest
	full     bool
	left     harness.Squeeze
	pressure harness.Pressure
}

func (n *ableNode) Terminate(ctx context.Context) error {
	if n.bug == "terminate does nothing" {
		return nil
	}
	if n.bug == "terminate wipes" {
		if err := n.simulatedNode.Terminate(ctx); err != nil {
			return err
		}
		return n.Wipe(ctx)
	}
	return n.simulatedNode.Terminate(ctx)
}

func (n *ableNode) CanWipe() error {
	if n.bug == "cannot be wiped" {
		return errors.New("its server does not start without a disk")
	}
	return nil
}

func (n *ableNode) Wipe(ctx context.Context) error {
	switch n.bug {
	case "wipe does nothing":
		return nil
	case "wipe fails", "cannot be wiped":
		return fmt.Errorf("wipe %s: read-only file system", n.Name())
	}
	return n.simulatedNode.Wipe(ctx)
}

// Dial counts as work, and writes to a full disk fail.
func (n *ableNode) Dial(ctx context.Context) (harness.Client, error) {
	client, err := n.simulatedNode.Dial(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left.CPUs > 0 && n.bug != "squeeze does nothing" {
		n.pressure.Periods++
	}
	if n.left.Memory > 0 && n.bug != "squeeze does nothing" {
		n.pressure.Failures++
	}
	w := wrapped{Client: client.(*inmem.Client)}
	if n.full {
		w.write = func(context.Context, *inmem.Client, string, int64) (int64, error) {
			return 0, fmt.Errorf("%w: no space left on device", harness.ErrNotApplied)
		}
	}
	return w, nil
}

func (n *ableNode) FillDisk(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.limit == 0 {
		return fmt.Errorf("the disk of %s has no limit", n.Name())
	}
	n.full = n.bug != "fill does nothing"
	return nil
}

func (n *ableNode) FreeDisk(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.full = n.full && n.bug == "free does nothing"
	return nil
}

func (n *ableNode) DiskSpace(context.Context) (int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return 0, nil
	}
	return n.limit, nil
}

func (n *ableNode) CanSqueeze(harness.Squeeze) error { return nil }

func (n *ableNode) Squeeze(_ context.Context, s harness.Squeeze) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left = s; n.bug != "squeeze does nothing" {
		n.pressure.Limit = s.Memory
	}
	return nil
}

func (n *ableNode) Release(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left = (harness.Squeeze{}); n.bug != "release does nothing" {
		n.pressure.Limit = 0
	}
	return nil
}

func (n *ableNode) Pressure(context.Context) (harness.Pressure, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pressure, nil
}

func TestTargetKitKnowsEveryPower(t *testing.T) {
	for bug, words := range map[string]string{
		"":                                "",
		"cannot be wiped":                 "", // it says so, and is not asked to
		"refuse does nothing":             "both sides cannot agree",
		"admit does nothing":              "Resumed returns once",
		"refusals do not nest":            "refusals nest",
		"refusals are not counted":        "which proves",
		"clients are not cut off":         "who get no answer",
		"clients are not mended":          "talk again",
		"cuts of clients do not nest":     "cuts of clients nest",
		"cuts of clients are not counted": "ClientTraffic counts",
		"shapes are not counted":          "Traffic counts what a shaping did",
		"everything is counted as lost":   "only that, and only while it is on",
		"unshape does nothing":            "Unshape makes links as they were",
		"probes always arrive":            "Probe says",
		"probes never arrive":             "Probe says",
		"nothing resumes":                 "Resumed returns once",
		"remove does nothing":             "RemoveMember takes",
		"add does nothing":                "AddMember puts",
		"terminate does nothing":          "Terminate has a node end",
		"terminate wipes":                 "on the data it left",
		"wipe does nothing":               "Wipe empties",
		"wipe fails":                      "comes back with Restart",
		"fill does nothing":               "FillDisk fills",
		"free does nothing":               "FreeDisk makes room",
		"squeeze does nothing":            "Squeeze leaves",
		"release does nothing":            "Release gives",
	} {
		synctest.Test(t, func(t *testing.T) {
			said := judged(t, func(tb testing.TB) {
				harnesstest.TargetKit{Patience: 10 * time.Second}.Test(tb, able{bug})
			})
			finds(t, bug, said, words)
			time.Sleep(time.Minute) // until what was left behind is gone
		})
	}
}

// TestFaultKitFindsFaultsWithoutEffect: of a power that does nothing the evidence says so, and the kit too.
func TestFaultKitFindsFaultsWithoutEffect(t *testing.T) {
	for bug, fault := range map[string]harness.Fault{
		"refuse does nothing": nemesis.Refuse(nemesis.One), "clients are not cut off": nemesis.Clients(nemesis.One),
		"fill does nothing":    nemesis.Fill(nemesis.One),
		"squeeze does nothing": nemesis.Squeeze(nemesis.One, harness.Squeeze{}),
		"remove does nothing":  nemesis.Leave(nemesis.One), "terminate does nothing": nemesis.Stop(nemesis.One),
		"shapes are not counted": nemesis.Loss(nemesis.One, 0),
	} {
		synctest.Test(t, func(t *testing.T) {
			said := judged(t, func(tb testing.TB) {
				harnesstest.FaultKit{Patience: 10 * time.Second}.Test(tb, fault, able{bug})
			})
			finds(t, bug, said, "a fault proves that it took effect")
		})
	}
}
