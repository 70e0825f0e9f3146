package harnesstest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/inmem"
)

// cutOff is an honest fault: it cuts one node off from the others.
type cutOff struct{}

func (cutOff) Name() string { return "cut-off" }

func (cutOff) Supports(c harness.Cluster) error {
	if _, ok := c.(harness.Network); !ok {
		return errors.New("its cluster does not implement harness.Network")
	}
	return nil
}

func (cutOff) Inject(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	network, nodes := c.(harness.Network), c.Nodes()
	victim := nodes[rng.IntN(len(nodes))].Name()
	var links []harness.Link
	for _, n := range nodes {
		if n.Name() != victim {
			links = append(links, harness.Link{From: victim, To: n.Name()}, harness.Link{From: n.Name(), To: victim})
		}
	}
	if err := network.Cut(ctx, links); err != nil {
		return harness.Injury{}, err
	}
	return harness.Injury{
		Nodes: []string{victim}, Detail: victim + " | the others",
		Heal: func(ctx context.Context) error { return network.Mend(ctx, links) },
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			traffic, err := network.Traffic(ctx)
			var held int64
			for _, link := range links {
				held += traffic[link].Held
			}
			return harness.Evidence{TookEffect: held > 0, Text: fmt.Sprintf("%d bytes held", held)}, err
		},
	}, nil
}

// killOne is an honest fault too: it kills one node.
type killOne struct{}

func (killOne) Name() string { return "kill-one" }

func (killOne) Supports(c harness.Cluster) error {
	if _, ok := c.Nodes()[0].(harness.Killer); !ok {
		return errors.New("its nodes do not implement harness.Killer")
	}
	return nil
}

func (killOne) Inject(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	var alive []harness.Node
	for _, n := range c.Nodes() {
		v, err := n.(harness.Vitals).Vitals(ctx)
		if err != nil {
			return harness.Injury{}, err
		}
		if v.State == harness.Running {
			alive = append(alive, n)
		}
	}
	if len(alive) == 0 {
		return harness.Injury{}, harness.ErrNobody
	}
	victim := alive[rng.IntN(len(alive))]
	if err := victim.(harness.Killer).Kill(ctx); err != nil {
		return harness.Injury{}, err
	}
	return harness.Injury{
		Nodes: []string{victim.Name()}, Detail: victim.Name(), Heal: victim.(harness.Killer).Restart,
		Aftermath: func(ctx context.Context) (harness.Evidence, error) {
			v, err := victim.(harness.Vitals).Vitals(ctx)
			return harness.Evidence{TookEffect: true, Text: fmt.Sprintf("the pid is now %d", v.PID)}, err
		},
	}, nil
}

// worse is a fault of which a test changes parts.
type worse struct {
	harness.Fault
	name     string
	supports func(harness.Cluster) error
	inject   func(context.Context, harness.Cluster, *rand.Rand) (harness.Injury, error)
	change   func(*harness.Injury)
}

func (w worse) Name() string {
	if w.name != "" {
		return w.name
	}
	return w.Fault.Name()
}

func (w worse) Supports(c harness.Cluster) error {
	if w.supports != nil {
		return w.supports(c)
	}
	return w.Fault.Supports(c)
}

func (w worse) Inject(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	inject := w.inject
	if inject == nil {
		inject = w.Fault.Inject
	}
	injury, err := inject(ctx, c, rng)
	if err == nil && w.change != nil {
		w.change(&injury)
	}
	return injury, err
}

