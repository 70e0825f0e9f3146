package harnesstest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/inmem"
)

// wrapped is a client of the clean store of which a test replaces some methods.
type wrapped struct {
	*inmem.Client
	write func(ctx context.Context, c *inmem.Client, key string, value int64) (int64, error)
	swap  func(ctx context.Context, c *inmem.Client, key string, old, value int64) (int64, error)
}

func (w wrapped) Write(ctx context.Context, key string, value int64) (int64, error) {
	if w.write != nil {
		return w.write(ctx, w.Client, key, value)
	}
	return w.Client.Write(ctx, key, value)
}

func (w wrapped) CompareAndSet(ctx context.Context, key string, old, value int64) (int64, error) {
	if w.swap != nil {
		return w.swap(ctx, w.Client, key, old, value)
	}
	return w.Client.CompareAndSet(ctx, key, old, value)
}

// dials makes a Dial that wraps the client.
func dials(w wrapped) func(context.Context, fullNode) (harness.Client, error) {
	return func(ctx context.Context, n fullNode) (harness.Client, error) {
		client, err := n.Dial(ctx)
		if err != nil {
			return nil, err
		}
		w.Client = client.(*inmem.Client)
		return w, nil
	}
}

// listsOnly and setsOnly are clients that lack the other methods; mute lacks all.
type (
	listsOnly struct{ c *inmem.Client }
	setsOnly  struct{ c *inmem.Client }
	mute      struct{}
)

func (l listsOnly) Close() error { return nil }
func (l listsOnly) Append(ctx context.Context, key string, element int64) (int64, error) {
	return l.c.Append(ctx, key, element)
}
func (l listsOnly) List(ctx context.Context, key string) ([]int64, int64, error) {
	return l.c.List(ctx, key)
}
func (s setsOnly) Close() error { return nil }
func (s setsOnly) AddMember(ctx context.Context, key string, element int64) (int64, error) {
	return s.c.AddMember(ctx, key, element)
}
func (s setsOnly) Members(ctx context.Context, key string) ([]int64, int64, error) {
	return s.c.Members(ctx, key)
}
func (mute) Close() error { return nil }

func nothing(context.Context, fullNode) error { return nil }

