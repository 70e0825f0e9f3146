package nemesis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

// TestAllAtOneMoment: nodes that take a second each to end, or to start, take a second together.
func TestAllAtOneMoment(t *testing.T) {
	for _, f := range []harness.Fault{
		nemesis.Kill(nemesis.AllNodes), nemesis.Stop(nemesis.AllNodes), nemesis.Wipe(nemesis.AllNodes),
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(5)
			for _, n := range c.nodes {
				n.(*node).slow = time.Second
			}
			begin := time.Now()
			injury := strike(t, f, c, 1)
			if took := time.Since(begin); took != time.Second {
				t.Errorf("%s took %v", f.Name(), took)
			}
			mustHeal(t, injury)
			if took := time.Since(begin); took != 2*time.Second {
				t.Errorf("%s and its heal took %v", f.Name(), took)
			}
		})
	}
}

func TestStopSaysHowTheyEnded(t *testing.T) {
	c := newCluster(3)
	injury := strike(t, nemesis.Stop("n2"), c, 1)
	if e := proof(t, injury.Evidence); !e.TookEffect || e.Text != "n2 (pid 101) is dead: exit code 0" {
		t.Errorf("the evidence is %+v", e)
	}
	mustHeal(t, injury)
	if e := proof(t, injury.Aftermath); !e.TookEffect || c.node("n2").wipes > 0 {
		t.Errorf("after the heal %+v, and it was wiped %d times", e, c.node("n2").wipes)
	}
}

func TestWipeEmptiesTheDisksOfTheDead(t *testing.T) {
	c := newCluster(5)
	injury := strike(t, nemesis.Wipe(nemesis.Majority), c, 1)
	for _, n := range c.nodes {
		if want := slices.Contains(injury.Nodes, n.Name()); (n.(*node).wipes == 1) != want {
			t.Errorf("%v were hurt, and %s was wiped %d times", injury.Nodes, n.Name(), n.(*node).wipes)
		}
	}
	mustHeal(t, injury)
	cause := errors.New("read-only file system")
	c.node("n2").unwiped = cause
	_, err := nemesis.Wipe(nemesis.AllNodes).Inject(t.Context(), c, seeded(1))
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "wipe n2") || len(c.in(harness.Running)) != 5 {
		t.Errorf("got %v, and %v run", err, c.in(harness.Running))
	}
}

func TestFill(t *testing.T) {
	c := newCluster(3)
	env := harness.Env{}
	f := nemesis.Fill("n1+n2")
	f.(harness.Preparer).Prepare(&env)
	if env.DiskLimit != nemesis.DiskLimit {
		t.Errorf("the disks are to hold %d bytes", env.DiskLimit)
	}
	env.DiskLimit = 7
	if f.(harness.Preparer).Prepare(&env); env.DiskLimit != 7 {
		t.Errorf("the limit that was given became %d", env.DiskLimit)
	}
	injury := strike(t, f, c, 1)
	want := "n1 has 0 B free of 100.0 MB, n2 has 0 B free of 100.0 MB"
	if e := proof(t, injury.Evidence); !e.TookEffect || e.Text != want {
		t.Errorf("the evidence is %+v", e)
	}
	more := strike(t, nemesis.Fill(nemesis.AllNodes), c, 1)
	if !slices.Equal(more.Nodes, []string{"n3"}) {
		t.Errorf("n1 and n2 are full, and it filled %v", more.Nodes)
	}
	if _, err := f.Inject(t.Context(), c, seeded(1)); !errors.Is(err, harness.ErrNobody) {
		t.Errorf("all are full: %v", err)
	}
	mustHeal(t, more)
	c.node("n1").free = disk // somebody freed it
	if e := proof(t, injury.Evidence); e.TookEffect {
		t.Errorf("n1 has room, yet %q", e.Text)
	}
}

// TestWhoEndedByItselfIsStarted: who died of a full disk or for want of memory comes back with the heal; who was killed
// by another fault is that fault's.
func TestWhoEndedByItselfIsStarted(t *testing.T) {
	for _, f := range []harness.Fault{
		nemesis.Fill(nemesis.AllNodes), nemesis.Squeeze(nemesis.AllNodes, harness.Squeeze{Memory: 64_000_000}),
	} {
		c := newCluster(3)
		injury := strike(t, f, c, 1)
		c.talk()
		c.node("n1").crash("killed by the kernel: out of memory")
		c.node("n2").state, c.node("n2").pid = harness.Dead, 0
		if e := proof(t, injury.Evidence); !e.TookEffect ||
			!strings.Contains(e.Text, "is dead (killed by the kernel: out of memory)") {
			t.Errorf("%s: %+v", f.Name(), e)
		}
		mustHeal(t, injury)
		if up := c.in(harness.Running); !slices.Equal(up, []string{"n1", "n3"}) {
			t.Errorf("%s: after the heal %v run, want n1 n3", f.Name(), up)
		}
	}
	c := newCluster(3)
	injury := strike(t, nemesis.Fill("n1"), c, 1)
	c.node("n1").crash("exit code 2")
	c.node("n1").stuck = errors.New("will not start")
	if err := injury.Heal(t.Context()); !errors.Is(err, c.node("n1").stuck) {
		t.Errorf("got %v", err)
	}
}

