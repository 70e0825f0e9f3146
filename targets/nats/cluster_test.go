package nats

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/targets/local"
)

func TestMain(m *testing.M) {
	local.Main(containers.Services()) // the sandbox of a node runs this program
	os.Exit(m.Run())
}

// The store is held against the contracts that every target has. Its settings differ in how they read and sync alone.
func TestTargetKit(t *testing.T) {
	containerstest.Need(t, "nats")
	harnesstest.TargetKit{Answer: 2 * time.Second}.Test(t, Targets()[0])
}

// start starts three nodes of a setting.
func start(t *testing.T, setting int) harness.Cluster {
	t.Helper()
	containerstest.Need(t, "nats")
	return containerstest.Start(t, Targets()[setting])
}

// cutOff cuts a follower off and returns it, and another node.
func cutOff(t *testing.T, cluster harness.Cluster) (alone, other harness.Node) {
	t.Helper()
	_, followers := containerstest.Leader(t, cluster)
	alone, other = followers[0], followers[1]
	if err := cluster.(harness.Network).Cut(t.Context(), containerstest.Around(cluster, alone)); err != nil {
		t.Fatal(err)
	}
	return alone, other
}

// A follower that is cut off answers a direct get with what it had, and finds no leader to answer any other.
func TestReadsOfANodeThatIsCutOff(t *testing.T) {
	for setting, stale := range []bool{false, true} {
		t.Run(Targets()[setting].Name(), func(t *testing.T) {
			cluster := start(t, setting)
			first := containerstest.Dial[*Client](t, cluster.Nodes()[0])
			containerstest.Eventually(t, func(ctx context.Context) error { _, err := first.Write(ctx, "k", 1); return err })
			if err := cluster.(harness.Settler).Settled(containerstest.Within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			alone, other := cutOff(t, cluster)
			containerstest.Eventually(t, func(ctx context.Context) error {
				_, err := containerstest.Dial[*Client](t, other).Write(ctx, "k", 2)
				return err
			})
			reader := containerstest.Dial[*Client](t, alone)
			if !stale {
				if value, _, _, err := reader.Read(containerstest.Within(t, 2*time.Second), "k"); err == nil {
					t.Errorf("a get without a leader: %d", value)
				}
				return
			}
			var value int64
			containerstest.Eventually(t, func(ctx context.Context) (err error) { // any replica is asked, also one behind the cut
				value, _, _, err = reader.Read(ctx, "k")
				return err
			})
			if value != 1 {
				t.Errorf("a direct get: %d", value)
			}
		})
	}
}
