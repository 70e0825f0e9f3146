package inmem_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/inmem"
)

// started starts a cluster that the test stops when it ends.
func started(t *testing.T, nodes int, seed uint64, o inmem.Options) *rig {
	t.Helper()
	cluster, err := inmem.New(o).Start(t.Context(), harness.Env{Nodes: nodes, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, cluster: cluster}
	t.Cleanup(func() { r.must(cluster.Stop(context.Background())) })
	return r
}

// rig is a cluster with short words for what tests do to it.
type rig struct {
	t       *testing.T
	cluster harness.Cluster
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// node returns a node by name.
func (r *rig) node(name string) harness.Node {
	r.t.Helper()
	for _, n := range r.cluster.Nodes() {
		if n.Name() == name {
			return n
		}
	}
	r.t.Fatalf("no node %q", name)
	return nil
}

func (r *rig) dial(name string) *inmem.Client {
	r.t.Helper()
	c, err := r.node(name).Dial(r.t.Context())
	r.must(err)
	return c.(*inmem.Client)
}

// within gives a call a second.
func (r *rig) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) leader() string {
	r.t.Helper()
	for range 1000 {
		leaders, err := r.cluster.(harness.Leaders).Leaders(r.t.Context())
		r.must(err)
		if len(leaders) == 1 {
			return leaders[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("no leader in ten seconds")
	return ""
}

// others returns the names of all nodes but these.
func (r *rig) others(not ...string) []string {
	var names []string
	for _, n := range r.cluster.Nodes() {
		if !slices.Contains(not, n.Name()) {
			names = append(names, n.Name())
		}
	}
	return names
}

// between returns the links from one group to the other and back.
func between(left, right []string) []harness.Link {
	var links []harness.Link
	for _, l := range left {
		for _, r := range right {
			links = append(links, harness.Link{From: l, To: r}, harness.Link{From: r, To: l})
		}
	}
	return links
}

func (r *rig) cut(links []harness.Link) {
	r.t.Helper()
	r.must(r.cluster.(harness.Network).Cut(r.t.Context(), links))
}

func (r *rig) mend(links []harness.Link) {
	r.t.Helper()
	r.must(r.cluster.(harness.Network).Mend(r.t.Context(), links))
}

// settled waits until every node is current.
func (r *rig) settled() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	r.must(r.cluster.(harness.Settler).Settled(ctx))
}

// reads fails unless the node answers with the value; -1 stands for a key that was never written.
func (r *rig) reads(name string, want int64) {
	r.t.Helper()
	got, found, _, err := r.dial(name).Read(r.within(), "k")
	if r.must(err); !found {
		got = -1
	}
	if got != want {
		r.t.Errorf("%s reads %d, want %d", name, got, want)
	}
}

func TestEveryMethod(t *testing.T) {
	for _, o := range []inmem.Options{{}, {Instant: true}} {
		synctest.Test(t, func(t *testing.T) {
			r := started(t, 3, 1, o)
			c := r.dial("n2")
			r.reads("n1", -1)
			wrote, err := c.Write(r.within(), "k", 7)
			r.must(err)
			r.reads("n3", 7)
			swapped, err := c.CompareAndSet(r.within(), "k", 7, 8)
			r.must(err)
			if swapped <= wrote {
				t.Errorf("revision %d follows %d", swapped, wrote)
			}
			for _, key := range []string{"k", "never written"} {
				if _, err = c.CompareAndSet(r.within(), key, 7, 9); !errors.Is(err, harness.ErrUnmet) {
					t.Errorf("a compare-and-set of %q that does not match: %v, want one that wraps ErrUnmet", key, err)
				}
			}
			r.reads("n1", 8)
			for _, element := range []int64{5, 3, 5} {
				_, err = c.Append(r.within(), "k", element)
				r.must(err)
				_, err = c.AddMember(r.within(), "k", element)
				r.must(err)
			}
			list, at, err := r.dial("n1").List(r.within(), "k")
			if r.must(err); !slices.Equal(list, []int64{5, 3, 5}) || at <= swapped {
				t.Errorf("the list is %v at %d, want [5 3 5] after %d", list, at, swapped)
			}
			list[0] = 99 // the caller's own
			set, _, err := r.dial("n3").Members(r.within(), "k")
			if r.must(err); !slices.Equal(set, []int64{5, 3}) {
				t.Errorf("the set is %v, want [5 3]", set)
			}
			if list, _, err = c.List(r.within(), "k"); !slices.Equal(list, []int64{5, 3, 5}) {
				t.Errorf("the list is now %v (%v)", list, err)
			}
			if list, _, err = c.List(r.within(), "empty"); err != nil || list == nil || len(list) > 0 {
				t.Errorf("an empty list is %#v (%v)", list, err)
			}
			if set, _, err = c.Members(r.within(), "empty"); err != nil || set == nil || len(set) > 0 {
				t.Errorf("an empty set is %#v (%v)", set, err)
			}
		})
	}
}

func TestWriteSurvivesKilledLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 5, 1, inmem.Options{})
		first := r.leader()
		_, err := r.dial(first).Write(r.within(), "k", 1)
		r.must(err)
		r.must(r.node(first).(harness.Killer).Kill(t.Context()))
		if _, err := r.node(first).Dial(t.Context()); err == nil {
			t.Error("a dead node accepts a connection")
		}
		time.Sleep(time.Second)
		second := r.leader()
		if second == first {
			t.Fatalf("%s is dead and leads", first)
		}
		r.reads(second, 1)
		r.must(r.node(first).(harness.Killer).Restart(t.Context()))
		r.settled()
		r.reads(first, 1)
	})
}

func TestAllDataIsBackAfterAllWereKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		_, err := r.dial("n1").Write(r.within(), "k", 1)
		r.must(err)
		for _, n := range r.cluster.Nodes() {
			r.must(n.(harness.Killer).Kill(t.Context()))
		}
		for _, n := range r.cluster.Nodes() {
			r.must(n.(harness.Killer).Restart(t.Context()))
		}
		r.settled()
		r.reads("n2", 1)
	})
}

func TestKillBreaksOpenCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		leader := r.leader()
		links := between([]string{leader}, r.others(leader))
		r.cut(links)
		c := r.dial(leader)
		failed := make(chan error, 1)
		go func() {
			_, err := c.Write(r.within(), "k", 1)
			failed <- err
		}()
		time.Sleep(10 * time.Millisecond)
		r.must(r.node(leader).(harness.Killer).Kill(t.Context()))
		err := <-failed
		if err == nil || errors.Is(err, harness.ErrNotApplied) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a write whose connection broke: %v, want an error that says that nobody knows", err)
		}
		if _, err := c.Write(r.within(), "k", 2); !errors.Is(err, harness.ErrNotApplied) {
			t.Errorf("a write to a dead node: %v, want one that wraps ErrNotApplied", err)
		}
	})
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 5, 3, inmem.Options{})
		old := r.leader()
		minority := []string{old, r.others(old)[0]}
		majority := r.others(minority...)
		links := between(minority, majority)
		_, err := r.dial(old).Write(r.within(), "k", 1)
		r.must(err)
		r.cut(links)
		time.Sleep(2 * time.Second)
		now := r.leader()
		if !slices.Contains(majority, now) {
			t.Fatalf("%s leads, which is not one of the majority %v", now, majority)
		}
		_, err = r.dial(majority[0]).Write(r.within(), "k", 2)
		r.must(err)
		r.reads(majority[1], 2)
		for _, name := range minority {
			if _, _, _, err := r.dial(name).Read(r.within(), "k"); err == nil {
				t.Errorf("%s is cut off and answers a read", name)
			}
			if _, err := r.dial(name).Write(r.within(), "k", 3); err == nil {
				t.Errorf("%s is cut off and acknowledges a write", name)
			}
		}
		traffic, err := r.cluster.(harness.Network).Traffic(t.Context())
		r.must(err)
		if held := traffic[harness.Link{From: old, To: majority[0]}].Held; held == 0 {
			t.Error("the cut link held nothing")
		}
		if passed := traffic[harness.Link{From: now, To: r.others(append(minority, now)...)[0]}].Passed; passed == 0 {
			t.Error("the leader's link to its follower passed nothing")
		}
		r.mend(links)
		r.settled()
		for _, name := range minority {
			r.reads(name, 2)
		}
	})
}

