package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

// The times of a session. The driver gives a connection up after two thirds of the first without a word from the
// server; it is as long as the server allows, so that answers of a node that was frozen still arrive.
const (
	sessionTimeout = 10 * time.Second
	goodbye        = 500 * time.Millisecond // for the server's answer to the end of a session
)

// largest is the size of the largest answer in bytes. It is allocated for each session; a key of a few hundred
// elements needs some thousand.
const largest = 256 << 10

// session is the driver on one connection, which it cannot replace: where it breaks, the session is dead.
type session struct {
	conn *zk.Conn
	link *link
}

// open makes a session with a node. Its error wraps harness.ErrNotApplied: nothing but a greeting was sent.
func open(ctx context.Context, n *containers.Node) (*session, error) {
	raw, err := n.DialPort(ctx, clientPort)
	if err != nil {
		return nil, err
	}
	return newSession(ctx, raw)
}

// newSession makes a session on a connection, and owns that from then on.
func newSession(ctx context.Context, raw net.Conn) (*session, error) {
	s := &session{link: &link{Conn: raw, broken: make(chan struct{})}}
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	var err error
	s.conn, _, err = zk.Connect([]string{"127.0.0.1"}, sessionTimeout,
		zk.WithDialer(single(s.link)), zk.WithLogger(silence{}), zk.WithLogInfo(false), zk.WithMaxBufferSize(largest),
		zk.WithEventCallback(func(e zk.Event) {
			if e.State == zk.StateHasSession {
				begin()
			}
		}))
	if err != nil {
		_ = s.link.Close()
		return nil, fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	select {
	case <-begun:
		return s, nil
	case <-s.link.broken:
		err = errors.New("the server ended the connection: it serves nobody now")
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.abandon()
	return nil, fmt.Errorf("%w: begin a session: %w", harness.ErrNotApplied, err)
}

// alive reports whether the connection still stands.
func (s *session) alive() bool {
	select {
	case <-s.link.broken:
		return false
	default:
		return true
	}
}

// abandon ends the session at once. Nothing of it is sent any more.
func (s *session) abandon() {
	_ = s.link.Close()
	go s.conn.Close() // takes a second where nobody answers
}

// close ends the session politely, where the server answers.
func (s *session) close() {
	done := make(chan struct{})
	go func() {
		s.conn.Close()
		close(done)
	}()
	timer := time.NewTimer(goodbye)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	_ = s.link.Close()
}

// call makes a call of the driver that ends with the context. Then the session ends too.
func call[T any](ctx context.Context, s *session, do func(*zk.Conn) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do(s.conn)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		s.abandon()
		var none T
		return none, ctx.Err()
	}
}

// link is a connection that tells when it broke.
type link struct {
	net.Conn
	once   sync.Once
	broken chan struct{}
}

// Read reads, and notes where that fails.
func (l *link) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err != nil {
		l.once.Do(func() { close(l.broken) })
	}
	return n, err
}

// Close ends the connection.
func (l *link) Close() error {
	l.once.Do(func() { close(l.broken) })
	return l.Conn.Close()
}

// single is a dialer that hands out one connection, once. So the driver never sends anything again, nor later.
func single(l *link) zk.Dialer {
	hand := make(chan net.Conn, 1)
	hand <- l
	return func(string, string, time.Duration) (net.Conn, error) {
		select {
		case conn := <-hand:
			return conn, nil
		default:
			return nil, errors.New("the connection broke")
		}
	}
}

// silence is a log of the driver: what it has to say is in its errors.
type silence struct{}

// Printf says nothing.
func (silence) Printf(string, ...any) {}
