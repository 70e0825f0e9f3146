package nemesis

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// LossShare is the share of [Loss] where none is given.
const LossShare = 0.3

// The bounds of a share, which is kept to a thousandth of a percent.
const (
	leastLoss = 0.001
	mostLoss  = 0.99
	lossGrain = 1e5
)

// Loss loses a share of the packets between the nodes and the others, both ways, at random: 0.3 loses 30 percent. 0
// means [LossShare], and the share is at least a thousandth and at most 0.99 (to lose everything is [Partition]). It
// needs harness.Shaper; the evidence is what was lost. A link has one loss at a time, so lanes that do this to the same
// link undo each other.
func Loss(targets Targets, share float64) harness.Fault {
	if !(share > 0) {
		share = LossShare
	}
	share = math.Round(min(max(share, leastLoss), mostLoss)*lossGrain) / lossGrain
	return loss{targets, share}
}

type loss struct {
	targets Targets
	share   float64
}

func (l loss) Name() string {
	name := "loss:" + string(l.targets)
	if l.share != LossShare {
		name += ":" + l.percent()
	}
	return name
}

func (l loss) percent() string {
	return strconv.FormatFloat(math.Round(l.share*lossGrain)/(lossGrain/100), 'f', -1, 64) + "%"
}

func (l loss) Supports(cluster harness.Cluster) error {
	return supportsShaping(l.Name(), l.targets, cluster, harness.Shaping{Loss: l.share})
}

func (l loss) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	how := mark{
		name: l.Name(), shaping: harness.Shaping{Loss: l.share}, done: "lose " + l.percent() + " of what they send and hear",
		seen: "lost", counter: func(t harness.Traffic) int64 { return t.Lost },
	}
	return how.inject(ctx, cluster, rng, l.targets)
}

// parseLoss reads TARGETS or TARGETS:SHARE.
func parseLoss(arg string) (harness.Fault, error) {
	targets, share, err := targetsAnd(arg)
	if err != nil || share == "" {
		return Loss(targets, 0), err
	}
	number, isPercent := strings.CutSuffix(share, "%")
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || !isPercent || !(percent >= 100*leastLoss && percent <= 100*mostLoss) {
		return nil, fmt.Errorf("%q is no share to lose: write one from 0.1%% to 99%%, as in 30%%", share)
	}
	return Loss(targets, percent/100), nil
}
