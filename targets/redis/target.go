package redis

import (
	"context"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

// A failover takes about two seconds here: one until the sentinels miss the primary (down-after-milliseconds), the
// rest for their vote. A strike outlasts it by a few, so that there is something to lose.
const (
	strike   = 7 * time.Second
	interval = 14 * time.Second
	limit    = 40 * time.Second
)

// Targets is Redis and its settings.
func Targets() []harness.Target {
	about := func(summary, workload string) harness.About {
		return harness.About{
			Summary: summary, Claim: harness.NoLevel, Promise: "nothing at a failover",
			Recommended: harness.Recommendation{
				Workload: workload, Nemesis: "partition:leader", Rate: 200,
				TimeLimit: limit, Interval: interval, Duration: strike,
			},
		}
	}
	return []harness.Target{
		containers.Target{
			Title: "redis", Spec: spec(setting{}),
			Doc: about("Redis with Sentinel, acknowledged by the primary alone", "set"),
		},
		containers.Target{
			Title: "redis/wait", Spec: spec(setting{wait: 1}),
			Doc: about("Redis with Sentinel, each write followed by WAIT 1", "register"),
		},
		containers.Target{
			Title: "redis/min-replicas",
			Spec:  spec(setting{config: []string{"min-replicas-to-write 1", "min-replicas-max-lag 2"}}),
			Doc:   about("Redis with Sentinel, min-replicas-to-write 1", "set"),
		},
	}
}

// setting is what the targets differ in.
type setting struct {
	config []string // lines of redis.conf
	wait   int      // how many replicas must have a write before it is acknowledged; 0 asks for none
}

// The ports of a node, and the name under which the sentinels know the primary.
const (
	redisPort    = 6379
	sentinelPort = 26379
	routerPort   = 6380
	group        = "capsize"
)

func spec(s setting) containers.Spec {
	return containers.Spec{
		Image: "redis:7.4.11", StandIn: "redis",
		Processes: func(m containers.Member) []containers.Process {
			return []containers.Process{
				{
					Name: "redis", Command: []string{"redis-server", "/data/redis.conf"},
					Files: map[string]string{"/data/redis.conf": redisConfig(m, s.config)},
				},
				{
					Name: "sentinel", Command: []string{"redis-server", "/data/sentinel.conf", "--sentinel"},
					Files: map[string]string{"/data/sentinel.conf": sentinelConfig(m)},
				},
				containers.Own("router", Router),
			}
		},
		Ports:   []int{redisPort, sentinelPort, routerPort},
		Data:    "/data",
		Nodes:   3,
		Memory:  256 << 20,
		Ready:   ready,
		Leader:  leader,
		Current: current,
		Dial: func(ctx context.Context, n *containers.Node) (harness.Client, error) {
			return newClient(ctx, func(ctx context.Context) (*line, error) { return open(ctx, n, routerPort) }, s.wait)
		},
		Version: version,
	}
}
