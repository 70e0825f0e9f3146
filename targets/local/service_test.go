package local

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

func TestMain(m *testing.M) {
	Main(map[string]Service{"echo": echo, "broken": broken, "mute": mute})
	if os.Getenv(asHarness) != "" {
		harnessProcess()
	}
	os.Exit(m.Run())
}

// The powers the harness looks for, by interface; Pauser is in node_unix_test.go.
var (
	_ harness.Cluster = (*Cluster)(nil)
	_ harness.Network = (*Cluster)(nil)
	_ harness.Shaper  = (*Cluster)(nil)
	_ harness.Logs    = (*Cluster)(nil)
	_ harness.Node    = (*Node)(nil)
	_ harness.Killer  = (*Node)(nil)
	_ harness.Vitals  = (*Node)(nil)
)

// echo is a service of lines. "keep TEXT" writes a file, "kept" reads it, "open PEER" dials a peer and keeps the
// connection, "tell TEXT" sends a line on it and returns the peer's answer, and any other line comes back.
func echo(ctx context.Context, args []string, ready func(string)) error {
	var m Membership
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	m.Flags(flags)
	if err := errors.Join(flags.Parse(args), m.Validate()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", m.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s serves\n", m.Node)
	ready(listener.Addr().String())
	go func() { <-ctx.Done(); _ = listener.Close() }()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return ctx.Err()
		}
		go echoLines(conn, m)
	}
}

func echoLines(conn net.Conn, m Membership) {
	defer conn.Close()
	file := filepath.Join(m.Data, "kept")
	var peer net.Conn
	var fromPeer *bufio.Reader
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		answer, err := m.Node+" "+lines.Text(), error(nil)
		switch word {
		case "keep":
			err = os.WriteFile(file, []byte(rest), 0o644)
		case "kept":
			var text []byte
			text, err = os.ReadFile(file)
			answer = string(text)
		case "open":
			if peer, err = net.Dial("tcp", m.Peers[rest]); err == nil {
				fromPeer = bufio.NewReader(peer)
			}
		case "tell":
			if peer == nil {
				err = errors.New("no peer is open")
			} else if _, err = fmt.Fprintln(peer, rest); err == nil {
				answer, err = fromPeer.ReadString('\n')
			}
		}
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(conn, strings.TrimSpace(answer))
	}
}

// broken is a service that ends at once.
func broken(context.Context, []string, func(string)) error {
	fmt.Fprintln(os.Stderr, "the log says why")
	return errors.New("no luck")
}

// mute is a service that never becomes ready.
func mute(ctx context.Context, _ []string, _ func(string)) error {
	fmt.Fprintln(os.Stderr, "thinking")
	<-ctx.Done()
	return nil
}

// lineClient is a client of echo.
type lineClient struct {
	net.Conn
	answers *bufio.Reader
}

func dialLine(ctx context.Context, n *Node) (harness.Client, error) {
	address, err := n.Address()
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &lineClient{conn, bufio.NewReader(conn)}, nil
}

// ask sends a line and returns the answer, or the error of waiting for it.
func (c *lineClient) ask(line string, patience time.Duration) (string, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	return c.answer(patience)
}

func (c *lineClient) answer(patience time.Duration) (string, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	answer, err := c.answers.ReadString('\n')
	return strings.TrimSpace(answer), err
}

// The patience of tests: soon is how long silence is listened to, in time is what nothing should ever take.
const (
	soon   = 300 * time.Millisecond
	inTime = 20 * time.Second
)

func contextInTime() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), inTime)
}

var echoSpec = Spec{Service: "echo", Dial: dialLine}

// start starts a cluster of echo and stops it with the test.
func start(t *testing.T, nodes int) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), env(t, nodes), echoSpec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func env(t *testing.T, nodes int) harness.Env {
	logs := t.TempDir()
	return harness.Env{
		Nodes: nodes, Run: t.Name(), Log: slog.New(slog.DiscardHandler),
		NodeDir: func(node string) (string, error) {
			dir := filepath.Join(logs, node)
			return dir, os.MkdirAll(dir, 0o755)
		},
	}
}

// dialNode makes a client of a node, closed with the test.
func dialNode(t *testing.T, n *Node) *lineClient {
	t.Helper()
	var client harness.Client
	waitFor(t, "a connection to "+n.Name(), func() (err error) {
		client, err = n.Dial(t.Context())
		return err
	})
	t.Cleanup(func() { _ = client.Close() })
	return client.(*lineClient)
}

// expect asks and wants an answer.
func expect(t *testing.T, c *lineClient, line, want string) {
	t.Helper()
	if got, err := c.ask(line, inTime); err != nil || got != want {
		t.Fatalf("%q was answered %q (%v), expected %q", line, got, err, want)
	}
}

// expectSilence asks and wants no answer, nor the end of the connection.
func expectSilence(t *testing.T, c *lineClient, line string) {
	t.Helper()
	if got, err := c.ask(line, soon); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%q was answered %q (%v), expected silence", line, got, err)
	}
}

// waitFor repeats try until it succeeds.
func waitFor(t *testing.T, what string, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(inTime); ; time.Sleep(2 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func vital(t *testing.T, n *Node) harness.Vital {
	t.Helper()
	v, err := n.Vitals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
