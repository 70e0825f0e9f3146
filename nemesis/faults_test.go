package nemesis_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

// everyFault returns a fault for each example of the catalogue.
func everyFault(t *testing.T) []harness.Fault {
	var faults []harness.Fault
	for _, kind := range nemesis.All() {
		for _, example := range kind.Examples {
			f, err := nemesis.Parse(example)
			if err != nil {
				t.Fatal(err)
			}
			faults = append(faults, f)
		}
	}
	return faults
}

// state is everything about the cluster that a fault may change.
func (c *cluster) state() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprint(c.cuts, c.refusals, c.shapes, c.clients, c.members)
	for _, n := range c.nodes {
		text += fmt.Sprint(" ", n.Name(), n.(*node).state, n.(*node).free, n.(*node).left)
	}
	return text
}

// idle are the kinds of faults that nobody notices who does nothing. Of a partition that probes are not sent over, that
// is true as well.
var idle = []string{"partition", "refuse", "clients", "flap", "swizzle", "slow", "loss", "throttle", "squeeze"}

func kindOf(f harness.Fault) string {
	kind, _, _ := strings.Cut(f.Name(), ":")
	return kind
}

// TestTwoSided holds every fault to its contract: it hurts and proves it, the heal undoes it, and on a cluster where it
// does nothing it says so.
func TestTwoSided(t *testing.T) {
	for _, f := range everyFault(t) {
		for seed := range uint64(20) {
			synctest.Test(t, func(t *testing.T) { twoSided(t, f, seed) })
		}
	}
}

func twoSided(t *testing.T, f harness.Fault, seed uint64) {
	c := newCluster(5)
	c.blind = errors.New("no probe")
	healthy := c.state()
	injury := strike(t, f, c, seed)
	if c.state() == healthy && kindOf(f) != "reset" {
		t.Fatalf("%s, seed %d: nothing was hurt", f.Name(), seed)
	}
	if silent := proof(t, injury.Evidence); silent.TookEffect && slices.Contains(idle, kindOf(f)) {
		t.Errorf("%s, seed %d: nobody talked, yet %q", f.Name(), seed, silent.Text)
	}
	c.talk()
	if e := proof(t, injury.Evidence); !e.TookEffect {
		t.Errorf("%s, seed %d: it took effect, yet %q", f.Name(), seed, e.Text)
	}
	mustHeal(t, injury)
	if c.state() != healthy {
		t.Errorf("%s, seed %d: healed, and not as before:\n%s\n%s", f.Name(), seed, healthy, c.state())
	}
	if injury.Aftermath != nil {
		if e := proof(t, injury.Aftermath); !e.TookEffect {
			t.Errorf("%s, seed %d: after the heal %q", f.Name(), seed, e.Text)
		}
	}
}

func TestWithoutEffectWithoutProof(t *testing.T) {
	for _, f := range everyFault(t) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(5)
			c.leaky = true
			for _, n := range c.nodes {
				n.(*node).numb = true
			}
			c.talk()
			injury := strike(t, f, c, 1)
			c.talk()
			if e := proof(t, injury.Evidence); e.TookEffect {
				t.Errorf("%s did nothing, yet %q", f.Name(), e.Text)
			}
			mustHeal(t, injury)
			if slices.Contains([]string{"kill", "stop", "wipe"}, kindOf(f)) {
				if e := proof(t, injury.Aftermath); e.TookEffect {
					t.Errorf("%s did nothing, yet after the heal %q", f.Name(), e.Text)
				}
			}
		})
	}
}

func TestTheSeedFixesTheChoice(t *testing.T) {
	for _, f := range everyFault(t) {
		details := make(map[string]bool)
		for seed := range uint64(30) {
			synctest.Test(t, func(t *testing.T) {
				a, b := strike(t, f, newCluster(5), seed), strike(t, f, newCluster(5), seed)
				if a.Detail != b.Detail || !slices.Equal(a.Nodes, b.Nodes) || !reflect.DeepEqual(a.Sides, b.Sides) {
					t.Errorf("%s, seed %d: %q and then %q", f.Name(), seed, a.Detail, b.Detail)
				}
				details[a.Detail] = true
			})
		}
		fixed := false
		for _, word := range []string{"leader", ":all", "n1", "n3"} {
			fixed = fixed || strings.Contains(f.Name(), word)
		}
		if fixed != (len(details) == 1) {
			t.Errorf("%s: 30 seeds made %d choices", f.Name(), len(details))
		}
	}
}

