package nemesis

import (
	"context"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
)

// Refuse cuts links between nodes as [Partition] does, but whoever sends is told at once: connections are reset, and
// new ones refused, as by a firewall that rejects. It needs harness.Refuser; the evidence is what was refused on the
// links, and, of a cluster with harness.Prober, that probes do not come through.
func Refuse(shape Shape) harness.Fault { return refuse{shape} }

type refuse struct{ shape Shape }

func (r refuse) Name() string { return "refuse:" + string(r.shape) }

func (r refuse) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.Refuser](r.Name(), "harness.Refuser", cluster); err != nil {
		return err
	}
	return r.shape.supports(r.Name(), cluster)
}

func (r refuse) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	refuser, ok := cluster.(harness.Refuser)
	if !ok {
		return harness.Injury{}, r.Supports(cluster)
	}
	planned, err := r.shape.plan(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	aloud := severance{refuser.Refuse, refuser.Admit, refuser.Traffic, "refuse", "admit", "refused"}
	return aloud.inject(ctx, cluster, planned)
}
