package nemesis

import (
	"context"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
)

// Partition cuts links between nodes; clients keep theirs. What is sent on a cut link is held, and no connection is
// reset. It needs harness.Network; the evidence is the bytes held on the links that were cut, and, of a cluster with
// harness.Prober, that probes do not come through. Such a cluster also tells after the heal when TCP connections
// carried data again, which is not the system's own doing.
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
	planned, err := p.shape.plan(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	silently := severance{network.Cut, network.Mend, network.Traffic, "cut", "mend", "held"}
	injury, err := silently.inject(ctx, cluster, planned)
	if err != nil {
		return harness.Injury{}, err
	}
	return resuming(cluster, planned.links, injury), nil
}
