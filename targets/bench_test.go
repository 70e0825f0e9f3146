package targets_test

import (
	"os"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/targets/local"
)

func TestMain(m *testing.M) {
	local.Main(targets.Services())
	os.Exit(m.Run())
}

// The catalogue holds the names that plans and scripts rely on, each with what it claims.
func TestNamesThatPlansRelyOn(t *testing.T) {
	var names []string
	for _, target := range targets.All() {
		names = append(names, target.Name())
		about := target.(harness.Describer).About()
		if about.Claim == "" || about.Summary == "" || about.Recommended.Workload == "" {
			t.Errorf("%s says too little of itself: %+v", target.Name(), about)
		}
	}
	for _, name := range []string{
		"raft", "etcd", "etcd/serializable", "redis", "redis/wait", "redis/min-replicas", "nats-kv", "nats-kv/direct-get",
		"nats-kv/sync-always", "zookeeper", "zookeeper/sync-read",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

// From nothing to a cluster of three that serves, with images that are there:
// go test ./targets -run '^$' -bench Ready -benchtime 5x.
func BenchmarkReady(b *testing.B) {
	containerstest.Need(b, "etcd", "nats", "redis", "zookeeper")
	for _, name := range []string{"raft", "etcd", "redis", "nats-kv", "zookeeper"} {
		at := slices.IndexFunc(targets.All(), func(t harness.Target) bool { return t.Name() == name })
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				env := harness.Env{Nodes: 3, Run: "bench", Runtime: harness.ContainerRuntime}
				cluster, err := targets.All()[at].Start(b.Context(), env)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := cluster.Stop(b.Context()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
