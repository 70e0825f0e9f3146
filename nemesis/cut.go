package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// plan works out which links to cut.
func (s Shape) plan(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (cut, error) {
	all := nodeNames(cluster)
	up, err := running(ctx, cluster)
	if err != nil {
		return cut{}, err
	}
	if len(up) < 2 {
		return cut{}, fmt.Errorf("%w: %s, and a cut needs two that could talk", harness.ErrNobody, runs(len(up)))
	}
	switch s {
	case One, Minority, Leader:
		victims, err := chosenNames(ctx, Targets(s), cluster, rng, len(up)-1)
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
	return apart(len(all), s.groups()...), nil
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
		return cut{}, needSize(string(Mixed), 2, cluster)
	}
	shape := able[rng.IntN(len(able))]
	planned, err := shape.plan(ctx, cluster, rng)
	if shape == Leader && errors.Is(err, harness.ErrNobody) {
		shape = One
		planned, err = shape.plan(ctx, cluster, rng)
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
