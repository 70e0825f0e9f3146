// Command capsize turns a cluster over on purpose and reports how it behaved. See package cli for its commands.
package main

import (
	"context"
	"os"

	"github.com/capsize-dev/capsize/cmd/cli"
	"github.com/capsize-dev/capsize/targets"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/workloads"
)

func main() {
	local.Main(targets.Services()) // never returns where this process was started as a node
	catalogue := cli.Catalogue{Targets: targets.All(), Workloads: workloads.All()}
	os.Exit(cli.Main(context.Background(), catalogue, os.Args[1:]))
}
