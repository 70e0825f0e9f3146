package harnesstest

import (
	"context"
	"fmt"
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// kills kills one node, and then all.
func (k *targetKit) kills(forgetful bool) {
	k.t.Helper()
	victim, rest := k.nodes[0], k.nodes[1:]
	killer, ok := victim.(harness.Killer)
	if !ok {
		k.lacks("Killer")
		return
	}
	before := k.vital(victim)
	if err := k.act(killer.Kill); err != nil {
		killStops.fatal(k.t, "kill %s: %v", victim.Name(), err)
	}
	if k.silent(victim) != nil {
		killStops.broken(k.t, "%s was killed and still answers", victim.Name())
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Dead || v.PID != 0) {
		vitalsTell.broken(k.t, "%s was killed and is %q with PID %d", victim.Name(), v.State, v.PID)
	}
	k.ends("a call", victim, k.answer)
	if len(rest) > 1 {
		if _, err := k.lands(rest[0]); err != nil {
			killSpares.broken(k.t, "%s was killed, and %s takes nothing: %v", victim.Name(), rest[0].Name(), err)
		}
	}
	if err := k.act(killer.Restart); err != nil {
		restartBack.fatal(k.t, "restart %s: %v", victim.Name(), err)
	}
	if err := k.works(k.nodes); err != nil {
		restartBack.fatal(k.t, "%s was restarted: %v", victim.Name(), err)
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Running || v.PID == before.PID) {
		vitalsTell.broken(k.t, "%s was restarted and is %q with PID %d, which was %d before",
			victim.Name(), v.State, v.PID, before.PID)
	}
	if !forgetful {
		k.allBack("killed", killStops, func(n harness.Node) error { return k.act(n.(harness.Killer).Kill) })
	}
}

// allBack looks for the data after no node was left that could have handed it on.
func (k *targetKit) allBack(done string, r rule, end func(harness.Node) error) {
	k.t.Helper()
	value, err := k.lands(k.nodes[0])
	if err != nil {
		restartBack.fatal(k.t, "with nothing wrong: %v", err)
	}
	for _, node := range k.nodes {
		if err := end(node); err != nil {
			r.broken(k.t, "%s was to be %s: %v", node.Name(), done, err)
		}
	}
	for _, node := range k.nodes {
		if err := k.act(node.(harness.Killer).Restart); err != nil {
			restartBack.fatal(k.t, "restart %s: %v", node.Name(), err)
		}
	}
	for _, node := range k.nodes {
		if err := k.arrives(node, value, k.patience); err != nil {
			restartBack.broken(k.t, "all nodes were %s and restarted, and an acknowledged value is lost: %v", done, err)
			return
		}
	}
}

// pauses pauses one node.
func (k *targetKit) pauses() {
	k.t.Helper()
	victim, rest := k.nodes[len(k.nodes)-1], k.nodes[:len(k.nodes)-1]
	pauser, ok := victim.(harness.Pauser)
	if !ok {
		k.lacks("Pauser")
		return
	}
	before := k.vital(victim)
	if err := k.act(pauser.Pause); err != nil {
		pauseStops.fatal(k.t, "pause %s: %v", victim.Name(), err)
	}
	if k.silent(victim) != nil {
		pauseStops.broken(k.t, "%s is paused and still answers", victim.Name())
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Paused || v.PID != before.PID) {
		vitalsTell.broken(k.t, "%s is paused; it is said to be %q with PID %d, which was %d",
			victim.Name(), v.State, v.PID, before.PID)
	}
	k.ends("a call", victim, k.answer)
	if len(rest) > 1 {
		if _, err := k.lands(rest[0]); err != nil {
			pauseStops.broken(k.t, "%s is paused, and %s takes nothing: %v", victim.Name(), rest[0].Name(), err)
		}
	}
	if err := k.act(pauser.Resume); err != nil {
		resumeBack.fatal(k.t, "resume %s: %v", victim.Name(), err)
	}
	k.watch(k.nodes)
	if err := k.works(k.nodes); err != nil {
		resumeBack.fatal(k.t, "%s was resumed: %v", victim.Name(), err)
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Running || v.PID != before.PID) {
		vitalsTell.broken(k.t, "%s was resumed and is %q with PID %d, which was %d",
			victim.Name(), v.State, v.PID, before.PID)
	}
}

// cuts cuts one node off, twice over.
func (k *targetKit) cuts() {
	k.t.Helper()
	network, ok := k.cluster.(harness.Network)
	if !ok || len(k.nodes) < 2 {
		k.lacks("Network")
		return
	}
	k.severs(severing{
		network.Cut, network.Mend, network.Traffic, "cut off", "mended", cutParts, cutNests, cutCounted, mendMends,
	})
}

// refuses does the same aloud.
func (k *targetKit) refuses() {
	k.t.Helper()
	refuser, ok := k.cluster.(harness.Refuser)
	if !ok || len(k.nodes) < 2 {
		k.lacks("Refuser")
		return
	}
	k.severs(severing{
		refuser.Refuse, refuser.Admit, refuser.Traffic, "refused", "admitted", refuseParts, refuseNests, refuseCounted,
		admitMends,
	})
}

// severing is a way to cut links, and what is asked of it.
type severing struct {
	cut, mend                    func(context.Context, []harness.Link) error
	traffic                      func(context.Context) (map[harness.Link]harness.Traffic, error)
	done, undone                 string
	parts, nests, counted, mends rule
}

func (k *targetKit) severs(s severing) {
	k.t.Helper()
	alone, rest := k.nodes[0], k.nodes[1:]
	links := linksBetween(alone, rest)
	act := func(do func(context.Context, []harness.Link) error, r rule, what string) {
		if err := k.act(func(ctx context.Context) error { return do(ctx, links) }); err != nil {
			r.fatal(k.t, "the links of %s are to be %s: %v", alone.Name(), what, err)
		}
	}
	before := k.held(s, links)
	act(s.cut, s.parts, s.done)
	act(s.cut, s.parts, s.done)
	k.disagree(s.parts, alone, rest, "was "+s.done)
	k.probes(links)
	if k.held(s, links) <= before {
		s.counted.broken(k.t, "%s was %s while it was used, and Traffic says that nothing was held", alone.Name(), s.done)
	}
	act(s.mend, s.mends, s.undone)
	k.disagree(s.nests, alone, rest, fmt.Sprintf("was %s twice and %s once", s.done, s.undone))
	act(s.mend, s.mends, s.undone)
	k.resumes(links)
	k.watch(k.nodes)
	if err := k.works(k.nodes); err != nil {
		s.mends.fatal(k.t, "%s was %s and %s: %v", alone.Name(), s.done, s.undone, err)
	}
	k.probes(nil)
}

// disagree puts a value on each side and looks for it on the other. A side may refuse it; nothing is said then.
func (k *targetKit) disagree(r rule, alone harness.Node, rest []harness.Node, what string) {
	k.t.Helper()
	few, fewErr := k.put(alone)
	var many int64
	manyErr := k.until(func() (err error) {
		many, err = k.put(rest[0])
		return err
	})
	if manyErr != nil {
		k.t.Logf("%s %s, and the others take nothing either: %v", alone.Name(), what, manyErr)
	}
	for _, look := range []struct {
		node  harness.Node
		value int64
		err   error
	}{{alone, many, manyErr}, {rest[0], few, fewErr}} {
		if values, err := k.get(look.node); err == nil && slices.Contains(values, look.value) {
			r.broken(k.t, "%s %s, and yet %s holds %d, which came to the other side (where the answer was %s)",
				alone.Name(), what, look.node.Name(), look.value, orOK(look.err))
		}
	}
}

func orOK(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

func (k *targetKit) held(s severing, links []harness.Link) int64 {
	k.t.Helper()
	var held int64
	err := k.act(func(ctx context.Context) error {
		traffic, err := s.traffic(ctx)
		for _, link := range links {
			held += traffic[link].Held
		}
		return err
	})
	if err != nil {
		s.counted.broken(k.t, "%v", fmt.Errorf("traffic: %w", err))
	}
	return held
}

// linksBetween returns the links between a node and others, both ways.
func linksBetween(one harness.Node, others []harness.Node) []harness.Link {
	var links []harness.Link
	for _, other := range others {
		links = append(links,
			harness.Link{From: one.Name(), To: other.Name()}, harness.Link{From: other.Name(), To: one.Name()})
	}
	return links
}
