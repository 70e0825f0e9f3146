package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// fakeTarget is the smallest system there is: a counter in memory that every node serves. Its behaviour is set by the
// fields.
type fakeTarget struct {
	startErr error
	answer   func(ctx context.Context, node string, n int) (Result, error) // of the n-th call; nil: ok after 1 ms
	settle   error
	stops    *int
}

func (t fakeTarget) Name() string { return "fake" }

func (t fakeTarget) Start(_ context.Context, env Env) (Cluster, error) {
	if t.startErr != nil {
		return nil, t.startErr
	}
	c := &fakeCluster{target: t, hurt: map[string]int{}}
	for i := range env.Nodes {
		c.nodes = append(c.nodes, &fakeNode{c, fmt.Sprintf("n%d", i+1)})
	}
	return c, nil
}

type fakeCluster struct {
	target fakeTarget
	nodes  []Node
	mu     sync.Mutex
	calls  int
	hurt   map[string]int
}

func (c *fakeCluster) Nodes() []Node { return c.nodes }

func (c *fakeCluster) Stop(context.Context) error {
	if c.target.stops != nil {
		*c.target.stops++
	}
	return nil
}

func (c *fakeCluster) Settled(context.Context) error { return c.target.settle }

func (c *fakeCluster) change(node string, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurt[node] += by
}

type fakeNode struct {
	cluster *fakeCluster
	name    string
}

func (n *fakeNode) Name() string { return n.name }

func (n *fakeNode) Dial(context.Context) (Client, error) { return fakeClient{n}, nil }

type fakeClient struct{ node *fakeNode }

func (fakeClient) Close() error { return nil }

func (c fakeClient) call(ctx context.Context) (Result, error) {
	cluster := c.node.cluster
	cluster.mu.Lock()
	n, hurt := cluster.calls, cluster.hurt[c.node.name]
	cluster.calls++
	cluster.mu.Unlock()
	if hurt > 0 {
		return Result{}, fmt.Errorf("%w: %s is hurt", ErrNotApplied, c.node.name)
	}
	if cluster.target.answer != nil {
		return cluster.target.answer(ctx, c.node.name, n)
	}
	return okAfter(ctx, 5*time.Millisecond)
}

func okAfter(ctx context.Context, d time.Duration) (Result, error) {
	if !Wait(ctx, d) {
		return Result{}, ctx.Err()
	}
	return Result{Value: int64(1)}, nil
}

// fakeWorkload reads one key for ever; at the end every worker reads once more.
func fakeWorkload(check func(history.History) Verdict) Workload {
	return Workload{
		Name: "fake", Kinds: []string{"read"},
		New: func(Load) (Generator, Generator) { return forever{}, &onceEach{done: map[int]bool{}} },
		Invoke: func(ctx context.Context, client Client, _ Call) (Result, error) {
			return client.(fakeClient).call(ctx)
		},
		Checker: CheckerFunc("fake", func(_ context.Context, h history.History) (Verdict, error) {
			return check(h),
				nil
		}),
	}
}

func alwaysValid(h history.History) Verdict {
	return Verdict{Validity: Valid, Level: Linearizable, Reason: "everything was fine", Ops: len(h.Pairs), Keys: 1}
}

type forever struct{}

func (forever) Next(ask Ask) (Call, bool) {
	return Call{F: "read", Key: fmt.Sprint("k", ask.Rand.IntN(3))}, true
}

type onceEach struct{ done map[int]bool }

func (g *onceEach) Next(ask Ask) (Call, bool) {
	if g.done[ask.Worker] {
		return Call{}, false
	}
	g.done[ask.Worker] = true
	return Call{F: "read", Key: "k0"}, true
}

// fakeFault makes one node refuse every call.
type fakeFault struct {
	node      string
	noEffect  bool
	injectErr error
	healErr   error
	refuse    error
}

func (f fakeFault) Name() string { return "refuse:" + f.node }

func (f fakeFault) Supports(Cluster) error { return f.refuse }

func (f fakeFault) Inject(_ context.Context, cluster Cluster, _ *rand.Rand) (Injury, error) {
	if f.injectErr != nil {
		return Injury{}, f.injectErr
	}
	c := cluster.(interface{ change(node string, by int) })
	c.change(f.node, 1)
	return Injury{
		Nodes: []string{f.node}, Detail: f.node,
		Heal: func(ctx context.Context) error {
			c.change(f.node, -1)
			return errors.Join(f.healErr, ctx.Err())
		},
		Evidence: func(context.Context) (Evidence, error) {
			return Evidence{TookEffect: !f.noEffect, Text: "asked it"}, nil
		},
	}, nil
}

// script is a nemesis of given strikes.
type script []Strike

func (s script) Plan(*rand.Rand, time.Duration) []Strike { return s }
