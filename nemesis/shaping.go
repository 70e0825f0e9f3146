package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// shaped is what was done to links.
type shaped struct {
	nodes  []string
	links  []harness.Link
	before map[harness.Link]harness.Traffic
}

// since sums what a counter of the links grew by.
func (h shaped) since(ctx context.Context, shaper harness.Shaper, counter func(harness.Traffic) int64) (int64, error) {
	now, err := shaper.Traffic(ctx)
	var sum int64
	for _, l := range h.links {
		sum += max(counter(now[l])-counter(h.before[l]), 0)
	}
	return sum, err
}

// around returns the links between some nodes and all others, and among them, both ways.
func around(all, some []string) []harness.Link {
	return slices.DeleteFunc(between(all, all), func(l harness.Link) bool {
		return !slices.Contains(some, l.From) && !slices.Contains(some, l.To)
	})
}

// shape chooses nodes and shapes the links around them.
func shape(ctx context.Context, cluster harness.Cluster, rng *rand.Rand, targets Targets, name string,
	s harness.Shaping, tell func(harness.Shaper, shaped) harness.Injury,
) (harness.Injury, error) {
	shaper, ok := cluster.(harness.Shaper)
	if !ok {
		return harness.Injury{}, supportsShaping(name, targets, cluster, s)
	}
	all := nodeNames(cluster)
	victims, err := chosenNames(ctx, targets, cluster, rng, len(all))
	if err != nil {
		return harness.Injury{}, err
	}
	hit := shaped{nodes: victims, links: around(all, victims)}
	if hit.before, err = shaper.Traffic(ctx); err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	if err := shaper.Shape(ctx, hit.links, s); err != nil {
		return harness.Injury{}, fmt.Errorf("shape %s: %w", count(len(hit.links), "link"), err)
	}
	return tell(shaper, hit), nil
}

// mark is a shaping that lasts, and the mark it leaves on the counters of the links.
type mark struct {
	name    string // of the fault
	shaping harness.Shaping
	done    string // what was done to the nodes: "slowed by 200ms"
	seen    string // what became of the bytes that are counted: "delivered late"
	counter func(harness.Traffic) int64
}

func (m mark) inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand, targets Targets,
) (harness.Injury, error) {
	return shape(ctx, cluster, rng, targets, m.name, m.shaping, func(shaper harness.Shaper, hit shaped) harness.Injury {
		links := count(len(hit.links), "link")
		return harness.Injury{
			Nodes:  hit.nodes,
			Detail: strings.Join(hit.nodes, " ") + " " + m.done,
			Heal: func(ctx context.Context) error {
				if err := shaper.Unshape(ctx, hit.links); err != nil {
					return fmt.Errorf("unshape %s: %w", links, err)
				}
				return nil
			},
			Evidence: func(ctx context.Context) (harness.Evidence, error) {
				n, err := hit.since(ctx, shaper, m.counter)
				if n == 0 {
					return harness.Evidence{Text: fmt.Sprintf("nothing was %s on %s", m.seen, links)}, err
				}
				text := fmt.Sprintf("%s %s on %s", size(n), m.seen, links)
				return harness.Evidence{TookEffect: true, Text: text}, err
			},
		}
	})
}

// supportsShaping says why a cluster cannot have the links of the nodes shaped so.
func supportsShaping(name string, targets Targets, cluster harness.Cluster, s harness.Shaping) error {
	if err := needCluster[harness.Shaper](name, "harness.Shaper", cluster); err != nil {
		return err
	}
	if err := cluster.(harness.Shaper).CanShape(s); err != nil {
		return fmt.Errorf("the cluster cannot suffer %q: %w", name, err)
	}
	if err := needSize(name, 2, cluster); err != nil {
		return err
	}
	return targets.supports(name, cluster)
}
