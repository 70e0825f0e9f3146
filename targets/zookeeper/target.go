package zookeeper

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

// Targets is ZooKeeper and its settings.
func Targets() []harness.Target {
	return []harness.Target{
		containers.Target{
			Title: "zookeeper", Spec: spec(false),
			Doc: harness.About{
				Summary: "ZooKeeper, plain reads: each node answers from what it has",
				Claim:   harness.NoLevel,
				Promise: "sequential consistency: reads in order, but perhaps old",
				Recommended: harness.Recommendation{
					Workload: "register", Nemesis: "partition:one", Rate: 200, Interval: 6 * time.Second,
				},
			},
		},
		containers.Target{
			Title: "zookeeper/sync-read", Spec: spec(true),
			Doc: harness.About{
				Summary: "ZooKeeper, each read after a sync",
				Claim:   harness.NoLevel,
				Promise: "reads as new as the leader, which asks nobody whether it still leads",
				Recommended: harness.Recommendation{
					Workload: "register", Nemesis: "partition,pause,kill", Rate: 200, Interval: 8 * time.Second,
				},
			},
		},
	}
}

const clientPort = 2181

func spec(syncReads bool) containers.Spec {
	return containers.Spec{
		Image: "zookeeper:3.9.5", StandIn: "zookeeper",
		Processes: func(m containers.Member) []containers.Process {
			return []containers.Process{{
				Name: "zookeeper", Command: []string{"zkServer.sh", "start-foreground", "/data/zoo.cfg"},
				Env: map[string]string{
					"ZK_SERVER_HEAP":  "192", // MB
					"SERVER_JVMFLAGS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
				},
				Files: map[string]string{"/data/zoo.cfg": config(m), "/data/myid": fmt.Sprintln(number(m))},
			}}
		},
		Ports:   []int{clientPort},
		Data:    "/data",
		Nodes:   3,
		Memory:  512 << 20,
		Ready:   ready,
		Leader:  leader,
		Current: current,
		Dial: func(ctx context.Context, n *containers.Node) (harness.Client, error) {
			return newClient(ctx, func(ctx context.Context) (*session, error) { return open(ctx, n) }, syncReads)
		},
		Version: version,
	}
}

// number is the server's number, from 1.
func number(m containers.Member) int {
	for i, name := range m.Names {
		if name == m.Name {
			return i + 1
		}
	}
	return 0
}

// config is zoo.cfg. A node is missed after syncLimit ticks, which is two seconds.
func config(m containers.Member) string {
	lines := []string{
		"dataDir=/data", "clientPort=2181", "tickTime=500", "initLimit=20", "syncLimit=4",
		"standaloneEnabled=false", "quorumListenOnAllIPs=true", "admin.enableServer=false",
		"maxClientCnxns=0", "4lw.commands.whitelist=srvr", // all clients come from one address
	}
	for i, name := range m.Names {
		lines = append(lines, fmt.Sprintf("server.%d=%s:2888:3888", i+1, name))
	}
	return strings.Join(lines, "\n") + "\n"
}
