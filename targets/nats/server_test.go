package nats

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// reply is what a fake server does with a message: it answers, says nothing, or ends the connection.
type reply struct {
	header, data string
	hangUp       bool
}

// fakeServer speaks as much of the protocol as a client needs, and nothing of JetStream.
type fakeServer struct {
	address string
	answer  func(subject, header, data string) *reply // nil: no answer

	mu       sync.Mutex
	subjects []string // of the messages that came
	dialed   int
}

func serve(t *testing.T, answer func(subject, header, data string) *reply) *fakeServer {
	t.Helper()
	s := &fakeServer{answer: answer}
	s.address = containerstest.Listen(t, s.talk).Addr().String()
	return s
}

// client makes a client of the server.
func (s *fakeServer) client(t *testing.T, direct bool) *Client {
	t.Helper()
	c := &Client{direct: direct, dial: func(ctx context.Context) (net.Conn, error) {
		s.mu.Lock()
		s.dialed++
		s.mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.address)
	}}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// came returns the subjects of the messages that came, and how often the server was dialed.
func (s *fakeServer) came() ([]string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.subjects...), s.dialed
}

func (s *fakeServer) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	fmt.Fprintf(conn, "INFO {\"server_id\":\"fake\",\"version\":\"2.14.0\",\"proto\":1,\"headers\":true,"+
		"\"max_payload\":1048576}\r\n")
	reader := bufio.NewReader(conn)
	sid := ""
	for {
		line, err := textproto.NewReader(reader).ReadLine()
		if err != nil {
			return
		}
		switch word := strings.Fields(line); word[0] {
		case "PING":
			fmt.Fprint(conn, "PONG\r\n")
		case "SUB":
			sid = word[len(word)-1]
		case "PUB", "HPUB":
			if !s.message(conn, reader, word, sid) {
				return
			}
		}
	}
}

// message reads a message and answers it. It returns false where the connection shall end.
func (s *fakeServer) message(conn io.Writer, reader io.Reader, word []string, sid string) bool {
	var head, all int
	_, _ = fmt.Sscan(word[len(word)-1], &all)
	if word[0] == "HPUB" {
		_, _ = fmt.Sscan(word[len(word)-2], &head)
	}
	body := make([]byte, all+len("\r\n"))
	if _, err := io.ReadFull(reader, body); err != nil {
		return false
	}
	s.mu.Lock()
	s.subjects = append(s.subjects, word[1])
	s.mu.Unlock()
	r := s.answer(word[1], string(body[:head]), string(body[head:all]))
	switch {
	case r == nil:
		return true
	case r.hangUp:
		return false
	}
	if r.header == "" {
		fmt.Fprintf(conn, "MSG %s %s %d\r\n%s\r\n", word[2], sid, len(r.data), r.data)
		return true
	}
	header := "NATS/1.0" + r.header + "\r\n\r\n"
	fmt.Fprintf(conn, "HMSG %s %s %d %d\r\n%s%s\r\n", word[2], sid, len(header), len(header)+len(r.data), header, r.data)
	return true
}
