package containers_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/workloads"
)

// patience is how long what must come may take on a busy machine.
const patience = time.Minute

// notices are what a cluster had to tell.
type notices struct {
	mu  sync.Mutex
	all []string
}

func (n *notices) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, text)
}

func (n *notices) have(parts ...string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.all, func(text string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
	})
}

// start starts a cluster of our own servers in containers.
func start(t *testing.T, env harness.Env) harness.Cluster {
	t.Helper()
	containerstest.Need(t)
	env.Runtime, env.Run = harness.ContainerRuntime, "test"
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cluster, err := raftTarget().Start(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		nothingLeft(t, id(cluster))
	})
	return cluster
}

func id(cluster harness.Cluster) string { return cluster.(interface{ ID() string }).ID() }

// nothingLeft is the claim that nothing of a cluster is in the engine.
func nothingLeft(t *testing.T, id string) {
	t.Helper()
	left, err := containers.Leftovers(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		if l.ID == id {
			t.Errorf("left behind: %+v", l)
		}
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so within %v", what, patience)
		}
	}
}

func members(t *testing.T, cluster harness.Cluster) []*containers.Node {
	t.Helper()
	var all []*containers.Node
	for _, n := range cluster.Nodes() {
		all = append(all, n.(*containers.Node))
	}
	return all
}

func settled(t *testing.T, cluster harness.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.(harness.Settler).Settled(ctx); err != nil {
		t.Fatal(err)
	}
}

func register(t *testing.T, node harness.Node) workloads.RegisterClient {
	t.Helper()
	client, err := node.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client.(workloads.RegisterClient)
}

func TestStopLeavesNothingAndKeepsTheLogs(t *testing.T) {
	folder := t.TempDir()
	cluster := start(t, harness.Env{Nodes: 2, NodeDir: func(node string) (string, error) {
		dir := filepath.Join(folder, node)
		return dir, os.MkdirAll(dir, 0o755)
	}})
	if err := members(t, cluster)[0].Pause(t.Context()); err != nil { // a frozen node is in nobody's way
		t.Fatal(err)
	}
	if err := cluster.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, id(cluster))
	log, err := os.ReadFile(filepath.Join(folder, "n2", "raft.log"))
	if err != nil || !strings.Contains(string(log), "raft") {
		t.Errorf("the log of n2: %q, %v", log, err)
	}
}

func TestKilledNodeKeepsItsPlaceAndItsData(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 1})
	node := cluster.Nodes()[0].(*containers.Node)
	before := node.Address(7000)
	if _, err := register(t, node).Write(t.Context(), "k", 7); err != nil {
		t.Fatal(err)
	}
	if err := node.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Dial(t.Context()); err == nil {
		t.Error("a dead node was dialled")
	}
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled(t, cluster)
	if now := node.Address(7000); now != before {
		t.Errorf("the address was %s and is %s", before, now)
	}
	if value, found, _, err := register(t, node).Read(t.Context(), "k"); err != nil || !found || value != 7 {
		t.Errorf("after a kill: %d %v %v", value, found, err)
	}
}

func TestWipedNodeForgets(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 1})
	node := cluster.Nodes()[0].(*containers.Node)
	if err := node.Wipe(t.Context()); err == nil {
		t.Error("a node that runs was wiped")
	}
	if _, err := register(t, node).Write(t.Context(), "k", 7); err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{node.Kill, node.Wipe, node.Restart} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, cluster)
	if _, found, _, err := register(t, node).Read(t.Context(), "k"); err != nil || found {
		t.Errorf("after a wipe: found %v, %v", found, err)
	}
}

