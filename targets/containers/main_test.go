package containers_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/targets/raft"
)

// crashVariable makes this program a harness that starts a cluster and then ends in a bad way.
const crashVariable = "CAPSIZE_TEST_CRASH"

func TestMain(m *testing.M) {
	services := containers.Services()
	services[raft.Service] = raft.Serve
	local.Main(services)
	if how := os.Getenv(crashVariable); how != "" {
		crash(how)
	}
	os.Exit(m.Run())
}

// crash starts a cluster, says so, and panics or waits to be killed.
func crash(how string) {
	cluster, err := raftTarget().Start(context.Background(), harness.Env{Nodes: 2, Run: "crash", Runtime: "containers"})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println("started", cluster.(interface{ ID() string }).ID())
	if how == "panic" {
		go panic("as planned")
	}
	time.Sleep(time.Hour)
}

func raftTarget() harness.Target { return raft.Targets()[0] }
