package zookeeper

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// The codes of the requests and errors that the tests use.
const (
	opCreate, opGet, opSet, opSync = 1, 4, 5, 9
	noNode, badVersion, nodeExists = -101, -103, -110
	ok, hangUp, hang               = 0, 1, 2 // the last two are no codes of the protocol
)

// fake is a server that speaks ZooKeeper's protocol and answers as it is told.
type fake struct {
	net.Listener
	mu      sync.Mutex
	answers map[int32][]int32 // by request: the code of each answer, the last one for all that follow
	asked   map[int32]int
	payload []byte // of an answer that is ok
}

func newFake(t *testing.T, answers map[int32][]int32) *fake {
	t.Helper()
	f := &fake{answers: answers, asked: map[int32]int{}, payload: make([]byte, 256)}
	f.Listener = containerstest.Listen(t, f.serve)
	return f
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := frame(conn); err != nil {
		return
	}
	greeting := binary.BigEndian.AppendUint32(nil, 0)                                   // the protocol's version
	greeting = binary.BigEndian.AppendUint32(greeting, uint32(sessionTimeout/1e6))      // milliseconds
	greeting = binary.BigEndian.AppendUint64(greeting, 7)                               // the session
	greeting = binary.BigEndian.AppendUint32(greeting, 16)                              // and its password
	for message := append(greeting, make([]byte, 16)...); send(conn, message) == nil; { // then one answer to each
		request, err := frame(conn)
		if err != nil {
			return
		}
		xid, op := binary.BigEndian.Uint32(request), int32(binary.BigEndian.Uint32(request[4:]))
		code := f.next(op)
		for code == hang {
			if _, err := frame(conn); err != nil {
				return
			}
		}
		if code == hangUp {
			return
		}
		message = binary.BigEndian.AppendUint32(nil, xid)
		message = binary.BigEndian.AppendUint64(message, 1)
		message = binary.BigEndian.AppendUint32(message, uint32(code))
		if code == ok {
			message = append(message, f.payload...)
		}
	}
}

// next is the code of the answer to a request.
func (f *fake) next(op int32) int32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	codes, n := f.answers[op], f.asked[op]
	f.asked[op]++
	if len(codes) == 0 {
		return ok
	}
	return codes[min(n, len(codes)-1)]
}

func (f *fake) times(op int32) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[op]
}

func frame(conn net.Conn) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(conn, body)
	return body, err
}

func send(conn net.Conn, body []byte) error {
	_, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func client(t *testing.T, address string, syncReads bool) (*Client, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := newClient(ctx, func(ctx context.Context) (*session, error) {
		raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
		}
		return newSession(ctx, raw)
	}, syncReads)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}
