package zookeeper

import (
	"context"
	"errors"
	"log/slog"
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
	local.Main(containers.Services())
	os.Exit(m.Run())
}

// The settings differ in reads alone.
func TestTargetKit(t *testing.T) {
	containerstest.Need(t, "zookeeper")
	harnesstest.TargetKit{Answer: 3 * time.Second, Patience: 2 * time.Minute}.Test(t, Targets()[1])
}

// ensemble is a cluster that runs, and its places.
type ensemble struct {
	harness.Cluster
	harness.Network
	leader, follower harness.Node
}

func start(ctx context.Context, t *testing.T) ensemble {
	t.Helper()
	containerstest.Need(t, "zookeeper")
	began := time.Now()
	cluster, err := Targets()[0].Start(ctx, harness.Env{
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
	leading, err := cluster.(harness.Leaders).Leaders(ctx)
	if err != nil || len(leading) != 1 {
		t.Fatalf("%q lead: %v", leading, err)
	}
	e := ensemble{Cluster: cluster, Network: cluster.(harness.Network)}
	for _, n := range cluster.Nodes() {
		if n.Name() == leading[0] {
			e.leader = n
		} else {
			e.follower = n
		}
	}
	return e
}

// around is every link of a node.
func (e ensemble) around(one harness.Node) (links []harness.Link) {
	for _, n := range e.Nodes() {
		if n != one {
			links = append(links, harness.Link{From: n.Name(), To: one.Name()},
				harness.Link{From: one.Name(), To: n.Name()})
		}
	}
	return links
}

// A follower that was cut off answers plain reads from what it has for two seconds, while the others go on. After a
// sync it does not.
func TestAFollowerThatIsCutOff(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	e := start(ctx, t)
	writer, reader, synced := dial(ctx, t, e.leader), dial(ctx, t, e.follower), dial(ctx, t, e.follower)
	synced.syncReads = true
	if _, err := writer.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := synced.Read(ctx, "x"); value != 1 || err != nil {
		t.Fatalf("with nothing wrong a synced read is %d: %v", value, err)
	}
	links := e.around(e.follower)
	if err := e.Cut(ctx, links); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(ctx, "x", 2); err != nil {
		t.Fatalf("the majority takes nothing: %v", err)
	}
	if value, _, _, err := reader.Read(ctx, "x"); value != 1 || err != nil {
		t.Errorf("a plain read of the follower that is cut off is %d: %v", value, err)
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if value, _, _, err := synced.Read(short, "x"); err == nil {
		t.Errorf("a synced read of the follower that is cut off is %d", value)
	}
	if err := errors.Join(e.Mend(ctx, links), e.Cluster.(harness.Settler).Settled(ctx)); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := dial(ctx, t, e.follower).Read(ctx, "x"); value != 2 || err != nil {
		t.Errorf("after the mend a plain read is %d: %v", value, err)
	}
}

// A leader that is cut off from everybody answers a read after a sync all the same: sync asks no quorum. This is why
// zookeeper/sync-read claims nothing; should it fail one day, ZooKeeper has become better.
func TestASyncOfTheLeaderAsksNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	e := start(ctx, t)
	synced := dial(ctx, t, e.leader)
	synced.syncReads = true
	if _, err := synced.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if err := e.Cut(ctx, e.around(e.leader)); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := synced.Read(ctx, "x"); value != 1 || err != nil {
		t.Errorf("a synced read of the leader that is cut off is %d: %v", value, err)
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := synced.Write(short, "x", 2); err == nil {
		t.Error("a leader without anybody acknowledged a write: it was not cut off")
	}
}

func dial(ctx context.Context, t *testing.T, n harness.Node) *Client {
	t.Helper()
	c, err := n.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Client)
}
