package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
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

func (s slow) shaping() harness.Shaping { return harness.Shaping{Delay: s.delay, Jitter: s.delay / 2} }

func (s slow) Supports(cluster harness.Cluster) error {
	return supportsShaping(s.Name(), s.targets, cluster, s.shaping())
}

func (s slow) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	how := mark{
		name: s.Name(), shaping: s.shaping(),
		done: fmt.Sprintf("slowed by %v ± %v", s.delay, s.delay/2),
		seen: "delivered late", counter: func(t harness.Traffic) int64 { return t.Delayed },
	}
	return how.inject(ctx, cluster, rng, s.targets)
}

// parseSlow reads TARGETS or TARGETS:DELAY.
func parseSlow(arg string) (harness.Fault, error) {
	targets, howLong, err := targetsAnd(arg)
	if err != nil || howLong == "" {
		return Slow(targets, 0), err
	}
	delay, err := time.ParseDuration(howLong)
	if err != nil || delay <= 0 || delay > time.Hour {
		return nil, fmt.Errorf("%q is no delay: write one up to 1h, as in 300ms", howLong)
	}
	return Slow(targets, delay), nil
}

// targetsAnd reads TARGETS or TARGETS:MORE.
func targetsAnd(arg string) (targets Targets, more string, err error) {
	who, more, given := strings.Cut(arg, ":")
	if given && more == "" {
		return "", "", fmt.Errorf("nothing follows the second colon")
	}
	targets, err = parseTargets(who)
	return targets, more, err
}
