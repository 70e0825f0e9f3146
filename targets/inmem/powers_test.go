package inmem_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/inmem"
)

// TestRefusalsAreTold: the client of a node that is refused learns it at once, where a cut lets it wait.
func TestRefusalsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		refuser := r.cluster.(harness.Refuser)
		leader := r.leader()
		follower := r.others(leader)[0]
		way := []harness.Link{{From: follower, To: leader}}
		tried := func() (time.Duration, error) {
			began := time.Now()
			_, err := r.dial(follower).Write(r.within(), "k", 1)
			return time.Since(began), err
		}
		r.must(refuser.Refuse(t.Context(), way))
		if took, err := tried(); took > 50*time.Millisecond || !errors.Is(err, harness.ErrNotApplied) {
			t.Errorf("refused: after %v %v", took, err)
		}
		r.cut(way)
		if _, err := tried(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut and refused: %v, want silence", err)
		}
		r.mend(way)
		if took, err := tried(); took > 50*time.Millisecond || err == nil {
			t.Errorf("mended and still refused: after %v %v", took, err)
		}
		traffic, err := refuser.Traffic(t.Context())
		if r.must(err); traffic[way[0]].Held == 0 || traffic[way[0]].Resets == 0 {
			t.Errorf("the link counted %+v", traffic[way[0]])
		}
		r.must(refuser.Refuse(t.Context(), way))
		r.must(refuser.Admit(t.Context(), way))
		if _, err := tried(); err == nil {
			t.Error("refused twice, admitted once, and a write comes through")
		}
		r.must(refuser.Admit(t.Context(), way))
		if _, err := tried(); err != nil {
			t.Errorf("admitted: %v", err)
		}
		nowhere := []harness.Link{{From: "n1", To: "n9"}}
		if refuser.Admit(t.Context(), way) == nil || refuser.Refuse(t.Context(), nowhere) == nil {
			t.Error("what was not refused was admitted, or a link refused that is not there")
		}
		r.settled()
	})
}

// TestARefusalResetsWhatIsUnderWay: nobody knows of a call that had set out.
func TestARefusalResetsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{Latency: 100 * time.Millisecond, Election: 5 * time.Second})
		leader := r.leader()
		follower := r.others(leader)[0]
		c, failed := r.dial(follower), make(chan error, 1)
		go func() {
			_, err := c.Write(r.within(), "k", 1)
			failed <- err
		}()
		time.Sleep(60 * time.Millisecond) // on the link from the follower to the leader
		r.must(r.cluster.(harness.Refuser).Refuse(t.Context(), []harness.Link{{From: follower, To: leader}}))
		err := <-failed
		if err == nil || errors.Is(err, harness.ErrNotApplied) || !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("got %v", err)
		}
	})
}

func TestClientsAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		network := r.cluster.(harness.ClientNetwork)
		c := r.dial("n1")
		_, err := c.Write(r.within(), "k", 1)
		r.must(err)
		for range 2 {
			r.must(network.CutClients(t.Context(), []string{"n1"}))
		}
		for range 2 {
			if _, err := c.Write(r.within(), "k", 2); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a write over a cut: %v", err)
			}
			if _, err := r.node("n1").Dial(r.within()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a connection over a cut: %v", err)
			}
			r.reads("n2", 1)
			if err := network.MendClients(t.Context(), []string{"n1"}); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		r.reads("n1", 2) // what was held has arrived
		counted, err := network.ClientTraffic(t.Context())
		if r.must(err); counted["n1"].Held == 0 || counted["n2"].Held > 0 || counted["n2"].Passed == 0 {
			t.Errorf("counted %+v", counted)
		}
		if network.MendClients(t.Context(), []string{"n1"}) == nil || network.CutClients(t.Context(), []string{"n9"}) == nil {
			t.Error("who was not cut off was mended, or one cut off that is not there")
		}
	})
}

// TestAnAnswerOverACut: the node did it, and the client does not know before the cut is mended.
func TestAnAnswerOverACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		network, c := r.cluster.(harness.ClientNetwork), r.dial("n1")
		answered := make(chan error, 1)
		go func() {
			_, err := c.Write(r.within(), "k", 7)
			answered <- err
		}()
		time.Sleep(5 * time.Millisecond)
		r.must(network.CutClients(t.Context(), []string{"n1"}))
		time.Sleep(500 * time.Millisecond)
		r.reads("n2", 7)
		select {
		case err := <-answered:
			t.Errorf("an answer came over the cut: %v", err)
		default:
		}
		r.must(network.MendClients(t.Context(), []string{"n1"}))
		r.must(<-answered)
	})
}

func TestLossIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		shaper, links := r.cluster.(harness.Shaper), between([]string{"n1"}, []string{"n2", "n3"})
		r.must(shaper.Shape(t.Context(), links, harness.Shaping{Loss: 0.3}))
		time.Sleep(20 * time.Second)
		r.must(shaper.Unshape(t.Context(), links))
		r.settled()
		traffic, err := shaper.Traffic(t.Context())
		r.must(err)
		var lost, passed int64
		for _, l := range links {
			lost, passed = lost+traffic[l].Lost, passed+traffic[l].Passed
		}
		if share := float64(lost) / float64(lost+passed); share < 0.2 || share > 0.4 {
			t.Errorf("%d bytes of %d were lost", lost, lost+passed)
		}
		if other := traffic[harness.Link{From: "n2", To: "n3"}]; other.Lost > 0 {
			t.Errorf("another link lost %d bytes", other.Lost)
		}
		rate := harness.Shaping{Rate: 1000}
		if shaper.CanShape(rate) == nil || shaper.Shape(t.Context(), links, rate) == nil {
			t.Error("the links are said to have a rate")
		}
	})
}

func TestTerminateKeepsTheDiskAndWipeDoesNot(t *testing.T) {
	for _, wiped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := started(t, 3, 1, inmem.Options{})
			_, err := r.dial("n1").Write(r.within(), "k", 1)
			r.must(err)
			r.settled()
			for _, n := range r.cluster.Nodes() {
				if n.(harness.Wiper).Wipe(t.Context()) == nil {
					t.Errorf("%s runs and was wiped", n.Name())
				}
				r.must(n.(harness.Terminator).Terminate(t.Context()))
				if n.(harness.Terminator).Terminate(t.Context()) == nil {
					t.Errorf("%s is dead and was terminated", n.Name())
				}
				v, err := n.(harness.Vitals).Vitals(t.Context())
				if r.must(err); v.State != harness.Dead || v.How != "terminated" || v.ByItself {
					t.Errorf("terminated: %+v", v)
				}
				if wiped {
					r.must(n.(harness.Wiper).Wipe(t.Context()))
				}
			}
			for _, n := range r.cluster.Nodes() {
				r.must(n.(harness.Killer).Restart(t.Context()))
			}
			r.settled()
			r.reads("n2", map[bool]int64{false: 1, true: -1}[wiped])
		})
	}
}

// TestOneThatWasWipedCatchesUp: the others hand it what it forgot.
func TestOneThatWasWipedCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		for i := range int64(600) { // more than one message carries
			_, err := r.dial("n2").Write(r.within(), "k", i)
			r.must(err)
		}
		r.must(r.node("n1").(harness.Killer).Kill(t.Context()))
		r.must(r.node("n1").(harness.Wiper).Wipe(t.Context()))
		r.must(r.node("n1").(harness.Killer).Restart(t.Context()))
		r.settled()
		r.reads("n1", 599)
	})
}

func TestProbesAgreeWithTheLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, 3, 1, inmem.Options{})
		prober, began := r.cluster.(harness.Prober), time.Now()
		cut, refused := harness.Link{From: "n1", To: "n2"}, harness.Link{From: "n3", To: "n1"}
		r.cut([]harness.Link{cut})
		r.must(r.cluster.(harness.Refuser).Refuse(t.Context(), []harness.Link{refused}))
		arrived, err := prober.Probe(t.Context())
		if r.must(err); len(arrived) != 6 {
			t.Errorf("probed were %v", arrived)
		}
		for link, came := range arrived {
			if came != (link != cut && link != refused) {
				t.Errorf("a probe came over %v: %t", link, came)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, silent, err := prober.Resumed(ctx, []harness.Link{cut, {From: "n2", To: "n1"}}, began)
		if r.must(err); len(silent) != 1 || silent[0] != cut {
			t.Errorf("silent are %v", silent)
		}
		go func() {
			time.Sleep(300 * time.Millisecond)
			r.mend([]harness.Link{cut})
		}()
		again := time.Now()
		last, silent, err := prober.Resumed(t.Context(), []harness.Link{cut}, again)
		if r.must(err); len(silent) > 0 || last < 300*time.Millisecond || last > 320*time.Millisecond {
			t.Errorf("after %v, silent are %v", last, silent)
		}
	})
}
