package harnesstest

import (
	"context"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

const (
	clientsCut     rule = "CutClients cuts a node off from its clients, who get no answer, and from nobody else"
	clientsNest    rule = "cuts of clients nest: a node is reached again when it was mended as often as it was cut off"
	clientsCounted rule = "ClientTraffic counts what a cut held between a node and its clients, which proves the cut"
	clientsMend    rule = "MendClients lets a node and its clients talk again"
	shapeCounted   rule = "Traffic counts what a shaping did to links: only that, and only while it is on"
	unshapeEnds    rule = "Unshape makes links as they were"
)

// cutsClients cuts one node off from its clients, twice over.
func (k *targetKit) cutsClients() {
	k.t.Helper()
	network, ok := k.cluster.(harness.ClientNetwork)
	if !ok {
		k.lacks("ClientNetwork")
		return
	}
	alone, rest := k.nodes[0], k.nodes[1:]
	act := func(do func(context.Context, []string) error, r rule) {
		if err := k.act(func(ctx context.Context) error { return do(ctx, []string{alone.Name()}) }); err != nil {
			r.fatal(k.t, "the clients of %s: %v", alone.Name(), err)
		}
	}
	before := k.heldFromClients(network, alone)
	act(network.CutClients, clientsCut)
	act(network.CutClients, clientsCut)
	if k.silent(alone) != nil {
		clientsCut.broken(k.t, "%s is cut off from its clients and answers", alone.Name())
	}
	if _, err := k.put(alone); err == nil {
		clientsCut.broken(k.t, "%s is cut off from its clients and acknowledges", alone.Name())
	}
	if len(rest) > 0 {
		if _, err := k.lands(rest[0]); err != nil {
			clientsCut.broken(k.t, "%s is cut off from its clients, and %s takes nothing: %v",
				alone.Name(), rest[0].Name(), err)
		}
	}
	if k.heldFromClients(network, alone) <= before {
		clientsCounted.broken(k.t, "%s was cut off while clients called, and nothing was held", alone.Name())
	}
	act(network.MendClients, clientsMend)
	if k.silent(alone) != nil {
		clientsNest.broken(k.t, "%s was cut off from its clients twice and mended once, and answers", alone.Name())
	}
	act(network.MendClients, clientsMend)
	k.watch(k.nodes)
	if err := k.works(k.nodes); err != nil {
		clientsMend.fatal(k.t, "the clients of %s were cut off and mended: %v", alone.Name(), err)
	}
}

func (k *targetKit) heldFromClients(network harness.ClientNetwork, node harness.Node) (held int64) {
	k.t.Helper()
	err := k.act(func(ctx context.Context) error {
		traffic, err := network.ClientTraffic(ctx)
		held = traffic[node.Name()].Held
		return err
	})
	if err != nil {
		clientsCounted.broken(k.t, "client traffic: %v", err)
	}
	return held
}

// shapes shapes the links of one node in every way that the cluster says it can.
func (k *targetKit) shapes() {
	k.t.Helper()
	shaper, ok := k.cluster.(harness.Shaper)
	if !ok || len(k.nodes) < 2 {
		k.lacks("Shaper")
		return
	}
	for _, s := range []struct {
		what    string
		shaping harness.Shaping
		counter func(harness.Traffic) int64
	}{
		{"delay", harness.Shaping{Delay: 40 * time.Millisecond, Jitter: 10 * time.Millisecond},
			func(t harness.Traffic) int64 { return t.Delayed }},
		{"loss", harness.Shaping{Loss: 0.3}, func(t harness.Traffic) int64 { return t.Lost }},
		{"rate", harness.Shaping{Rate: 4000}, func(t harness.Traffic) int64 { return t.Delayed }},
		{"reset", harness.Shaping{Reset: true}, func(t harness.Traffic) int64 { return t.Resets }},
	} {
		if err := shaper.CanShape(s.shaping); err != nil {
			k.t.Logf("not tested: %s of links: %v", s.what, err)
			continue
		}
		k.shape(shaper, s.what, s.shaping, s.counter)
	}
}

func (k *targetKit) shape(shaper harness.Shaper, what string, s harness.Shaping, counter func(harness.Traffic) int64) {
	k.t.Helper()
	links := linksBetween(k.nodes[0], k.nodes[1:])
	sum := func() (n int64) {
		err := k.act(func(ctx context.Context) error {
			traffic, err := shaper.Traffic(ctx)
			for _, link := range links {
				n += counter(traffic[link])
			}
			return err
		})
		if err != nil {
			shapeCounted.fatal(k.t, "traffic: %v", err)
		}
		return n
	}
	before := sum()
	if err := k.works(k.nodes); err != nil {
		unshapeEnds.fatal(k.t, "before %s: %v", what, err)
	}
	if now := sum(); now != before {
		shapeCounted.broken(k.t, "without %s its counter went from %d to %d", what, before, now)
	}
	if err := k.act(func(ctx context.Context) error { return shaper.Shape(ctx, links, s) }); err != nil {
		shapeCounted.fatal(k.t, "%s of the links of %s: %v", what, k.nodes[0].Name(), err)
	}
	err := k.until(func() error {
		for _, n := range k.nodes {
			_, _ = k.put(n) // which may fail: what counts is that something was sent
		}
		if sum() <= before {
			return fmt.Errorf("the counter is still %d", before)
		}
		return nil
	})
	if err != nil {
		shapeCounted.broken(k.t, "%s of the links of %s: %v", what, k.nodes[0].Name(), err)
	}
	if err := k.act(func(ctx context.Context) error { return shaper.Unshape(ctx, links) }); err != nil {
		unshapeEnds.fatal(k.t, "end %s: %v", what, err)
	}
	k.watch(k.nodes)
	if err := k.works(k.nodes); err != nil {
		unshapeEnds.fatal(k.t, "after %s: %v", what, err)
	}
	k.calm(what, sum)
}

// calm waits until a counter stands still while the cluster is used: what was under way when the shaping ended may
// still be counted.
func (k *targetKit) calm(what string, sum func() int64) {
	k.t.Helper()
	err := k.until(func() error {
		before := sum()
		if err := k.works(k.nodes); err != nil {
			return err
		}
		if now := sum(); now != before {
			return fmt.Errorf("its counter went from %d to %d", before, now)
		}
		return nil
	})
	if err != nil {
		unshapeEnds.broken(k.t, "after %s: %v", what, err)
	}
}
