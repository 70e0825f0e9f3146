package harnesstest

import (
	"slices"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

const (
	terminateEnds rule = "Terminate has a node end and holds it down until Restart"
	wipeBack      rule = "a node that was killed and wiped comes back with Restart"
	wipeEmpties   rule = "Wipe empties the disk of a dead node: after that of all what was acknowledged is gone"
)

// terminates has one node end, and then all.
func (k *targetKit) terminates(forgetful bool) {
	k.t.Helper()
	victim := k.nodes[0]
	terminator, ok := victim.(harness.Terminator)
	killer, restarts := victim.(harness.Killer)
	if !ok || !restarts {
		k.lacks("Terminator")
		return
	}
	before := k.vital(victim)
	if err := k.act(terminator.Terminate); err != nil {
		terminateEnds.fatal(k.t, "terminate %s: %v", victim.Name(), err)
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Dead || v.PID != 0 || v.ByItself) {
		vitalsTell.broken(k.t, "%s was terminated and is %q with PID %d (by itself: %t)",
			victim.Name(), v.State, v.PID, v.ByItself)
	}
	if k.silent(victim) != nil {
		terminateEnds.broken(k.t, "%s was terminated and still answers", victim.Name())
	}
	if err := k.act(killer.Restart); err != nil {
		restartBack.fatal(k.t, "restart %s: %v", victim.Name(), err)
	}
	if err := k.works(k.nodes); err != nil {
		restartBack.fatal(k.t, "%s was terminated and restarted: %v", victim.Name(), err)
	}
	if v := k.vital(victim); v.State != "" && (v.State != harness.Running || v.PID == before.PID) {
		vitalsTell.broken(k.t, "%s was restarted and is %q with PID %d, which was %d before",
			victim.Name(), v.State, v.PID, before.PID)
	}
	if !forgetful {
		k.allBack("terminated", terminateEnds, func(n harness.Node) error {
			return k.act(n.(harness.Terminator).Terminate)
		})
	}
}

// wipes empties the disk of one node, which must come back, and then those of all: what was acknowledged must be gone.
// Not every system serves again after that, so nothing can follow.
func (k *targetKit) wipes(forgetful bool) {
	k.t.Helper()
	if _, ok := k.nodes[0].(harness.Wiper); !ok {
		k.lacks("Wiper")
		return
	}
	if err := k.nodes[0].(harness.Wiper).CanWipe(); err != nil {
		k.t.Logf("not tested: the node says that it cannot be wiped: %v", err)
		return
	}
	k.wipe(k.nodes[:1])
	if err := k.works(k.nodes); err != nil {
		wipeBack.fatal(k.t, "%s was wiped: %v", k.nodes[0].Name(), err)
	}
	if forgetful {
		return
	}
	value, err := k.lands(k.nodes[0])
	if err != nil {
		wipeBack.fatal(k.t, "with nothing wrong: %v", err)
	}
	k.wipe(k.nodes)
	const pause = 20 * time.Millisecond
	for deadline := time.Now().Add(k.patience); time.Now().Before(deadline); time.Sleep(pause) {
		values, err := k.get(k.nodes[0])
		if err == nil && slices.Contains(values, value) {
			wipeEmpties.broken(k.t, "all disks were emptied, and %s holds %d", k.nodes[0].Name(), value)
		}
		if err == nil {
			return
		}
	}
	k.t.Logf("all disks were emptied, and nobody answers after %s", k.patience)
}

// wipe kills nodes, wipes them and starts them again.
func (k *targetKit) wipe(nodes []harness.Node) {
	k.t.Helper()
	for _, n := range nodes {
		if err := k.act(n.(harness.Killer).Kill); err != nil {
			killStops.fatal(k.t, "kill %s: %v", n.Name(), err)
		}
	}
	for _, n := range nodes {
		if err := k.act(n.(harness.Wiper).Wipe); err != nil {
			wipeBack.fatal(k.t, "wipe %s, which is dead: %v", n.Name(), err)
		}
	}
	for _, n := range nodes {
		if err := k.act(n.(harness.Killer).Restart); err != nil {
			wipeBack.fatal(k.t, "restart %s, which was wiped: %v", n.Name(), err)
		}
	}
}
