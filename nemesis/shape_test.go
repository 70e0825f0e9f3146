package nemesis_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

// cutBy has a shape strike clusters of every size from least to 9 and many seeds.
func cutBy(t *testing.T, shape nemesis.Shape, least int, check func(*testing.T, *cluster, harness.Injury)) {
	for size := least; size <= 9; size++ {
		for seed := range uint64(25) {
			c := newCluster(size)
			injury := strike(t, nemesis.Partition(shape), c, seed)
			check(t, c, injury)
			if t.Failed() {
				t.Fatalf("%s of %d nodes, seed %d: %s", shape, size, seed, injury.Detail)
			}
		}
	}
}

// twoSides checks that the sides are whole, see themselves and do not see each other, and returns their sizes.
func twoSides(t *testing.T, c *cluster, injury harness.Injury) (hurt, rest int) {
	t.Helper()
	if len(injury.Sides) != 2 || !slices.Equal(sorted(slices.Concat(injury.Sides...)), sorted(c.names())) {
		t.Fatalf("the sides are %v", injury.Sides)
	}
	for _, side := range injury.Sides {
		for _, name := range side {
			if seen := c.sees(name); !slices.Equal(sorted(seen), sorted(side)) {
				t.Fatalf("%s sees %v and is of the side %v", name, seen, side)
			}
		}
	}
	return len(injury.Sides[0]), len(injury.Sides[1])
}

func TestShapesWithTwoSides(t *testing.T) {
	cutBy(t, nemesis.One, 2, func(t *testing.T, c *cluster, injury harness.Injury) {
		if n, _ := twoSides(t, c, injury); n != 1 || len(c.nodes) > 2 && len(injury.Nodes) != 1 {
			t.Errorf("%d are cut off, hurt are %v", n, injury.Nodes)
		}
	})
	sizes := make(map[int]bool)
	cutBy(t, nemesis.Minority, 3, func(t *testing.T, c *cluster, injury harness.Injury) {
		n, rest := twoSides(t, c, injury)
		if n < 1 || rest <= len(c.nodes)/2 || !slices.Equal(injury.Nodes, injury.Sides[0]) {
			t.Errorf("%d are cut off from %d, hurt are %v", n, rest, injury.Nodes)
		}
		if len(c.nodes) == 5 {
			sizes[n] = true
		}
	})
	if !sizes[1] || !sizes[2] {
		t.Errorf("minorities of five were of the sizes %v", sizes)
	}
	cutBy(t, nemesis.Majority, 3, func(t *testing.T, c *cluster, injury harness.Injury) {
		if n, rest := twoSides(t, c, injury); rest != len(c.nodes)/2+1 || !slices.Equal(injury.Nodes, injury.Sides[0]) {
			t.Errorf("%d are cut off from %d, hurt are %v", n, rest, injury.Nodes)
		}
	})
	cutBy(t, nemesis.Leader, 2, func(t *testing.T, c *cluster, injury harness.Injury) {
		if twoSides(t, c, injury); !slices.Equal(injury.Sides[0], []string{"n1"}) {
			t.Errorf("cut off is %v, want the leader n1", injury.Sides[0])
		}
	})
}

func TestMajoritiesRing(t *testing.T) {
	cutBy(t, nemesis.MajoritiesRing, 4, func(t *testing.T, c *cluster, injury harness.Injury) {
		views := make(map[string]string)
		for _, name := range c.names() {
			seen := c.sees(name)
			if len(seen) <= len(c.nodes)/2 {
				t.Errorf("%s sees only %v", name, seen)
			}
			if len(seen) == len(c.nodes) {
				t.Errorf("%s sees everybody", name)
			}
			view := strings.Join(seen, " ")
			if other, taken := views[view]; taken {
				t.Errorf("%s and %s both see %s", name, other, view)
			}
			views[view] = name
			for _, other := range c.names() {
				if c.hears(name, other) != c.hears(other, name) {
					t.Errorf("between %s and %s only one direction is cut", name, other)
				}
			}
		}
		if len(injury.Nodes) != len(c.nodes) || injury.Sides != nil {
			t.Errorf("hurt are %v, sides are %v", injury.Nodes, injury.Sides)
		}
	})
}

func TestBridge(t *testing.T) {
	cutBy(t, nemesis.Bridge, 3, func(t *testing.T, c *cluster, injury harness.Injury) {
		if len(injury.Sides) != 2 || len(injury.Nodes) != len(c.nodes)-1 {
			t.Fatalf("sides %v, hurt %v", injury.Sides, injury.Nodes)
		}
		left, right := injury.Sides[0], injury.Sides[1]
		if d := len(right) - len(left); d < 0 || d > 1 {
			t.Errorf("the halves are %v and %v", left, right)
		}
		for _, name := range c.names() {
			switch seen := c.sees(name); {
			case slices.Contains(left, name), slices.Contains(right, name):
				half := left
				if slices.Contains(right, name) {
					half = right
				}
				if len(seen) != len(half)+1 {
					t.Errorf("%s sees %v, want its half and the bridge", name, seen)
				}
			case name == "n1":
				t.Error("the leader is the bridge")
			case len(seen) != len(c.nodes):
				t.Errorf("the bridge %s sees only %v", name, seen)
			}
		}
	})
}

