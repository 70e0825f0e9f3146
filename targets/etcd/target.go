package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

const (
	clientPort = 2379
	peerPort   = "2380"
	data       = "/data"
	memory     = 512 << 20
	askLimit   = 2 * time.Second // of one question to one node
)

// Targets is etcd in each of its settings.
func Targets() []harness.Target {
	return []harness.Target{
		containers.Target{Title: "etcd", Spec: spec(), Doc: harness.About{
			Summary:     "etcd, linearizable reads (its default)",
			Claim:       harness.Linearizable,
			Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition,pause,kill"},
		}},
		containers.Target{Title: "etcd/serializable", Spec: spec(clientv3.WithSerializable()), Doc: harness.About{
			Summary: "etcd, serializable reads: each node answers from what it has",
			Promise: "reads in order, but perhaps old",
			Claim:   harness.NoLevel,
			Recommended: harness.Recommendation{
				Workload: "register", Nemesis: "partition:leader",
				Duration: longCut, Interval: longInterval, OpTimeout: soon,
			},
		}},
	}
}

// The old leader of a cut must be read for some time after the others have a new one, which takes one to two seconds.
// Its clients give up a write soon, and read on.
const (
	longCut      = 5 * time.Second
	longInterval = 8 * time.Second
	soon         = 500 * time.Millisecond
)

// spec is a node, its clients reading with the given options.
func spec(reads ...clientv3.OpOption) containers.Spec {
	return containers.Spec{
		Image:     "gcr.io/etcd-development/etcd:v3.6.14",
		StandIn:   "etcd",
		Processes: processes,
		Ports:     []int{clientPort},
		Data:      data,
		Memory:    memory,
		Keeps: "etcd does not start a member again that has lost its disk (\"has already been bootstrapped\"): it must " +
			"leave and join anew, which is --nemesis leave",
		Ready:   ready,
		Leader:  leader,
		Current: current,
		Version: version,
		Remove:  remove,
		Add:     add,
		Listed:  listed,
		Dial: func(_ context.Context, n *containers.Node) (harness.Client, error) {
			return newClient(port(n), reads...)
		},
	}
}

// processes is the command line of a node.
func processes(m containers.Member) []containers.Process {
	state := "new"
	if m.Joining {
		state = "existing"
	}
	return []containers.Process{{
		Name: "etcd",
		Command: []string{
			"etcd", "--name", m.Name, "--data-dir", data + "/etcd",
			"--listen-client-urls", fmt.Sprintf("http://0.0.0.0:%d", clientPort),
			"--advertise-client-urls", fmt.Sprintf("http://%s:%d", m.Name, clientPort),
			"--listen-peer-urls", "http://0.0.0.0:" + peerPort,
			"--initial-advertise-peer-urls", peerURL(m.Name),
			"--initial-cluster", strings.Join(m.Each("%s="+peerURL("%s")), ","),
			"--initial-cluster-token", m.Cluster,
			"--initial-cluster-state", state,
			"--heartbeat-interval", "100", "--election-timeout", "1000", // its defaults, in milliseconds
		},
	}}
}

func peerURL(name string) string { return "http://" + name + ":" + peerPort }

// port is how a client reaches a node.
func port(n *containers.Node) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return n.DialPort(ctx, clientPort) }
}

// ask asks one node something over a connection of its own.
func ask(ctx context.Context, dial func(context.Context) (net.Conn, error),
	question func(context.Context, *clientv3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	client, err := newClient(dial)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return question(ctx, client.etcd)
}

// statusOf returns what a node knows of itself. It needs no leader.
func statusOf(ctx context.Context, n *containers.Node) (answer *pb.StatusResponse, err error) {
	err = ask(ctx, port(n), func(ctx context.Context, etcd *clientv3.Client) error {
		answer, err = pb.NewMaintenanceClient(etcd.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
		return err
	})
	return answer, err
}

// ready makes a linearizable read, which takes a leader that a majority follows, and a node that has caught up.
func ready(ctx context.Context, n *containers.Node) error {
	return ask(ctx, port(n), func(ctx context.Context, etcd *clientv3.Client) error {
		_, err := etcd.Get(ctx, "health")
		return err
	})
}

// leader returns whom a node follows.
func leader(ctx context.Context, n *containers.Node) (name string, err error) {
	err = ask(ctx, port(n), func(ctx context.Context, etcd *clientv3.Client) error {
		status, err := pb.NewMaintenanceClient(etcd.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
		if err != nil || status.Leader == 0 {
			return err
		}
		members, err := etcd.MemberList(ctx, clientv3.WithSerializable())
		if err != nil {
			return err
		}
		for _, m := range members.Members {
			if m.ID == status.Leader {
				name = nameOf(m)
			}
		}
		return nil
	})
	return name, err
}

// current says whether every node has applied as much as every other.
func current(ctx context.Context, c *containers.Cluster) error {
	var first *pb.StatusResponse
	var errs []error
	for _, n := range c.Members() {
		here, err := statusOf(ctx, n)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", n.Name(), err))
		case first == nil:
			first = here
		case here.RaftAppliedIndex != first.RaftAppliedIndex || here.Header.Revision != first.Header.Revision:
			errs = append(errs, fmt.Errorf("%s has applied index %d and has revision %d, others %d and %d", n.Name(),
				here.RaftAppliedIndex, here.Header.Revision, first.RaftAppliedIndex, first.Header.Revision))
		}
	}
	return errors.Join(errs...)
}

// version asks a node which etcd it is.
func version(ctx context.Context, n *containers.Node) (name, version string, err error) {
	answer, err := statusOf(ctx, n)
	if err != nil {
		return "", "", err
	}
	return "etcd", answer.Version, nil
}