// TestOneWayCut: a follower that hears nobody must not depose the leader that the others hear.
func TestOneWayCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		leader := r.leader()
		deaf := r.others(leader)[0]
		links := []harness.Link{{From: leader, To: deaf}, {From: r.others(leader, deaf)[0], To: deaf}}
		r.cut(links)
		for i := range 20 {
			if _, err := r.dial(leader).Write(r.within(), "k", int64(i)); err != nil {
				t.Errorf("write %d: %v", i, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		r.mend(links)
		r.settled()
		r.reads(deaf, 19)
	})
}

func TestCutsNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		leader := r.leader()
		links := between([]string{leader}, r.others(leader))
		r.cut(links)
		r.cut(links)
		r.mend(links)
		if _, err := r.dial(leader).Write(r.within(), "k", 1); err == nil {
			t.Error("the links were cut twice and mended once, and the leader still commits")
		}
		r.mend(links)
		r.settled()
		if err := r.cluster.(harness.Network).Mend(t.Context(), links[:1]); err == nil {
			t.Error("a link that is not cut was mended")
		}
		for _, link := range []harness.Link{{From: "n1", To: "n9"}, {From: "n1", To: "n1"}} {
			err := r.cluster.(harness.Network).Cut(t.Context(), []harness.Link{{From: "n1", To: "n2"}, link})
			if err == nil {
				t.Errorf("%v was cut", link)
			}
		}
		if err := r.cluster.(harness.Network).Mend(t.Context(), []harness.Link{{From: "n1", To: "n2"}}); err == nil {
			t.Error("a cut that failed left a link cut")
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		leader := r.leader()
		before, err := r.node(leader).(harness.Vitals).Vitals(t.Context())
		r.must(err)
		r.must(r.node(leader).(harness.Pauser).Pause(t.Context()))
		if _, _, _, err := r.dial(leader).Read(r.within(), "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a read of a paused node: %v, want the end of its context", err)
		}
		if next := r.leader(); next == leader {
			t.Errorf("%s is paused and still leads after a second", leader)
		}
		r.must(r.node(leader).(harness.Pauser).Resume(t.Context()))
		r.settled()
		r.reads(leader, -1)
		after, err := r.node(leader).(harness.Vitals).Vitals(t.Context())
		if r.must(err); before != after || after.State != harness.Running {
			t.Errorf("vitals were %v and are %v", before, after)
		}
	})
}

func TestVitalsAndWrongOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		n := r.node("n2")
		killer, pauser := n.(harness.Killer), n.(harness.Pauser)
		vital := func() harness.Vital {
			v, err := n.(harness.Vitals).Vitals(t.Context())
			r.must(err)
			return v
		}
		first := vital()
		for _, err := range []error{killer.Restart(t.Context()), pauser.Resume(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "n2") {
				t.Errorf("an order that makes no sense to a running node: %v", err)
			}
		}
		r.must(pauser.Pause(t.Context()))
		if v := vital(); v.State != harness.Paused || v.PID != first.PID || pauser.Pause(t.Context()) == nil {
			t.Errorf("paused: %v, and can be paused again", v)
		}
		r.must(killer.Kill(t.Context()))
		if v := vital(); v.State != harness.Dead || v.PID != 0 || killer.Kill(t.Context()) == nil ||
			pauser.Resume(t.Context()) == nil {
			t.Errorf("dead: %v, and can be killed or resumed", v)
		}
		r.must(killer.Restart(t.Context()))
		if v := vital(); v.State != harness.Running || v.PID == first.PID {
			t.Errorf("restarted: %v, was %v", v, first)
		}
		r.settled()
	})
}

func TestShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		leader := r.leader()
		links := between([]string{leader}, r.others(leader))
		shaper := r.cluster.(harness.Shaper)
		timed := func() time.Duration {
			began := time.Now()
			_, err := r.dial(leader).Write(r.within(), "k", 1)
			r.must(err)
			return time.Since(began)
		}
		r.must(shaper.Shape(t.Context(), links, harness.Shaping{Delay: 40 * time.Millisecond, Jitter: 5 * time.Millisecond}))
		if took := timed(); took < 70*time.Millisecond {
			t.Errorf("with 40±5 ms each way a write takes %s", took)
		}
		traffic, err := shaper.Traffic(t.Context())
		if r.must(err); traffic[links[0]].Delayed == 0 || traffic[links[0]].Delayed >= traffic[links[0]].Passed {
			t.Errorf("%v delayed %d of %d bytes", links[0], traffic[links[0]].Delayed, traffic[links[0]].Passed)
		}
		r.must(shaper.Unshape(t.Context(), links))
		timed() // queues behind what is still late
		if took := timed(); took > 20*time.Millisecond {
			t.Errorf("without delay a write takes %s", took)
		}
		r.must(shaper.Shape(t.Context(), links, harness.Shaping{Reset: true}))
		traffic, err = shaper.Traffic(t.Context())
		if r.must(err); traffic[links[0]].Resets != 1 {
			t.Errorf("%v has %d resets, want 1", links[0], traffic[links[0]].Resets)
		}
		r.must(shaper.Unshape(t.Context(), links))
		timed()
		r.settled()
	})
}

func TestLogs(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cluster, err := inmem.Target{}.Start(t.Context(), harness.Env{Nodes: 3, NodeDir: func(node string) (string, error) {
			path := filepath.Join(dir, node)
			return path, os.MkdirAll(path, 0o755)
		}})
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, cluster: cluster}
		leader := r.leader()
		live, err := cluster.(harness.Logs).Logs(t.Context(), leader)
		r.must(err)
		text, err := io.ReadAll(live)
		if r.must(err); !strings.Contains(string(text), "leads") {
			t.Errorf("the log of %s does not say that it leads:\n%s", leader, text)
		}
		r.must(cluster.Stop(t.Context()))
		r.must(cluster.Stop(t.Context()))
		kept, err := os.ReadFile(filepath.Join(dir, leader, "node.log"))
		if r.must(err); string(kept) != string(text) {
			t.Errorf("kept:\n%s\nlive:\n%s", kept, text)
		}
		if _, err := cluster.(harness.Logs).Logs(t.Context(), "n9"); err == nil {
			t.Error("a node that does not exist has a log")
		}
	})
}

func TestStartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, bug := range []inmem.Bug{inmem.FailStart, inmem.NeverReady} {
			cluster, err := inmem.New(inmem.Options{Bug: bug}).Start(ctx, harness.Env{Nodes: 3})
			if err == nil || cluster != nil || errors.Is(err, context.DeadlineExceeded) != (bug == inmem.NeverReady) {
				t.Errorf("%s: %v, %v", bug, cluster, err)
			}
		}
		if _, err := (inmem.Target{}).Start(t.Context(), harness.Env{}); err == nil {
			t.Error("a cluster without nodes was started")
		}
		if _, err := (inmem.Target{}).Start(ctx, harness.Env{Nodes: 3}); err == nil {
			t.Error("a cluster was started with a context that is over")
		}
	})
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, err := inmem.New(inmem.Options{Bug: inmem.Hang}).Start(t.Context(), harness.Env{Nodes: 3})
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, cluster: cluster}
		c := r.dial("n1")
		returned := make(chan struct{})
		go func() {
			defer close(returned)
			for {
				if _, err := c.Write(r.within(), "k", 1); err != nil {
					return
				}
			}
		}()
		select {
		case <-returned:
			t.Error("no call hung")
		case <-time.After(time.Minute):
		}
		r.must(cluster.Stop(t.Context()))
		<-returned
	})
}

