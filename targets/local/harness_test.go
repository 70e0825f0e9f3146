package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/capsize-dev/capsize/harness"
)

// asHarness makes the test binary be a harness that is about to be killed.
const asHarness = "CAPSIZE_TEST_BE_HARNESS"

// harnessProcess starts a cluster, pauses one node where the system can, kills another, tells the process ids and the
// folder, and waits.
func harnessProcess() {
	ctx, cancel := contextInTime()
	defer cancel()
	c, err := Start(ctx, harness.Env{Nodes: 3}, echoSpec)
	if err == nil {
		err = errors.Join(pause(ctx, c.Members()[1]), c.Members()[2].Kill(ctx))
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("folder", c.folder)
	fmt.Println("pid", c.Members()[0].process().pid)
	fmt.Println("pid", c.Members()[1].process().pid)
	fmt.Println("pid", c.warden.cmd.Process.Pid)
	fmt.Println("up")
	select {}
}

func pause(ctx context.Context, node harness.Node) error {
	if p, can := node.(harness.Pauser); can {
		return p.Pause(ctx)
	}
	return nil
}
