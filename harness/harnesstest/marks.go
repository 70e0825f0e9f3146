package harnesstest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// counted is what a fault may leave a mark on: the traffic of the links and of the clients, the state of the nodes and
// what they have of the machine, the membership. It is a text, because it is only ever compared.
func (k *faultKit) counted() string {
	k.t.Helper()
	var marks strings.Builder
	note := func(what string, read func(context.Context) (any, error)) {
		err := k.act(func(ctx context.Context) error {
			seen, err := read(ctx)
			fmt.Fprintln(&marks, what, seen) // of maps, fmt sorts the keys
			return err
		})
		if err != nil {
			k.t.Errorf("%s: %v", what, err)
		}
	}
	switch net := k.cluster.(type) {
	case harness.Network:
		note("traffic", func(ctx context.Context) (any, error) { return harms(net.Traffic(ctx)) })
	case harness.Refuser:
		note("traffic", func(ctx context.Context) (any, error) { return harms(net.Traffic(ctx)) })
	case harness.Shaper:
		note("traffic", func(ctx context.Context) (any, error) { return harms(net.Traffic(ctx)) })
	}
	if clients, ok := k.cluster.(harness.ClientNetwork); ok {
		note("clients", func(ctx context.Context) (any, error) { return harms(clients.ClientTraffic(ctx)) })
	}
	if members, ok := k.cluster.(harness.Members); ok {
		note("members", func(ctx context.Context) (any, error) {
			now, err := members.Members(ctx)
			return slices.Sorted(slices.Values(now)), err
		})
	}
	for _, node := range k.nodes {
		fmt.Fprintln(&marks, node.Name(), k.vital(node))
		if squeezer, ok := node.(harness.Squeezer); ok {
			note("pressure", func(ctx context.Context) (any, error) {
				p, err := squeezer.Pressure(ctx)
				p.Memory = 0 // comes and goes by itself
				return p, err
			})
		}
		if filler, ok := node.(harness.DiskFiller); ok {
			note("full", func(ctx context.Context) (any, error) {
				free, err := filler.DiskSpace(ctx)
				return err == nil && free < 4096, nil // a disk without a limit cannot tell, and is not full
			})
		}
	}
	return marks.String()
}

// harms is what of the traffic comes of harm.
func harms[K comparable](traffic map[K]harness.Traffic, err error) (map[K]harness.Traffic, error) {
	harm := make(map[K]harness.Traffic, len(traffic))
	for k, t := range traffic {
		t.Passed = 0
		harm[k] = t
	}
	return harm, err
}

// harmed reports whether the cluster bears a mark that it did not bear before.
func (k *faultKit) harmed(before string) bool {
	k.t.Helper()
	return k.counted() != before
}