func TestTargetsHurtAsManyAsTheySay(t *testing.T) {
	for _, test := range []struct {
		targets nemesis.Targets
		size    int
		least   int
		most    int
	}{
		{nemesis.One, 1, 1, 1}, {nemesis.One, 5, 1, 1}, {nemesis.Leader, 5, 1, 1}, {nemesis.AllNodes, 4, 4, 4},
		{nemesis.Minority, 3, 1, 1}, {nemesis.Minority, 5, 1, 2}, {nemesis.Minority, 7, 1, 3},
		{nemesis.Minority, 6, 1, 2},
		{nemesis.Majority, 3, 2, 2}, {nemesis.Majority, 4, 3, 3}, {nemesis.Majority, 5, 3, 3},
		{nemesis.Only("n2", "n4"), 5, 2, 2},
	} {
		seen := make(map[int]bool)
		for seed := range uint64(60) {
			c := newCluster(test.size)
			injury := strike(t, nemesis.Kill(test.targets), c, seed)
			if dead := c.in(harness.Dead); !slices.Equal(dead, injury.Nodes) {
				t.Fatalf("%s: %v are dead and the injury says %v", test.targets, dead, injury.Nodes)
			}
			seen[len(injury.Nodes)] = true
		}
		for n := range test.size + 1 {
			if want := n >= test.least && n <= test.most; seen[n] != want {
				t.Errorf("%s of %d nodes hurt %d of them: %t, want %t", test.targets, test.size, n, seen[n], want)
			}
		}
	}
}

func TestOnlyRunningNodesAreHurt(t *testing.T) {
	for _, targets := range []nemesis.Targets{
		nemesis.One, nemesis.Minority, nemesis.Majority, nemesis.AllNodes, "n1+n2+n3",
	} {
		for seed := range uint64(20) {
			c := newCluster(5)
			c.node("n1").state, c.node("n4").state = harness.Dead, harness.Paused
			injury := strike(t, nemesis.Pause(targets), c, seed)
			if slices.Contains(injury.Nodes, "n1") || slices.Contains(injury.Nodes, "n4") {
				t.Fatalf("%s hurt %v, of which some were hurt before", targets, injury.Nodes)
			}
			mustHeal(t, injury)
			if c.node("n4").state != harness.Paused || c.node("n1").state != harness.Dead {
				t.Fatalf("%s healed what others hurt", targets)
			}
		}
	}
}

func TestNobodyLeft(t *testing.T) {
	for _, f := range everyFault(t) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(5)
			for _, n := range c.nodes {
				n.(*node).state = harness.Paused
			}
			before := c.state()
			if _, err := f.Inject(t.Context(), c, seeded(1)); !errors.Is(err, harness.ErrNobody) {
				t.Errorf("%s with everybody paused: got %v", f.Name(), err)
			}
			if c.state() != before {
				t.Errorf("%s with everybody paused changed something", f.Name())
			}
		})
	}
}

func TestLeaderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(5)
		c.node("n1").state = harness.Dead
		begin := time.Now()
		c.leading = func() []string {
			switch since := time.Since(begin); {
			case since < time.Second:
				return nil
			case since < 1500*time.Millisecond:
				return []string{"n1"} // an old answer: it is dead
			}
			return []string{"n4"}
		}
		injury := strike(t, nemesis.Kill(nemesis.Leader), c, 1)
		if !slices.Equal(injury.Nodes, []string{"n4"}) || time.Since(begin) < time.Second {
			t.Errorf("after %v it hurt %v, want n4", time.Since(begin), injury.Nodes)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(5)
		c.leaders = nil
		begin := time.Now()
		_, err := nemesis.Pause(nemesis.Leader).Inject(t.Context(), c, seeded(1))
		if !errors.Is(err, harness.ErrNobody) || !strings.Contains(err.Error(), "leader") {
			t.Errorf("without a leader: %v", err)
		}
		if waited := time.Since(begin); waited < time.Second || waited > 3*time.Second {
			t.Errorf("it waited %v", waited)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(5)
		c.leaders = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := nemesis.Pause(nemesis.Leader).Inject(ctx, c, seeded(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

func TestOneOfSeveralLeaders(t *testing.T) {
	hit := make(map[string]bool)
	for seed := range uint64(30) {
		c := newCluster(5)
		c.leaders = []string{"n2", "n5"}
		hit[strike(t, nemesis.Pause(nemesis.Leader), c, seed).Nodes[0]] = true
	}
	if !reflect.DeepEqual(hit, map[string]bool{"n2": true, "n5": true}) {
		t.Errorf("of the leaders n2 and n5 it hurt %v", hit)
	}
}

// onEveryNode are the faults that act on nodes, on all of them.
func onEveryNode() []harness.Fault {
	return []harness.Fault{
		nemesis.Kill(nemesis.AllNodes), nemesis.Pause(nemesis.AllNodes), nemesis.Stop(nemesis.AllNodes),
		nemesis.Wipe(nemesis.AllNodes), nemesis.Fill(nemesis.AllNodes),
		nemesis.Squeeze(nemesis.AllNodes, harness.Squeeze{}),
	}
}

func TestAFailedInjectIsUndone(t *testing.T) {
	cause := errors.New("no such process")
	for _, f := range onEveryNode() {
		for _, name := range []string{"n1", "n3", "n5"} {
			c := newCluster(5)
			c.node(name).failure = cause
			before := c.state()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // what undoes must not need it
			_, err := f.Inject(ctx, c, seeded(1))
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: got %v, want the cause and %s", f.Name(), err, name)
			}
			if c.state() != before {
				t.Errorf("%s failed on %s and left %s", f.Name(), name, c.state())
			}
		}
	}
	for _, f := range []harness.Fault{
		nemesis.Partition(nemesis.One), nemesis.Slow(nemesis.One, 0), nemesis.Reset(nemesis.One),
		nemesis.Refuse(nemesis.One), nemesis.Clients(nemesis.One), nemesis.Flap(nemesis.One, 0), nemesis.Swizzle(),
		nemesis.Loss(nemesis.One, 0), nemesis.Throttle(nemesis.One, 0),
	} {
		c := newCluster(5)
		c.failure = cause
		before := c.state()
		if _, err := f.Inject(t.Context(), c, seeded(1)); !errors.Is(err, cause) || c.state() != before {
			t.Errorf("%s: got %v, and left %s", f.Name(), err, c.state())
		}
	}
}

func TestAnUndoThatFailsSaysBoth(t *testing.T) {
	c := newCluster(3)
	c.node("n1").stuck, c.node("n2").failure = errors.New("will not start"), errors.New("not permitted")
	_, err := nemesis.Kill(nemesis.AllNodes).Inject(t.Context(), c, seeded(1))
	for _, part := range []string{"n1", "will not start", "n2", "not permitted"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestHealTriesEverything(t *testing.T) {
	for _, f := range onEveryNode() {
		c := newCluster(4)
		injury := strike(t, f, c, 1)
		c.node("n1").stuck, c.node("n3").stuck = errors.New("stuck"), errors.New("stuck")
		err := injury.Heal(t.Context())
		if err == nil || !strings.Contains(err.Error(), "n1") || !strings.Contains(err.Error(), "n3") {
			t.Errorf("%s: %v does not name n1 and n3", f.Name(), err)
		}
		for _, name := range []string{"n2", "n4"} {
			if n := c.node(name); n.state != harness.Running || n.free != disk || n.left.CPUs > 0 {
				t.Errorf("%s: %s is not healed: %s", f.Name(), name, c.state())
			}
		}
	}
	for _, f := range []harness.Fault{
		nemesis.Partition(nemesis.One), nemesis.Refuse(nemesis.One), nemesis.Clients(nemesis.One), nemesis.Swizzle(),
		nemesis.Slow(nemesis.One, 0), nemesis.Loss(nemesis.One, 0), nemesis.Throttle(nemesis.One, 0),
		nemesis.Flap(nemesis.One, 0),
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(4)
			injury := strike(t, f, c, 1)
			c.failure = errors.New("gone")
			if err := injury.Heal(t.Context()); !errors.Is(err, c.failure) {
				t.Errorf("%s: got %v", f.Name(), err)
			}
		})
	}
}

func TestHealLeavesAloneWhatChanged(t *testing.T) {
	c := newCluster(3)
	paused := strike(t, nemesis.Pause(nemesis.AllNodes), c, 1)
	c.node("n1").state = harness.Dead    // died under another fault
	c.node("n2").state = harness.Running // somebody resumed it
	if e := proof(t, paused.Evidence); e.TookEffect {
		t.Errorf("n2 runs, yet %q", e.Text)
	}
	mustHeal(t, paused)
	if c.node("n1").state != harness.Dead || c.node("n3").state != harness.Running {
		t.Errorf("healed into %s", c.state())
	}
	killed := strike(t, nemesis.Kill(nemesis.Only("n3")), c, 1)
	c.node("n3").state, c.node("n3").pid = harness.Running, 77 // somebody restarted it
	mustHeal(t, killed)
	if e := proof(t, killed.Aftermath); !e.TookEffect || !strings.Contains(e.Text, "n3 pid 102 → 77") {
		t.Errorf("after the heal %+v", e)
	}
}

func TestAVictimThatDiedSinceIsNoDoubt(t *testing.T) {
	c := newCluster(3)
	injury := strike(t, nemesis.Pause(nemesis.AllNodes), c, 1)
	c.node("n1").state = harness.Dead
	if e := proof(t, injury.Evidence); !e.TookEffect || !strings.Contains(e.Text, "n1 (pid 100) is dead") {
		t.Errorf("two of three are paused, yet %+v", e)
	}
	c.node("n2").state, c.node("n3").state = harness.Dead, harness.Dead
	if e := proof(t, injury.Evidence); e.TookEffect {
		t.Errorf("nobody is paused, yet %q", e.Text)
	}
}

func TestANodeThatCannotTellIsNoProof(t *testing.T) {
	c := bare{[]harness.Node{killableNode{"a", new(node)}}}
	injury := strike(t, nemesis.Kill(nemesis.One), c, 1)
	if injury.Evidence != nil || injury.Aftermath != nil {
		t.Error("a node without vitals proves nothing")
	}
	mute := newCluster(3)
	mute.node("n2").mute = errors.New("no answer")
	if _, err := nemesis.Kill(nemesis.One).Inject(t.Context(), mute, seeded(1)); !errors.Is(err, mute.node("n2").mute) {
		t.Errorf("a node that does not answer: %v", err)
	}
}
