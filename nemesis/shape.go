package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Shape says which links a partition cuts. [One], [Minority] and [Leader] cut those nodes off from all others, which go
// on seeing each other, as the nodes that are cut off do; [Majority] cuts the cluster into random halves.
type Shape string

// The shapes that are more than two sides.
const (
	// MajoritiesRing puts the nodes into a ring on which each sees only its nearest neighbours, as many as make a
	// majority: every node sees a majority, and no two see the same one. It comes from Jepsen and needs four nodes (of
	// three, a majority seen both ways by each is all of them).
	MajoritiesRing Shape = "majorities-ring"
	// Bridge cuts the cluster into halves that both see one node in between, which is not the leader.
	Bridge Shape = "bridge"
	// OneWay cuts one direction: the leader or a random minority cannot send to the others, or cannot hear them.
	OneWay Shape = "one-way"
	// Mixed is one of the shapes that the cluster can suffer, another each time.
	Mixed Shape = "mixed"
)

// Groups is the shape that cuts named groups off from each other. Nodes in no group keep all their links.
func Groups(groups ...[]string) Shape {
	sides := make([]string, len(groups))
	for i, g := range groups {
		sides[i] = strings.Join(g, ",")
	}
	return Shape(strings.Join(sides, "|"))
}

var shapeWords = []string{
	One, Minority, Majority, Leader, string(MajoritiesRing), string(Bridge), string(OneWay), string(Mixed),
}

// groups returns the groups of [Groups], or nil.
func (s Shape) groups() [][]string {
	if slices.Contains(shapeWords, string(s)) {
		return nil
	}
	var groups [][]string
	for side := range strings.SplitSeq(string(s), "|") {
		groups = append(groups, strings.Split(side, ","))
	}
	return groups
}

// least is the smallest cluster that has the shape.
func (s Shape) least() int {
	switch s {
	case MajoritiesRing:
		return 4
	case Minority, Majority, Bridge:
		return 3
	}
	return 2
}

// supports says why a cluster has no such shape.
func (s Shape) supports(fault string, cluster harness.Cluster) error {
	if groups := s.groups(); groups != nil {
		if len(groups) < 2 {
			return fmt.Errorf("the cluster cannot suffer %q: a cut needs two groups of nodes, as in n1,n2|n3", fault)
		}
		return needNamed(fault, slices.Concat(groups...), cluster)
	}
	if s == Leader {
		if err := needCluster[harness.Leaders](fault, "harness.Leaders", cluster); err != nil {
			return err
		}
	}
	return needSize(fault, s.least(), cluster)
}

func parseShape(arg string) (Shape, error) {
	if arg == "" {
		return Mixed, nil
	}
	if slices.Contains(shapeWords, arg) {
		return Shape(arg), nil
	}
	if !strings.Contains(arg, "|") {
		if near := harness.Nearest(arg, shapeWords); near != "" {
			return "", fmt.Errorf("no shape is called %q: did you mean %q?", arg, near)
		}
		return "", fmt.Errorf("%q is neither %s nor groups of nodes (n1,n2|n3,n4,n5)",
			arg, strings.Join(shapeWords, ", "))
	}
	for _, group := range Shape(arg).groups() {
		for _, name := range group {
			if !isNodeName(name) {
				return "", fmt.Errorf("%q has a group with the node %q: write groups as in n1,n2|n3,n4,n5", arg, name)
			}
		}
	}
	return Shape(arg), nil
}

// cut is a partition worked out: which links, and how to tell it.
type cut struct {
	links  []harness.Link
	flows  []flow     // the links by direction, where there are sides
	sides  [][]string // that cannot talk
	hurt   []string
	detail string
}

// flow is all links from one side to another.
type flow struct {
	from  string
	links []harness.Link
}

// between returns the links from each of the nodes to each of the others.
func between(from, to []string) []harness.Link {
	var links []harness.Link
	for _, f := range from {
		for _, t := range to {
			if f != t {
				links = append(links, harness.Link{From: f, To: t})
			}
		}
	}
	return links
}

// apart cuts groups off from each other, both ways. Who is hurt are the groups without a majority of the cluster.
func apart(size int, groups ...[]string) cut {
	c := cut{sides: groups}
	sides := make([]string, len(groups))
	for i, from := range groups {
		sides[i] = strings.Join(from, " ")
		out := flow{from: sides[i]}
		for j, to := range groups {
			if i != j {
				out.links = append(out.links, between(from, to)...)
			}
		}
		c.flows = append(c.flows, out)
		c.links = append(c.links, out.links...)
		if len(from) <= size/2 {
			c.hurt = append(c.hurt, from...)
		}
	}
	c.detail = strings.Join(sides, " | ")
	return c
}

// without returns the nodes of all that are not among the others, in order.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(others, n) })
}

// ring cuts, of nodes in a ring, each off from those that are not its nearest.
func ring(order []string) cut {
	n := len(order)
	reach := (n/2 + 1) / 2 // neighbours on each side, so that 1 + 2*reach is a majority
	c := cut{hurt: slices.Sorted(slices.Values(order)), detail: "ring " + strings.Join(order, " ") +
		fmt.Sprintf(", each sees %d on each side", reach)}
	for i := range n {
		for j := range n {
			if away := (j - i + n) % n; away > reach && away < n-reach {
				c.links = append(c.links, harness.Link{From: order[i], To: order[j]})
			}
		}
	}
	return c
}

// bridge cuts the nodes after the first into halves.
func bridge(order []string) cut {
	rest := order[1:]
	left, right := slices.Sorted(slices.Values(rest[:len(rest)/2])), slices.Sorted(slices.Values(rest[len(rest)/2:]))
	c := apart(len(order), left, right)
	c.hurt = slices.Concat(left, right)
	c.detail += ", joined by " + order[0]
	return c
}

// oneWay cuts what the victims send, or what they hear.
func oneWay(victims, others []string, sending bool) cut {
	c := cut{sides: [][]string{victims, others}, hurt: victims}
	from, to, words := victims, others, "%s cannot send to %s"
	if !sending {
		from, to, words = others, victims, "%s cannot hear %s"
	}
	c.links = between(from, to)
	c.detail = fmt.Sprintf(words, strings.Join(victims, " "), strings.Join(others, " "))
	return c
}