func TestTargetKit(t *testing.T) {
	clean := inmem.Target{}
	as := func(change func(*inmem.Client) harness.Client) func(context.Context, fullNode) (harness.Client, error) {
		return func(ctx context.Context, n fullNode) (harness.Client, error) {
			client, err := n.Dial(ctx)
			if err != nil {
				return nil, err
			}
			return change(client.(*inmem.Client)), nil
		}
	}
	for _, c := range []struct {
		what   string
		target broken
		finds  string
	}{
		{"clean", broken{Target: clean}, ""},
		{"lists alone", broken{Target: clean, dial: as(func(c *inmem.Client) harness.Client { return listsOnly{c} })}, ""},
		{"sets alone", broken{Target: clean, dial: as(func(c *inmem.Client) harness.Client { return setsOnly{c} })}, ""},
		{"no methods", broken{Target: clean, dial: as(func(*inmem.Client) harness.Client { return mute{} })}, "offers neither"},
		{"no name", broken{Target: clean, name: " "}, "a name that a user can type"},
		{"a blank in the name", broken{Target: clean, name: "a b"}, "a name that a user can type"},
		{"does not start", broken{Target: inmem.New(inmem.Options{Bug: inmem.FailStart})}, "ready to serve"},
		{"one node too few", broken{Target: clean, start: func(ctx context.Context, env harness.Env, t harness.Target) (harness.Cluster, error) {
			env.Nodes--
			return t.Start(ctx, env)
		}}, "as many nodes as were asked for"},
		{"starts without time", broken{Target: clean, start: func(ctx context.Context, env harness.Env, t harness.Target) (harness.Cluster, error) {
			return t.Start(context.WithoutCancel(ctx), env)
		}}, "gives up when its context ends"},
		{"kill does nothing", broken{Target: clean, kill: nothing}, "Kill ends a node as a crash would"},
		{"restart does nothing", broken{Target: clean, restart: nothing}, "starts the node again"},
		{"data is lost", broken{Target: inmem.New(inmem.Options{Bug: inmem.Forget})}, "on the data it left"},
		{"kill restarts", broken{Target: clean, kill: func(ctx context.Context, n fullNode) error {
			return errors.Join(n.Kill(ctx), n.Restart(ctx))
		}, restart: nothing}, "holds it down until Restart"},
		{"kill takes all", broken{Target: clean, start: killsAll}, "a majority that is left goes on"},
		{"pause does nothing", broken{Target: clean, pause: nothing, resume: nothing}, "a paused node does nothing"},
		{"resume does nothing", broken{Target: clean, resume: nothing}, "lets a paused node go on"},
		{"pause kills", broken{Target: clean, pause: func(ctx context.Context, n fullNode) error { return n.Kill(ctx) },
			resume: func(ctx context.Context, n fullNode) error { return n.Restart(ctx) }}, "PID changes with each start only"},
		{"vitals say running", broken{Target: clean, vitals: func(context.Context, fullNode) (harness.Vital, error) {
			return harness.Vital{State: harness.Running, PID: 7}, nil
		}}, "Vitals says whether the process runs"},
		{"cut does nothing", broken{Target: clean,
			cut:  func(context.Context, full, []harness.Link) error { return nil },
			mend: func(context.Context, full, []harness.Link) error { return nil }}, "the two sides cannot agree"},
		{"cut is not counted", broken{Target: clean, traffic: func(context.Context, full) (map[harness.Link]harness.Traffic, error) {
			return nil, nil
		}}, "which proves the cut"},
		{"cuts do not nest", broken{Target: clean, mend: func(ctx context.Context, c full, links []harness.Link) error {
			for c.Mend(ctx, links) == nil { // until it is not cut any more
			}
			return nil
		}}, "cuts nest"},
		{"mend does nothing", broken{Target: clean, mend: func(context.Context, full, []harness.Link) error { return nil }}, "Mend makes links whole"},
		{"a ghost leads", broken{Target: clean, leaders: func(context.Context) ([]string, error) { return []string{"n9"}, nil }}, "names of nodes"},
		{"never settles", broken{Target: clean, settled: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, "Settled returns nil once"},
		{"stops once", broken{Target: clean, start: stopsOnce}, "may be called again"},
		{"leaves goroutines", broken{Target: clean, stop: func(ctx context.Context, c harness.Cluster) error {
			go time.Sleep(time.Minute)
			return c.Stop(ctx)
		}}, "leaves no goroutine behind"},
		{"timeouts called failures", broken{Target: clean, dial: dials(wrapped{write: func(ctx context.Context, c *inmem.Client, key string, value int64) (int64, error) {
			at, err := c.Write(ctx, key, value)
			if err != nil {
				err = fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
			}
			return at, err
		}})}, "certainly had no effect"},
		{"an ended context is ignored", broken{Target: clean, dial: func(ctx context.Context, n fullNode) (harness.Client, error) {
			return dials(wrapped{write: func(ctx context.Context, c *inmem.Client, key string, value int64) (int64, error) {
				return c.Write(context.WithoutCancel(ctx), key, value)
			}})(context.WithoutCancel(ctx), n)
		}}, "a call ends with its context"},
		{"mismatch is ok", broken{Target: clean, dial: dials(wrapped{swap: func(ctx context.Context, c *inmem.Client, key string, old, value int64) (int64, error) {
			return c.Write(ctx, key, value)
		}})}, "a compare-and-set that does not match"},
		{"mismatch is unavailability", broken{Target: clean, dial: dials(wrapped{swap: func(ctx context.Context, c *inmem.Client, key string, old, value int64) (int64, error) {
			return 0, harness.ErrNotApplied
		}})}, "a compare-and-set that does not match"},
		{"mismatch is indefinite", broken{Target: clean, dial: dials(wrapped{swap: func(ctx context.Context, c *inmem.Client, key string, old, value int64) (int64, error) {
			return 0, errors.New("no")
		}})}, "a compare-and-set that does not match"},
	} {
		synctest.Test(t, func(t *testing.T) {
			said := judged(t, func(tb testing.TB) {
				harnesstest.TargetKit{Patience: 10 * time.Second}.Test(tb, c.target)
			})
			finds(t, c.what, said, c.finds)
			time.Sleep(time.Minute) // until what was left behind is gone
		})
	}
}

func TestFreshnessIsTested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var only harness.Cluster
		shared := broken{Target: inmem.Target{}, start: func(ctx context.Context, env harness.Env, target harness.Target) (harness.Cluster, error) {
			var err error
			if only == nil {
				only, err = target.Start(ctx, env)
			}
			return only, err
		}, stop: func(context.Context, harness.Cluster) error { return nil }}
		said := judged(t, func(tb testing.TB) { harnesstest.TargetKit{Patience: 10 * time.Second}.Test(tb, shared) })
		finds(t, "one cluster for all", said, "a fresh, empty cluster")
		_ = only.Stop(t.Context())
	})
}

