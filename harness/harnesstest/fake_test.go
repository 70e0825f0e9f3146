package harnesstest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// verdict is a testing.TB that remembers what a kit said instead of failing.
type verdict struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (v *verdict) Helper() {}

func (v *verdict) say(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, text)
}

func (v *verdict) Errorf(format string, args ...any) { v.say(fmt.Sprintf(format, args...)) }

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}

// judged runs a kit and returns what it found wrong.
func judged(t *testing.T, kit func(testing.TB)) []string {
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		kit(v)
	}()
	<-done
	return v.said
}

// finds fails unless one of the complaints contains the words; no words stand for no complaint.
func finds(t *testing.T, what string, said []string, words string) {
	t.Helper()
	all := strings.Join(said, "\n")
	if words == "" && len(said) > 0 {
		t.Errorf("%s: nothing is wrong, and the kit says:\n%s", what, all)
	}
	if words != "" && !strings.Contains(all, words) {
		t.Errorf("%s: the kit does not say %q, but:\n%s", what, words, all)
	}
}

// broken is a target with every power, of which a test replaces some by worse ones.
type broken struct {
	harness.Target
	name    string
	start   func(context.Context, harness.Env, harness.Target) (harness.Cluster, error)
	stop    func(context.Context, harness.Cluster) error
	cut     func(context.Context, full, []harness.Link) error
	mend    func(context.Context, full, []harness.Link) error
	traffic func(context.Context, full) (map[harness.Link]harness.Traffic, error)
	leaders func(context.Context) ([]string, error)
	settled func(context.Context) error
	dial    func(context.Context, fullNode) (harness.Client, error)
	kill    func(context.Context, fullNode) error
	restart func(context.Context, fullNode) error
	pause   func(context.Context, fullNode) error
	resume  func(context.Context, fullNode) error
	vitals  func(context.Context, fullNode) (harness.Vital, error)
}

// full and fullNode are what a target with every power has.
type full interface {
	harness.Cluster
	harness.Network
	harness.Leaders
	harness.Settler
}

type fullNode interface {
	harness.Node
	harness.Killer
	harness.Pauser
	harness.Vitals
}

func (b broken) Name() string {
	if b.name != "" {
		return strings.TrimSpace(b.name)
	}
	return "broken"
}

func (b broken) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	start := b.start
	if start == nil {
		start = func(ctx context.Context, env harness.Env, t harness.Target) (harness.Cluster, error) {
			return t.Start(ctx, env)
		}
	}
	cluster, err := start(ctx, env, b.Target)
	if err != nil {
		return nil, err
	}
	c := &brokenCluster{full: cluster.(full), bugs: b}
	for _, n := range cluster.Nodes() {
		c.nodes = append(c.nodes, &brokenNode{n.(fullNode), b})
	}
	return c, nil
}

type brokenCluster struct {
	full
	bugs  broken
	nodes []harness.Node
}

func (c *brokenCluster) Nodes() []harness.Node { return c.nodes }

func (c *brokenCluster) Stop(ctx context.Context) error {
	if c.bugs.stop != nil {
		return c.bugs.stop(ctx, c.full)
	}
	return c.full.Stop(ctx)
}

func (c *brokenCluster) Cut(ctx context.Context, links []harness.Link) error {
	if c.bugs.cut != nil {
		return c.bugs.cut(ctx, c.full, links)
	}
	return c.full.Cut(ctx, links)
}

func (c *brokenCluster) Mend(ctx context.Context, links []harness.Link) error {
	if c.bugs.mend != nil {
		return c.bugs.mend(ctx, c.full, links)
	}
	return c.full.Mend(ctx, links)
}

func (c *brokenCluster) Traffic(ctx context.Context) (map[harness.Link]harness.Traffic, error) {
	if c.bugs.traffic != nil {
		return c.bugs.traffic(ctx, c.full)
	}
	return c.full.Traffic(ctx)
}

func (c *brokenCluster) Leaders(ctx context.Context) ([]string, error) {
	if c.bugs.leaders != nil {
		return c.bugs.leaders(ctx)
	}
	return c.full.Leaders(ctx)
}

func (c *brokenCluster) Settled(ctx context.Context) error {
	if c.bugs.settled != nil {
		return c.bugs.settled(ctx)
	}
	return c.full.Settled(ctx)
}

type brokenNode struct {
	fullNode
	bugs broken
}

func (n *brokenNode) Dial(ctx context.Context) (harness.Client, error) {
	if n.bugs.dial != nil {
		return n.bugs.dial(ctx, n.fullNode)
	}
	return n.fullNode.Dial(ctx)
}

func (n *brokenNode) Kill(ctx context.Context) error {
	if n.bugs.kill != nil {
		return n.bugs.kill(ctx, n.fullNode)
	}
	return n.fullNode.Kill(ctx)
}

func (n *brokenNode) Restart(ctx context.Context) error {
	if n.bugs.restart != nil {
		return n.bugs.restart(ctx, n.fullNode)
	}
	return n.fullNode.Restart(ctx)
}

func (n *brokenNode) Pause(ctx context.Context) error {
	if n.bugs.pause != nil {
		return n.bugs.pause(ctx, n.fullNode)
	}
	return n.fullNode.Pause(ctx)
}

func (n *brokenNode) Resume(ctx context.Context) error {
	if n.bugs.resume != nil {
		return n.bugs.resume(ctx, n.fullNode)
	}
	return n.fullNode.Resume(ctx)
}

func (n *brokenNode) Vitals(ctx context.Context) (harness.Vital, error) {
	if n.bugs.vitals != nil {
		return n.bugs.vitals(ctx, n.fullNode)
	}
	return n.fullNode.Vitals(ctx)
}