// TestBugsShow plays for each bug the smallest scene in which it shows, on the bug and on the clean target.
func TestBugsShow(t *testing.T) {
	for bug, scene := range map[inmem.Bug]func(*rig) bool{
		inmem.StaleReads: func(r *rig) bool {
			behind := r.others(r.leader())[0]
			r.cut(between([]string{behind}, r.others(behind)))
			_, err := r.dial(r.leader()).Write(r.within(), "k", 1)
			r.must(err)
			_, found, _, err := r.dial(behind).Read(r.within(), "k")
			return err == nil && !found
		},
		inmem.LeaderReads: func(r *rig) bool {
			old := r.leader()
			r.cut(between([]string{old}, r.others(old)))
			for range 200 { // the old leader gives up by and by
				time.Sleep(2 * time.Millisecond)
				leaders, _ := r.cluster.(harness.Leaders).Leaders(r.t.Context())
				if len(leaders) == 0 || leaders[0] == old {
					continue
				}
				_, err := r.dial(leaders[0]).Write(r.within(), "k", 1)
				r.must(err)
				_, found, _, err := r.dial(old).Read(r.within(), "k")
				return err == nil && !found
			}
			r.t.Fatal("no new leader")
			return false
		},
		inmem.EarlyAck: func(r *rig) bool {
			old := r.leader()
			links := between([]string{old}, r.others(old))
			r.cut(links)
			_, err := r.dial(old).Write(r.within(), "k", 1)
			time.Sleep(time.Second)
			r.mend(links)
			r.settled()
			_, found, _, readErr := r.dial(old).Read(r.within(), "k")
			r.must(readErr)
			return err == nil && !found
		},
		inmem.Forget: func(r *rig) bool {
			_, err := r.dial("n1").Write(r.within(), "k", 1)
			r.must(err)
			for _, n := range r.cluster.Nodes() {
				r.must(n.(harness.Killer).Kill(r.t.Context()))
				r.must(n.(harness.Killer).Restart(r.t.Context()))
			}
			r.settled()
			_, found, _, err := r.dial("n1").Read(r.within(), "k")
			r.must(err)
			return !found
		},
		inmem.DoubleApply: func(r *rig) bool {
			for i := range int64(200) {
				_, err := r.dial("n1").Append(r.within(), "k", i)
				r.must(err)
			}
			time.Sleep(time.Second)
			list, _, err := r.dial("n1").List(r.within(), "k")
			r.must(err)
			return len(list) > 200
		},
		inmem.LostAppend: func(r *rig) bool {
			var both sync.WaitGroup
			for i, name := range []string{"n1", "n2", "n3"} {
				c := r.dial(name)
				both.Go(func() {
					_, err := c.Append(r.within(), "k", int64(i))
					r.must(err)
				})
			}
			both.Wait()
			list, _, err := r.dial("n1").List(r.within(), "k")
			r.must(err)
			return len(list) < 3
		},
		inmem.SplitBrain: func(r *rig) bool {
			r.cut(between([]string{"n1"}, r.others("n1")))
			time.Sleep(2 * time.Second)
			_, err := r.dial("n1").Write(r.within(), "k", 1)
			return err == nil
		},
		inmem.TornCAS: func(r *rig) bool {
			_, err := r.dial("n1").Write(r.within(), "k", 0)
			r.must(err)
			won := make(chan bool)
			for i, n := range r.cluster.Nodes() {
				c := r.dial(n.Name())
				go func() {
					_, err := c.CompareAndSet(r.within(), "k", 0, int64(i+1))
					won <- err == nil
				}()
			}
			winners := 0
			for range r.cluster.Nodes() {
				if <-won {
					winners++
				}
			}
			return winners > 1
		},
	} {
		for _, o := range []inmem.Options{{Bug: bug}, {}} {
			synctest.Test(t, func(t *testing.T) {
				if shows := scene(started(t, 5, 1, o)); shows != (o.Bug != "") {
					t.Errorf("%s on %s: shows is %v", bug, inmem.New(o).Name(), shows)
				}
			})
		}
	}
}

