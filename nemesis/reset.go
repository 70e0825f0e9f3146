package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Reset resets the connections that are open between the nodes and the others, once, when it strikes; what was under
// way on them is lost. The nodes may connect again at once, so there is nothing to heal. It needs harness.Shaper; the
// evidence is the number of connections that were reset.
func Reset(targets Targets) harness.Fault { return reset{targets} }

type reset struct{ targets Targets }

func (r reset) Name() string { return "reset:" + string(r.targets) }

func (r reset) Supports(cluster harness.Cluster) error {
	return supportsShaping(r.Name(), r.targets, cluster, harness.Shaping{Reset: true})
}

func (r reset) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	once := harness.Shaping{Reset: true}
	return shape(ctx, cluster, rng, r.targets, r.Name(), once, func(shaper harness.Shaper, hit shaped) harness.Injury {
		return harness.Injury{
			Nodes:  hit.nodes,
			Detail: "connections of " + strings.Join(hit.nodes, " ") + " reset",
			Heal:   func(context.Context) error { return nil },
			Evidence: func(ctx context.Context) (harness.Evidence, error) {
				n, err := hit.since(ctx, shaper, func(t harness.Traffic) int64 { return t.Resets })
				text := fmt.Sprintf("%s reset on %s", count(int(n), "connection"), count(len(hit.links), "link"))
				return harness.Evidence{TookEffect: n > 0, Text: text}, err
			},
		}
	})
}
