package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Pause freezes nodes: they keep their memory, connections and ports, and do nothing until the heal. What they were
// about to say they say then, late. It needs harness.Pauser; the evidence is the state of the processes.
func Pause(targets Targets) harness.Fault { return pause{targets} }

type pause struct{ targets Targets }

func (p pause) Name() string { return "pause:" + string(p.targets) }

func (p pause) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.Pauser](p.Name(), "harness.Pauser", cluster); err != nil {
		return err
	}
	return p.targets.supports(p.Name(), cluster)
}

func (p pause) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	chosen, err := p.targets.choose(ctx, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return harness.Injury{}, err
	}
	pause := func(n harness.Node) error { return n.(harness.Pauser).Pause(ctx) }
	paused, err := injure(ctx, chosen, "pause", pause, resume)
	if err != nil {
		return harness.Injury{}, err
	}
	injury := harness.Injury{
		Nodes:  names(paused),
		Detail: strings.Join(names(paused), " ") + " paused",
		Heal:   func(ctx context.Context) error { return resume(ctx, paused) },
	}
	if tell(paused) {
		injury.Evidence = func(ctx context.Context) (harness.Evidence, error) {
			return inState(ctx, paused, harness.Paused)
		}
	}
	return injury, nil
}

// resume wakes those of the victims that are still frozen.
func resume(ctx context.Context, victims []victim) error {
	return heal(ctx, victims, harness.Paused, func(n harness.Node) error {
		if err := n.(harness.Pauser).Resume(ctx); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		return nil
	})
}