func TestAnyNodeCanBeTheBridge(t *testing.T) {
	for _, leaders := range [][]string{nil, {"n1", "n2", "n3"}} {
		bridges := make(map[string]bool)
		for seed := range uint64(60) {
			c := newCluster(3)
			c.leaders = leaders
			_, name, _ := strings.Cut(strike(t, nemesis.Partition(nemesis.Bridge), c, seed).Detail, "joined by ")
			bridges[name] = true
		}
		if len(bridges) != 3 {
			t.Errorf("where %v lead the bridges were %v", leaders, bridges)
		}
	}
}

func TestOneWay(t *testing.T) {
	sending, hearing, led := 0, 0, 0
	cutBy(t, nemesis.OneWay, 2, func(t *testing.T, c *cluster, injury harness.Injury) {
		victims, others := injury.Sides[0], injury.Sides[1]
		if len(victims) > max((len(c.nodes)-1)/2, 1) || len(others)+len(victims) != len(c.nodes) {
			t.Errorf("victims %v, others %v", victims, others)
		}
		if slices.Equal(victims, []string{"n1"}) {
			led++
		}
		v, o := victims[0], others[0]
		if c.hears(v, o) == c.hears(o, v) {
			t.Fatalf("between %s and %s not exactly one direction is cut", v, o)
		}
		out := c.hears(v, o)
		if out {
			sending++
		} else {
			hearing++
		}
		word := map[bool]string{true: "cannot send to", false: "cannot hear"}[out]
		if !strings.Contains(injury.Detail, word) {
			t.Errorf("%q does not say %q", injury.Detail, word)
		}
		for _, from := range c.names() {
			for _, to := range c.names() {
				first, second := slices.Contains(victims, from), slices.Contains(victims, to)
				want := first == second || first != out
				if from != to && c.hears(to, from) != want {
					t.Errorf("%s hears %s: %t, want %t", to, from, !want, want)
				}
			}
		}
		if len(c.cuts) != len(victims)*len(others) {
			t.Errorf("%d links are cut", len(c.cuts))
		}
	})
	if sending < 40 || hearing < 40 || led < 60 {
		t.Errorf("of 200 strikes %d cut sending, %d hearing, %d the leader", sending, hearing, led)
	}
}

func TestGroups(t *testing.T) {
	c := newCluster(6)
	shape := nemesis.Groups([]string{"n1", "n2"}, []string{"n3"}, []string{"n4", "n5"})
	injury := strike(t, nemesis.Partition(shape), c, 1)
	for name, want := range map[string]string{
		"n1": "n1 n2 n6", "n3": "n3 n6", "n5": "n4 n5 n6", "n6": "n1 n2 n3 n4 n5 n6",
	} {
		if got := strings.Join(c.sees(name), " "); got != want {
			t.Errorf("%s sees %s, want %s", name, got, want)
		}
	}
	if injury.Detail != "n1 n2 | n3 | n4 n5" {
		t.Errorf("told as %q", injury.Detail)
	}
}

func TestMixedUsesEveryShape(t *testing.T) {
	for size, want := range map[int]int{2: 3, 3: 6, 5: 7} {
		seen := make(map[string]bool)
		for seed := range uint64(200) {
			word, _, _ := strings.Cut(strike(t, nemesis.Partition(nemesis.Mixed), newCluster(size), seed).Detail, ":")
			seen[word] = true
		}
		if len(seen) != want {
			t.Errorf("of %d nodes the shapes were %v, want %d of them", size, seen, want)
		}
	}
}

func TestMixedStrikesWithoutALeader(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(5)
			c.leaders = nil
			strike(t, nemesis.Partition(nemesis.Mixed), c, seed)
		})
	}
}

func TestACutLeavesSomebodyWhoCouldTalk(t *testing.T) {
	for seed := range uint64(30) {
		c := newCluster(5)
		for _, name := range []string{"n1", "n2", "n3"} {
			c.node(name).state = harness.Dead
		}
		injury := strike(t, nemesis.Partition(nemesis.Minority), c, seed)
		c.talk()
		if e := proof(t, injury.Evidence); !e.TookEffect || len(injury.Sides[0]) != 1 {
			t.Errorf("seed %d: %s: %s", seed, injury.Detail, e.Text)
		}
	}
}

func TestHeldBytesAreToldBySide(t *testing.T) {
	c := newCluster(5)
	c.talk()
	injury := strike(t, nemesis.Partition("n1,n2|n3,n4,n5"), c, 1)
	for range 10 {
		c.talk()
	}
	e := proof(t, injury.Evidence)
	if want := "12.0 kB held on 12 of 12 links (6.0 kB from n1 n2, 6.0 kB from n3 n4 n5)" +
		"; probe: 12 of 12 cut links silent, 8 of 8 others open"; e.Text != want {
		t.Errorf("got  %q\nwant %q", e.Text, want)
	}
	quiet := newCluster(5)
	quiet.blind = errors.New("no probe")
	one := strike(t, nemesis.Partition(nemesis.OneWay), quiet, 1)
	if e := proof(t, one.Evidence); e.TookEffect || !strings.HasPrefix(e.Text, "nothing was held on the ") {
		t.Errorf("nobody talked, yet %+v", e)
	}
}

func TestCutsNest(t *testing.T) {
	c := newCluster(5)
	first := strike(t, nemesis.Partition("n1|n2,n3"), c, 1)
	second := strike(t, nemesis.Partition("n1|n3,n4"), c, 1)
	mustHeal(t, first)
	if c.hears("n1", "n3") || !c.hears("n1", "n2") {
		t.Error("the heal of one cut changed another")
	}
	mustHeal(t, second)
	if len(c.cuts) > 0 {
		t.Errorf("left: %v", c.cuts)
	}
}
