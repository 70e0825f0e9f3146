package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
)

// Wipe kills nodes, empties their disks, and starts them again, without a memory, at the heal. It needs harness.Killer
// and harness.Wiper, and the evidence is that of [Kill]; that the disk is empty is the word of the Wiper.
//
// It is more than most systems promise to survive. One node that forgets what it has voted for and acknowledged may
// already cost a replicated log its promise, where the others that had acknowledged it are behind or cut off. Without a
// majority's disks acknowledged writes are gone, and a run that finds that has not found a bug.
func Wipe(targets Targets) harness.Fault { return wipe{targets} }

type wipe struct{ targets Targets }

func (w wipe) Name() string { return "wipe:" + string(w.targets) }

func (w wipe) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.Killer](w.Name(), "harness.Killer", cluster); err != nil {
		return err
	}
	if err := needNodes[harness.Wiper](w.Name(), "harness.Wiper", cluster); err != nil {
		return err
	}
	for _, n := range cluster.Nodes() {
		if err := n.(harness.Wiper).CanWipe(); err != nil {
			return fmt.Errorf("the cluster cannot suffer %q: %s: %w", w.Name(), n.Name(), err)
		}
	}
	return w.targets.supports(w.Name(), cluster)
}

// Inject wipes when all are dead, so that nobody who lives can notice that one has forgotten before all have.
func (w wipe) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	if err := w.Supports(cluster); err != nil {
		return harness.Injury{}, err
	}
	killed, err := kill(w).strike(ctx, cluster, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	err = harness.AtOnce(len(killed), func(i int) error {
		if err := killed[i].Node.(harness.Wiper).Wipe(ctx); err != nil {
			return fmt.Errorf("wipe %s: %w", killed[i].Name(), err)
		}
		return nil
	})
	if err != nil {
		undo, cancel := undoing(ctx)
		defer cancel()
		return harness.Injury{}, undone(err, restart(undo, killed))
	}
	return ended(killed, "killed, and their disks emptied"), nil
}
