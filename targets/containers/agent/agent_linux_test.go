package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/capsize-dev/capsize/harness"
)

func TestFeaturesAreTried(t *testing.T) {
	m := world(t, 1)[0]
	features, err := m.Features(limited(t))
	must(t, err)
	for _, f := range []string{
		FeatureCut, FeatureRefuse, FeatureLoss, FeatureDelay, FeatureRate, FeatureReset, FeatureClients,
	} {
		if why, known := features[f]; !known || why != "" {
			t.Errorf("%s: %q (known: %v)", f, why, known)
		}
	}
}

func TestDropSilencesOneDirection(t *testing.T) {
	members := world(t, 3)
	one, two, three := members[0], members[1], members[2]
	const all = "n1>n2 n1>n3 n2>n1 n2>n3 n3>n1 n3>n2"
	probes(t, members, 1, all)
	socket, other := one.udp(t), two.udp(t)
	if held := two.from(t, one).Held; held != 0 {
		t.Errorf("%d bytes were held on a whole link", held)
	}
	two.becomes(t, State{Drop: []string{"n1"}})
	probes(t, members, 2, "n1>n3 n2>n1 n2>n3 n3>n1 n3>n2")
	before := two.from(t, one)
	send(t, socket, other, 100)
	after := two.from(t, one)
	if got := after.Held - before.Held; got != 100+28 || after.Passed != before.Passed {
		t.Errorf("one datagram of 100 bytes: held %d more bytes, want 128; %+v", got, after)
	}
	send(t, other, socket, 100)
	receive(t, socket)
	two.becomes(t, State{})
	probes(t, members, 3, all)
	send(t, socket, other, 100)
	receive(t, other)
	if now := two.from(t, one); now.Held != after.Held || now.Passed <= after.Passed {
		t.Errorf("a mended link holds: %+v, before %+v", now, after)
	}
	if c := three.from(t, one); c.Held != 0 {
		t.Errorf("a third node held %+v", c)
	}
}

func TestRefuseTellsTheSender(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	conn, _ := pair(t, one, two)
	two.becomes(t, State{Refuse: []string{"n1"}})
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("an open connection: %v, want a reset", err)
	}
	if _, err := one.dial(t, two, testTimeout); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a new connection: %v, want refused", err)
	}
	var socket net.Conn
	one.inside(t, func() { socket, _ = net.Dial("udp4", two.address.String()+":5000") })
	_, err := socket.Write([]byte("x"))
	must(t, err)
	if _, err := socket.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a datagram: %v, want unreachable", err)
	}
	if held := two.from(t, one).Held; held == 0 {
		t.Error("nothing was counted as held")
	}
	two.becomes(t, State{Refuse: []string{"n1"}, Drop: []string{"n1"}})
	if _, err := one.dial(t, two, 100*time.Millisecond); errors.Is(err, unix.ECONNREFUSED) {
		t.Error("a link that is cut and refused answers")
	}
	two.becomes(t, State{})
	_, err = one.dial(t, two, testTimeout)
	must(t, err)
}

func TestLoss(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	from, to := one.udp(t), two.udp(t)
	const sent, bytes = 2000, 100
	for _, loss := range []struct {
		share     float64
		low, high int64
	}{{0, 0, 0}, {0.5, sent * 4 / 10, sent * 6 / 10}, {1, sent, sent}} {
		two.becomes(t, State{Shape: map[string]harness.Shaping{"n1": {Loss: loss.share}}})
		before := two.from(t, one)
		for range sent {
			send(t, from, to, bytes)
		}
		after := two.from(t, one)
		lost, passed := (after.Lost-before.Lost)/(bytes+28), (after.Passed-before.Passed)/(bytes+28)
		if lost < loss.low || lost > loss.high || lost+passed != sent {
			t.Errorf("loss %v of %d: lost %d, passed %d", loss.share, sent, lost, passed)
		}
	}
}

