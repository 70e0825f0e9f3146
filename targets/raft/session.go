package raft

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// session is one connection on which many requests may be under way. It never sends anything twice.
type session struct {
	conn    net.Conn
	writing sync.Mutex

	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan response
	broken  error // why it is of no more use; nil while it is
}

// writeLimit bounds how long a message may wait for room in the connection.
const writeLimit = 5 * time.Second

func newSession(conn net.Conn) *session {
	s := &session{conn: conn, pending: map[uint64]chan response{}}
	go s.listen()
	return s
}

// usable reports whether a request can still be sent.
func (s *session) usable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken == nil
}

// call sends a request and waits for its answer. The error wraps harness.ErrNotApplied when the request certainly did
// not reach the other side as a whole; any other error means that it may have.
func (s *session) call(ctx context.Context, req request) (response, error) {
	answer := make(chan response, 1)
	s.mu.Lock()
	if s.broken != nil {
		s.mu.Unlock()
		return response{}, fmt.Errorf("%w: not sent: %w", harness.ErrNotApplied, s.broken)
	}
	s.last++
	req.ID = s.last
	s.pending[req.ID] = answer
	s.mu.Unlock()
	defer s.forget(req.ID)

	if deadline, ok := ctx.Deadline(); ok {
		req.TTL = time.Until(deadline)
	}
	if err := s.send(ctx, req); err != nil {
		return response{}, err
	}
	select {
	case r, ok := <-answer:
		if !ok {
			return response{}, fmt.Errorf("the connection broke after the request was sent: %w", s.why())
		}
		return r, nil
	case <-ctx.Done():
		return response{}, fmt.Errorf("no answer in time: %w", ctx.Err())
	}
}

// send writes one request. A request of which only a part was written is never carried out: the connection is closed,
// so the rest will not come. That is why every error of send means that nothing happened.
func (s *session) send(ctx context.Context, req request) error {
	message, err := frame(req)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: not sent: %w", harness.ErrNotApplied, err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	if n, err := s.conn.Write(message); n < len(message) {
		s.fail(err)
		return fmt.Errorf("%w: not sent: %w", harness.ErrNotApplied, err)
	}
	return nil
}

// listen hands out the answers until the connection breaks.
func (s *session) listen() {
	from := bufio.NewReader(s.conn)
	var buffer []byte
	for {
		var r response
		if err := readFrame(from, &buffer, &r); err != nil {
			s.fail(err)
			return
		}
		s.mu.Lock()
		answer := s.pending[r.ID]
		delete(s.pending, r.ID)
		s.mu.Unlock()
		if answer != nil {
			answer <- r
		}
	}
}

func (s *session) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, id)
}

// fail ends the session: requests under way learn that nobody knows what became of them.
func (s *session) fail(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	s.broken = why
	for id, answer := range s.pending {
		close(answer)
		delete(s.pending, id)
	}
	_ = s.conn.Close()
}

func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// giveUp answers the requests under way: nobody knows what became of them. The session goes on; answers that still
// come belong to nobody.
func (s *session) giveUp(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, answer := range s.pending {
		answer <- failure(why)
		delete(s.pending, id)
	}
}

var errClosed = errors.New("closed by this side")

func (s *session) close() { s.fail(errClosed) }

// line is the way to one other node: a session that is made when it is first needed, and again after it broke.
type line struct {
	name    string // of whom it leads to, for messages
	connect func(timeout time.Duration) (net.Conn, error)

	dialing chan struct{} // holds one token: one dial at a time, which ctx can interrupt waiting for
	mu      sync.Mutex
	session *session
	closed  bool
}

func newLine(name string, connect func(timeout time.Duration) (net.Conn, error)) *line {
	l := &line{name: name, connect: connect, dialing: make(chan struct{}, 1)}
	l.dialing <- struct{}{}
	return l
}

// dialLimit bounds the making of a connection, so that one which a cut holds is soon tried anew.
const dialLimit = 2 * time.Second

// call sends a request on the line's session; its errors are those of session.call.
func (l *line) call(ctx context.Context, req request) (response, error) {
	s, err := l.open(ctx)
	if err != nil {
		return response{}, fmt.Errorf("%w: not sent to %s: %w", harness.ErrNotApplied, l.name, err)
	}
	r, err := s.call(ctx, req)
	if err != nil {
		return r, fmt.Errorf("%s: %w", l.name, err)
	}
	return r, nil
}

// open returns the session, and makes one where there is none that works.
func (l *line) open(ctx context.Context) (*session, error) {
	if s := l.working(); s != nil {
		return s, nil
	}
	select {
	case <-l.dialing:
		defer func() { l.dialing <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s := l.working(); s != nil {
		return s, nil
	}
	limit := dialLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	if limit <= 0 {
		return nil, context.DeadlineExceeded
	}
	conn, err := l.connect(limit)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close()
		return nil, errClosed
	}
	l.session = newSession(conn)
	return l.session, nil
}

func (l *line) working() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil && l.session.usable() {
		return l.session
	}
	return nil
}

// giveUp answers the requests under way on the line, if there are any.
func (l *line) giveUp(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		l.session.giveUp(why)
	}
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.session != nil {
		l.session.close()
	}
}
