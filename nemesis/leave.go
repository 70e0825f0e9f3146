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

// Leave takes nodes out of the membership of the cluster, one after another, and puts them in again, without a memory,
// at the heal. It takes no more of them than leave a majority that runs. It needs harness.Members; the evidence is who
// the members are before and after the heal.
func Leave(targets Targets) harness.Fault { return leave{targets} }

type leave struct{ targets Targets }

func (l leave) Name() string { return "leave:" + string(l.targets) }

func (l leave) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.Members](l.Name(), "harness.Members", cluster); err != nil {
		return err
	}
	if err := needSize(l.Name(), 2, cluster); err != nil {
		return err
	}
	return l.targets.supports(l.Name(), cluster)
}

func (l leave) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	members, ok := cluster.(harness.Members)
	if !ok {
		return harness.Injury{}, l.Supports(cluster)
	}
	most, err := expendable(ctx, cluster, members)
	if err != nil {
		return harness.Injury{}, err
	}
	victims, err := chosenNames(ctx, l.targets, cluster, rng, most)
	if err != nil {
		return harness.Injury{}, err
	}
	for i, name := range victims {
		if err := members.RemoveMember(ctx, name); err != nil {
			undo, cancel := undoing(ctx)
			defer cancel()
			return harness.Injury{}, undone(fmt.Errorf("remove %s: %w", name, err), admit(undo, members, victims[:i+1]))
		}
	}
	return harness.Injury{
		Nodes:  victims,
		Detail: strings.Join(victims, " ") + " removed from the cluster",
		Heal:   func(ctx context.Context) error { return admit(ctx, members, victims) },
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			return membership(ctx, members, victims, false)
		},
		Aftermath: func(ctx context.Context) (harness.Evidence, error) {
			return membership(ctx, members, victims, true)
		},
	}, nil
}

// expendable is how many of the running members can go one by one while those that run stay a majority of those that
// are left.
func expendable(ctx context.Context, cluster harness.Cluster, members harness.Members) (int, error) {
	up, err := running(ctx, cluster)
	if err != nil {
		return 0, err
	}
	all, err := members.Members(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask who the members are: %w", err)
	}
	most := 2*len(up) - len(all) - 1
	if most < 1 || len(all) < 2 {
		return 0, fmt.Errorf("%w: %d of %s run, and without one more the others could not go on",
			harness.ErrNobody, len(up), count(len(all), "member"))
	}
	return min(most, len(up)-1), nil
}

// admit puts all nodes in again, one after another, whatever fails.
func admit(ctx context.Context, members harness.Members, nodes []string) error {
	var failed []error
	for _, name := range nodes {
		if err := members.AddMember(ctx, name); err != nil {
			failed = append(failed, fmt.Errorf("add %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// membership is the evidence that all of the nodes are members, or that none is.
func membership(ctx context.Context, members harness.Members, nodes []string, want bool) (harness.Evidence, error) {
	now, err := members.Members(ctx)
	if err != nil {
		return harness.Evidence{}, fmt.Errorf("ask who the members are: %w", err)
	}
	otherwise := slices.ContainsFunc(nodes, func(n string) bool { return slices.Contains(now, n) != want })
	return harness.Evidence{TookEffect: !otherwise, Text: "the members are " + strings.Join(now, " ")}, nil
}