func TestDelayKeepsOrder(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	from, to := one.udp(t), two.udp(t)
	const delay, jitter, sent = 50 * time.Millisecond, 20 * time.Millisecond, 200
	two.becomes(t, State{Shape: map[string]harness.Shaping{"n1": {Delay: delay, Jitter: jitter}}})
	began := time.Now()
	for i := range sent {
		_, err := from.WriteTo(binary.BigEndian.AppendUint32(nil, uint32(i)), to.LocalAddr())
		must(t, err)
	}
	for i := range sent {
		got := receive(t, to)
		if n := binary.BigEndian.Uint32(got); n != uint32(i) {
			t.Fatalf("datagram %d arrived as number %d", n, i)
		}
		if i == 0 && time.Since(began) < delay-jitter {
			t.Errorf("the first was late by %v only", time.Since(began))
		}
	}
	if took := time.Since(began); took < delay {
		t.Errorf("the last of %d was late by %v only", sent, took)
	}
	if c := two.from(t, one); c.Delayed != sent*32 || c.Passed < c.Delayed || c.Lost != 0 {
		t.Errorf("counted %+v, want %d bytes delayed", c, sent*32)
	}
	back := time.Now() // the other direction is not slow, and a delayed link is whole again at once
	send(t, to, from, 10)
	receive(t, from)
	two.becomes(t, State{})
	before := two.from(t, one)
	send(t, from, to, 10)
	receive(t, to)
	t.Logf("round trip without delay: %v", time.Since(back))
	if c := two.from(t, one); c.Delayed != before.Delayed {
		t.Errorf("a whole link delays: %+v", c)
	}
}

func TestWhatIsUnderWayIsReleasedOrCut(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	from, to := one.udp(t), two.udp(t)
	slow := State{Shape: map[string]harness.Shaping{"n1": {Delay: maxDelay}}}
	two.becomes(t, slow)
	send(t, from, to, 100)
	two.becomes(t, State{})
	receive(t, to) // long before it would have been due
	two.becomes(t, slow)
	send(t, from, to, 100)
	send(t, to, from, 1) // gives the packet time to reach the queue
	receive(t, from)
	slow.Drop = []string{"n1"}
	two.becomes(t, slow)
	eventually(t, "what was under way is held", func() bool { return two.from(t, one).Held == 128 })
	two.becomes(t, State{})
	send(t, from, to, 7)
	if got := receive(t, to); len(got) != 7 {
		t.Errorf("what was under way during the cut arrived: %d bytes", len(got))
	}
}

func TestRateBoundsBytes(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	dialled, accepted := pair(t, one, two)
	const rate, total = 400_000, 200_000
	two.becomes(t, State{Shape: map[string]harness.Shaping{"n1": {Rate: rate}}})
	began := time.Now()
	go func() { _, _ = dialled.Write(make([]byte, total)) }()
	_, err := io.ReadFull(accepted, make([]byte, total))
	must(t, err)
	if took := time.Since(began); took < time.Second*total/rate {
		t.Errorf("%d bytes at %d bytes per second took %v", total, rate, took)
	}
	two.becomes(t, State{})
	go func() { _, _ = dialled.Write(make([]byte, total)) }()
	_, err = io.ReadFull(accepted, make([]byte, total))
	must(t, err)
}

func TestResetClosesConnections(t *testing.T) {
	members := world(t, 3)
	one, two := members[0], members[1]
	dialled, accepted := pair(t, one, two)
	if n, err := two.ResetConnections(limited(t), []string{"n3"}); n != 0 || err != nil {
		t.Errorf("reset of another peer's: %d, %v", n, err)
	}
	if n, err := two.ResetConnections(limited(t), []string{"n1"}); n != 1 || err != nil {
		t.Errorf("reset: %d, %v, want 1", n, err)
	}
	if _, err := dialled.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the other end: %v, want a reset", err)
	}
	if _, err := accepted.Read(make([]byte, 1)); err == nil {
		t.Error("this end is still open")
	}
	if c := two.counted(t).Peers; c["n1"].Resets != 1 || c["n3"].Resets != 0 {
		t.Errorf("counted %+v", c)
	}
}

