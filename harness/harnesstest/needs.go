package harnesstest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

const (
	fillFills     rule = "FillDisk fills a disk to the last byte, and DiskSpace says so"
	freeFrees     rule = "FreeDisk makes room again, and does nothing to a disk that was not filled"
	squeezePress  rule = "Squeeze leaves a node as much as it is told, and Pressure shows it"
	releaseEnds   rule = "Release gives a node back what it had"
	memberLeaves  rule = "RemoveMember takes a node out of the membership and ends it; the others go on"
	memberReturns rule = "AddMember puts a node in again, and does nothing to a member that runs"
)

// diskLimit is what the disks of the kit's cluster hold.
const diskLimit = 128 << 20

// fills fills a disk of a cluster that was started for it.
func (k TargetKit) fills(t testing.TB, target harness.Target, first *targetKit) {
	t.Helper()
	if _, ok := first.nodes[0].(harness.DiskFiller); !ok {
		first.lacks("DiskFiller")
		return
	}
	k.diskLimit = diskLimit
	kit := k.start(t, target)
	defer func() { _ = kit.cluster.Stop(context.WithoutCancel(t.Context())) }()
	if err := kit.works(kit.nodes); err != nil {
		targetStart.fatal(t, "a cluster whose disks have a limit: %v", err)
	}
	kit.fillOne()
}

func (k *targetKit) fillOne() {
	k.t.Helper()
	node := k.nodes[len(k.nodes)-1]
	filler := node.(harness.DiskFiller)
	const full = 4096
	space := func() (free int64) {
		err := k.act(func(ctx context.Context) (err error) { free, err = filler.DiskSpace(ctx); return err })
		if err != nil {
			fillFills.fatal(k.t, "the space of %s: %v", node.Name(), err)
		}
		return free
	}
	before := space()
	if before < full || before > diskLimit {
		fillFills.broken(k.t, "a disk of at most %d bytes has %d free", diskLimit, before)
	}
	if err := k.act(filler.FillDisk); err != nil {
		fillFills.fatal(k.t, "fill the disk of %s: %v", node.Name(), err)
	}
	if free := space(); free >= full {
		fillFills.broken(k.t, "the disk of %s was filled and has %d bytes free", node.Name(), free)
	}
	for range 2 {
		if err := k.act(filler.FreeDisk); err != nil {
			freeFrees.fatal(k.t, "free the disk of %s: %v", node.Name(), err)
		}
	}
	if free := space(); free < before/2 {
		freeFrees.broken(k.t, "the disk of %s was freed and has %d bytes free, which were %d", node.Name(), free, before)
	}
	k.revive(node)
	if err := k.works(k.nodes); err != nil {
		freeFrees.fatal(k.t, "the disk of %s was filled and freed: %v", node.Name(), err)
	}
}

// revive starts a node again that ended for want of something.
func (k *targetKit) revive(node harness.Node) {
	k.t.Helper()
	killer, ok := node.(harness.Killer)
	if v := k.vital(node); !ok || v.State != harness.Dead {
		return
	}
	if err := k.act(killer.Restart); err != nil {
		restartBack.fatal(k.t, "restart %s: %v", node.Name(), err)
	}
}

// squeezes leaves one node little of a core, unless that would not show, and then hardly more memory than it uses.
func (k *targetKit) squeezes(idle bool) {
	k.t.Helper()
	node := k.nodes[0]
	squeezer, ok := node.(harness.Squeezer)
	if !ok {
		k.lacks("Squeezer")
		return
	}
	now := func() (p harness.Pressure) {
		err := k.act(func(ctx context.Context) (err error) { p, err = squeezer.Pressure(ctx); return err })
		if err != nil {
			squeezePress.fatal(k.t, "the pressure on %s: %v", node.Name(), err)
		}
		return p
	}
	before := now()
	const spare = 64 << 20
	k.squeeze(node, harness.Squeeze{CPUs: 0.02}, func() error {
		if p := now(); p.Periods <= before.Periods && !idle {
			return fmt.Errorf("it was held back in no period")
		}
		return nil
	})
	limit := (before.Memory + spare) / 4096 * 4096
	k.squeeze(node, harness.Squeeze{Memory: limit}, func() error {
		if p := now(); p.Limit != limit {
			return fmt.Errorf("its limit is %d", p.Limit)
		}
		return nil
	})
	if p := now(); p.Limit == limit {
		releaseEnds.broken(k.t, "%s was released, and its limit is still %d", node.Name(), p.Limit)
	}
}

func (k *targetKit) squeeze(node harness.Node, s harness.Squeeze, seen func() error) {
	k.t.Helper()
	squeezer := node.(harness.Squeezer)
	if err := squeezer.CanSqueeze(s); err != nil {
		k.t.Logf("not tested: %+v: %v", s, err)
		return
	}
	if err := k.act(func(ctx context.Context) error { return squeezer.Squeeze(ctx, s) }); err != nil {
		squeezePress.fatal(k.t, "squeeze %s to %+v: %v", node.Name(), s, err)
	}
	err := k.until(func() error {
		_, _ = k.put(node) // which may fail: what counts is that it has something to do
		return seen()
	})
	if err != nil {
		squeezePress.broken(k.t, "%s was squeezed to %+v: %v", node.Name(), s, err)
	}
	for range 2 {
		if err := k.act(squeezer.Release); err != nil {
			releaseEnds.fatal(k.t, "release %s: %v", node.Name(), err)
		}
	}
	k.revive(node)
	if err := k.works(k.nodes); err != nil {
		releaseEnds.fatal(k.t, "%s was squeezed to %+v and released: %v", node.Name(), s, err)
	}
}

// leaves takes one node out of the membership.
func (k *targetKit) leaves() {
	k.t.Helper()
	members, ok := k.cluster.(harness.Members)
	if !ok || len(k.nodes) < 2 {
		k.lacks("Members")
		return
	}
	rest, gone := k.nodes[:len(k.nodes)-1], k.nodes[len(k.nodes)-1]
	counts := func(r rule, want bool) {
		err := k.act(func(ctx context.Context) error {
			now, err := members.Members(ctx)
			if err == nil && slices.Contains(now, gone.Name()) != want {
				r.broken(k.t, "the members are %v", now)
			}
			return err
		})
		if err != nil {
			r.broken(k.t, "who the members are: %v", err)
		}
	}
	counts(memberLeaves, true)
	if err := k.act(func(ctx context.Context) error { return members.RemoveMember(ctx, gone.Name()) }); err != nil {
		memberLeaves.fatal(k.t, "remove %s: %v", gone.Name(), err)
	}
	counts(memberLeaves, false)
	if v := k.vital(gone); v.State != "" && v.State != harness.Dead {
		memberLeaves.broken(k.t, "%s was removed and is %s", gone.Name(), v.State)
	}
	if err := k.works(rest); err != nil {
		memberLeaves.broken(k.t, "%s was removed: %v", gone.Name(), err)
	}
	for range 2 {
		if err := k.act(func(ctx context.Context) error { return members.AddMember(ctx, gone.Name()) }); err != nil {
			memberReturns.fatal(k.t, "add %s: %v", gone.Name(), err)
		}
	}
	counts(memberReturns, true)
	if err := k.works(k.nodes); err != nil {
		memberReturns.fatal(k.t, "%s was removed and added again: %v", gone.Name(), err)
	}
}
