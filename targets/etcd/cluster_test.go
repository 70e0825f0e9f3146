package etcd

import (
	"context"
	"errors"
	"os"
	"slices"
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

// etcd is held against the contracts that every target has. Its settings share the Spec.
func TestTargetKit(t *testing.T) {
	containerstest.Need(t, "etcd")
	harnesstest.TargetKit{Answer: time.Second, Patience: 2 * time.Minute}.Test(t, Targets()[0])
}

// start starts three nodes of a setting.
func start(t *testing.T, setting int) harness.Cluster {
	t.Helper()
	containerstest.Need(t, "etcd")
	return containerstest.Start(t, Targets()[setting])
}

// cutOff cuts the leader off and returns it, and another node.
func cutOff(t *testing.T, cluster harness.Cluster) (old, other harness.Node) {
	t.Helper()
	old, others := containerstest.Leader(t, cluster)
	if err := cluster.(harness.Network).Cut(t.Context(), containerstest.Around(cluster, old)); err != nil {
		t.Fatal(err)
	}
	return old, others[0]
}

// A leader that is cut off answers a serializable read with what it had, and a linearizable one not at all.
func TestReadsOfALeaderThatIsCutOff(t *testing.T) {
	for setting, stale := range []bool{false, true} {
		t.Run(Targets()[setting].Name(), func(t *testing.T) {
			cluster := start(t, setting)
			first := containerstest.Dial[*Client](t, cluster.Nodes()[0])
			containerstest.Eventually(t, func(ctx context.Context) error { _, err := first.Write(ctx, "k", 1); return err })
			if err := cluster.(harness.Settler).Settled(containerstest.Within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			old, other := cutOff(t, cluster)
			containerstest.Eventually(t, func(ctx context.Context) error {
				_, err := containerstest.Dial[*Client](t, other).Write(ctx, "k", 2)
				return err
			})
			value, _, _, err := containerstest.Dial[*Client](t, old).Read(containerstest.Within(t, time.Second), "k")
			switch {
			case stale && (err != nil || value != 1):
				t.Errorf("a serializable read: %d, %v", value, err)
			case !stale && err == nil:
				t.Errorf("a linearizable read without a majority: %d", value)
			}
		})
	}
}

// A member that is removed is not listed, and comes back with an empty disk and everything on it.
func TestMembership(t *testing.T) {
	cluster := start(t, 0)
	members := cluster.(harness.Members)
	node := cluster.Nodes()[2].Name()
	containerstest.Eventually(t, func(ctx context.Context) error {
		_, err := containerstest.Dial[*Client](t, cluster.Nodes()[0]).Write(ctx, "k", 7)
		return err
	})
	listed := func(want bool) {
		t.Helper()
		names, err := members.Members(containerstest.Within(t, 10*time.Second))
		if err != nil || slices.Contains(names, node) != want {
			t.Fatalf("the members are %v, %v", names, err)
		}
	}
	listed(true)
	if err := members.RemoveMember(containerstest.Within(t, 30*time.Second), node); err != nil {
		t.Fatal(err)
	}
	listed(false)
	if err := members.AddMember(containerstest.Within(t, 30*time.Second), node); err != nil {
		t.Fatal(err)
	}
	listed(true)
	containerstest.Eventually(t, func(ctx context.Context) error {
		value, _, _, err := containerstest.Dial[*Client](t, cluster.Nodes()[2]).Read(ctx, "k")
		if err == nil && value != 7 {
			err = errors.New("the value is lost")
		}
		return err
	})
}
