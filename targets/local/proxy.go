package local

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// proxy carries the connections that one node dials to another: requests on the link there, replies on the link back.
type proxy struct {
	listener    net.Listener
	there, back *link
	address     func() (string, bool) // where the callee listens now; false while it is down

	mu     sync.Mutex
	relays map[*relay]bool
	closed bool
	done   sync.WaitGroup
}

// Limits of a relay: what it reads at once, how many late chunks it keeps, and how much of a connection that is not
// made yet. Beyond them it stops reading and the sender is held back by TCP.
const (
	chunkBytes  = 32 << 10
	lateChunks  = 1024
	earlyBytes  = 64 << 10
	dialTimeout = 2 * time.Second
)

func newProxy(there, back *link, address func() (string, bool)) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, there: there, back: back, address: address, relays: map[*relay]bool{}}
	p.done.Add(1)
	go p.accept()
	return p, nil
}

func (p *proxy) accept() {
	defer p.done.Done()
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of file descriptors: some may come back
			continue
		}
		r := &relay{proxy: p, caller: conn.(*net.TCPConn), over: make(chan struct{})}
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			_ = conn.Close()
			return
		}
		p.relays[r] = true
		p.done.Add(1)
		p.mu.Unlock()
		go func() {
			defer p.done.Done()
			r.run()
			p.mu.Lock()
			delete(p.relays, r)
			p.mu.Unlock()
		}()
	}
}

// reset breaks every open connection with a RST on both sides, and returns how many there were.
func (p *proxy) reset() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := range p.relays {
		r.end(true)
	}
	return len(p.relays)
}

// close ends every connection, held bytes or not, and returns when all is gone.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	for r := range p.relays {
		r.end(true)
	}
	p.mu.Unlock()
	_ = p.listener.Close()
	p.done.Wait()
}

// relay is one connection through a proxy.
type relay struct {
	proxy  *proxy
	caller *net.TCPConn
	callee atomic.Pointer[net.TCPConn] // nil until the connection is made
	over   chan struct{}               // closed by end
	ending sync.Once
}

// end closes both sides at once.
func (r *relay) end(reset bool) {
	r.ending.Do(func() {
		close(r.over)
		for _, conn := range []*net.TCPConn{r.caller, r.callee.Load()} {
			if conn != nil {
				if reset {
					_ = conn.SetLinger(0)
				}
				_ = conn.Close()
			}
		}
	})
}

func (r *relay) run() {
	early, ok := r.handshake()
	if !ok {
		r.end(true)
		return
	}
	callee, ok := r.connect()
	if !ok {
		r.end(true)
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { r.pump(callee, r.caller, r.proxy.there, early) })
	pumps.Go(func() { r.pump(r.caller, callee, r.proxy.back, nil) })
	pumps.Wait()
	r.end(false)
}

// handshake waits until both directions are whole, as the packets that open a connection would. It reports false when
// the caller gave up first: then nothing was sent, ever. What the caller said meanwhile is returned.
func (r *relay) handshake() ([]byte, bool) {
	there, back := r.proxy.there, r.proxy.back
	if there.cuts.Load() == 0 && back.cuts.Load() == 0 {
		return nil, true
	}
	whole := make(chan struct{})
	go func() {
		for there.cuts.Load() > 0 || back.cuts.Load() > 0 {
			if !there.wait(0, r.over) || !back.wait(0, r.over) {
				return
			}
		}
		_ = r.caller.SetReadDeadline(time.Now()) // ends the read below
		close(whole)
	}()
	early := make([]byte, 0, chunkBytes)
	for len(early) < earlyBytes {
		early = append(early, make([]byte, chunkBytes)...)[:len(early)]
		n, err := r.caller.Read(early[len(early):cap(early)])
		early = early[:len(early)+n]
		there.held.Add(int64(n))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return nil, false
		}
	}
	select {
	case <-whole:
		return early, r.caller.SetReadDeadline(time.Time{}) == nil
	case <-r.over:
		return nil, false
	}
}

