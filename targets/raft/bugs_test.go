package raft

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"github.com/capsize-dev/capsize/harness"
)

// deposed cuts the leader of a cluster off, writes 2 over 1 through its successor and returns a client of the cut
// node.
func deposed(t *testing.T, c *Cluster) *Client {
	t.Helper()
	ctx := context30(t)
	old := leader(t, c, "")
	client := connect(t, c, old)
	if _, err := client.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	if value, _, _, err := client.Read(ctx, "x"); err != nil || value != 1 {
		t.Fatalf("read %d: %v", value, err)
	}
	name := c.names()[old]
	if err := c.Cut(ctx, others(c, name)); err != nil {
		t.Fatal(err)
	}
	successor := connect(t, c, leader(t, c, name))
	eventually(t, "write to the new leader", func() error {
		_, err := successor.Write(ctx, "x", 2)
		return err
	})
	return client
}

// The bugs of reads: after another leader has acknowledged a write, the cut node still answers with the value before.
// TestCutLeaderIsReplacedAndReadsNothingStale is the same for the clean target.
func TestBugsOfReadsAnswerStale(t *testing.T) {
	for _, name := range []string{"raft/local-reads", "raft/leader-reads", "raft/lease", "raft/reads=local"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, name, 3)
			if value, found, _, err := deposed(t, c).Read(context30(t), "x"); err != nil || !found || value != 1 {
				t.Errorf("the cut node read %d %v (%v), expected the stale 1", value, found, err)
			}
		})
	}
}

// A node that is cut off says that the value is not 2, though it is: it has not heard of it. The clean target's does not
// answer.
func TestStaleCASIsRefusedByWhoeverIsAsked(t *testing.T) {
	for name, want := range map[string]bool{"raft": false, "raft/stale-cas": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := deposed(t, start(t, name, 3))
			short, cancel := context.WithTimeout(context30(t), 4*time.Second)
			defer cancel()
			if _, err := client.CompareAndSet(short, "x", 2, 3); err == nil || errors.Is(err, harness.ErrUnmet) != want {
				t.Errorf("%v, expected unmet %v", err, want)
			}
		})
	}
}

func TestEarlyAckIsLost(t *testing.T) {
	t.Parallel()
	c := start(t, "raft/early-ack", 3)
	ctx := context30(t)
	old := leader(t, c, "")
	client, name := connect(t, c, old), c.names()[old]
	if err := c.Cut(ctx, others(c, name)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AddMember(ctx, "s", 7); err != nil {
		t.Fatalf("a leader that was just cut off refused: %v", err)
	}
	successor := connect(t, c, leader(t, c, name))
	eventually(t, "write to the new leader", func() error {
		_, err := successor.AddMember(ctx, "s", 8)
		return err
	})
	if err := errors.Join(c.Mend(ctx, others(c, name)), c.Settled(ctx)); err != nil {
		t.Fatal(err)
	}
	if set, _, err := successor.Members(ctx, "s"); err != nil || !slices.Equal(set, []int64{8}) {
		t.Errorf("after the mend: %v (%v), expected the acknowledged 7 to be lost", set, err)
	}
}

func TestForgetfulLosesEverything(t *testing.T) {
	t.Parallel()
	c := start(t, "raft/forgetful", 3)
	ctx := context30(t)
	client := connect(t, c, 0)
	if _, err := client.Write(ctx, "x", 1); err != nil {
		t.Fatal(err)
	}
	for _, act := range []func(harness.Killer) error{
		func(k harness.Killer) error { return k.Kill(ctx) },
		func(k harness.Killer) error { return k.Restart(ctx) },
	} {
		for _, n := range c.Members() {
			if err := act(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	if value, found, _, err := client.Read(ctx, "x"); err != nil || found {
		t.Errorf("after all were killed: %d %v (%v), expected nothing", value, found, err)
	}
}

// A follower whose leader's answers are held submits the write again.
func TestDoubleApplyAppendsTwice(t *testing.T) {
	for name, want := range map[string][]int64{"raft": {7}, "raft/double-apply": {7, 7}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, name, 3)
			ctx := context30(t)
			lead := leader(t, c, "")
			follower := (lead + 1) % 3
			client := connect(t, c, follower)
			if _, err := client.Append(ctx, "warm", 1); err != nil { // the connection to the leader is made
				t.Fatal(err)
			}
			cut := []harness.Link{{From: c.names()[lead], To: c.names()[follower]}}
			if err := c.Cut(ctx, cut); err != nil {
				t.Fatal(err)
			}
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			if _, err := client.Append(short, "l", 7); err == nil || errors.Is(err, harness.ErrNotApplied) {
				t.Errorf("an append whose answer was held: %v, expected that nobody knows", err)
			}
			if err := errors.Join(c.Mend(ctx, cut), c.Settled(ctx)); err != nil {
				t.Fatal(err)
			}
			if list, _, err := client.List(ctx, "l"); err != nil || !slices.Equal(list, want) {
				t.Errorf("the list is %v (%v), expected %v", list, err, want)
			}
		})
	}
}

// A node that is cut off acknowledges nothing, unless it makes an island.
func TestSplitBrainAcknowledgesOnTheMinority(t *testing.T) {
	for _, name := range []string{"raft", "raft/split-brain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, name, 3)
			ctx := context30(t)
			alone := (leader(t, c, "") + 1) % 3
			client, cut := connect(t, c, alone), others(c, c.names()[alone])
			if err := c.Cut(ctx, cut); err != nil {
				t.Fatal(err)
			}
			if name == "raft" {
				short, cancel := context.WithTimeout(ctx, 4*time.Second)
				defer cancel()
				for short.Err() == nil {
					if _, err := client.Write(short, "x", 1); err == nil {
						t.Fatal("a node that was cut off acknowledged a write")
					}
				}
				return
			}
			acknowledged := int64(0)
			eventually(t, "write on the island", func() error {
				acknowledged++ // an earlier try may have been held by the cut, and still come
				_, err := client.Write(ctx, "x", acknowledged)
				return err
			})
			if value, _, _, err := client.Read(ctx, "x"); err != nil || value != acknowledged {
				t.Errorf("read on the island: %d (%v), expected %d", value, err, acknowledged)
			}
			if err := errors.Join(c.Mend(ctx, cut), c.Settled(ctx)); err != nil {
				t.Fatal(err)
			}
			eventually(t, "read after the mend", func() error {
				value, _, _, err := client.Read(ctx, "x")
				if value == acknowledged {
					return errors.New("still on the island")
				}
				return err
			})
		})
	}
}