func TestFaultKit(t *testing.T) {
	changed := func(change func(*harness.Injury)) worse { return worse{Fault: cutOff{}, change: change} }
	noEvidence := func(context.Context) (harness.Evidence, error) { return harness.Evidence{}, nil }
	strikes := 0
	for _, c := range []struct {
		what  string
		fault harness.Fault
		finds string
	}{
		{"cut-off", cutOff{}, ""},
		{"kill-one", killOne{}, ""},
		{"a blank in the name", worse{Fault: cutOff{}, name: "cut off"}, "a name without blanks"},
		{"supports everything", worse{Fault: cutOff{}, supports: func(harness.Cluster) error { return nil }}, "Supports says"},
		{"supports nothing", worse{Fault: cutOff{}, supports: func(harness.Cluster) error { return errors.New("no") }}, "Supports says"},
		{"no cure", changed(func(i *harness.Injury) { i.Heal = nil }), "brings its cure"},
		{"no words", changed(func(i *harness.Injury) { i.Detail = "" }), "in words and by the names"},
		{"a ghost is hurt", changed(func(i *harness.Injury) { i.Nodes = []string{"n9"} }), "in words and by the names"},
		{"a ghost on a side", changed(func(i *harness.Injury) { i.Sides = [][]string{{"n1"}, {"n9"}} }), "in words and by the names"},
		{"no evidence", changed(func(i *harness.Injury) { i.Evidence = nil }), "a fault proves"},
		{"evidence of nothing", changed(func(i *harness.Injury) { i.Evidence = noEvidence }), "a fault proves"},
		{"aftermath of nothing", changed(func(i *harness.Injury) { i.Aftermath = noEvidence }), "a fault proves"},
		{"heals nothing", changed(func(i *harness.Injury) { i.Heal = func(context.Context) error { return nil } }), "Heal undoes the harm"},
		{"heal fails", changed(func(i *harness.Injury) { i.Heal = func(context.Context) error { return errors.New("no") } }), "Heal undoes the harm"},
		{"heals with the context of inject", worse{Fault: cutOff{}, inject: func(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
			injury, err := cutOff{}.Inject(ctx, c, rng)
			heal := injury.Heal
			injury.Heal = func(context.Context) error { return heal(ctx) }
			return injury, err
		}}, "also when the context of Inject has ended"},
		{"hurts nobody", worse{Fault: cutOff{}, inject: func(context.Context, harness.Cluster, *rand.Rand) (harness.Injury, error) {
			return harness.Injury{
				Nodes: []string{"n1"}, Detail: "n1", Heal: func(context.Context) error { return nil },
				Evidence: func(context.Context) (harness.Evidence, error) {
					return harness.Evidence{TookEffect: true, Text: "trust me"}, nil
				},
			}, nil
		}}, "Inject hurts the cluster"},
		{"always fails", worse{Fault: cutOff{}, inject: func(context.Context, harness.Cluster, *rand.Rand) (harness.Injury, error) {
			return harness.Injury{}, errors.New("no")
		}}, "Inject hurts the cluster"},
		{"never finds anybody", worse{Fault: cutOff{}, inject: func(context.Context, harness.Cluster, *rand.Rand) (harness.Injury, error) {
			return harness.Injury{}, harness.ErrNobody
		}}, "Inject hurts the cluster"},
		{"chooses by itself", worse{Fault: cutOff{}, inject: func(ctx context.Context, c harness.Cluster, _ *rand.Rand) (harness.Injury, error) {
			strikes++
			return cutOff{}.Inject(ctx, c, rand.New(rand.NewPCG(uint64(strikes), 0)))
		}}, "the choices of Inject come from rng alone"},
		{"leaves what it began", worse{Fault: cutOff{}, inject: func(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
			if ctx.Err() != nil {
				_, _ = cutOff{}.Inject(context.WithoutCancel(ctx), c, rng)
				return harness.Injury{}, ctx.Err()
			}
			return cutOff{}.Inject(ctx, c, rng)
		}}, "it has undone what it began"},
		{"kills the dead", worse{Fault: killOne{}, inject: func(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
			injury, err := killOne{}.Inject(ctx, c, rng)
			if errors.Is(err, harness.ErrNobody) {
				err = errors.New("all are dead")
			}
			return injury, err
		}}, "when there is nobody left to hurt"},
		{"wakes the dead", worse{Fault: killOne{}, inject: func(ctx context.Context, c harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
			injury, err := killOne{}.Inject(ctx, c, rng)
			if errors.Is(err, harness.ErrNobody) {
				return harness.Injury{Heal: c.Nodes()[0].(harness.Killer).Restart}, nil
			}
			return injury, err
		}}, "does not wake what the fault did not hurt"},
	} {
		synctest.Test(t, func(t *testing.T) {
			said := judged(t, func(tb testing.TB) {
				harnesstest.FaultKit{Patience: 10 * time.Second}.Test(tb, c.fault, inmem.Target{})
			})
			finds(t, c.what, said, c.finds)
		})
	}
}

func TestFaultKitNeedsACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := inmem.New(inmem.Options{Bug: inmem.FailStart})
		said := judged(t, func(tb testing.TB) { harnesstest.TestFault(tb, cutOff{}, target) })
		finds(t, "the cluster does not start", said, "start inmem/fail-start")
	})
}
