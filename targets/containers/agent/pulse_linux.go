package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// How agents try the links between them.
const (
	beatPace     = 50 * time.Millisecond
	beatDial     = 500 * time.Millisecond // then it is tried again at once, as a driver would
	redialPace   = 100 * time.Millisecond
	probeCopies  = 5
	noncesKept   = 64
	beatsPerPeer = 4 // connections that one peer may have open to this agent; more close the oldest
	probePrefix  = "capsize probe "
)

// pulse is the traffic between agents: beats over a TCP connection to each peer, and probes over UDP.
type pulse struct {
	tcp net.Listener
	udp *net.UDPConn

	mu     sync.Mutex
	peers  map[string]netip.Addr
	names  map[netip.Addr]string
	last   map[string]time.Time // when a beat last arrived
	nonces map[string][]uint64
	conns  map[string][]net.Conn // from each peer
	stop   context.CancelFunc    // ends the beats to the peers of now

	running sync.WaitGroup
}

func startPulse() (*pulse, error) {
	// without keep-alive: a connection is kept over an outage of any length
	listening := net.ListenConfig{KeepAlive: -1}
	tcp, err := listening.Listen(context.Background(), "tcp", ":"+strconv.Itoa(peerPort))
	if err != nil {
		return nil, fmt.Errorf("listen for other agents: %w", err)
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{Port: peerPort})
	if err != nil {
		return nil, fmt.Errorf("listen for other agents: %w", errors.Join(err, tcp.Close()))
	}
	p := &pulse{tcp: tcp, udp: udp, stop: func() {}}
	p.running.Go(p.accept)
	p.running.Go(p.receive)
	return p, nil
}

func (p *pulse) close() {
	p.mu.Lock()
	p.stop()
	_ = p.tcp.Close()
	_ = p.udp.Close()
	p.hangUp()
	p.names = nil
	p.mu.Unlock()
	p.running.Wait()
}

// hangUp closes what peers have dialled. The caller holds the lock.
func (p *pulse) hangUp() {
	for _, conns := range p.conns {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	p.conns = map[string][]net.Conn{}
}

// configure starts to send beats to these peers, and forgets others.
func (p *pulse) configure(peers map[string]netip.Addr) {
	ctx, stop := context.WithCancel(context.Background()) // ended by close, or by the next configuration
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	p.hangUp()
	p.stop, p.peers, p.names = stop, maps.Clone(peers), map[netip.Addr]string{}
	p.last, p.nonces = map[string]time.Time{}, map[string][]uint64{}
	for name, address := range peers {
		p.names[address.Unmap()] = name
		p.running.Go(func() { p.beat(ctx, netip.AddrPortFrom(address, peerPort)) })
	}
}

// beat sends a byte again and again. The connection is kept while it lives, as a datastore's would be, and made anew
// when it broke for good.
func (p *pulse) beat(ctx context.Context, to netip.AddrPort) {
	dialer := net.Dialer{Timeout: beatDial, KeepAlive: -1}
	for ctx.Err() == nil {
		conn, err := dialer.DialContext(ctx, "tcp", to.String())
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				harness.Wait(ctx, redialPace)
			}
			continue
		}
		hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
		for {
			if _, err := conn.Write([]byte{'.'}); err != nil || !harness.Wait(ctx, beatPace) {
				break
			}
		}
		hangUp()
		_ = conn.Close()
	}
}

// accept lets peers, and nobody else, connect.
func (p *pulse) accept() {
	for {
		conn, err := p.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(redialPace) // out of file descriptors: some may come back
			continue
		}
		name, ok := p.admit(conn)
		if !ok {
			_ = conn.Close()
			continue
		}
		p.running.Go(func() { p.listen(name, conn) })
	}
}

func (p *pulse) admit(conn net.Conn) (string, bool) {
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.names[from]
	if name == "" {
		return "", false
	}
	if open := p.conns[name]; len(open) >= beatsPerPeer {
		_ = open[0].Close()
		p.conns[name] = open[1:]
	}
	p.conns[name] = append(p.conns[name], conn)
	return name, true
}

// listen notes when something arrives.
func (p *pulse) listen(name string, conn net.Conn) {
	buffer := make([]byte, 256)
	for {
		n, err := conn.Read(buffer)
		p.mu.Lock()
		if n > 0 && p.names[conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()] == name {
			p.last[name] = time.Now()
		}
		if err != nil {
			p.conns[name] = slices.DeleteFunc(p.conns[name], func(c net.Conn) bool { return c == conn })
			p.mu.Unlock()
			_ = conn.Close()
			return
		}
		p.mu.Unlock()
	}
}

// beats returns how long ago each peer was heard.
func (p *pulse) beats() map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	ago := map[string]time.Duration{}
	for name, at := range p.last {
		ago[name] = time.Since(at)
	}
	return ago
}

// probe sends the nonce to every peer. That one cannot be reached is no error: its agent will tell that nothing came.
func (p *pulse) probe(nonce uint64) error {
	p.mu.Lock()
	peers := slices.Collect(maps.Values(p.peers))
	p.mu.Unlock()
	message := binary.BigEndian.AppendUint64([]byte(probePrefix), nonce)
	for range probeCopies {
		for _, address := range peers {
			_, err := p.udp.WriteToUDPAddrPort(message, netip.AddrPortFrom(address, peerPort))
			if errors.Is(err, net.ErrClosed) {
				return err
			}
		}
	}
	return nil
}

// receive notes the nonces that arrive from peers.
func (p *pulse) receive() {
	buffer := make([]byte, 64)
	for {
		n, from, err := p.udp.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n != len(probePrefix)+8 || string(buffer[:len(probePrefix)]) != probePrefix {
			continue
		}
		nonce := binary.BigEndian.Uint64(buffer[len(probePrefix):])
		p.mu.Lock()
		if name := p.names[from.Addr().Unmap()]; name != "" && !slices.Contains(p.nonces[name], nonce) {
			known := append(p.nonces[name], nonce)
			p.nonces[name] = known[max(0, len(known)-noncesKept):]
		}
		p.mu.Unlock()
	}
}

// probed returns the peers whose nonce arrived.
func (p *pulse) probed(nonce uint64) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	peers := []string{}
	for name, nonces := range p.nonces {
		if slices.Contains(nonces, nonce) {
			peers = append(peers, name)
		}
	}
	slices.Sort(peers)
	return peers
}
