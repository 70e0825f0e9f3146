package targets

import (
	"slices"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/etcd"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/targets/nats"
	"github.com/capsize-dev/capsize/targets/raft"
	"github.com/capsize-dev/capsize/targets/redis"
	"github.com/capsize-dev/capsize/targets/zookeeper"
)

// All returns every target of the catalogue, in the order in which it is listed.
func All() []harness.Target {
	return slices.Concat(raft.Targets(), etcd.Targets(), nats.Targets(), redis.Targets(), zookeeper.Targets())
}

// Services returns what this program can be instead of the command line, for local.Main: the servers of its own targets,
// and the helpers of the container runtime.
func Services() map[string]local.Service {
	services := containers.Services()
	services[raft.Service] = raft.Serve
	services[redis.Router] = redis.Route
	return services
}
