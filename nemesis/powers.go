package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// nodePowers and clusterPowers are asked for by name where a message says what there is instead.
var (
	nodePowers = []power{
		{"harness.Killer", func(x any) bool { _, ok := x.(harness.Killer); return ok }},
		{"harness.Pauser", func(x any) bool { _, ok := x.(harness.Pauser); return ok }},
		{"harness.Terminator", func(x any) bool { _, ok := x.(harness.Terminator); return ok }},
		{"harness.Wiper", func(x any) bool { _, ok := x.(harness.Wiper); return ok }},
		{"harness.DiskFiller", func(x any) bool { _, ok := x.(harness.DiskFiller); return ok }},
		{"harness.Squeezer", func(x any) bool { _, ok := x.(harness.Squeezer); return ok }},
		{"harness.Vitals", func(x any) bool { _, ok := x.(harness.Vitals); return ok }},
	}
	clusterPowers = []power{
		{"harness.Network", func(x any) bool { _, ok := x.(harness.Network); return ok }},
		{"harness.Refuser", func(x any) bool { _, ok := x.(harness.Refuser); return ok }},
		{"harness.ClientNetwork", func(x any) bool { _, ok := x.(harness.ClientNetwork); return ok }},
		{"harness.Shaper", func(x any) bool { _, ok := x.(harness.Shaper); return ok }},
		{"harness.Members", func(x any) bool { _, ok := x.(harness.Members); return ok }},
		{"harness.Leaders", func(x any) bool { _, ok := x.(harness.Leaders); return ok }},
	}
)

type power struct {
	name string
	has  func(any) bool
}

// needNodes says why a fault cannot be: some node lacks the power P.
func needNodes[P any](fault, name string, cluster harness.Cluster) error {
	nodes := cluster.Nodes()
	if len(nodes) == 0 {
		return fmt.Errorf("the cluster cannot suffer %q: it has no nodes", fault)
	}
	for _, n := range nodes {
		if _, ok := n.(P); !ok {
			return fmt.Errorf("the cluster cannot suffer %q: its nodes do not implement %s (%s implements %s)",
				fault, name, n.Name(), powersOf(n, nodePowers))
		}
	}
	return nil
}

// needCluster says why a fault cannot be: the cluster lacks the power P.
func needCluster[P any](fault, name string, cluster harness.Cluster) error {
	if _, ok := cluster.(P); !ok {
		return fmt.Errorf("the cluster cannot suffer %q: it does not implement %s (it implements %s)",
			fault, name, powersOf(cluster, clusterPowers))
	}
	return nil
}

func powersOf(x any, powers []power) string {
	var has []string
	for _, p := range powers {
		if p.has(x) {
			has = append(has, p.name)
		}
	}
	if len(has) == 0 {
		return "none of the powers that faults use"
	}
	return strings.Join(has, ", ")
}

// needSize says why a fault cannot be: the cluster is too small.
func needSize(fault string, least int, cluster harness.Cluster) error {
	if n := len(cluster.Nodes()); n < least {
		return fmt.Errorf("the cluster cannot suffer %q: it has %s, and this needs at least %d",
			fault, count(n, "node"), least)
	}
	return nil
}

// needNamed says why a fault cannot be: it names nodes that are not there, or one twice.
func needNamed(fault string, names []string, cluster harness.Cluster) error {
	all := nodeNames(cluster)
	for i, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("the cluster cannot suffer %q: it has no node %q (it has %s)",
				fault, name, strings.Join(all, " "))
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("the cluster cannot suffer %q: it names %s twice", fault, name)
		}
	}
	return nil
}

func nodeNames(cluster harness.Cluster) []string {
	nodes := cluster.Nodes()
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name()
	}
	return names
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
