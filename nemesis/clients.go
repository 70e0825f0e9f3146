package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Clients cuts nodes off from their clients, both ways; the nodes go on talking to each other. It needs
// harness.ClientNetwork; the evidence is what was held between the nodes and their clients.
func Clients(targets Targets) harness.Fault { return clients{targets} }

type clients struct{ targets Targets }

func (c clients) Name() string { return "clients:" + string(c.targets) }

func (c clients) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.ClientNetwork](c.Name(), "harness.ClientNetwork", cluster); err != nil {
		return err
	}
	return c.targets.supports(c.Name(), cluster)
}

func (c clients) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	network, ok := cluster.(harness.ClientNetwork)
	if !ok {
		return harness.Injury{}, c.Supports(cluster)
	}
	victims, err := chosenNames(ctx, c.targets, cluster, rng, len(cluster.Nodes()))
	if err != nil {
		return harness.Injury{}, err
	}
	before, err := network.ClientTraffic(ctx)
	if err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the clients: %w", err)
	}
	who := strings.Join(victims, " ")
	if err := network.CutClients(ctx, victims); err != nil {
		return harness.Injury{}, fmt.Errorf("cut the clients of %s: %w", who, err)
	}
	return harness.Injury{
		Nodes:  victims,
		Detail: who + " cut off from their clients",
		Heal: func(ctx context.Context) error {
			if err := network.MendClients(ctx, victims); err != nil {
				return fmt.Errorf("mend the clients of %s: %w", who, err)
			}
			return nil
		},
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			now, err := network.ClientTraffic(ctx)
			return heldFromClients(before, now, victims), err
		},
	}, nil
}

// heldFromClients is the evidence of such a cut, by node.
func heldFromClients(before, now map[string]harness.Traffic, nodes []string) harness.Evidence {
	var sum int64
	parts := make([]string, len(nodes))
	for i, name := range nodes {
		held := max(now[name].Held-before[name].Held, 0)
		sum += held
		parts[i] = fmt.Sprintf("%s at %s", size(held), name)
	}
	if sum == 0 {
		return harness.Evidence{Text: "nothing was held between clients and " + strings.Join(nodes, " ")}
	}
	text := fmt.Sprintf("%s held between clients and nodes (%s)", size(sum), strings.Join(parts, ", "))
	return harness.Evidence{TookEffect: true, Text: text}
}
