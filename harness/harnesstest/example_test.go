package harnesstest_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

// A whole run: a store of five nodes, in this process, whose links are cut every third of a second while ten clients read
// and write; once as it should be, and once with a bug. In a test of your own, [Run] takes the same [harness.Test].
func Example() {
	out, err := os.MkdirTemp("", "capsize")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(out) }()
	for _, bug := range []inmem.Bug{"", inmem.StaleReads} {
		results, err := harness.Run(context.Background(), harness.Test{
			Target:    inmem.New(inmem.Options{Bug: bug, Latency: time.Millisecond, Election: 30 * time.Millisecond}),
			Workload:  workloads.Register(),
			Nemesis:   []harness.Nemesis{nemesis.Every(300*time.Millisecond, nemesis.Partition(nemesis.Majority))},
			TimeLimit: time.Second,
			OpTimeout: 200 * time.Millisecond,
			Out:       out,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s is %s\n", results.Target, results.Verdict)
	}
	// Output:
	// inmem is valid
	// inmem/stale-reads is invalid
}
