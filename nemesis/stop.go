package nemesis

import (
	"context"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
)

// Stop asks nodes to end, as an operator would, and starts them again, on the data they left, at the heal: of
// [AllNodes], that is an orderly restart of the whole cluster. It needs harness.Terminator and harness.Killer, which
// restarts. The evidence is that of [Kill].
func Stop(targets Targets) harness.Fault { return stop{targets} }

type stop struct{ targets Targets }

func (s stop) Name() string { return "stop:" + string(s.targets) }

func (s stop) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.Terminator](s.Name(), "harness.Terminator", cluster); err != nil {
		return err
	}
	if err := needNodes[harness.Killer](s.Name(), "harness.Killer", cluster); err != nil {
		return err
	}
	return s.targets.supports(s.Name(), cluster)
}

func (s stop) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	if err := s.Supports(cluster); err != nil {
		return harness.Injury{}, err
	}
	chosen, err := s.targets.choose(ctx, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return harness.Injury{}, err
	}
	terminate := func(n harness.Node) error { return n.(harness.Terminator).Terminate(ctx) }
	stopped, err := injure(ctx, chosen, "stop", terminate, restart)
	if err != nil {
		return harness.Injury{}, err
	}
	return ended(stopped, "stopped"), nil
}
