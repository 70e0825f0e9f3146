package zookeeper

import (
	"context"
	"errors"
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

func start(t *testing.T) ensemble {
	t.Helper()
	containerstest.Need(t, "zookeeper")
	cluster := containerstest.Start(t, Targets()[0])
	leader, followers := containerstest.Leader(t, cluster)
	return ensemble{cluster, cluster.(harness.Network), leader, followers[0]}
}

// A follower that was cut off answers plain reads from what it has for two seconds, while the others go on. After a
// sync it does not.
func TestAFollowerThatIsCutOff(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	e := start(t)
	writer, reader := containerstest.Dial[*Client](t, e.leader), containerstest.Dial[*Client](t, e.follower)
	synced := containerstest.Dial[*Client](t, e.follower)
	synced.syncReads = true
	if _, err := writer.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := synced.Read(ctx, "x"); value != 1 || err != nil {
		t.Fatalf("with nothing wrong a synced read is %d: %v", value, err)
	}
	links := containerstest.Around(e, e.follower)
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
	if value, _, _, err := containerstest.Dial[*Client](t, e.follower).Read(ctx, "x"); value != 2 || err != nil {
		t.Errorf("after the mend a plain read is %d: %v", value, err)
	}
}

// A leader that is cut off from everybody answers a read after a sync all the same: sync asks no quorum. This is why
// zookeeper/sync-read claims nothing; should it fail one day, ZooKeeper has become better.
func TestASyncOfTheLeaderAsksNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	e := start(t)
	synced := containerstest.Dial[*Client](t, e.leader)
	synced.syncReads = true
	if _, err := synced.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if err := e.Cut(ctx, containerstest.Around(e, e.leader)); err != nil {
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
