package containers

import (
	"context"
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Spec says what the nodes of a cluster are: all that differs from one datastore to another. The functions are called
// from several goroutines.
type Spec struct {
	// Image is the project's public image, pinned by its tag. "" is the image of the sandbox, which holds this program
	// at [Program] and nothing else.
	Image   string
	StandIn string // the recipe of package images that builds the same server without a registry; "" where there is none
	// Processes returns what a node runs, the server first. All of them share the node's address and its folders, and
	// are killed, paused and restarted together.
	Processes func(m Member) []Process
	Ports     []int  // where clients reach a node; each is published on 127.0.0.1
	Data      string // the folder that outlives a kill, on a volume of its own
	Keeps     string // why a node that lost its disk cannot start again, in a sentence; "" where it can
	Nodes     int    // how many nodes where nobody said; 0 means 5
	Memory    int64  // bytes each process may use; 0 means all there are
	// Form is called once, as soon as every node's processes run and before Ready is asked, where the nodes do not find
	// each other by themselves. It may be nil.
	Form func(ctx context.Context, c *Cluster) error
	// Ready returns nil when the node serves. It is asked again and again.
	Ready func(ctx context.Context, n *Node) error
	// Leader returns the name of the node that this one takes for the leader, "" where it knows none. What more than
	// half of all nodes say counts. nil means that there are no leaders.
	Leader func(ctx context.Context, n *Node) (string, error)
	// Current says what is missing until every replica has what every other has, nil where nothing is. It is asked again
	// and again, once every node is ready and one leader is known. It may be nil.
	Current func(ctx context.Context, c *Cluster) error
	// Dial makes a client that talks to this node only and retries nothing: [Node.DialPort] is its way in.
	Dial func(ctx context.Context, n *Node) (harness.Client, error)
	// Version returns the name and version of the server that runs: "etcd", "3.6.14". It may be nil.
	Version func(ctx context.Context, n *Node) (name, version string, err error)
	// Remove and Add take a node out of the membership and put it in again, speaking to the others; the runtime ends it
	// before and starts it empty, with Member.Joining set, after. Listed returns whom the cluster counts on. They are
	// nil where the membership cannot be changed.
	Remove, Add func(ctx context.Context, c *Cluster, node string) error
	Listed      func(ctx context.Context, c *Cluster) ([]string, error)
}

// Process is a program that a node runs, in a container of its own.
type Process struct {
	Name    string            // "redis", "sentinel"; the name of its log
	Image   string            // where it is not the Spec's; see [Own]
	Command []string          // the program and its arguments, instead of the image's
	Env     map[string]string // added to the image's
	Files   map[string]string // by absolute path: written before each first start on an empty disk
	User    string            // "" means the image's
}

// Member is a node's place in its cluster.
type Member struct {
	Name    string   // also its host name: the others reach it under it
	Names   []string // of all nodes, in order
	Cluster string   // an id of the cluster, of letters, digits and dashes
	Joining bool     // it joins a cluster that runs already, see Spec.Add
}

// Each returns a text for each node, in order: Each("%s=http://%s:2380") for "n1=http://n1:2380", ... Every %s is the
// node's name.
func (m Member) Each(format string) []string {
	all := make([]string, len(m.Names))
	for i, name := range m.Names {
		all[i] = strings.ReplaceAll(format, "%s", name)
	}
	return all
}

// Target is a target whose nodes are containers. Several may share a Spec but for its settings.
type Target struct {
	Title string // what the user types: etcd, etcd/serializable
	Doc   harness.About
	Spec  Spec
}

// Name is what the user types.
func (t Target) Name() string { return t.Title }

// About is what the catalogue says.
func (t Target) About() harness.About {
	about := t.Doc
	about.Runtimes = []string{harness.ContainerRuntime}
	if about.Recommended.Nodes == 0 {
		about.Recommended.Nodes = t.Spec.Nodes
	}
	return about
}

// Start starts a cluster of containers and returns when it is ready.
func (t Target) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	cluster, err := Start(ctx, env, t.Spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", t.Title, err)
	}
	return cluster, nil
}