func TestClientsCut(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	l := two.listen(t)
	go serveEcho(l)
	address := l.Addr().String()
	client, err := net.Dial("tcp4", address) // from the hub, which is no peer
	must(t, err)
	defer func() { _ = client.Close() }()
	echo(t, client)
	before := two.counted(t).Clients
	if before.Passed == 0 || before.Held != 0 {
		t.Errorf("counted %+v of a client that is not cut", before)
	}
	two.becomes(t, State{ClientsCut: true})
	if conn, err := net.DialTimeout("tcp4", address, 100*time.Millisecond); err == nil {
		_ = conn.Close()
		t.Error("a client reached a node that is cut off from clients")
	}
	if after := two.counted(t).Clients; after.Held == 0 || after.Passed != before.Passed {
		t.Errorf("counted %+v, before %+v", after, before)
	}
	peer, err := one.dial(t, two, testTimeout) // a peer is no client
	must(t, err)
	echo(t, peer)
	var own net.Conn
	two.inside(t, func() { own, err = net.Dial("tcp4", address) })
	must(t, err)
	echo(t, own)
	_ = own.Close()
	two.becomes(t, State{})
	echo(t, client) // resumes
}

func TestBeatsResume(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	heard := func(since time.Time) func() bool {
		return func() bool {
			asked := time.Now()
			beats, err := two.Beats(limited(t))
			must(t, err)
			ago, known := beats["n1"]
			return known && asked.Add(-ago).After(since)
		}
	}
	eventually(t, "beats arrive", heard(time.Time{}))
	for _, state := range []State{{Drop: []string{"n1"}}, {Refuse: []string{"n1"}}} {
		two.becomes(t, state)
		cut := time.Now()
		silence := time.NewTimer(6 * beatPace) // there is no sign of nothing but time
		<-silence.C
		if heard(cut)() {
			t.Errorf("a beat arrived while %+v", state)
		}
		two.becomes(t, State{})
		mended := time.Now()
		eventually(t, "beats resume", heard(mended))
		t.Logf("%+v: resumed within %v", state, time.Since(mended))
	}
	if c := two.from(t, one); c.Held != 0 || c.Passed != 0 {
		t.Errorf("the agents' own packets were counted: %+v", c)
	}
}

func TestOnlyTheSecretCommands(t *testing.T) {
	m := world(t, 1)[0]
	stranger := Dial(m.address.String()+":7070", "another secret, as long")
	if err := stranger.Apply(limited(t), State{ClientsCut: true}); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a stranger got %v", err)
	}
	response, err := http.Post("http://"+m.address.String()+":7070/apply", "application/json", strings.NewReader("{}"))
	must(t, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a secret: %s", response.Status)
	}
	must(t, m.Apply(limited(t), State{}))
	if err := m.FillDisk(limited(t), strings.Repeat("x", maxMessage)); err == nil {
		t.Error("a request beyond the limit was accepted")
	}
}

func TestRestartedAgentLeavesTheNetworkWhole(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	two.becomes(t, State{Drop: []string{"n1"}, ClientsCut: true})
	must(t, two.process.Process.Kill())
	_ = two.process.Wait()
	probe := Dial(two.address.String()+":7070", testToken)
	if _, err := probe.Features(limited(t)); err == nil {
		t.Fatal("the agent survived")
	}
	two.inside(t, func() { two.begin(t, two.launch(t, &syscall.SysProcAttr{})) })
	two.configure(t, Config{Peers: map[string]netip.Addr{"n1": one.address}})
	probes(t, members, 9, "n1>n2 n2>n1")
	if c := two.from(t, one); c.Held != 0 {
		t.Errorf("a new agent counts %+v", c)
	}
}