// decided are the states after two requests were prepared before either was applied.
func decided(t *testing.T, n *node, first, second request) (refused int) {
	t.Helper()
	var commands []command
	for _, req := range []request{first, second} {
		c, refusal := n.prepare(req)
		if refusal != nil {
			t.Fatalf("refused: %+v", refusal)
		}
		commands = append(commands, c)
	}
	for i, c := range commands {
		if a := n.state.Apply(entry(t, uint64(i+10), c)).(applied); a.mismatch != "" {
			refused++
		}
	}
	return refused
}

func TestTornCASLetsBothSucceed(t *testing.T) {
	for torn, want := range map[bool]int{false: 1, true: 0} {
		n := &node{state: newState()}
		n.bugs.tornCAS = torn
		n.state.Apply(entry(t, 1, command{Op: opWrite, Key: "x", Value: 1}))
		first, second := request{Op: opCAS, Key: "x", Old: 1, Value: 2}, request{Op: opCAS, Key: "x", Old: 1, Value: 3}
		refused := decided(t, n, first, second)
		if refused != want {
			t.Errorf("torn %v: %d of two concurrent cas were refused, expected %d", torn, refused, want)
		}
	}
	n := &node{state: newState()}
	n.bugs.tornCAS = true
	if _, refusal := n.prepare(request{Op: opCAS, Key: "x"}); refusal == nil || refusal.Outcome != notApplied {
		t.Errorf("a torn cas of nothing: %+v", refusal)
	}
}

func TestLostAppendForgetsTheOther(t *testing.T) {
	for lost, want := range map[bool][]int64{false: {1, 2, 3}, true: {1, 3}} {
		n := &node{state: newState()}
		n.bugs.lostAppend = lost
		n.state.Apply(entry(t, 1, command{Op: opAppend, Key: "l", Value: 1}))
		decided(t, n, request{Op: opAppend, Key: "l", Value: 2}, request{Op: opAppend, Key: "l", Value: 3})
		if list := n.state.read(request{Op: opList, Key: "l"}).Elements; !slices.Equal(list, want) {
			t.Errorf("lost %v: %v, expected %v", lost, list, want)
		}
	}
}

func TestEveryPlantedBugHasASwitchAndARecipe(t *testing.T) {
	for _, b := range planted() {
		on, err := parseBug(b.name)
		if err != nil || on == (bugs{}) {
			t.Errorf("%s: %v", b.name, err)
		}
		if b.line == "" || b.catch.Workload == "" || b.catch.Nemesis == "" {
			t.Errorf("%s: nothing says what catches it", b.name)
		}
	}
	if _, err := parseBug("nonsense"); err == nil {
		t.Error("a bug that does not exist was found")
	}
	for _, target := range Targets() {
		about := target.(harness.Describer).About()
		if about.Summary == "" || about.Claim == "" {
			t.Errorf("%s says nothing about itself", target.Name())
		}
	}
}

var _ hraft.FSM = (*state)(nil)
