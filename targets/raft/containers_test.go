package raft

import (
	"context"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// inContainers is a target that runs in the other of its runtimes.
type inContainers struct{ target }

func (t inContainers) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	env.Runtime = harness.ContainerRuntime
	return t.target.Start(ctx, env)
}

// The same service in containers has every power that this runtime gives, and keeps every contract.
func TestTargetKitInContainers(t *testing.T) {
	containerstest.Need(t)
	harnesstest.TestTarget(t, inContainers{Targets()[0].(target)})
}
