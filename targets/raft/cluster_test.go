package raft

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/local"
)

func TestMain(m *testing.M) {
	services := containers.Services()
	services[Service] = Serve
	local.Main(services)
	os.Exit(m.Run())
}

// The powers the harness looks for, by interface.
var (
	_ harness.Target    = target{}
	_ harness.Describer = target{}
	_ harness.Cluster   = (*Cluster)(nil)
	_ harness.Network   = (*Cluster)(nil)
	_ harness.Shaper    = (*Cluster)(nil)
	_ harness.Leaders   = (*Cluster)(nil)
	_ harness.Settler   = (*Cluster)(nil)
	_ harness.Logs      = (*Cluster)(nil)
	_ harness.Killer    = (*local.Node)(nil)
	_ harness.Vitals    = (*local.Node)(nil)
)

func context30(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// start starts a target by name and stops it with the test.
func start(t testing.TB, name string, nodes int) *Cluster {
	t.Helper()
	logs := t.TempDir()
	env := harness.Env{Nodes: nodes, Run: t.Name(), NodeDir: func(node string) (string, error) {
		dir := filepath.Join(logs, node)
		return dir, os.MkdirAll(dir, 0o755)
	}}
	at := slices.IndexFunc(Targets(), func(t harness.Target) bool { return t.Name() == name })
	if at < 0 {
		t.Fatalf("there is no target %q", name)
	}
	c, err := Targets()[at].Start(context30(t), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, n := range c.Nodes() {
				if log, err := os.ReadFile(filepath.Join(logs, n.Name(), "node.log")); err == nil {
					t.Logf("log of %s:\n%s", n.Name(), log[max(0, len(log)-3000):])
				}
			}
		}
	})
	return c.(*Cluster)
}

// connect makes a client of the i-th node, closed with the test.
func connect(t testing.TB, c *Cluster, i int) *Client {
	t.Helper()
	client, err := c.Nodes()[i].Dial(context30(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client.(*Client)
}

// leader waits until a majority follows a leader other than not, and returns its position.
func leader(t testing.TB, c *Cluster, not string) int {
	t.Helper()
	for ctx := context30(t); ; {
		names, err := c.Leaders(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(names) == 1 && names[0] != not {
			return slices.Index(c.names(), names[0])
		}
	}
}

// others are the links between a node and all the rest, both ways.
func others(c *Cluster, name string) []harness.Link {
	var links []harness.Link
	for _, other := range c.names() {
		if other != name {
			links = append(links, harness.Link{From: name, To: other}, harness.Link{From: other, To: name})
		}
	}
	return links
}

// eventually repeats a call that may certainly fail while leaders change.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	for ctx := context30(t); ; {
		err := try()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func TestEveryNodeServesEveryOperation(t *testing.T) {
	t.Parallel()
	c := start(t, "raft", 3)
	ctx := context30(t)
	for i := range c.Nodes() {
		client := connect(t, c, i)
		if _, err := client.Write(ctx, "x", int64(i)); err != nil {
			t.Fatal(err)
		}
		for j := range c.Nodes() {
			value, found, revision, err := connect(t, c, j).Read(ctx, "x")
			if err != nil || !found || value != int64(i) || revision == 0 {
				t.Fatalf("read through node %d: %d %v at %d, %v", j, value, found, revision, err)
			}
		}
		if _, err := client.CompareAndSet(ctx, "x", int64(i), 100); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CompareAndSet(ctx, "x", int64(i), 101); !errors.Is(err, harness.ErrNotApplied) {
			t.Fatalf("a cas of a wrong value: %v", err)
		}
		if _, err := client.CompareAndSet(ctx, "nobody", 0, 1); !errors.Is(err, harness.ErrNotApplied) {
			t.Fatalf("a cas of no value: %v", err)
		}
		for _, key := range []string{"a", "b"} {
			if _, err := client.Append(ctx, key, int64(i)); err != nil {
				t.Fatal(err)
			}
			if _, err := client.AddMember(ctx, key, 7); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Increment(ctx, key, 2); err != nil {
				t.Fatal(err)
			}
		}
	}
	client := connect(t, c, 1)
	if list, _, err := client.List(ctx, "a"); err != nil || !slices.Equal(list, []int64{0, 1, 2}) {
		t.Errorf("list: %v %v", list, err)
	}
	if set, _, err := client.Members(ctx, "a"); err != nil || !slices.Equal(set, []int64{7}) {
		t.Errorf("set: %v %v", set, err)
	}
	if n, _, err := client.Counter(ctx, "b"); err != nil || n != 6 {
		t.Errorf("counter: %v %v", n, err)
	}
	if _, found, _, err := client.Read(ctx, "nobody"); err != nil || found {
		t.Errorf("a register that was never written: found %v, %v", found, err)
	}
}

func TestCutLeaderIsReplacedAndReadsNothingStale(t *testing.T) {
	t.Parallel()
	c := start(t, "raft", 3)
	ctx := context30(t)
	old := leader(t, c, "")
	name := c.names()[old]
	deposed := connect(t, c, old)
	if _, err := deposed.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Cut(ctx, others(c, name)); err != nil {
		t.Fatal(err)
	}
	next := leader(t, c, name)
	successor := connect(t, c, next)
	eventually(t, "write to the new leader", func() error {
		_, err := successor.Write(ctx, "x", 2)
		return err
	})
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if value, _, _, err := deposed.Read(short, "x"); err == nil {
		t.Errorf("the cut leader read %d", value)
	}
	if _, err := deposed.Write(short, "x", 3); err == nil {
		t.Error("the cut leader acknowledged a write")
	}
	if err := c.Mend(ctx, others(c, name)); err != nil {
		t.Fatal(err)
	}
	if err := c.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := deposed.Read(ctx, "x"); err != nil || value != 2 {
		t.Errorf("read after the mend: %d %v", value, err)
	}
}

func TestKilledNodesKeepTheirData(t *testing.T) {
	t.Parallel()
	c := start(t, "raft", 3)
	ctx := context30(t)
	client := connect(t, c, 0)
	if _, err := client.Write(ctx, "x", 5); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Members() {
		if err := n.Kill(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Write(ctx, "x", 6); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("write to a node that is down: %v", err)
	}
	for _, n := range c.Members() {
		if err := n.Restart(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	if value, found, _, err := client.Read(ctx, "x"); err != nil || !found || value != 5 {
		t.Errorf("read after all were killed: %d %v %v", value, found, err)
	}
}

func TestStoppedMinorityHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	c := start(t, "raft", 3)
	ctx := context30(t)
	lead := leader(t, c, "")
	follower := (lead + 1) % 3
	if err := c.Members()[follower].Kill(ctx); err != nil {
		t.Fatal(err)
	}
	client := connect(t, c, lead)
	for i := range int64(20) {
		if _, err := client.Append(ctx, "l", i); err != nil {
			t.Fatal(err)
		}
	}
	if list, _, err := client.List(ctx, "l"); err != nil || len(list) != 20 {
		t.Errorf("list: %v %v", list, err)
	}
}