// connect dials the callee. It reports false where that is down; the caller is then reset, which is the nearest a
// proxy comes to a refused connection.
func (r *relay) connect() (*net.TCPConn, bool) {
	address, up := r.proxy.address()
	if !up {
		return nil, false
	}
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return nil, false
	}
	callee := conn.(*net.TCPConn)
	r.callee.Store(callee)
	select {
	case <-r.over: // end may have missed it
		_ = callee.Close()
		return nil, false
	default:
		return callee, true
	}
}

// parcel is a chunk on a slow link. An empty one is the end of the stream.
type parcel struct {
	data []byte
	due  time.Time
	late bool // it has to wait, and not only for those before it to be on their way
	end  error
}

// pump carries one direction of a connection, in order, until it ends. The end of the stream, or its reset, travels
// like the bytes: a cut holds it too.
func (r *relay) pump(to, from *net.TCPConn, l *link, early []byte) {
	if len(early) > 0 && !r.deliver(to, early, l, false) {
		return
	}
	late := make(chan parcel, lateChunks)
	var waiting atomic.Int32
	var courier sync.WaitGroup
	defer courier.Wait()
	defer close(late)
	started := false
	var due time.Time
	post := func(p parcel) bool { // hands a parcel to the courier, which keeps the order
		if !started {
			started = true
			courier.Go(func() { r.carry(to, l, late, &waiting) })
		}
		waiting.Add(1)
		select {
		case late <- p:
			return true
		case <-r.over:
			return false
		}
	}
	buffer := make([]byte, chunkBytes)
	for {
		n, err := from.Read(buffer)
		lag := l.lag()
		slow := lag > 0 || waiting.Load() > 0
		now := time.Now()
		if at := now.Add(lag); slow && at.After(due) {
			due = at
		}
		if n > 0 && slow && !post(parcel{data: append([]byte(nil), buffer[:n]...), due: due, late: due.After(now)}) {
			return
		}
		if n > 0 && !slow && !r.deliver(to, buffer[:n], l, false) {
			return
		}
		if err != nil {
			if slow {
				post(parcel{due: due, end: err})
			} else {
				r.finish(to, l, err)
			}
			return
		}
	}
}

// carry delivers late parcels when they are due.
func (r *relay) carry(to *net.TCPConn, l *link, late <-chan parcel, waiting *atomic.Int32) {
	for p := range late {
		if wait := time.Until(p.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-r.over:
				return
			}
		}
		if p.end != nil {
			r.finish(to, l, p.end)
			return
		}
		if !r.deliver(to, p.data, l, p.late) {
			return
		}
		waiting.Add(-1)
	}
}

// deliver writes a chunk as soon as the link is whole. It reports false when that is of no use any more.
func (r *relay) deliver(to *net.TCPConn, data []byte, l *link, late bool) bool {
	if !l.wait(len(data), r.over) {
		return false
	}
	// counted before the receiver can answer, so that whoever has the answer finds the bytes in the counters
	l.passed.Add(int64(len(data)))
	if late {
		l.delayed.Add(int64(len(data)))
	}
	n, err := to.Write(data)
	if err == nil {
		return true
	}
	l.passed.Add(int64(n - len(data)))
	if late {
		l.delayed.Add(int64(n - len(data)))
	}
	// The receiver is gone, and the news travels to the sender on the other link, when that is whole.
	news := r.proxy.there
	if l == news {
		news = r.proxy.back
	}
	if news.wait(0, r.over) {
		r.end(true)
	}
	return false
}

// finish passes the end of a stream on.
func (r *relay) finish(to *net.TCPConn, l *link, end error) {
	if !l.wait(0, r.over) {
		return
	}
	if errors.Is(end, io.EOF) {
		_ = to.CloseWrite()
		return
	}
	_ = to.SetLinger(0)
	_ = to.Close()
}
