package nemesis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// undoLimit is how long a failed Inject takes at most to undo what it began.
const undoLimit = 10 * time.Second

// undoing returns the context under which a failed Inject undoes: it goes on after an interrupt.
func undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
}

// vital asks a node for its state. A node that cannot tell is taken to run; known says whether it told.
func vital(ctx context.Context, node harness.Node) (v harness.Vital, known bool, err error) {
	teller, ok := node.(harness.Vitals)
	if !ok {
		return harness.Vital{State: harness.Running}, false, nil
	}
	v, err = teller.Vitals(ctx)
	if err != nil {
		return v, false, fmt.Errorf("ask %s for its state: %w", node.Name(), err)
	}
	return v, true, nil
}

// running returns the nodes that run, in the cluster's order.
func running(ctx context.Context, cluster harness.Cluster) ([]harness.Node, error) {
	var up []harness.Node
	for _, n := range cluster.Nodes() {
		v, _, err := vital(ctx, n)
		if err != nil {
			return nil, err
		}
		if v.State == harness.Running {
			up = append(up, n)
		}
	}
	return up, nil
}

// victim is a hurt node and what it was before.
type victim struct {
	harness.Node
	before harness.Vital
	tells  bool // it has harness.Vitals
}

// names returns the victims' names.
func names(victims []victim) []string {
	all := make([]string, len(victims))
	for i, v := range victims {
		all[i] = v.Name()
	}
	return all
}

// tell reports whether each victim can tell its state: without that there is no evidence to ask for.
func tell(victims []victim) bool {
	return !slices.ContainsFunc(victims, func(v victim) bool { return !v.tells })
}

// heal does something to every victim in a given state, at once and whatever fails, and leaves the others alone. A
// victim whose state is not known is one of them to be on the safe side.
func heal(ctx context.Context, victims []victim, hurt harness.VitalState, do func(harness.Node) error) error {
	return harness.AtOnce(len(victims), func(i int) error {
		if v, known, err := vital(ctx, victims[i].Node); err == nil && known && v.State != hurt {
			return nil
		}
		if err := do(victims[i].Node); err != nil {
			return fmt.Errorf("%s: %w", victims[i].Name(), err)
		}
		return nil
	})
}

// injure does something to all nodes at once. Where one fails all are cured again; where one does not tell its state
// before, nothing is done.
func injure(ctx context.Context, nodes []harness.Node, verb string, do func(harness.Node) error,
	cure func(context.Context, []victim) error,
) ([]victim, error) {
	hurt := make([]victim, len(nodes))
	err := harness.AtOnce(len(nodes), func(i int) error {
		v, known, err := vital(ctx, nodes[i])
		hurt[i] = victim{nodes[i], v, known}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = harness.AtOnce(len(nodes), func(i int) error {
		if err := do(nodes[i]); err != nil {
			return fmt.Errorf("%s %s: %w", verb, nodes[i].Name(), err)
		}
		return nil
	})
	if err != nil {
		undo, cancel := undoing(ctx)
		defer cancel()
		return nil, undone(err, cure(undo, hurt))
	}
	return hurt, nil
}

// revive starts those of the victims again that ended by themselves while they were hurt: nobody else is going to.
func revive(ctx context.Context, victims []victim) error {
	return harness.AtOnce(len(victims), func(i int) error {
		killer, ok := victims[i].Node.(harness.Killer)
		if v, _, err := vital(ctx, victims[i].Node); err != nil || !ok || v.State != harness.Dead || !v.ByItself {
			return err
		}
		if err := killer.Restart(ctx); err != nil {
			return fmt.Errorf("%s: restart: %w", victims[i].Name(), err)
		}
		return nil
	})
}

// fate says how a victim ended, or "" where it has not.
func fate(ctx context.Context, v victim) string {
	now, _, err := vital(ctx, v.Node)
	switch {
	case err != nil || now.State != harness.Dead:
		return ""
	case now.How == "":
		return v.Name() + " is dead"
	}
	return fmt.Sprintf("%s is dead (%s)", v.Name(), now.How)
}

// inState is the evidence that each victim is in a state. A victim that died since under another fault counts as hurt,
// as long as one is left that proves this one.
func inState(ctx context.Context, victims []victim, hurt harness.VitalState) (harness.Evidence, error) {
	proof, whole := harness.Evidence{}, true
	var parts []string
	for _, victim := range victims {
		v, _, err := vital(ctx, victim.Node)
		if err != nil {
			return harness.Evidence{}, err
		}
		switch v.State {
		case hurt:
			proof.TookEffect = true
		case harness.Dead:
		default:
			whole = false
		}
		part := fmt.Sprintf("%s (pid %d) is %s", victim.Name(), victim.before.PID, v.State)
		if v.State == harness.Dead && v.How != "" {
			part += ": " + v.How
		}
		parts = append(parts, part)
	}
	proof.TookEffect = proof.TookEffect && whole
	proof.Text = strings.Join(parts, ", ")
	return proof, nil
}

// undone joins the cause of a failed Inject with what went wrong when it was undone.
func undone(cause, undo error) error {
	if undo == nil {
		return cause
	}
	return fmt.Errorf("%w; undo: %w", cause, undo)
}
