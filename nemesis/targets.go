package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Targets says whom a fault hurts: one of the constants, or [Only] the named nodes. All are chosen among the nodes that
// run; where fewer are left than are asked for, those are hurt.
type Targets string

// The choices that are [Targets] and also, of a partition, a [Shape].
const (
	One      = "one"      // a random node
	Minority = "minority" // a random minority: from one node to as many as still leave a majority
	Majority = "majority" // a random majority, no larger than needed; as a shape: it and the rest, random halves
	Leader   = "leader"   // who leads now; one of them at random where there are several
)

// AllNodes is all of them.
const AllNodes Targets = "all"

// Only is the named nodes.
func Only(nodes ...string) Targets { return Targets(strings.Join(nodes, "+")) }

var targetWords = []string{One, Minority, Majority, Leader, string(AllNodes)}

// named returns the names of [Only], or nil.
func (t Targets) named() []string {
	if slices.Contains(targetWords, string(t)) {
		return nil
	}
	return strings.Split(string(t), "+")
}

// supports says why a cluster has no such nodes.
func (t Targets) supports(fault string, cluster harness.Cluster) error {
	switch t {
	case Minority:
		return needSize(fault, 3, cluster)
	case Leader:
		return needCluster[harness.Leaders](fault, "harness.Leaders", cluster)
	case One, Majority, AllNodes:
		return needSize(fault, 1, cluster)
	}
	return needNamed(fault, t.named(), cluster)
}

// choose returns nodes that run, in the cluster's order: at least one, at most `most` of them, or an error that wraps
// harness.ErrNobody.
func (t Targets) choose(
	ctx context.Context, cluster harness.Cluster, rng *rand.Rand, most int,
) ([]harness.Node, error) {
	if t == Leader {
		node, err := leader(ctx, cluster, rng)
		return []harness.Node{node}, err
	}
	size := len(cluster.Nodes())
	wanted := size
	switch t {
	case One:
		wanted = 1
	case Minority:
		wanted = 1 + rng.IntN(max((size-1)/2, 1))
	case Majority:
		wanted = size/2 + 1
	}
	up, err := running(ctx, cluster)
	if err != nil {
		return nil, err
	}
	if only := t.named(); only != nil {
		up = slices.DeleteFunc(up, func(n harness.Node) bool { return !slices.Contains(only, n.Name()) })
	}
	wanted = min(wanted, most, len(up))
	if wanted < 1 {
		return nil, fmt.Errorf("%w: none of the nodes to choose from runs", harness.ErrNobody)
	}
	picked := rng.Perm(len(up))[:wanted]
	slices.Sort(picked)
	chosen := make([]harness.Node, wanted)
	for i, p := range picked {
		chosen[i] = up[p]
	}
	return chosen, nil
}

// How long a fault waits for a leader that runs, and how often it asks.
const (
	leaderPatience = 2 * time.Second
	leaderPause    = 50 * time.Millisecond
)

// leader waits until there is a leader that runs.
func leader(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Node, error) {
	leaders, ok := cluster.(harness.Leaders)
	if !ok {
		return nil, errors.New("the cluster cannot say who leads (harness.Leaders)")
	}
	patience, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	var last error
	for {
		names, err := leaders.Leaders(patience)
		if err != nil && patience.Err() == nil {
			last = err
		}
		found, err := runningAmong(patience, cluster, names)
		if err != nil && patience.Err() == nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[rng.IntN(len(found))], nil
		}
		select {
		case <-time.After(leaderPause):
			continue
		case <-patience.Done():
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if last != nil {
			return nil, fmt.Errorf("%w: no leader was known for %v (asked who leads: %w)",
				harness.ErrNobody, leaderPatience, last)
		}
		return nil, fmt.Errorf("%w: no leader was known for %v", harness.ErrNobody, leaderPatience)
	}
}

func runningAmong(ctx context.Context, cluster harness.Cluster, names []string) ([]harness.Node, error) {
	if len(names) == 0 {
		return nil, nil
	}
	up, err := running(ctx, cluster)
	return slices.DeleteFunc(up, func(n harness.Node) bool { return !slices.Contains(names, n.Name()) }), err
}

// parseTargets reads the part of a name after the colon.
func parseTargets(arg string) (Targets, error) {
	if arg == "" {
		return One, nil
	}
	if slices.Contains(targetWords, arg) {
		return Targets(arg), nil
	}
	if near := harness.Nearest(arg, targetWords); near != "" && !strings.ContainsAny(arg, "+0123456789") {
		return "", fmt.Errorf("nobody is called %q: did you mean %q?", arg, near)
	}
	for name := range strings.SplitSeq(arg, "+") {
		if !isNodeName(name) {
			return "", fmt.Errorf("%q is neither %s nor names of nodes (n3 or n1+n2)",
				arg, strings.Join(targetWords, ", "))
		}
	}
	return Targets(arg), nil
}

// isNodeName reports whether a word can name a node in a fault's name: what separates there is not part of it.
func isNodeName(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("+,|:~", r)
	})
}
