package containers_test

import (
	"context"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// cluster starts five nodes for a benchmark.
func cluster(b *testing.B) harness.Cluster {
	b.Helper()
	containerstest.Need(b)
	c, err := raftTarget().Start(b.Context(), harness.Env{Nodes: 5, Run: "bench", Runtime: harness.ContainerRuntime})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Stop(context.Background()) })
	return c
}

// From the decision to cut every link between two halves until the last node has done it.
func BenchmarkCut(b *testing.B) {
	c := cluster(b)
	var links []harness.Link
	for _, from := range []string{"n1", "n2"} {
		for _, to := range []string{"n3", "n4", "n5"} {
			links = append(links, harness.Link{From: from, To: to}, harness.Link{From: to, To: from})
		}
	}
	network := c.(harness.Network)
	for b.Loop() {
		if err := network.Cut(b.Context(), links); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := network.Mend(b.Context(), links); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// From the decision to freeze one node until it is frozen.
func BenchmarkPause(b *testing.B) {
	node := cluster(b).Nodes()[0].(*containers.Node)
	for b.Loop() {
		if err := node.Pause(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := node.Resume(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
