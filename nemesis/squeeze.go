package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// SqueezeCPUs is how many cores [Squeeze] leaves a node where nothing is said.
const SqueezeCPUs = 0.1

// cpuGrain is the number of parts of a core that are told apart.
const cpuGrain = 1000

// Squeeze leaves nodes less of the machine until the heal, when it also starts the nodes again that ended for want of
// memory. The zero harness.Squeeze leaves [SqueezeCPUs]; cores are kept to a thousandth. It needs harness.Squeezer; the
// evidence is that the scheduler held a process back, or that one wanted more memory than it may have, or has nearly
// all of it. A node is squeezed once at a time, so lanes that squeeze the same node undo each other.
func Squeeze(targets Targets, left harness.Squeeze) harness.Fault {
	left.CPUs = math.Round(max(left.CPUs, 0)*cpuGrain) / cpuGrain
	left.Memory = max(left.Memory, 0)
	if left == (harness.Squeeze{}) {
		left.CPUs = SqueezeCPUs
	}
	return squeeze{targets, left}
}

type squeeze struct {
	targets Targets
	left    harness.Squeeze
}

func (s squeeze) Name() string {
	name := "squeeze:" + string(s.targets)
	if s.left != (harness.Squeeze{CPUs: SqueezeCPUs}) {
		name += ":" + s.words()
	}
	return name
}

// words is what a node is left, as it is typed.
func (s squeeze) words() string {
	var parts []string
	if s.left.CPUs > 0 {
		parts = append(parts, "cpu="+strconv.FormatFloat(s.left.CPUs, 'f', -1, 64))
	}
	if s.left.Memory > 0 {
		parts = append(parts, "memory="+exactSize(s.left.Memory))
	}
	return strings.Join(parts, ",")
}

func (s squeeze) Supports(cluster harness.Cluster) error {
	if err := needNodes[harness.Squeezer](s.Name(), "harness.Squeezer", cluster); err != nil {
		return err
	}
	for _, n := range cluster.Nodes() {
		if err := n.(harness.Squeezer).CanSqueeze(s.left); err != nil {
			return fmt.Errorf("the cluster cannot suffer %q: %s: %w", s.Name(), n.Name(), err)
		}
	}
	return s.targets.supports(s.Name(), cluster)
}

func (s squeeze) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	if err := s.Supports(cluster); err != nil {
		return harness.Injury{}, err
	}
	chosen, err := s.targets.choose(ctx, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return harness.Injury{}, err
	}
	before := make([]harness.Pressure, len(chosen))
	err = harness.AtOnce(len(chosen), func(i int) (err error) {
		before[i], err = pressure(ctx, chosen[i])
		return err
	})
	if err != nil {
		return harness.Injury{}, err
	}
	do := func(n harness.Node) error { return n.(harness.Squeezer).Squeeze(ctx, s.left) }
	squeezed, err := injure(ctx, chosen, "squeeze", do, release)
	if err != nil {
		return harness.Injury{}, err
	}
	return harness.Injury{
		Nodes:    names(squeezed),
		Detail:   strings.Join(names(squeezed), " ") + " squeezed to " + s.words(),
		Heal:     func(ctx context.Context) error { return release(ctx, squeezed) },
		Evidence: func(ctx context.Context) (harness.Evidence, error) { return s.pressed(ctx, squeezed, before), nil },
	}, nil
}

// release gives all victims back what they had, and starts who ended for want of it.
func release(ctx context.Context, victims []victim) error {
	err := harness.AtOnce(len(victims), func(i int) error {
		if err := victims[i].Node.(harness.Squeezer).Release(ctx); err != nil {
			return fmt.Errorf("%s: release: %w", victims[i].Name(), err)
		}
		return nil
	})
	return errors.Join(err, revive(ctx, victims))
}

func pressure(ctx context.Context, node harness.Node) (harness.Pressure, error) {
	p, err := node.(harness.Squeezer).Pressure(ctx)
	if err != nil {
		return p, fmt.Errorf("ask for the pressure on %s: %w", node.Name(), err)
	}
	return p, nil
}

// pressed is the evidence: the limits pressed on at least one node. An idle one may not have noticed.
func (s squeeze) pressed(ctx context.Context, victims []victim, before []harness.Pressure) harness.Evidence {
	var proof harness.Evidence
	parts := make([]string, len(victims))
	for i, v := range victims {
		pressed, text := s.on(ctx, v, before[i])
		proof.TookEffect = proof.TookEffect || pressed
		parts[i] = v.Name() + " " + text
	}
	proof.Text = strings.Join(parts, "; ")
	return proof
}

// on says whether and how the limits pressed on one node.
func (s squeeze) on(ctx context.Context, v victim, before harness.Pressure) (pressed bool, text string) {
	now, err := pressure(ctx, v.Node)
	if err != nil {
		return false, err.Error()
	}
	var parts []string
	if s.left.CPUs > 0 {
		periods := max(now.Periods-before.Periods, 0)
		pressed = periods > 0
		parts = append(parts, fmt.Sprintf("was held back in %s, for %v", count(int(periods), "period"),
			max(now.Throttled-before.Throttled, 0)))
	}
	if s.left.Memory > 0 {
		failures := max(now.Failures-before.Failures, 0)
		inForce := now.Limit > 0 && now.Limit <= s.left.Memory
		pressed = pressed || failures > 0 || inForce && now.Memory >= now.Limit*9/10
		parts = append(parts, fmt.Sprintf("uses %s of %s and wanted more %s", size(now.Memory), size(now.Limit),
			count(int(failures), "time")))
	}
	if end := fate(ctx, v); end != "" {
		parts = append(parts, strings.TrimPrefix(end, v.Name()+" "))
	}
	return pressed, strings.Join(parts, ", ")
}

// parseSqueeze reads TARGETS or TARGETS:LEFT, where LEFT is cpu=CORES, memory=BYTES, or both with a comma between.
func parseSqueeze(arg string) (harness.Fault, error) {
	targets, words, err := targetsAnd(arg)
	if err != nil || words == "" {
		return Squeeze(targets, harness.Squeeze{}), err
	}
	var left harness.Squeeze
	for word := range strings.SplitSeq(words, ",") {
		what, number, _ := strings.Cut(word, "=")
		ok := false
		switch {
		case what == "cpu" && left.CPUs == 0:
			left.CPUs, err = strconv.ParseFloat(number, 64)
			ok = err == nil && left.CPUs >= 0.01 && left.CPUs <= 1024
		case what == "memory" && left.Memory == 0:
			left.Memory, ok = parseSize(number)
			ok = ok && left.Memory >= 1_000_000
		}
		if !ok {
			return nil, fmt.Errorf("%q is nothing to leave a node: write cpu=CORES (0.01 to 1024), memory=BYTES (from "+
				"1MB), or both, as in cpu=0.1,memory=64MB", word)
		}
	}
	return Squeeze(targets, left), nil
}

// isSqueeze reports whether a word is what may follow the comma in a squeeze.
func isSqueeze(word string) bool {
	return strings.HasPrefix(word, "cpu=") || strings.HasPrefix(word, "memory=")
}