func TestMembershipChanges(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 3})
	changing := cluster.(harness.Members)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := register(t, cluster.Nodes()[0]).Write(ctx, "k", 7); err != nil {
		t.Fatal(err)
	}
	if err := changing.RemoveMember(ctx, "n3"); err != nil {
		t.Fatal(err)
	}
	if listed, err := changing.Members(ctx); err != nil || !slices.Equal(listed, []string{"n1", "n2"}) {
		t.Errorf("without n3: %v, %v", listed, err)
	}
	if err := changing.AddMember(ctx, "n3"); err != nil {
		t.Fatal(err)
	}
	settled(t, cluster)
	if listed, err := changing.Members(ctx); err != nil || !slices.Equal(listed, []string{"n1", "n2", "n3"}) {
		t.Errorf("with n3: %v, %v", listed, err)
	}
	if value, found, _, err := register(t, cluster.Nodes()[2]).Read(ctx, "k"); err != nil || !found || value != 7 {
		t.Errorf("from the node that came back: %d %v %v", value, found, err)
	}
}

func TestFullDisk(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 1, DiskLimit: 64 << 20})
	node := cluster.Nodes()[0].(*containers.Node)
	free := func() int64 {
		t.Helper()
		bytes, err := node.DiskSpace(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	if free() == 0 {
		t.Fatal("the disk is full from the beginning")
	}
	if err := node.FillDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bytes := free(); bytes != 0 {
		t.Errorf("%d bytes are free of a full disk", bytes)
	}
	if err := node.FreeDisk(t.Context()); err != nil {
		t.Fatal(err)
	}
	if free() == 0 {
		t.Error("the disk stays full")
	}
}

func TestNodeWithoutLimitedDiskSaysSo(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 1})
	if err := members(t, cluster)[0].FillDisk(t.Context()); err == nil || !strings.Contains(err.Error(), "no limit") {
		t.Errorf("filling it: %v", err)
	}
}

func TestTwoClustersDoNotMeet(t *testing.T) {
	one, other := start(t, harness.Env{Nodes: 1}), start(t, harness.Env{Nodes: 1})
	if _, err := register(t, one.Nodes()[0]).Write(t.Context(), "k", 7); err != nil {
		t.Fatal(err)
	}
	if _, found, _, err := register(t, other.Nodes()[0]).Read(t.Context(), "k"); err != nil || found {
		t.Errorf("in the other cluster: found %v, %v", found, err)
	}
	if err := one.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := register(t, other.Nodes()[0]).Write(t.Context(), "k", 8); err != nil {
		t.Errorf("stopping one hurt the other: %v", err)
	}
}

// broken is a Spec whose node does something else than serve.
func broken(command ...string) containers.Spec {
	return containers.Spec{
		Processes: func(containers.Member) []containers.Process {
			return []containers.Process{{Name: "server", Command: append([]string{containers.Program}, command...)}}
		},
		Ports: []int{7000},
		Ready: func(context.Context, *containers.Node) error { return context.DeadlineExceeded },
		Dial:  func(context.Context, *containers.Node) (harness.Client, error) { return nil, nil },
	}
}

func TestNodeThatEndsAtOnce(t *testing.T) {
	containerstest.Need(t)
	_, err := containers.Start(t.Context(), harness.Env{Nodes: 1, Run: "test"}, broken("node", "raft", "-nonsense"))
	if err == nil {
		t.Fatal("it started")
	}
	for _, part := range []string{"server of n1", "exit code 4", "-nonsense"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
}

// A server that needs more memory than it may have is killed by the kernel, and that is what is told.
func TestNodeOutOfMemory(t *testing.T) {
	containerstest.Need(t)
	var history strings.Builder // to judge it takes tens of megabytes
	for i := range 200_000 {
		fmt.Fprintf(&history, `{"i":%d,"t":%d,"p":0,"type":"%s","f":"write","k":"x","v":%d}`+"\n",
			i, i, []string{"invoke", "ok"}[i%2], i/2)
	}
	spec := broken("check", "/history.jsonl")
	processes := spec.Processes
	spec.Processes = func(m containers.Member) []containers.Process {
		all := processes(m)
		all[0].Files = map[string]string{"/history.jsonl": history.String()}
		return all
	}
	spec.Memory = 6 << 20
	_, err := containers.Start(t.Context(), harness.Env{Nodes: 1, Run: "test"}, spec)
	if err == nil {
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("the error does not tell why:\n%v", err)
	}
}

func TestStartGivesUpAndLeavesNothing(t *testing.T) {
	containerstest.Need(t)
	before, err := containers.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// a node that runs and is never ready, given up on in each phase of starting
	for _, limit := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, time.Second, 3 * time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err := containers.Start(ctx, harness.Env{Nodes: 1, Run: "test"},
			broken("node", containers.IdleService))
		cancel()
		if err == nil {
			t.Fatal("it started")
		}
	}
	after, err := containers.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine := func(l containers.Leftover) bool { return l.PID == os.Getpid() && !slices.Contains(before, l) }
	if i := slices.IndexFunc(after, mine); i >= 0 {
		t.Errorf("left behind: %+v", after[i])
	}
}

