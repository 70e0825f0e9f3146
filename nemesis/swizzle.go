package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// The steps of a swizzle. Both ways together take well below what a fault may take.
const (
	swizzleStep = 300 * time.Millisecond
	swizzleAll  = 4 * time.Second
)

// Swizzle cuts nodes off from all others, one after another, and mends them one after another in another order, as
// FoundationDB's and Jepsen's swizzle-clog do: each step leaves another set of nodes that can talk. Which nodes, from a
// minority to all, and both orders are random. It needs harness.Network; the evidence is that of [Partition].
func Swizzle() harness.Fault { return swizzle{} }

type swizzle struct{}

func (swizzle) Name() string { return "swizzle" }

func (s swizzle) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.Network](s.Name(), "harness.Network", cluster); err != nil {
		return err
	}
	return needSize(s.Name(), 2, cluster)
}

func (s swizzle) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	network, ok := cluster.(harness.Network)
	if !ok {
		return harness.Injury{}, s.Supports(cluster)
	}
	order, err := swizzled(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	planned := isolated(nodeNames(cluster), order)
	back := anotherOrder(rng, order)
	pace := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))
	way := severance{verb: "cut", undo: "mend", kept: "held", traffic: network.Traffic}
	injury := harness.Injury{
		Nodes: planned.hurt, Sides: planned.sides,
		Detail: fmt.Sprintf("cut off %s, then mended %s", strings.Join(order, " "), strings.Join(back, " ")),
		Heal: func(ctx context.Context) error {
			return mendOneByOne(ctx, network, nodeNames(cluster), back, pace)
		},
	}
	before, err := network.Traffic(ctx)
	if err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	injury.Evidence = func(ctx context.Context) (harness.Evidence, error) {
		return way.evidence(ctx, cluster, before, planned)
	}
	if err := cutOneByOne(ctx, network, nodeNames(cluster), order, pace); err != nil {
		return harness.Injury{}, err
	}
	return resuming(cluster, planned.links, injury), nil
}

// swizzled chooses who is cut off, and in which order: from a minority to all of the nodes that run.
func swizzled(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) ([]string, error) {
	up, err := running(ctx, cluster)
	if err != nil {
		return nil, err
	}
	if len(up) < 2 {
		return nil, fmt.Errorf("%w: %s, and a cut needs two that could talk", harness.ErrNobody, runs(len(up)))
	}
	least := min(max((len(cluster.Nodes())-1)/2, 1), len(up))
	some := rng.Perm(len(up))[:least+rng.IntN(len(up)-least+1)]
	order := make([]string, len(some))
	for i, at := range some {
		order[i] = up[at].Name()
	}
	return order, nil
}

// isolated is the cut that is there when all are cut off: each of them alone, and the others together.
func isolated(all, alone []string) cut {
	var groups [][]string
	for _, name := range all {
		if slices.Contains(alone, name) {
			groups = append(groups, []string{name})
		}
	}
	if rest := without(all, alone); len(rest) > 0 {
		groups = append(groups, rest)
	}
	return apart(len(all), groups...)
}

// anotherOrder shuffles, and not into the order it is given, where there is another.
func anotherOrder(rng *rand.Rand, order []string) []string {
	other := shuffled(rng, order)
	if slices.Equal(other, order) {
		other = append(other[1:], other[0])
	}
	return other
}

func swizzlePace(rng *rand.Rand, steps int) time.Duration {
	return jittered(rng, min(swizzleStep, swizzleAll/time.Duration(steps)))
}

// cutOneByOne cuts nodes off, and where that fails or ctx ends mends those it has cut off.
func cutOneByOne(ctx context.Context, network harness.Network, all, order []string, pace *rand.Rand) error {
	for i, name := range order {
		err := network.Cut(ctx, around(all, []string{name}))
		if err == nil && i+1 < len(order) && !harness.Wait(ctx, swizzlePace(pace, len(order))) {
			err, i = ctx.Err(), i+1
		}
		if err != nil {
			undo, cancel := undoing(ctx)
			defer cancel()
			var failed []error
			for _, done := range order[:i] {
				failed = append(failed, network.Mend(undo, around(all, []string{done})))
			}
			return undone(fmt.Errorf("cut %s off: %w", name, err), errors.Join(failed...))
		}
	}
	return nil
}

// mendOneByOne mends all, whatever fails; it does not wait any more when ctx has ended.
func mendOneByOne(ctx context.Context, network harness.Network, all, order []string, pace *rand.Rand) error {
	var failed []error
	for i, name := range order {
		if i > 0 {
			harness.Wait(ctx, swizzlePace(pace, len(order)))
		}
		if err := network.Mend(ctx, around(all, []string{name})); err != nil {
			failed = append(failed, fmt.Errorf("mend the links of %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}