func TestStopIsTested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running []harness.Cluster
		forEver := broken{Target: inmem.Target{}, stop: func(_ context.Context, c harness.Cluster) error {
			running = append(running, c)
			return nil
		}}
		said := judged(t, func(tb testing.TB) { harnesstest.TargetKit{Patience: 10 * time.Second}.Test(tb, forEver) })
		for _, c := range running {
			_ = c.Stop(t.Context())
		}
		finds(t, "never stops", said, "after Stop nothing answers")
		finds(t, "never stops", said, "leaves no goroutine behind")
	})
}

// killsAll makes clusters in which a kill of one node kills every node.
func killsAll(ctx context.Context, env harness.Env, target harness.Target) (harness.Cluster, error) {
	cluster, err := target.Start(ctx, env)
	if err != nil {
		return nil, err
	}
	domino := &brokenCluster{full: cluster.(full)}
	for _, n := range cluster.Nodes() {
		domino.nodes = append(domino.nodes, &brokenNode{n.(fullNode), broken{
			kill: func(ctx context.Context, _ fullNode) error {
				for _, other := range cluster.Nodes() {
					_ = other.(harness.Killer).Kill(ctx) // some are dead already
				}
				return nil
			},
			restart: func(ctx context.Context, _ fullNode) error {
				for _, other := range cluster.Nodes() {
					_ = other.(harness.Killer).Restart(ctx)
				}
				return nil
			},
		}})
	}
	return domino, nil
}

// stopsOnce makes clusters that can be stopped once.
func stopsOnce(ctx context.Context, env harness.Env, target harness.Target) (harness.Cluster, error) {
	cluster, err := target.Start(ctx, env)
	if err != nil {
		return nil, err
	}
	stops := 0
	return &brokenCluster{full: cluster.(full), nodes: cluster.Nodes(), bugs: broken{
		stop: func(ctx context.Context, c harness.Cluster) error {
			if stops++; stops > 1 {
				return errors.New("it is stopped already")
			}
			return c.Stop(ctx)
		},
	}}, nil
}

func TestHangingCallsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		hangs := broken{Target: inmem.Target{}, dial: func(ctx context.Context, n fullNode) (harness.Client, error) {
			if ctx.Err() != nil {
				<-over
			}
			return n.Dial(ctx)
		}}
		said := judged(t, func(tb testing.TB) { harnesstest.TargetKit{Patience: 10 * time.Second}.Test(tb, hangs) })
		close(over)
		finds(t, "dial ignores its context", said, "a call ends with its context")
	})
}

// TestTargetKitInRealTime: the kit takes a few seconds outside of a bubble.
func TestTargetKitInRealTime(t *testing.T) {
	harnesstest.TargetKit{Answer: 300 * time.Millisecond}.Test(t, inmem.Target{})
}