func TestBadStatesChangeNothing(t *testing.T) {
	members := world(t, 2)
	two := members[1]
	for _, bad := range []State{
		{Drop: []string{"n9"}}, {Refuse: []string{"n2"}},
		{Shape: map[string]harness.Shaping{"n9": {Loss: 1}}},
		{Shape: map[string]harness.Shaping{"n1": {Loss: 1.5}}},
		{Shape: map[string]harness.Shaping{"n1": {Reset: true}}, Drop: []string{"n1"}},
		{Shape: map[string]harness.Shaping{"n1": {Delay: -1}}},
	} {
		if err := two.Apply(limited(t), bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	probes(t, members, 1, "n1>n2 n2>n1")
}

// TestManyPeers: a cluster of the largest size, half of it with IPv6 addresses, all hurt in every way at once.
func TestManyPeers(t *testing.T) {
	two := world(t, 2)[1]
	config := Config{Peers: map[string]netip.Addr{"n1": two.address.Prev()}, ClientPorts: []int{5000, 5001, 5002}}
	state := State{ClientsCut: true, Shape: map[string]harness.Shaping{}}
	for i := len(config.Peers); i < maxPeers; i++ {
		name, address := fmt.Sprintf("m%d", i), netip.AddrFrom4([4]byte{10, 99, 1, byte(i)})
		if i%2 == 0 {
			address = netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(i)})
		}
		config.Peers[name] = address
		switch i % 3 {
		case 0:
			state.Shape[name] = harness.Shaping{Loss: 0.5, Delay: time.Second}
		case 1:
			state.Refuse = append(state.Refuse, name)
		default:
			state.Drop = append(state.Drop, name)
		}
	}
	must(t, two.Configure(limited(t), config))
	two.becomes(t, state)
	if n := len(two.counted(t).Peers); n != maxPeers {
		t.Errorf("%d peers are counted", n)
	}
	two.becomes(t, State{})
	config.Peers["one too many"] = netip.MustParseAddr("10.99.2.1")
	if err := two.Configure(limited(t), config); err == nil {
		t.Error("too many peers were accepted")
	}
}

// TestCountersNeverGoBack: whatever is replaced meanwhile.
func TestCountersNeverGoBack(t *testing.T) {
	members := world(t, 2)
	one, two := members[0], members[1]
	from, to := one.udp(t), two.udp(t)
	var before harness.Traffic
	const rounds = 20
	for i := range rounds {
		two.becomes(t, State{Drop: []string{"n1"}})
		send(t, from, to, 100)
		two.becomes(t, State{Shape: map[string]harness.Shaping{"n1": {Delay: time.Millisecond}}})
		send(t, from, to, 100)
		receive(t, to)
		if i == rounds/2 { // also over a configuration
			two.configure(t, Config{Peers: map[string]netip.Addr{"n1": one.address}})
		}
		now := two.from(t, one)
		if now.Held != before.Held+128 || now.Delayed != before.Delayed+128 || now.Passed < before.Passed+128 {
			t.Errorf("round %d: %+v, before %+v", i, now, before)
		}
		before = now
	}
}

func send(t testing.TB, from, to *net.UDPConn, bytes int) {
	t.Helper()
	_, err := from.WriteTo(make([]byte, bytes), to.LocalAddr())
	must(t, err)
}

func receive(t testing.TB, conn *net.UDPConn) []byte {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(testTimeout)))
	buffer := make([]byte, 2048)
	n, _, err := conn.ReadFrom(buffer)
	must(t, err)
	return buffer[:n]
}

func serveEcho(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(conn, conn) }()
	}
}

func echo(t testing.TB, conn net.Conn) {
	t.Helper()
	must(t, conn.SetDeadline(time.Now().Add(testTimeout)))
	_, err := conn.Write([]byte("echo"))
	must(t, err)
	got := make([]byte, 4)
	_, err = io.ReadFull(conn, got)
	must(t, err)
	if !slices.Equal(got, []byte("echo")) {
		t.Errorf("the echo is %q", got)
	}
}
