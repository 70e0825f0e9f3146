package nemesis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

// TestRefuseCutsEveryShape: what a partition cuts silently for a seed, a refusal cuts aloud.
func TestRefuseCutsEveryShape(t *testing.T) {
	for _, shape := range []nemesis.Shape{
		nemesis.One, nemesis.Minority, nemesis.Majority, nemesis.Leader, nemesis.MajoritiesRing, nemesis.Bridge,
		nemesis.OneWay, nemesis.Mixed, "n1,n2|n3",
	} {
		for seed := range uint64(10) {
			silent, aloud := newCluster(5), newCluster(5)
			cut := strike(t, nemesis.Partition(shape), silent, seed)
			refused := strike(t, nemesis.Refuse(shape), aloud, seed)
			if cut.Detail != refused.Detail || len(aloud.cuts) > 0 || len(aloud.refusals) != len(silent.cuts) {
				t.Fatalf("%s: cut %s and refused %s: %v", shape, cut.Detail, refused.Detail, aloud.refusals)
			}
			for link := range silent.cuts {
				if aloud.refusals[link] != 1 {
					t.Errorf("%s: %v is cut and not refused", shape, link)
				}
			}
		}
	}
	c := newCluster(3)
	injury := strike(t, nemesis.Refuse("n1|n2,n3"), c, 1)
	c.talk()
	want := "400 B refused on 4 of 4 links (200 B from n1, 200 B from n2 n3)"
	if e := proof(t, injury.Evidence); !strings.HasPrefix(e.Text, want) {
		t.Errorf("the evidence is %q", e.Text)
	}
}

func TestProbesProveAndDisprove(t *testing.T) {
	c := newCluster(5)
	injury := strike(t, nemesis.Partition("n1,n2|n3,n4,n5"), c, 1)
	want := "probe: 12 of 12 cut links silent, 8 of 8 others open"
	if e := proof(t, injury.Evidence); !e.TookEffect || !strings.Contains(e.Text, want) {
		t.Errorf("probes do not come through, yet %+v", e)
	}
	c.talk()
	c.mu.Lock()
	delete(c.cuts, harness.Link{From: "n1", To: "n4"}) // somebody mended it
	c.mu.Unlock()
	if e := proof(t, injury.Evidence); e.TookEffect || !strings.Contains(e.Text, "11 of 12 cut links silent, 8 of 8") {
		t.Errorf("a probe came through, yet %+v", e)
	}
	all := newCluster(2)
	alone := strike(t, nemesis.Partition(nemesis.One), all, 1)
	if e := proof(t, alone.Evidence); e.TookEffect || !strings.Contains(e.Text, "2 of 2 cut links silent") {
		t.Errorf("nothing shows that probes ever arrive, yet %+v", e)
	}
	if all.talk(); !proof(t, alone.Evidence).TookEffect {
		t.Error("something was held, yet it did not take effect")
	}
	all.blind = errors.New("agent gone")
	if e := proof(t, alone.Evidence); !e.TookEffect || !strings.Contains(e.Text, "the probe failed: agent gone") {
		t.Errorf("the probe failed: %+v", e)
	}
}

func TestWhatTCPAddsIsTold(t *testing.T) {
	for _, f := range []harness.Fault{nemesis.Partition(nemesis.One), nemesis.Flap(nemesis.One, 0), nemesis.Swizzle()} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(3)
			injury := strike(t, f, c, 1)
			mustHeal(t, injury)
			want := "TCP connections carried data again 0.4 s after the heal (TCP's own back-off)"
			if e := proof(t, injury.Aftermath); !e.TookEffect || e.Text != want {
				t.Errorf("%s: %+v", f.Name(), e)
			}
			c.steady = []harness.Link{{From: "n1", To: "n2"}}
			begin := time.Now()
			if e := proof(t, injury.Aftermath); !e.TookEffect || !strings.Contains(e.Text, "carried nothing for 5s") {
				t.Errorf("%s: %+v", f.Name(), e)
			}
			if waited := time.Since(begin); waited != 5*time.Second {
				t.Errorf("%s waited %v", f.Name(), waited)
			}
			c.steady, c.blind = nil, errors.New("agent gone")
			if e := proof(t, injury.Aftermath); !e.TookEffect || !strings.Contains(e.Text, "not known: agent gone") {
				t.Errorf("%s: %+v", f.Name(), e)
			}
		})
	}
}

func TestClientsKeepTheOtherNodes(t *testing.T) {
	c := newCluster(3)
	injury := strike(t, nemesis.Clients("n1+n3"), c, 1)
	c.talk()
	want := "200 B held between clients and nodes (100 B at n1, 100 B at n3)"
	if e := proof(t, injury.Evidence); e.Text != want || len(c.cuts) > 0 {
		t.Errorf("got %q, want %q; cut are %v", e.Text, want, c.cuts)
	}
	again := strike(t, nemesis.Clients("n1"), c, 1)
	mustHeal(t, injury)
	if c.clients["n1"] != 1 || c.clients["n3"] != 0 {
		t.Errorf("the heal of one cut changed another: %v", c.clients)
	}
	mustHeal(t, again)
}

