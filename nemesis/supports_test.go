package nemesis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

func TestSupportsSaysWhy(t *testing.T) {
	poor := bare{[]harness.Node{bareNode("a"), killableNode{"b", nil}}}
	for _, f := range everyFault(t) {
		if err := f.Supports(newCluster(5)); err != nil {
			t.Errorf("%s on a cluster with every power: %v", f.Name(), err)
		}
		if err := f.Supports(poor); err == nil || !strings.Contains(err.Error(), f.Name()) {
			t.Errorf("%s on a cluster without power: %v", f.Name(), err)
		}
		if err := f.Supports(bare{}); err == nil {
			t.Errorf("%s on a cluster without nodes", f.Name())
		}
	}
	for _, test := range []struct {
		fault   harness.Fault
		cluster harness.Cluster
		want    string
	}{
		{nemesis.Pause(nemesis.One), bare{poor.nodes[1:]}, `the cluster cannot suffer "pause:one": its nodes do ` +
			`not implement harness.Pauser (b implements harness.Killer)`},
		{nemesis.Kill(nemesis.Leader), bare{poor.nodes[1:]}, `harness.Leaders`},
		{nemesis.Kill(nemesis.Minority), newCluster(2), `it has 2 nodes, and this needs at least 3`},
		{nemesis.Kill("n7"), newCluster(3), `it has no node "n7" (it has n1 n2 n3)`},
		{nemesis.Kill("n1+n1"), newCluster(3), `it names n1 twice`},
		{nemesis.Partition(nemesis.One), newCluster(1), `it has 1 node, and this needs at least 2`},
		{nemesis.Partition(nemesis.OneWay), newCluster(1), `at least 2`},
		{nemesis.Partition(nemesis.Majority), newCluster(2), `at least 3`},
		{nemesis.Partition(nemesis.Bridge), newCluster(2), `at least 3`},
		{nemesis.Partition(nemesis.MajoritiesRing), newCluster(3), `at least 4`},
		{nemesis.Partition(nemesis.Mixed), newCluster(1), `at least 2`},
		{nemesis.Partition(nemesis.Groups([]string{"n1"}, []string{"n9"})), newCluster(3), `no node "n9"`},
		{nemesis.Partition(nemesis.Groups([]string{"n1"}, []string{"n1", "n2"})), newCluster(3), `it names n1 twice`},
		{nemesis.Partition(nemesis.Groups([]string{"n1"})), newCluster(3), `two groups`},
		{nemesis.Slow(nemesis.One, 0), newCluster(1), `at least 2`},
		{nemesis.Refuse(nemesis.Bridge), newCluster(2), `at least 3`},
		{nemesis.Refuse(nemesis.One), poor, `does not implement harness.Refuser (it implements none of the powers that`},
		{nemesis.Clients(nemesis.One), poor, `does not implement harness.ClientNetwork`},
		{nemesis.Clients("n7"), newCluster(3), `it has no node "n7"`},
		{nemesis.Flap(nemesis.One, 0), newCluster(1), `at least 2`},
		{nemesis.Swizzle(), newCluster(1), `at least 2`},
		{nemesis.Stop(nemesis.One), poor, `its nodes do not implement harness.Terminator (a implements none`},
		{nemesis.Wipe(nemesis.One), bare{poor.nodes[1:]}, `harness.Wiper (b implements harness.Killer)`},
		{nemesis.Fill(nemesis.One), poor, `harness.DiskFiller`},
		{nemesis.Squeeze(nemesis.One, harness.Squeeze{}), poor, `harness.Squeezer`},
		{nemesis.Leave(nemesis.One), poor, `harness.Members`},
		{nemesis.Leave(nemesis.One), newCluster(1), `at least 2`},
		{nemesis.Leave(nemesis.Minority), newCluster(2), `at least 3`},
		{nemesis.Reset("n9"), newCluster(3), `no node "n9"`},
	} {
		if err := test.fault.Supports(test.cluster); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.fault.Name(), err, test.want)
		}
	}
}

// TestSupportsAsksHowMuch: what a power says it cannot do to this extent is refused in its words.
func TestSupportsAsksHowMuch(t *testing.T) {
	c := newCluster(3)
	c.strict, c.node("n2").narrow = errors.New("this kernel has no netem"), errors.New("that is too little")
	c.node("n2").keeps = errors.New("its server does not start without a disk")
	for _, f := range []harness.Fault{
		nemesis.Slow(nemesis.One, 0), nemesis.Loss(nemesis.One, 0), nemesis.Throttle(nemesis.One, 0),
		nemesis.Reset(nemesis.One), nemesis.Squeeze(nemesis.One, harness.Squeeze{}), nemesis.Wipe(nemesis.One),
	} {
		cause := c.strict
		switch kindOf(f) {
		case "squeeze":
			cause = c.node("n2").narrow
		case "wipe":
			cause = c.node("n2").keeps
		}
		if err := f.Supports(c); !errors.Is(err, cause) || !strings.Contains(err.Error(), f.Name()) {
			t.Errorf("%s: got %v, want %v", f.Name(), err, cause)
		}
	}
}

func TestSlowAndResetSayWhatTheyDid(t *testing.T) {
	c := newCluster(3)
	c.talk()
	slow := strike(t, nemesis.Slow("n2", 300*time.Millisecond), c, 1)
	if len(c.shapes) != 4 || c.shapes[harness.Link{From: "n3", To: "n2"}].Delay != 300*time.Millisecond {
		t.Errorf("the delays are %v", c.shapes)
	}
	if e := proof(t, slow.Evidence); e.TookEffect {
		t.Errorf("nothing was sent since, yet %q", e.Text)
	}
	c.talk()
	if e := proof(t, slow.Evidence); e.Text != "400 B delivered late on 4 links" {
		t.Errorf("the evidence is %q", e.Text)
	}
	reset := strike(t, nemesis.Reset("n2"), c, 1)
	if e := proof(t, reset.Evidence); e.Text != "4 connections reset on 4 links" {
		t.Errorf("the evidence is %q", e.Text)
	}
	mustHeal(t, reset)
	if len(c.shapes) != 4 {
		t.Error("the heal of a reset took away the delay of another fault")
	}
}
