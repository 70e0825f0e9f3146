package local

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

func traffic(t *testing.T, c *Cluster, from, to string) harness.Traffic {
	t.Helper()
	all, err := c.Traffic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[harness.Link{From: from, To: to}]
}

// talk opens a connection from the first node to the second and proves it.
func talk(t *testing.T, c *Cluster) *lineClient {
	t.Helper()
	client := dialNode(t, c.Members()[0])
	expect(t, client, "open n2", "n1 open n2")
	expect(t, client, "tell hello", "n2 hello")
	return client
}

var there, back = harness.Link{From: "n1", To: "n2"}, harness.Link{From: "n2", To: "n1"}

// A cut of either direction holds an exchange; only the bytes of the cut direction are held; a mend delivers them.
func TestCutHoldsOneDirection(t *testing.T) {
	for _, test := range []struct {
		name string
		cut  harness.Link
		held int64
	}{
		{"requests", there, int64(len("lost?\n"))},
		{"replies", back, int64(len("n2 lost?\n"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := start(t, 2)
			client := talk(t, c)
			before := traffic(t, c, test.cut.From, test.cut.To)
			if before.Held != 0 || before.Passed == 0 {
				t.Errorf("before the cut: %+v", before)
			}
			if err := c.Cut(t.Context(), []harness.Link{test.cut}); err != nil {
				t.Fatal(err)
			}
			expectSilence(t, client, "tell lost?")
			if now := traffic(t, c, test.cut.From, test.cut.To); now.Held != test.held || now.Passed != before.Passed {
				t.Errorf("during the cut: %+v, before: %+v", now, before)
			}
			if now := traffic(t, c, test.cut.To, test.cut.From); now.Held != 0 {
				t.Errorf("the other direction: %+v", now)
			}
			if err := c.Mend(t.Context(), []harness.Link{test.cut}); err != nil {
				t.Fatal(err)
			}
			if got, err := client.answer(inTime); err != nil || got != "n2 lost?" {
				t.Errorf("after the mend: %q (%v)", got, err)
			}
			expect(t, client, "tell again", "n2 again")
		})
	}
}

func TestCutsNest(t *testing.T) {
	c := start(t, 2)
	client := talk(t, c)
	both := []harness.Link{there, back}
	if err := errors.Join(c.Cut(t.Context(), both), c.Cut(t.Context(), both[:1])); err != nil {
		t.Fatal(err)
	}
	expectSilence(t, client, "tell one")
	if err := c.Mend(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	if got, err := client.answer(soon); err == nil {
		t.Errorf("a link that was cut twice and mended once delivered %q", got)
	}
	if err := c.Mend(t.Context(), both[:1]); err != nil {
		t.Fatal(err)
	}
	if got, err := client.answer(inTime); err != nil || got != "n2 one" {
		t.Errorf("after the last mend: %q (%v)", got, err)
	}
	if err := c.Mend(t.Context(), both); err != nil { // once too often: the next cut must still cut
		t.Fatal(err)
	}
	if err := c.Cut(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	expectSilence(t, client, "tell two")
}

func TestUnknownLinkCutsNothing(t *testing.T) {
	c := start(t, 2)
	client := talk(t, c)
	if err := c.Cut(t.Context(), []harness.Link{there, {From: "n1", To: "n9"}}); err == nil {
		t.Fatal("a link that does not exist was cut")
	}
	expect(t, client, "tell hello", "n2 hello")
}

// A connection that is opened during a cut is silent, is counted, and comes about when the cut is mended.
func TestNewConnectionDuringACutIsSilent(t *testing.T) {
	for _, cut := range []harness.Link{there, back} {
		c := start(t, 2)
		client := dialNode(t, c.Members()[0])
		if err := c.Cut(t.Context(), []harness.Link{cut}); err != nil {
			t.Fatal(err)
		}
		expect(t, client, "open n2", "n1 open n2")
		expectSilence(t, client, "tell hello")
		if now := traffic(t, c, "n1", "n2"); now.Held != int64(len("hello\n")) || now.Passed != 0 {
			t.Errorf("a new connection during the cut of %v: %+v", cut, now)
		}
		if err := c.Mend(t.Context(), []harness.Link{cut}); err != nil {
			t.Fatal(err)
		}
		if got, err := client.answer(inTime); err != nil || got != "n2 hello" {
			t.Errorf("after the mend: %q (%v)", got, err)
		}
	}
}

// The end of a connection is held like its bytes: behind a cut nobody learns that a node died.
func TestDeathBehindACutIsSilent(t *testing.T) {
	c := start(t, 2)
	client := talk(t, c)
	if err := c.Cut(t.Context(), []harness.Link{there, back}); err != nil {
		t.Fatal(err)
	}
	if err := c.Members()[1].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectSilence(t, client, "tell hello")
	if err := c.Mend(t.Context(), []harness.Link{there, back}); err != nil {
		t.Fatal(err)
	}
	if got, err := client.answer(inTime); err != nil || got[:6] != "error:" {
		t.Errorf("a connection to a dead node after the mend: %q (%v)", got, err)
	}
}

func TestDeadPeerRefuses(t *testing.T) {
	c := start(t, 2)
	if err := c.Members()[1].Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := dialNode(t, c.Members()[0])
	if _, err := client.ask("open n2", inTime); err != nil {
		t.Fatal(err)
	}
	if got, err := client.ask("tell hello", inTime); err != nil || got[:6] != "error:" {
		t.Errorf("a dead peer answered %q (%v)", got, err)
	}
}

func TestResetBreaksOpenConnectionsOnly(t *testing.T) {
	c := start(t, 2)
	client := talk(t, c)
	if err := c.Shape(t.Context(), []harness.Link{there}, harness.Shaping{Reset: true}); err != nil {
		t.Fatal(err)
	}
	if got, err := client.ask("tell hello", inTime); err != nil || got[:6] != "error:" {
		t.Errorf("after a reset: %q (%v)", got, err)
	}
	if now := traffic(t, c, "n1", "n2"); now.Resets != 1 {
		t.Errorf("resets: %+v", now)
	}
	talk(t, c)
}

func TestDelayKeepsOrderAndIsCounted(t *testing.T) {
	c := start(t, 2)
	client := talk(t, c)
	const delay = 60 * time.Millisecond
	slow := harness.Shaping{Delay: delay, Jitter: 20 * time.Millisecond}
	if err := c.Shape(t.Context(), []harness.Link{there}, slow); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, text := range []string{"1", "2", "3"} {
		expect(t, client, "tell "+text, "n2 "+text)
	}
	if took := time.Since(began); took < 3*(delay-slow.Jitter) {
		t.Errorf("three slow exchanges took %s", took)
	}
	now := traffic(t, c, "n1", "n2")
	if now.Held != 0 || now.Delayed != 6 || now.Passed != now.Delayed+int64(len("hello\n")) {
		t.Errorf("a slow link: %+v", now)
	}
	if err := c.Shape(t.Context(), []harness.Link{there}, harness.Shaping{Reset: true}); err != nil {
		t.Fatal(err)
	}
	client = talk(t, c)
	if late := traffic(t, c, "n1", "n2").Delayed; late <= now.Delayed {
		t.Error("a shaping that only resets ended the delay")
	}
	if err := c.Unshape(t.Context(), []harness.Link{there}); err != nil {
		t.Fatal(err)
	}
	expect(t, client, "tell fast", "n2 fast") // what was under way has been counted once this came through
	late := traffic(t, c, "n1", "n2").Delayed
	expect(t, client, "tell fast", "n2 fast")
	if traffic(t, c, "n1", "n2").Delayed != late {
		t.Error("an unshaped link is still slow")
	}
}

// Far more than the buffers hold: the sender is held back, and nothing is lost or mixed up.
func TestLongHeldStreamArrivesWhole(t *testing.T) {
	a, b := newPair(t)
	const size = 16 << 20
	a.network.links[there].cut()
	sent := make(chan error, 1)
	go func() {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7 >> 3)
		}
		_, err := a.conn.Write(data)
		sent <- errors.Join(err, a.conn.CloseWrite())
	}()
	select {
	case err := <-sent:
		t.Fatalf("%d bytes went into a cut link: %v", size, err)
	case <-time.After(soon):
	}
	a.network.links[there].mend()
	conn, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data, err := io.ReadAll(conn)
	if err := errors.Join(err, <-sent); err != nil || len(data) != size {
		t.Fatalf("%d of %d bytes came: %v", len(data), size, err)
	}
	for i := range data {
		if data[i] != byte(i*7>>3) {
			t.Fatalf("byte %d is wrong", i)
		}
	}
}
