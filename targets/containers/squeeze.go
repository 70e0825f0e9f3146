package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
)

// leastMemory is what an engine accepts as a limit at least.
const leastMemory = 6 << 20

// CanSqueeze refuses limits that the engine does not take.
func (n *Node) CanSqueeze(s harness.Squeeze) error {
	cores := float64(n.cluster.room.engine.CPUs)
	switch {
	case s.CPUs == 0 && s.Memory == 0:
		return errors.New("a squeeze names neither cores nor memory")
	case s.CPUs < 0 || s.CPUs > cores || (s.CPUs > 0 && s.CPUs < 0.01):
		return fmt.Errorf("%g cores are not between 0.01 and the %g that the engine has", s.CPUs, cores)
	case s.Memory != 0 && s.Memory < leastMemory:
		return fmt.Errorf("%d bytes of memory are less than the 6 MB that the engine takes", s.Memory)
	case s.Memory > n.cluster.memory():
		return fmt.Errorf("%d bytes of memory are more than the %d that the node has", s.Memory, n.cluster.memory())
	}
	return nil
}

// Squeeze limits each process of the node.
func (n *Node) Squeeze(ctx context.Context, s harness.Squeeze) error {
	if err := n.CanSqueeze(s); err != nil {
		return err
	}
	limits := container.Resources{NanoCPUs: int64(s.CPUs * 1e9), Memory: s.Memory, MemorySwap: s.Memory}
	return n.limit(ctx, limits)
}

// Release gives the node back what it had.
func (n *Node) Release(ctx context.Context) error {
	all := n.cluster.memory()
	return n.limit(ctx, container.Resources{
		NanoCPUs: int64(n.cluster.room.engine.CPUs) * 1e9, Memory: all, MemorySwap: all,
	})
}

func (n *Node) limit(ctx context.Context, limits container.Resources) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.each(func(id string) error {
		_, err := n.cluster.room.docker.ContainerUpdate(ctx, id, client.ContainerUpdateOptions{Resources: &limits})
		return err
	})
}

// Pressure reads what the kernel counted for the server, the first of the node's processes.
func (n *Node) Pressure(ctx context.Context) (harness.Pressure, error) {
	processes := n.containers()
	if len(processes) == 0 {
		return harness.Pressure{}, nil
	}
	stats, err := n.cluster.room.docker.ContainerStats(ctx, processes[0].id, client.ContainerStatsOptions{})
	if err != nil {
		return harness.Pressure{}, fmt.Errorf("ask for the pressure on %s: %w", n.name, err)
	}
	defer func() { _ = stats.Body.Close() }()
	var now container.StatsResponse
	if err := json.NewDecoder(stats.Body).Decode(&now); err != nil {
		return harness.Pressure{}, fmt.Errorf("ask for the pressure on %s: %w", n.name, err)
	}
	throttling := now.CPUStats.ThrottlingData
	return harness.Pressure{
		Throttled: time.Duration(throttling.ThrottledTime), Periods: int64(throttling.ThrottledPeriods),
		Memory: int64(now.MemoryStats.Usage), Limit: int64(now.MemoryStats.Limit),
		Failures: int64(now.MemoryStats.Failcnt),
	}, nil
}
