package etcd

import (
	"context"
	"errors"
	"log/slog"
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
	began := time.Now()
	cluster, err := Targets()[setting].Start(t.Context(), harness.Env{
		Nodes: 3, Run: "test", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("three nodes were ready after %s", time.Since(began))
	t.Cleanup(func() {
		if err := cluster.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// cutOff cuts the leader off and returns it, and another node.
func cutOff(t *testing.T, cluster harness.Cluster) (old, other harness.Node) {
	t.Helper()
	names, err := cluster.(harness.Leaders).Leaders(t.Context())
	if err != nil || len(names) != 1 {
		t.Fatalf("leaders: %v, %v", names, err)
	}
	var links []harness.Link
	for _, n := range cluster.Nodes() {
		if n.Name() == names[0] {
			old = n
			continue
		}
		other = n
		links = append(links, harness.Link{From: n.Name(), To: names[0]}, harness.Link{From: names[0], To: n.Name()})
	}
	if err := cluster.(harness.Network).Cut(t.Context(), links); err != nil {
		t.Fatal(err)
	}
	return old, other
}

func dialed(t *testing.T, n harness.Node) *Client {
	t.Helper()
	c, err := n.Dial(within(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Client)
}

// eventually makes a call again and again until it succeeds. Each has a second.
func eventually(t *testing.T, call func(context.Context) error) {
	t.Helper()
	limit := within(t, time.Minute)
	for {
		ctx, cancel := context.WithTimeout(limit, time.Second)
		err := call(ctx)
		cancel()
		if err == nil {
			return
		}
		if limit.Err() != nil {
			t.Fatal(err)
		}
	}
}

// A leader that is cut off answers a serializable read with what it had, and a linearizable one not at all.
func TestReadsOfALeaderThatIsCutOff(t *testing.T) {
	for setting, stale := range []bool{false, true} {
		t.Run(Targets()[setting].Name(), func(t *testing.T) {
			cluster := start(t, setting)
			first := dialed(t, cluster.Nodes()[0])
			eventually(t, func(ctx context.Context) error { _, err := first.Write(ctx, "k", 1); return err })
			if err := cluster.(harness.Settler).Settled(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			old, other := cutOff(t, cluster)
			eventually(t, func(ctx context.Context) error { _, err := dialed(t, other).Write(ctx, "k", 2); return err })
			value, _, _, err := dialed(t, old).Read(within(t, time.Second), "k")
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
	eventually(t, func(ctx context.Context) error {
		_, err := dialed(t, cluster.Nodes()[0]).Write(ctx, "k", 7)
		return err
	})
	listed := func(want bool) {
		t.Helper()
		names, err := members.Members(within(t, 10*time.Second))
		if err != nil || slices.Contains(names, node) != want {
			t.Fatalf("the members are %v, %v", names, err)
		}
	}
	listed(true)
	if err := members.RemoveMember(within(t, 30*time.Second), node); err != nil {
		t.Fatal(err)
	}
	listed(false)
	if err := members.AddMember(within(t, 30*time.Second), node); err != nil {
		t.Fatal(err)
	}
	listed(true)
	eventually(t, func(ctx context.Context) error {
		value, _, _, err := dialed(t, cluster.Nodes()[2]).Read(ctx, "k")
		if err == nil && value != 7 {
			err = errors.New("the value is lost")
		}
		return err
	})
}
