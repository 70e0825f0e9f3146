package raft

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/targets/containers/engine"
	"github.com/capsize-dev/capsize/targets/containers/images"
)

// What a call costs at a node in a pod, with the agent's rules in its way, and at the same server in a container of its
// own: go test ./targets/raft -run '^$' -bench Call. There is one node, so that nothing but the way to it differs.
func BenchmarkCall(b *testing.B) {
	containerstest.Need(b)
	b.Run("in=pod", func(b *testing.B) {
		c, err := inContainers{Targets()[0].(target)}.Start(b.Context(), harness.Env{Nodes: 1, Run: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Stop(context.Background()) })
		reads(b, containerClient(c.Nodes()[0].(*containers.Node)))
	})
	b.Run("in=plain", func(b *testing.B) {
		address := plainContainer(b)
		reads(b, &Client{line: newLine("n1", func(timeout time.Duration) (net.Conn, error) {
			return dial(address, kindAPI, "bench", timeout)
		})})
	})
}

func reads(b *testing.B, c *Client) {
	b.Cleanup(func() { _ = c.Close() })
	deadline := time.Now().Add(30 * time.Second)
	for { // until it leads
		_, _, _, err := c.Read(b.Context(), "k")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, _, _, err := c.Read(b.Context(), "k"); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}

// plainContainer starts the server in a container with a published port and nothing else, and returns the address.
func plainContainer(b *testing.B) string {
	ctx := b.Context()
	e, err := engine.Open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	image, err := images.Sandbox(ctx, e, func(string) {})
	if err != nil {
		b.Fatal(err)
	}
	port, _ := network.PortFrom(containerPort, network.TCP)
	made, err := e.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image: image, ExposedPorts: network.PortSet{port: {}},
			Entrypoint: containerCommand(containers.Member{Name: "n1", Names: []string{"n1"}, Cluster: "bench"}, nil),
			Volumes:    map[string]struct{}{containerData: {}},
		},
		HostConfig: &container.HostConfig{PortBindings: network.PortMap{
			port: {{HostIP: netip.MustParseAddr("127.0.0.1")}},
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_, _ = e.ContainerRemove(context.Background(), made.ID,
			client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	})
	if _, err := e.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		b.Fatal(err)
	}
	seen, err := e.ContainerInspect(ctx, made.ID, client.ContainerInspectOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return "127.0.0.1:" + seen.Container.NetworkSettings.Ports[port][0].HostPort
}