func TestSqueezeSaysWhatPressed(t *testing.T) {
	for _, test := range []struct {
		left  harness.Squeeze
		want  string
		works bool
	}{
		{harness.Squeeze{}, "n2 was held back in 1 period, for 100ms", true},
		{harness.Squeeze{Memory: 64_000_000}, "n2 uses 64.0 MB of 64.0 MB and wanted more 1 time", true},
		{harness.Squeeze{Memory: 75_000_000}, "n2 uses 70.0 MB of 75.0 MB and wanted more 0 times", true},
		{harness.Squeeze{Memory: 900_000_000}, "n2 uses 70.0 MB of 900.0 MB and wanted more 0 times", false},
		{harness.Squeeze{CPUs: 0.5, Memory: 900_000_000}, "n2 was held back in 1 period, for 100ms, uses 70.0 MB of " +
			"900.0 MB and wanted more 0 times", true},
	} {
		c := newCluster(3)
		injury := strike(t, nemesis.Squeeze("n2", test.left), c, 1)
		if e := proof(t, injury.Evidence); e.TookEffect {
			t.Errorf("%+v: nobody worked, yet %q", test.left, e.Text)
		}
		c.talk()
		if e := proof(t, injury.Evidence); e.Text != test.want || e.TookEffect != test.works {
			t.Errorf("%+v: got %+v, want %q", test.left, e, test.want)
		}
	}
}

func TestLeave(t *testing.T) {
	c := newCluster(5)
	injury := strike(t, nemesis.Leave(nemesis.Minority), c, 1)
	if len(c.members)+len(injury.Nodes) != 5 || slices.Contains(c.members, injury.Nodes[0]) {
		t.Errorf("%v left, and the members are %v", injury.Nodes, c.members)
	}
	mustHeal(t, injury)
	if e := proof(t, injury.Aftermath); !e.TookEffect || e.Text != "the members are n1 n2 n3 n4 n5" {
		t.Errorf("after the heal %+v", e)
	}
	c.members = c.members[1:]
	if e := proof(t, injury.Aftermath); slices.Contains(injury.Nodes, "n1") == e.TookEffect {
		t.Errorf("n1 is missing, %v had left, and %+v", injury.Nodes, e)
	}
}

func TestLeaveLeavesAMajority(t *testing.T) {
	for _, test := range []struct{ size, dead, most int }{
		{5, 0, 4}, {5, 1, 2}, {5, 2, 0}, {3, 0, 2}, {3, 1, 0}, {2, 0, 1}, {4, 1, 1},
	} {
		c := newCluster(test.size)
		for i := range test.dead {
			c.node(fmt.Sprintf("n%d", i+1)).state = harness.Dead
		}
		injury, err := nemesis.Leave(nemesis.AllNodes).Inject(t.Context(), c, seeded(1))
		if len(injury.Nodes) != test.most || errors.Is(err, harness.ErrNobody) != (test.most == 0) {
			t.Errorf("of %d with %d dead %v left (%v), want %d", test.size, test.dead, injury.Nodes, err, test.most)
		}
	}
}

func TestLeaveIsUndoneMidWay(t *testing.T) {
	for _, keeps := range []string{"n1", "n2", "n3"} {
		c := newCluster(4)
		before := c.state()
		c.keeps = keeps
		_, err := nemesis.Leave("n1+n2+n3").Inject(t.Context(), c, seeded(1))
		if err == nil || !strings.Contains(err.Error(), keeps) || c.state() != before {
			t.Errorf("%s cannot leave: %v, and left is %s", keeps, err, c.state())
		}
	}
	c := newCluster(4)
	injury := strike(t, nemesis.Leave("n1+n3"), c, 1)
	c.node("n1").stuck = errors.New("no quorum")
	if err := injury.Heal(t.Context()); !errors.Is(err, c.node("n1").stuck) || c.node("n3").state != harness.Running {
		t.Errorf("got %v, and left is %s", err, c.state())
	}
}