func TestTargets(t *testing.T) {
	seen := make(map[string]bool)
	for i, target := range inmem.Targets() {
		about := target.(harness.Describer).About()
		if seen[target.Name()] || (about.Bug == "") != (i == 0) || about.Claim != harness.Linearizable ||
			about.Summary == "" || about.Recommended.Workload == "" {
			t.Errorf("%s: %+v", target.Name(), about)
		}
		seen[target.Name()] = true
	}
	if !seen["inmem"] || !seen["inmem/stale-reads"] || !seen["inmem/torn-cas"] {
		t.Errorf("the catalogue is %v", seen)
	}
}

// trace runs clients under faults for ten seconds and returns every line of what they saw, with its time.
func trace(t *testing.T, seed uint64) string {
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 5, seed, inmem.Options{})
		began := time.Now()
		var mu sync.Mutex
		var clients sync.WaitGroup
		for worker := range 10 {
			name := r.cluster.Nodes()[worker%5].Name()
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			clients.Go(func() {
				time.Sleep(time.Duration(rng.Int64N(int64(time.Millisecond))))
				for i := 0; time.Since(began) < 10*time.Second; i++ {
					ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
					node := r.node(name)
					client, err := node.Dial(ctx)
					var value, at int64
					if err == nil {
						c := client.(*inmem.Client)
						if i%2 == 0 {
							at, err = c.Write(ctx, "k", int64(i))
						} else {
							value, _, at, err = c.Read(ctx, "k")
						}
					}
					cancel()
					mu.Lock()
					fmt.Fprintln(&text, time.Since(began), worker, i, value, at, err)
					mu.Unlock()
					if err != nil {
						time.Sleep(time.Duration(rng.Int64N(int64(20 * time.Millisecond))))
					}
				}
			})
		}
		time.Sleep(time.Second)
		links := between([]string{"n1", "n2"}, []string{"n3", "n4", "n5"})
		r.cut(links)
		time.Sleep(time.Second)
		r.must(r.node("n4").(harness.Killer).Kill(t.Context()))
		time.Sleep(time.Second)
		r.mend(links)
		r.must(r.node("n4").(harness.Killer).Restart(t.Context()))
		time.Sleep(time.Second)
		leader := r.leader()
		r.must(r.node(leader).(harness.Pauser).Pause(t.Context()))
		time.Sleep(time.Second)
		r.must(r.node(leader).(harness.Pauser).Resume(t.Context()))
		clients.Wait()
	})
	return text.String()
}

func TestSeedIsReproduction(t *testing.T) {
	traces := make(map[string]uint64)
	for seed := range uint64(3) {
		first, second := trace(t, seed), trace(t, seed)
		if first != second {
			a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					t.Fatalf("seed %d: line %d differs:\n%s\n%s", seed, i, a[i], b[i])
				}
			}
			t.Fatalf("seed %d: %d and %d lines", seed, len(a), len(b))
		}
		if lines := strings.Count(first, "\n"); lines < 1000 {
			t.Errorf("seed %d: only %d lines", seed, lines)
		}
		traces[first] = seed
	}
	if len(traces) != 3 {
		t.Error("two seeds have the same history")
	}
}

// TestInRealTime: nothing but the speed is different outside of a bubble.
func TestInRealTime(t *testing.T) {
	r := started(t, 3, 1, inmem.Options{})
	leader := r.leader()
	_, err := r.dial(r.others(leader)[0]).Write(r.within(), "k", 1)
	r.must(err)
	r.must(r.node(leader).(harness.Killer).Kill(t.Context()))
	next := leader
	for next == leader {
		time.Sleep(10 * time.Millisecond)
		next = r.leader()
	}
	r.reads(next, 1)
}
