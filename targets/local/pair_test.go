package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// end is a connection that the first of two nodes dialled to the second, without any process.
type end struct {
	network *network
	conn    *net.TCPConn
}

// newPair makes the proxies of two nodes, dials the second from the first, and returns that end and the second's
// listener.
func newPair(t *testing.T) (end, net.Listener) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	address := func(string) (string, bool) { return listener.Addr().String(), true }
	w, err := newNetwork([]string{"n1", "n2"}, address, rand.NewPCG(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	conn, err := net.Dial("tcp", w.peers("n1")["n2"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return end{w, conn.(*net.TCPConn)}, listener
}

// A caller that gives up during a cut never existed for the callee, and its proxy keeps nothing of it.
func TestCallerThatGivesUpDuringACutIsForgotten(t *testing.T) {
	a, listener := newPair(t)
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	a.network.links[there].cut()
	p := a.network.proxies[0]
	conn, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the bytes to be counted", func() error { return wantHeld(a.network.links[there], 4) })
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the proxy to forget", func() error { return wantRelays(p, 1) })
	a.network.links[there].mend()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("a connection arrived whose caller had given up")
	}
}

// Closing is prompt whatever is held, and ends every goroutine (close waits for them).
func TestCloseWithHeldBytes(t *testing.T) {
	a, listener := newPair(t)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a.network.links[there].cut()
	if _, err := a.conn.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the bytes to be counted", func() error { return wantHeld(a.network.links[there], 4) })
	closed := make(chan struct{})
	go func() { a.network.close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(inTime):
		t.Fatal("close waits for held bytes")
	}
}

// The lags of a link come from its seed alone.
func TestLagsAreSeeded(t *testing.T) {
	draw := func(seed uint64) (lags [20]time.Duration) {
		l := newLink(there, rand.New(rand.NewPCG(seed, 0)))
		l.shape(10*time.Millisecond, 5*time.Millisecond)
		for i := range lags {
			lags[i] = l.lag()
			if lags[i] < 5*time.Millisecond || lags[i] > 15*time.Millisecond {
				t.Errorf("a lag of %s", lags[i])
			}
		}
		return lags
	}
	if draw(1) != draw(1) {
		t.Error("one seed, two sequences")
	}
	if draw(1) == draw(2) {
		t.Error("two seeds, one sequence")
	}
}

func wantHeld(l *link, want int64) error {
	if got := l.held.Load(); got != want {
		return fmt.Errorf("%d bytes held, expected %d", got, want)
	}
	return nil
}

func wantRelays(p *proxy, want int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := len(p.relays); got != want {
		return fmt.Errorf("%d connections, expected %d", got, want)
	}
	return nil
}
