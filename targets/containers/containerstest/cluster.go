package containerstest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// dialLimit is how long making a client may take.
const dialLimit = 10 * time.Second

// Start starts three nodes of a target, and stops them when the test ends.
func Start(t testing.TB, target harness.Target) harness.Cluster {
	t.Helper()
	began := time.Now()
	cluster, err := target.Start(t.Context(), harness.Env{
		Nodes: 3, Run: "test", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("three nodes were ready after %s", time.Since(began))
	t.Cleanup(func() {
		if err := cluster.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// Leader returns the one node that leads, and the others.
func Leader(t testing.TB, cluster harness.Cluster) (leader harness.Node, others []harness.Node) {
	t.Helper()
	names, err := cluster.(harness.Leaders).Leaders(t.Context())
	if err != nil || len(names) != 1 {
		t.Fatalf("%q lead: %v", names, err)
	}
	for _, n := range cluster.Nodes() {
		if n.Name() == names[0] {
			leader = n
		} else {
			others = append(others, n)
		}
	}
	return leader, others
}

// Around returns the links between a node and all others, both ways.
func Around(cluster harness.Cluster, one harness.Node) []harness.Link {
	var links []harness.Link
	for _, n := range cluster.Nodes() {
		if n != one {
			links = append(links, harness.Link{From: n.Name(), To: one.Name()},
				harness.Link{From: one.Name(), To: n.Name()})
		}
	}
	return links
}

// Dial makes a client of a node, and closes it when the test ends.
func Dial[C harness.Client](t testing.TB, n harness.Node) C {
	t.Helper()
	c, err := n.Dial(Within(t, dialLimit))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(C)
}

// Within is a context with a limit, which ends with the test.
func Within(t testing.TB, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// Eventually makes a call again and again until it succeeds, for a minute at the most. Each has a second.
func Eventually(t testing.TB, call func(context.Context) error) {
	t.Helper()
	limit := Within(t, time.Minute)
	for {
		ctx, cancel := context.WithTimeout(limit, time.Second)
		err := call(ctx)
		cancel()
		if err == nil {
			return
		}
		if limit.Err() != nil {
			t.Fatal(err)
		}
	}
}

// Listen accepts connections on a port of this machine until the test ends, and serves each in a goroutine of its own.
func Listen(t testing.TB, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener
}

// Deserted returns an address of this machine at which nobody listens.
func Deserted(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}
