package nats

import (
	"context"
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

// The store is held against the contracts that every target has. Its settings differ in how they read and sync alone.
func TestTargetKit(t *testing.T) {
	containerstest.Need(t, "nats")
	harnesstest.TargetKit{Answer: 2 * time.Second}.Test(t, Targets()[0])
}

// start starts three nodes of a setting.
func start(t *testing.T, setting int) harness.Cluster {
	t.Helper()
	containerstest.Need(t, "nats")
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

// cutOff cuts a follower off and returns it, and another node.
func cutOff(t *testing.T, cluster harness.Cluster) (alone, other harness.Node) {
	t.Helper()
	leaders, err := cluster.(harness.Leaders).Leaders(t.Context())
	if err != nil || len(leaders) != 1 {
		t.Fatalf("leaders: %v, %v", leaders, err)
	}
	i := slices.IndexFunc(cluster.Nodes(), func(n harness.Node) bool { return n.Name() != leaders[0] })
	alone = cluster.Nodes()[i]
	var links []harness.Link
	for _, n := range cluster.Nodes() {
		if n != alone {
			other = n
			links = append(links, harness.Link{From: n.Name(), To: alone.Name()},
				harness.Link{From: alone.Name(), To: n.Name()})
		}
	}
	if err := cluster.(harness.Network).Cut(t.Context(), links); err != nil {
		t.Fatal(err)
	}
	return alone, other
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

// A follower that is cut off answers a direct get with what it had, and finds no leader to answer any other.
func TestReadsOfANodeThatIsCutOff(t *testing.T) {
	for setting, stale := range []bool{false, true} {
		t.Run(Targets()[setting].Name(), func(t *testing.T) {
			cluster := start(t, setting)
			first := dialed(t, cluster.Nodes()[0])
			eventually(t, func(ctx context.Context) error { _, err := first.Write(ctx, "k", 1); return err })
			if err := cluster.(harness.Settler).Settled(within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			alone, other := cutOff(t, cluster)
			eventually(t, func(ctx context.Context) error { _, err := dialed(t, other).Write(ctx, "k", 2); return err })
			reader := dialed(t, alone)
			if !stale {
				if value, _, _, err := reader.Read(within(t, 2*time.Second), "k"); err == nil {
					t.Errorf("a get without a leader: %d", value)
				}
				return
			}
			var value int64
			eventually(t, func(ctx context.Context) (err error) { // any replica is asked, also one behind the cut
				value, _, _, err = reader.Read(ctx, "k")
				return err
			})
			if value != 1 {
				t.Errorf("a direct get: %d", value)
			}
		})
	}
}
