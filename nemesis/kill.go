package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Kill ends nodes as a crash would, all at one moment, and starts them again, on the data they left, at the heal: of
// [AllNodes], that is a restart of the whole cluster. It needs harness.Killer. The evidence is that the processes are
// dead before the heal and have other ids after it.
func Kill(targets Targets) harness.Fault { return kill{targets} }

type kill struct{ targets Targets }

func (k kill) Name() string { return "kill:" + string(k.targets) }

func (k kill) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.Killer](k.Name(), "harness.Killer", cluster); err != nil {
		return err
	}
	return k.targets.supports(k.Name(), cluster)
}

func (k kill) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	killed, err := k.strike(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	return ended(killed, "killed"), nil
}

// strike chooses nodes and kills them.
func (k kill) strike(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) ([]victim, error) {
	chosen, err := k.targets.choose(ctx, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return nil, err
	}
	return injure(ctx, chosen, "kill", func(n harness.Node) error { return n.(harness.Killer).Kill(ctx) }, restart)
}

// ended is the injury of nodes that are dead until they are restarted.
func ended(victims []victim, how string) harness.Injury {
	injury := harness.Injury{
		Nodes:  names(victims),
		Detail: strings.Join(names(victims), " ") + " " + how,
		Heal:   func(ctx context.Context) error { return restart(ctx, victims) },
	}
	if tell(victims) {
		injury.Evidence = func(ctx context.Context) (harness.Evidence, error) {
			return inState(ctx, victims, harness.Dead)
		}
		injury.Aftermath = func(ctx context.Context) (harness.Evidence, error) { return otherProcess(ctx, victims) }
	}
	return injury
}

// restart starts those of the victims that are still dead.
func restart(ctx context.Context, victims []victim) error {
	return heal(ctx, victims, harness.Dead, func(n harness.Node) error {
		if err := n.(harness.Killer).Restart(ctx); err != nil {
			return fmt.Errorf("restart: %w", err)
		}
		return nil
	})
}

// otherProcess is the evidence that each victim's process is another one now, or none.
func otherProcess(ctx context.Context, victims []victim) (harness.Evidence, error) {
	proof := harness.Evidence{TookEffect: true}
	var parts []string
	for _, victim := range victims {
		v, _, err := vital(ctx, victim.Node)
		if err != nil {
			return harness.Evidence{}, err
		}
		if v.PID == victim.before.PID {
			proof.TookEffect = false
			parts = append(parts, fmt.Sprintf("%s still has pid %d", victim.Name(), v.PID))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s pid %d → %d", victim.Name(), victim.before.PID, v.PID))
	}
	proof.Text = strings.Join(parts, ", ")
	return proof, nil
}
