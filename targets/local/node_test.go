package local

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

func TestKilledNodeStaysDownAndComesBackOnItsData(t *testing.T) {
	c := start(t, 2)
	n := c.Members()[0]
	client := dialNode(t, n)
	expect(t, client, "keep this", "n1 keep this")
	before := vital(t, n)
	for range 2 { // the second does nothing
		if err := n.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if v := vital(t, n); v.State != harness.Dead || v.PID != 0 {
		t.Errorf("vitals of a killed node: %+v", v)
	}
	if _, err := client.ask("still there?", inTime); err == nil {
		t.Error("a killed node answered")
	}
	if _, err := n.Dial(t.Context()); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("dial a node that is down: %v", err)
	}
	for range 2 {
		if err := n.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if v := vital(t, n); v.State != harness.Running || v.PID == before.PID {
		t.Errorf("vitals after the restart: %+v, before: %+v", v, before)
	}
	expect(t, dialNode(t, n), "kept", "this")
	peer := dialNode(t, c.Members()[1])
	expect(t, peer, "open n1", "n2 open n1") // the proxies have learnt the new address
	expect(t, peer, "tell hello", "n1 hello")
}

func TestLogsGoOnOverRestarts(t *testing.T) {
	c := start(t, 1)
	n := c.Members()[0]
	if err := errors.Join(n.Kill(t.Context()), n.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	dialNode(t, n)
	log, err := c.Logs(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil || strings.Count(string(text), "n1 serves\n") != 2 {
		t.Errorf("the log of two starts: %q (%v)", text, err)
	}
	if _, err := c.Logs(t.Context(), "n9"); err == nil {
		t.Error("logs of a node that does not exist")
	}
}

func TestNodeThatEndsAtOnceShowsItsLog(t *testing.T) {
	_, err := Start(t.Context(), env(t, 2), Spec{Service: "broken", Dial: dialLine})
	if err == nil {
		t.Fatal("a cluster of broken nodes started")
	}
	for _, want := range []string{"start n1", "exit status 4", "the log says why", "no luck"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

func TestNodeThatIsNeverReadyShowsItsLog(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Start(ctx, env(t, 1), Spec{Service: "mute", Dial: dialLine})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "thinking") {
		t.Errorf("a node that is never ready: %v", err)
	}
}

func TestUnknownServiceIsNamed(t *testing.T) {
	_, err := Start(t.Context(), env(t, 1), Spec{Service: "nobody", Dial: dialLine})
	if err == nil || !strings.Contains(err.Error(), "broken, echo, mute") {
		t.Errorf("an unknown service: %v", err)
	}
}

func TestNodeThatForgetsMainDoesNotStartClusters(t *testing.T) {
	t.Setenv(tether, "1")
	if _, err := Start(t.Context(), env(t, 1), echoSpec); err == nil || !strings.Contains(err.Error(), "local.Main") {
		t.Errorf("a cluster inside a node: %v", err)
	}
}

func TestStopRemovesEverythingAndMayBeRepeated(t *testing.T) {
	c := start(t, 2)
	pid := vital(t, c.Members()[1]).PID
	if err := c.Members()[0].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(c.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data is still there: %v", err)
	}
	if v := vital(t, c.Members()[1]); v.State != harness.Dead {
		t.Errorf("process %d after Stop: %+v", pid, v)
	}
	if err := c.Members()[0].Restart(t.Context()); err == nil {
		t.Error("a node of a stopped cluster started again")
	}
}

func TestTwoClustersAtOnceDoNotMeet(t *testing.T) {
	a, b := start(t, 2), start(t, 2)
	if a.ID() == b.ID() {
		t.Fatalf("two clusters share the id %s", a.ID())
	}
	expect(t, dialNode(t, a.Members()[0]), "keep a", "n1 keep a")
	expect(t, dialNode(t, b.Members()[0]), "keep b", "n1 keep b")
	cut := []harness.Link{{From: "n1", To: "n2"}}
	if err := a.Cut(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	client := dialNode(t, b.Members()[0])
	expect(t, client, "open n2", "n1 open n2")
	expect(t, client, "tell hello", "n2 hello")
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "kept", "b")
}
