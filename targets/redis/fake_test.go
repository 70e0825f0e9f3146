package redis

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// fake is a server that speaks Redis' protocol and answers as it is told.
type fake struct {
	net.Listener
	mu      sync.Mutex
	answers map[string]string // by command in lower case; "" closes the connection, "hang" says nothing
	asked   map[string]int
}

// newFake starts a server that greets, and answers ROLE as a primary.
func newFake(t *testing.T, answers map[string]string) *fake {
	t.Helper()
	f := &fake{asked: map[string]int{}, answers: map[string]string{
		"ping": "+PONG\r\n", "hello": "-ERR unknown command\r\n", "multi": "+OK\r\n",
	}}
	for command, answer := range answers {
		f.answers[command] = answer
	}
	f.Listener = containerstest.Listen(t, f.serve)
	return f
}

func (f *fake) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in, queued := bufio.NewReader(conn), []string(nil)
	inTransaction := false
	for {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		f.mu.Lock()
		answer, known := f.answers[command]
		f.asked[command]++
		f.mu.Unlock()
		switch {
		case !known:
			answer = "-ERR unknown command '" + command + "'\r\n"
		case answer == "":
			return
		case answer == "hang":
			continue
		case command == "multi":
			inTransaction, queued = true, nil
		case command == "exec" && inTransaction:
			answer = fmt.Sprintf("*%d\r\n%s", len(queued), strings.Join(queued, ""))
			inTransaction = false
		case inTransaction:
			queued = append(queued, answer)
			answer = "+QUEUED\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// readCommand reads a command, and returns its first word.
func readCommand(in *bufio.Reader) (string, error) {
	number := func(prefix string) (int, error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), prefix))
	}
	words, err := number("*")
	first := ""
	for i := 0; i < words && err == nil; i++ {
		var size int
		if size, err = number("$"); err != nil {
			break
		}
		text := make([]byte, size+2)
		if _, err = io.ReadFull(in, text); i == 0 {
			first = strings.ToLower(string(text[:size]))
		}
	}
	return first, err
}

func (f *fake) times(command string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[command]
}

// client makes a client of an address.
func client(t *testing.T, address string, wait int) (*Client, error) {
	t.Helper()
	c, err := newClient(t.Context(), func(ctx context.Context) (*line, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
		}
		return newLine(ctx, conn)
	}, wait)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}
