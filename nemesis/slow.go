package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// SlowDelay is the delay of [Slow] where none is given.
const SlowDelay = 200 * time.Millisecond

// Slow delays everything between the nodes and the others by about delay: half as much more or less, at random, and in
// order. 0 means [SlowDelay]. It needs harness.Shaper; the evidence is the bytes that were delivered late. A link has
// one delay at a time, so lanes that slow the same link undo each other.
func Slow(targets Targets, delay time.Duration) harness.Fault {
	if delay <= 0 {
		delay = SlowDelay
	}
	return slow{targets, delay}
}

type slow struct {
	targets Targets
	delay   time.Duration
}

func (s slow) Name() string {
	name := "slow:" + string(s.targets)
	if s.delay != SlowDelay {
		name += ":" + s.delay.String()
	}
	return name
}

func (s slow) Supports(cluster harness.Cluster) error {
	return supportsShaping(s.Name(), s.targets, cluster)
}

func (s slow) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	shaping := harness.Shaping{Delay: s.delay, Jitter: s.delay / 2}
	tell := func(shaper harness.Shaper, hit shaped) harness.Injury {
		return harness.Injury{
			Nodes:  hit.nodes,
			Detail: fmt.Sprintf("%s slowed by %v ± %v", strings.Join(hit.nodes, " "), shaping.Delay, shaping.Jitter),
			Heal: func(ctx context.Context) error {
				if err := shaper.Unshape(ctx, hit.links); err != nil {
					return fmt.Errorf("unshape %s: %w", count(len(hit.links), "link"), err)
				}
				return nil
			},
			Evidence: func(ctx context.Context) (harness.Evidence, error) {
				late, err := hit.since(ctx, shaper, func(t harness.Traffic) int64 { return t.Delayed })
				text := fmt.Sprintf("%s delivered late on %s", size(late), count(len(hit.links), "link"))
				if late == 0 {
					text = "nothing was " + strings.TrimPrefix(text, size(0)+" ")
				}
				return harness.Evidence{TookEffect: late > 0, Text: text}, err
			},
		}
	}
	return shape(ctx, cluster, rng, s.targets, s.Name(), shaping, tell)
}

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

// shape chooses nodes and shapes the links between them and all others, both ways.
func shape(ctx context.Context, cluster harness.Cluster, rng *rand.Rand, targets Targets, name string,
	s harness.Shaping, tell func(harness.Shaper, shaped) harness.Injury,
) (harness.Injury, error) {
	shaper, ok := cluster.(harness.Shaper)
	if !ok {
		return harness.Injury{}, supportsShaping(name, targets, cluster)
	}
	all := nodeNames(cluster)
	victims, err := chosenNames(ctx, targets, cluster, rng, len(all))
	if err != nil {
		return harness.Injury{}, err
	}
	hit := shaped{nodes: victims}
	for _, l := range between(all, all) {
		if slices.Contains(victims, l.From) || slices.Contains(victims, l.To) {
			hit.links = append(hit.links, l)
		}
	}
	if hit.before, err = shaper.Traffic(ctx); err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	if err := shaper.Shape(ctx, hit.links, s); err != nil {
		return harness.Injury{}, fmt.Errorf("shape %s: %w", count(len(hit.links), "link"), err)
	}
	return tell(shaper, hit), nil
}

func supportsShaping(name string, targets Targets, cluster harness.Cluster) error {
	if err := needCluster[harness.Shaper](name, "harness.Shaper", cluster); err != nil {
		return err
	}
	if err := needSize(name, 2, cluster); err != nil {
		return err
	}
	return targets.supports(name, cluster)
}

// parseSlow reads TARGETS or TARGETS:DELAY.
func parseSlow(arg string) (harness.Fault, error) {
	who, howLong, given := strings.Cut(arg, ":")
	targets, err := parseTargets(who)
	if err != nil || !given {
		return Slow(targets, 0), err
	}
	delay, err := time.ParseDuration(howLong)
	if err != nil || delay <= 0 || delay > time.Hour {
		return nil, fmt.Errorf("%q is no delay: write one up to 1h, as in 300ms", howLong)
	}
	return Slow(targets, delay), nil
}
