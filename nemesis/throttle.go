package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// ThrottleRate is the rate of [Throttle] where none is given, in bytes per second. Five nodes of the embedded Raft send
// about 8 kB/s over each link of the leader for every hundred calls a second: what an everyday load sends must not fit
// through.
const ThrottleRate = 16_000

// The bounds of a rate, in bytes per second. With less than the lower one a connection can hardly be made.
const (
	leastRate = 100
	mostRate  = 10_000_000_000
)

// Throttle lets only so many bytes per second through each link between the nodes and the others; the rest waits. 0
// means [ThrottleRate], and the rate is at least 100 B/s and at most 10 GB/s. It needs harness.Shaper; the evidence is
// the bytes that were delivered late: where less is sent than the rate lets through nothing happens, and it says so. A
// link has one rate at a time, so lanes that throttle the same link undo each other.
func Throttle(targets Targets, bytesPerSecond int64) harness.Fault {
	if bytesPerSecond <= 0 {
		bytesPerSecond = ThrottleRate
	}
	return throttle{targets, min(max(bytesPerSecond, leastRate), mostRate)}
}

type throttle struct {
	targets Targets
	rate    int64 // bytes per second
}

func (h throttle) Name() string {
	name := "throttle:" + string(h.targets)
	if h.rate != ThrottleRate {
		name += ":" + exactSize(h.rate) + "/s"
	}
	return name
}

func (h throttle) Supports(cluster harness.Cluster) error {
	return supportsShaping(h.Name(), h.targets, cluster, harness.Shaping{Rate: h.rate})
}

func (h throttle) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	how := mark{
		name: h.Name(), shaping: harness.Shaping{Rate: h.rate},
		done: "throttled to " + exactSize(h.rate) + "/s a link",
		seen: "delivered late", counter: func(t harness.Traffic) int64 { return t.Delayed },
	}
	return how.inject(ctx, cluster, rng, h.targets)
}

// parseThrottle reads TARGETS or TARGETS:RATE.
func parseThrottle(arg string) (harness.Fault, error) {
	targets, rate, err := targetsAnd(arg)
	if err != nil || rate == "" {
		return Throttle(targets, 0), err
	}
	number, perSecond := strings.CutSuffix(rate, "/s")
	bytes, ok := parseSize(number)
	if !ok || !perSecond || bytes < leastRate || bytes > mostRate {
		return nil, fmt.Errorf("%q is no rate: write one from 100B/s to 10GB/s, as in 100kB/s", rate)
	}
	return Throttle(targets, bytes), nil
}