func TestLossAndThrottleSayWhatTheyDid(t *testing.T) {
	for f, want := range map[harness.Fault]string{
		nemesis.Loss("n2", 0.05):      "400 B lost on 4 links",
		nemesis.Throttle("n2", 9_000): "400 B delivered late on 4 links",
	} {
		c := newCluster(3)
		injury := strike(t, f, c, 1)
		shaping := c.shapes[harness.Link{From: "n3", To: "n2"}]
		if len(c.shapes) != 4 || shaping.Loss+float64(shaping.Rate) == 0 {
			t.Errorf("%s: the links are shaped %v", f.Name(), c.shapes)
		}
		if e := proof(t, injury.Evidence); e.TookEffect || !strings.HasPrefix(e.Text, "nothing was ") {
			t.Errorf("%s: nothing was sent, yet %+v", f.Name(), e)
		}
		c.talk()
		if e := proof(t, injury.Evidence); e.Text != want {
			t.Errorf("%s: got %q, want %q", f.Name(), e.Text, want)
		}
	}
}

// severed reports whether anything is cut.
func (c *cluster) severed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.cuts)
}

func TestFlapCutsAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(3)
		injury := strike(t, nemesis.Flap("n1", 200*time.Millisecond), c, 1)
		if c.severed() != 4 {
			t.Fatalf("it begins with %v", c.cuts)
		}
		whole, cut := 0, 0
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			if c.severed() > 0 {
				cut++
			} else {
				whole++
			}
			c.talk()
		}
		if cut < 350 || whole < 350 {
			t.Errorf("of 10 s the links were cut for %d and whole for %d hundredths", cut, whole)
		}
		e := proof(t, injury.Evidence)
		if !e.TookEffect || !strings.HasPrefix(e.Text, "cut 5") && !strings.HasPrefix(e.Text, "cut 4") {
			t.Errorf("the evidence is %+v", e)
		}
		mustHeal(t, injury)
		time.Sleep(time.Minute)
		if c.severed() > 0 {
			t.Errorf("healed, and cut are %v", c.cuts)
		}
	})
}

func TestFlapThatFailsSaysSo(t *testing.T) {
	for budget := 2; budget < 6; budget++ {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(3)
			c.budget = budget
			injury := strike(t, nemesis.Flap("n1", 0), c, 1)
			time.Sleep(10 * time.Second)
			c.mu.Lock()
			cause := c.failure
			c.failure = nil
			c.mu.Unlock()
			if err := injury.Heal(t.Context()); !errors.Is(err, cause) || cause == nil {
				t.Errorf("after %d acts: %v, want %v", budget, err, cause)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(3)
		injury := strike(t, nemesis.Flap("n1", 0), c, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(time.Hour) // it flaps for as long as it takes
		if err := injury.Heal(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// alone returns who sees nobody.
func (c *cluster) alone() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(c.names(), func(name string) bool { return len(c.sees(name)) > 1 })
}

func TestSwizzleGoesOneByOne(t *testing.T) {
	sizes, orders := make(map[int]bool), 0
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(5)
			steps := func(until chan struct{}) (seen []int) {
				for {
					if n := len(c.alone()); len(seen) == 0 || seen[len(seen)-1] != n {
						seen = append(seen, n)
					}
					select {
					case <-until:
						return seen
					case <-time.After(10 * time.Millisecond):
					}
				}
			}
			begin := time.Now()
			var injury harness.Injury
			cutting := make(chan struct{})
			go func() {
				injury = strike(t, nemesis.Swizzle(), c, seed)
				close(cutting)
			}()
			seen := steps(cutting)
			_, first, _ := strings.Cut(injury.Detail, "cut off ")
			first, second, _ := strings.Cut(first, ", then mended ")
			order := strings.Fields(first)
			sizes[len(order)] = true
			if first == second && len(order) > 1 || !slices.Equal(sorted(order), sorted(strings.Fields(second))) {
				t.Errorf("seed %d: %s", seed, injury.Detail)
			}
			orders += map[bool]int{true: 1}[len(seen) >= min(len(order), 4)]
			if e := proof(t, injury.Evidence); len(order) < 4 && !e.TookEffect {
				t.Errorf("seed %d: %+v", seed, e)
			}
			if lost := c.alone(); len(order) < 4 && !slices.Equal(lost, sorted(order)) {
				t.Errorf("seed %d: %s: alone are %v", seed, injury.Detail, lost)
			}
			mustHeal(t, injury)
			if c.severed() > 0 || time.Since(begin) > 9*time.Second {
				t.Errorf("seed %d: after %v the cuts are %v", seed, time.Since(begin), c.cuts)
			}
		})
	}
	if len(sizes) != 4 || sizes[1] || orders < 50 {
		t.Errorf("of five nodes it cut off %v; %d went step by step", sizes, orders)
	}
}

func TestSwizzleIsUndoneMidWay(t *testing.T) {
	for budget := 2; budget < 4; budget++ {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(9)
			c.budget = budget
			if _, err := nemesis.Swizzle().Inject(t.Context(), c, seeded(3)); err == nil || c.severed() > 0 {
				t.Errorf("after %d cuts: %v, and cut are %v", budget-1, err, c.cuts)
			}
		})
	}
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(9)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			if _, err := nemesis.Swizzle().Inject(ctx, c, seeded(3)); !errors.Is(err, ctx.Err()) || c.severed() > 0 {
				t.Errorf("interrupted after %v: %v, and cut are %v", after, err, c.cuts)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(9)
		injury := strike(t, nemesis.Swizzle(), c, 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		if err := injury.Heal(ctx); err != nil || c.severed() > 0 || time.Since(begin) > 0 {
			t.Errorf("healed without time: %v after %v, and cut are %v", err, time.Since(begin), c.cuts)
		}
	})
}
