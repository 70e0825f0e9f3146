package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Partition cuts links between nodes; clients keep theirs. What is sent on a cut link is held, and no connection is
// reset. It needs harness.Network; the evidence is the bytes held on the links that were cut.
func Partition(shape Shape) harness.Fault { return partition{shape} }

type partition struct{ shape Shape }

func (p partition) Name() string { return "partition:" + string(p.shape) }

func (p partition) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.Network](p.Name(), "harness.Network", cluster); err != nil {
		return err
	}
	return p.shape.supports(p.Name(), cluster)
}

func (p partition) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	network, ok := cluster.(harness.Network)
	if !ok {
		return harness.Injury{}, p.Supports(cluster)
	}
	cut, err := p.plan(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	before, err := network.Traffic(ctx)
	if err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	if err := network.Cut(ctx, cut.links); err != nil {
		return harness.Injury{}, fmt.Errorf("cut %s: %w", count(len(cut.links), "link"), err)
	}
	return harness.Injury{
		Nodes:  cut.hurt,
		Sides:  cut.sides,
		Detail: cut.detail,
		Heal: func(ctx context.Context) error {
			if err := network.Mend(ctx, cut.links); err != nil {
				return fmt.Errorf("mend %s: %w", count(len(cut.links), "link"), err)
			}
			return nil
		},
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			now, err := network.Traffic(ctx)
			return heldSince(before, now, cut), err
		},
	}, nil
}

// plan works out which links to cut.
func (p partition) plan(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (cut, error) {
	all := nodeNames(cluster)
	up, err := running(ctx, cluster)
	if err != nil {
		return cut{}, err
	}
	if len(up) < 2 {
		return cut{}, fmt.Errorf("%w: %s, and a cut needs two that could talk", harness.ErrNobody, runs(len(up)))
	}
	switch p.shape {
	case One, Minority, Leader:
		victims, err := chosenNames(ctx, Targets(p.shape), cluster, rng, len(up)-1)
		return apart(len(all), victims, without(all, victims)), err
	case Majority:
		order := shuffled(rng, all)
		minor := without(all, order[:len(all)/2+1])
		return apart(len(all), minor, without(all, minor)), nil
	case MajoritiesRing:
		return ring(shuffled(rng, all)), nil
	case Bridge:
		return bridge(followerFirst(ctx, cluster, shuffled(rng, all))), nil
	case OneWay:
		victims, err := oneWayVictims(ctx, cluster, rng, len(up)-1)
		return oneWay(victims, without(all, victims), rng.IntN(2) == 0), err
	case Mixed:
		return planMixed(ctx, cluster, rng)
	}
	return apart(len(all), p.shape.groups()...), nil
}

// planMixed picks a shape that the cluster can suffer; without a leader, the one that wanted it becomes [One].
func planMixed(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (cut, error) {
	var able []Shape
	for _, s := range []Shape{One, Minority, Majority, Leader, MajoritiesRing, Bridge, OneWay} {
		if s.supports("", cluster) == nil {
			able = append(able, s)
		}
	}
	if len(able) == 0 {
		return cut{}, needSize("partition", 2, cluster)
	}
	shape := able[rng.IntN(len(able))]
	planned, err := partition{shape}.plan(ctx, cluster, rng)
	if shape == Leader && errors.Is(err, harness.ErrNobody) {
		shape = One
		planned, err = partition{shape}.plan(ctx, cluster, rng)
	}
	planned.detail = fmt.Sprintf("%s: %s", shape, planned.detail)
	return planned, err
}

// oneWayVictims is the leader as often as not, else a random minority.
func oneWayVictims(ctx context.Context, cluster harness.Cluster, rng *rand.Rand, most int) ([]string, error) {
	_, led := cluster.(harness.Leaders)
	if rng.IntN(2) == 0 && led {
		victims, err := chosenNames(ctx, Leader, cluster, rng, most)
		if !errors.Is(err, harness.ErrNobody) {
			return victims, err
		}
	}
	return chosenNames(ctx, Minority, cluster, rng, most)
}

// followerFirst puts a node that does not lead before the others. In many systems only the leader talks with everybody:
// as the bridge it would notice nothing of the cut, and neither would they.
func followerFirst(ctx context.Context, cluster harness.Cluster, order []string) []string {
	asked, ok := cluster.(harness.Leaders)
	if !ok {
		return order
	}
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	leaders, err := asked.Leaders(ctx)
	follower := slices.IndexFunc(order, func(name string) bool { return !slices.Contains(leaders, name) })
	if err == nil && follower > 0 {
		order[0], order[follower] = order[follower], order[0]
	}
	return order
}

func chosenNames(ctx context.Context, t Targets, cluster harness.Cluster, rng *rand.Rand, most int) ([]string, error) {
	nodes, err := t.choose(ctx, cluster, rng, most)
	if err != nil {
		return nil, err
	}
	chosen := make([]string, len(nodes))
	for i, n := range nodes {
		chosen[i] = n.Name()
	}
	return chosen, nil
}

func shuffled(rng *rand.Rand, names []string) []string {
	order := make([]string, len(names))
	for i, at := range rng.Perm(len(names)) {
		order[i] = names[at]
	}
	return order
}

func runs(n int) string {
	if n == 0 {
		return "no node runs"
	}
	return "only 1 node runs"
}

// heldSince is the evidence of a cut: what the links held since, and where there are sides, who sent it.
func heldSince(before, now map[harness.Link]harness.Traffic, c cut) harness.Evidence {
	sum := func(links []harness.Link) (held int64, on int) {
		for _, l := range links {
			if h := now[l].Held - before[l].Held; h > 0 {
				held, on = held+h, on+1
			}
		}
		return held, on
	}
	held, on := sum(c.links)
	if held == 0 {
		text := fmt.Sprintf("nothing was held on the %s that were cut", count(len(c.links), "link"))
		return harness.Evidence{Text: text}
	}
	text := fmt.Sprintf("%s held on %d of %s", size(held), on, count(len(c.links), "link"))
	if len(c.flows) > 1 {
		parts := make([]string, len(c.flows))
		for i, f := range c.flows {
			from, _ := sum(f.links)
			parts[i] = fmt.Sprintf("%s from %s", size(from), f.from)
		}
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return harness.Evidence{TookEffect: true, Text: text}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