func TestNodeThatEndsByItselfIsNoticed(t *testing.T) {
	var told notices
	cluster := start(t, harness.Env{Nodes: 2, Notice: told.add})
	nodes := members(t, cluster)
	if err := nodes[0].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := containers.KillBehindItsBack(t.Context(), nodes[1]); err != nil {
		t.Fatal(err)
	}
	until(t, "the notice", func() bool { return told.have("raft of n2 ended by itself", "137") })
	if told.have("of n1 ended") {
		t.Error("a node that was told to end was noticed")
	}
	v, err := nodes[1].Vitals(t.Context())
	if err != nil || v.State != harness.Dead || !v.ByItself {
		t.Errorf("vitals: %+v, %v", v, err)
	}
}

// Without its sandbox a node has no address: whatever is recorded from then on says nothing about the server.
func TestAClusterWithoutASandboxIsLost(t *testing.T) {
	lost := make(chan error, 1)
	cluster := start(t, harness.Env{Nodes: 1, Lost: func(err error) { lost <- err }})
	if err := containers.KillSandbox(t.Context(), members(t, cluster)[0]); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-lost:
		if !strings.Contains(err.Error(), "the sandbox of n1 ended") || !strings.Contains(err.Error(), "\n  do     ") {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("nobody noticed")
	}
}

// A harness that is killed, or crashes, leaves nothing behind: its warden sees to that.
func TestWardenCleansUpAfterTheHarness(t *testing.T) {
	containerstest.Need(t)
	for _, how := range []string{"kill", "panic"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), crashVariable+"="+how)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			word, id, _ := strings.Cut(lines.Text(), " ")
			if how == "kill" {
				_ = cmd.Process.Kill()
			}
			_ = cmd.Wait()
			if word != "started" {
				t.Fatalf("the harness said %q", lines.Text())
			}
			until(t, "nothing is left", func() bool {
				left, err := containers.Leftovers(t.Context())
				return err == nil && !slices.ContainsFunc(left, func(l containers.Leftover) bool { return l.ID == id })
			})
		})
	}
}

func TestCleanSparesTheLiving(t *testing.T) {
	cluster := start(t, harness.Env{Nodes: 1})
	left, err := containers.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(left, func(l containers.Leftover) bool { return l.ID == id(cluster) })
	if i < 0 || !left[i].Alive || left[i].PID != os.Getpid() {
		t.Fatalf("a cluster of this process: %+v", left)
	}
	swept, err := containers.Clean(t.Context(), id(cluster))
	if err != nil || swept != (containers.Swept{Containers: 2, Networks: 1, Volumes: 1}) {
		t.Errorf("cleaned anyway: %v, %v", swept, err)
	}
}

func TestExamination(t *testing.T) {
	containerstest.Need(t)
	found, err := containers.Examine(t.Context(), harness.Env{Run: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if found.Engine == nil || found.Engine.Version == "" || found.Sandbox == 0 {
		t.Errorf("it says too little: %+v", found)
	}
	for name, why := range found.Processes {
		if why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
	if len(found.Processes) != 5 || len(found.Network) < 7 {
		t.Errorf("not all was tried: %v %v", found.Processes, found.Network)
	}
}
