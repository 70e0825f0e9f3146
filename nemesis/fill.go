package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// DiskLimit is how many bytes the disk of each node holds in a run with [Fill], unless the run says otherwise.
const DiskLimit = 128 << 20

// fullDisk is below how many free bytes a disk is full: no file system gives a file less.
const fullDisk = 4096

// Fill fills the disks of nodes to the last byte, and makes room again at the heal, when it also starts the nodes again
// that ended for want of room. It needs harness.DiskFiller, and a disk with a limit, which it asks for before the
// cluster starts. The evidence is how many bytes are free.
func Fill(targets Targets) harness.Fault { return fill{targets} }

type fill struct{ targets Targets }

func (f fill) Name() string { return "fill:" + string(f.targets) }

func (f fill) Prepare(env *harness.Env) {
	if env.DiskLimit == 0 {
		env.DiskLimit = DiskLimit
	}
}

func (f fill) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.DiskFiller](f.Name(), "harness.DiskFiller", cluster); err != nil {
		return err
	}
	return f.targets.supports(f.Name(), cluster)
}

func (f fill) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	if err := f.Supports(cluster); err != nil {
		return harness.Injury{}, err
	}
	chosen, err := f.targets.choose(ctx, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return harness.Injury{}, err
	}
	chosen, before, err := withRoom(ctx, chosen)
	if err != nil {
		return harness.Injury{}, err
	}
	fill := func(n harness.Node) error { return n.(harness.DiskFiller).FillDisk(ctx) }
	filled, err := injure(ctx, chosen, "fill the disk of", fill, free)
	if err != nil {
		return harness.Injury{}, err
	}
	first, err := spaces(ctx, chosen)
	if err != nil {
		undo, cancel := undoing(ctx)
		defer cancel()
		return harness.Injury{}, undone(err, free(undo, filled))
	}
	return harness.Injury{
		Nodes:  names(filled),
		Detail: "the disks of " + strings.Join(names(filled), " ") + " filled",
		Heal:   func(ctx context.Context) error { return free(ctx, filled) },
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			now, err := spaces(ctx, chosen)
			if err != nil {
				return harness.Evidence{}, err
			}
			return filledUp(ctx, filled, before, first, now), nil
		},
	}, nil
}

// free makes room on all disks, and starts who ended for want of it.
func free(ctx context.Context, victims []victim) error {
	err := harness.AtOnce(len(victims), func(i int) error {
		if err := victims[i].Node.(harness.DiskFiller).FreeDisk(ctx); err != nil {
			return fmt.Errorf("%s: free the disk: %w", victims[i].Name(), err)
		}
		return nil
	})
	return errors.Join(err, revive(ctx, victims))
}

// withRoom leaves out the nodes whose disks are full already.
func withRoom(ctx context.Context, nodes []harness.Node) (left []harness.Node, space []int64, err error) {
	all, err := spaces(ctx, nodes)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range nodes {
		if all[i] >= fullDisk {
			left, space = append(left, n), append(space, all[i])
		}
	}
	if len(left) == 0 {
		return nil, nil, fmt.Errorf("%w: the disks are full already", harness.ErrNobody)
	}
	return left, space, nil
}

// spaces asks how many bytes are free on each node's disk.
func spaces(ctx context.Context, nodes []harness.Node) ([]int64, error) {
	free := make([]int64, len(nodes))
	err := harness.AtOnce(len(nodes), func(i int) (err error) {
		if free[i], err = nodes[i].(harness.DiskFiller).DiskSpace(ctx); err != nil {
			return fmt.Errorf("ask for the free space of %s: %w", nodes[i].Name(), err)
		}
		return nil
	})
	return free, err
}

// filledUp is the evidence: every disk was full, and has not been freed since, though the node may have made a little
// room by itself.
func filledUp(ctx context.Context, victims []victim, before, first, now []int64) harness.Evidence {
	proof := harness.Evidence{TookEffect: true}
	parts := make([]string, len(victims))
	for i, v := range victims {
		if first[i] >= fullDisk || now[i] > before[i]/2 {
			proof.TookEffect = false
		}
		parts[i] = fmt.Sprintf("%s has %s free of %s", v.Name(), size(now[i]), size(before[i]))
		if end := fate(ctx, v); end != "" {
			parts[i] += " and " + strings.TrimPrefix(end, v.Name()+" ")
		}
	}
	proof.Text = strings.Join(parts, ", ")
	return proof
}
