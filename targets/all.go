package targets

import (
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/local"
	"github.com/capsize-dev/capsize/targets/raft"
)

// All returns every target of the catalogue, in the order in which it is listed.
func All() []harness.Target { return raft.Targets() }

// Services returns what the nodes of the local runtime can be, for local.Main.
func Services() map[string]local.Service {
	return map[string]local.Service{raft.Service: raft.Serve}
}
