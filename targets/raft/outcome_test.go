package raft

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"github.com/capsize-dev/capsize/harness"
)

// One wrong "not applied" is a false alarm: every error of the library is classified here by name, and whatever is
// not named is unknown.
func TestErrorsOfTheLibraryAreClassified(t *testing.T) {
	for err, certain := range map[error]bool{
		hraft.ErrNotLeader:                    true,
		hraft.ErrEnqueueTimeout:               true,
		hraft.ErrLeadershipTransferInProgress: true,
		hraft.ErrLeadershipLost:               false,
		hraft.ErrAbortedByRestore:             false,
		hraft.ErrRaftShutdown:                 false, // also answered after an entry was replicated
		hraft.ErrLeader:                       false,
		context.DeadlineExceeded:              false,
		errors.New("the disk is full"):        false, // the leader's own log may still have it
	} {
		if got := errors.Is(classify(err), harness.ErrNotApplied); got != certain {
			t.Errorf("%v: not applied is %v, expected %v", err, got, certain)
		}
		if !errors.Is(classify(err), err) {
			t.Errorf("%v is lost in %v", err, classify(err))
		}
	}
}

func TestResponsesAreUnknownUnlessTheySayOtherwise(t *testing.T) {
	for _, test := range []struct {
		response
		ok, certain bool
	}{
		{response{}, false, false},
		{response{Outcome: done}, true, false},
		{response{Outcome: notApplied}, false, true},
		{response{Outcome: 99}, false, false},
		{failure(errors.New("who knows")), false, false},
		{failure(classify(hraft.ErrNotLeader)), false, true},
		{failure(classify(hraft.ErrLeadershipLost)), false, false},
		{settle(applied{revision: 3}), true, false},
		{settle(applied{mismatch: "the value is 4, expected 5"}), false, true},
		{settle(errors.New("cannot be read")), false, false},
		{settle(nil), false, false},
	} {
		err := test.response.err()
		if (err == nil) != test.ok || errors.Is(err, harness.ErrNotApplied) != test.certain {
			t.Errorf("%+v: %v", test.response, err)
		}
	}
}

// pipe is a session and the other end of its connection.
func pipe(t *testing.T) (*session, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ours, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(ours)
	t.Cleanup(func() { s.close(); _ = theirs.Close() })
	return s, theirs
}

// receive reads one request.
func receive(t *testing.T, conn net.Conn) request {
	t.Helper()
	var req request
	var buffer []byte
	if err := readFrame(bufio.NewReader(conn), &buffer, &req); err != nil {
		t.Error(err)
	}
	return req
}

func TestConnectionThatBreaksAfterSendingLeavesItOpen(t *testing.T) {
	s, server := pipe(t)
	go func() { receive(t, server); _ = server.Close() }()
	_, err := s.call(context30(t), request{Op: opWrite})
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("sent, and the connection broke: %v", err)
	}
	if _, err := s.call(context30(t), request{Op: opWrite}); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("nothing was sent on a broken connection: %v", err)
	}
}

func TestDeadlineAfterSendingLeavesItOpen(t *testing.T) {
	s, server := pipe(t)
	ctx, cancel := context.WithCancel(context.Background())
	var late request
	got := make(chan struct{})
	go func() { late = receive(t, server); cancel(); close(got) }()
	if _, err := s.call(ctx, request{Op: opWrite}); err == nil || errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("sent, and nobody answered: %v", err)
	}
	<-got
	if _, err := s.call(ctx, request{Op: opWrite}); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("not sent, because the time was over before: %v", err)
	}
	// the answer that comes late is not taken for that of the next call
	go func() {
		next := receive(t, server)
		for _, r := range []response{{ID: late.ID, Outcome: done, Value: 1}, {ID: next.ID, Outcome: done, Value: 2}} {
			message, err := frame(r)
			if err == nil {
				_, err = server.Write(message)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	if r, err := s.call(context30(t), request{Op: opRead}); err != nil || r.Value != 2 {
		t.Errorf("%+v (%v), expected the second answer", r, err)
	}
}

func TestLineThatCannotConnectHasNotSent(t *testing.T) {
	l := newLine("n2", func(time.Duration) (net.Conn, error) { return nil, errors.New("nobody is there") })
	if _, err := l.call(context30(t), request{Op: opWrite}); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("no connection: %v", err)
	}
	dialling, held := make(chan struct{}), make(chan struct{})
	defer close(held)
	l = newLine("n2", func(time.Duration) (net.Conn, error) {
		close(dialling)
		<-held
		return nil, errors.New("too late")
	})
	go func() { _, _ = l.call(context.Background(), request{Op: opWrite}) }()
	<-dialling
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.call(ctx, request{Op: opWrite}); !errors.Is(err, harness.ErrNotApplied) {
		t.Errorf("waiting for another's connection: %v", err)
	}
}

// A proposal that its caller gave up before the library was asked is never proposed.
func TestProposalGivenUpIsNeverMade(t *testing.T) {
	p := newProposer(&node{over: make(chan struct{})}) // nobody runs it
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if future := p.propose(ctx, []byte("x")); future != nil {
		t.Fatalf("a future: %v", future)
	}
	if future := p.submit(<-p.queue); future != nil { // would panic if it asked the library, which there is none of
		t.Errorf("a write was proposed after its caller was told that it never would be: %v", future)
	}
}

func TestConnectionForAnotherClusterIsRefused(t *testing.T) {
	for line, ok := range map[string]bool{
		"api mine\n": true, "raft mine\n": true, "api other\n": false, "http mine\n": false, "\n": false,
		strings.Repeat("x", 2*maxPreface): false,
	} {
		client, server := net.Pipe()
		go func() { _, _ = fmt.Fprint(client, line) }()
		answered := make(chan bool, 1)
		go func() {
			one := make([]byte, 1)
			n, _ := client.Read(one)
			answered <- n == 1 && one[0] == accepted
		}()
		_, err := greet(server, "mine")
		_ = server.Close()
		if got := <-answered; (err == nil) != ok || got != ok {
			t.Errorf("%q: %v, accepted %v", line, err, got)
		}
		_ = client.Close()
	}
}

func TestLeaderIsWhomAMajorityNames(t *testing.T) {
	follows := func(node, leader string, term uint64) status { return status{Node: node, Leader: leader, Term: term} }
	for _, test := range []struct {
		name string
		all  []status
		want string
	}{
		{"nobody answers", nil, ""},
		{"nobody knows one", []status{follows("n1", "", 3), follows("n2", "", 3), follows("n3", "", 3)}, ""},
		{"three of five agree", []status{follows("n1", "n1", 2), follows("n2", "n1", 2), follows("n3", "n1", 2)}, "n1"},
		{"a cut-off leader calls itself one", []status{
			follows("n1", "n1", 2), follows("n2", "n3", 3), follows("n3", "n3", 3), follows("n4", "n3", 3)}, "n3"},
		{"two of five do not do", []status{follows("n1", "n1", 2), follows("n2", "n1", 2)}, ""},
		{"the same name in two terms", []status{
			follows("n1", "n1", 4), follows("n2", "n1", 4), follows("n3", "n1", 2)}, ""},
	} {
		if got := elected(test.all, 5); got != test.want {
			t.Errorf("%s: %q, expected %q", test.name, got, test.want)
		}
	}
	if got := elected([]status{follows("n1", "n1", 2), follows("n2", "n1", 2)}, 3); got != "n1" {
		t.Errorf("two of three agree: %q", got)
	}
}

func TestSettledWantsEveryReplicaCurrent(t *testing.T) {
	names := []string{"n1", "n2", "n3"}
	whole := func() []status {
		var all []status
		for _, name := range names {
			all = append(all, status{Node: name, Leader: "n1", Term: 2, Last: 9, Commit: 9, Applied: 8})
		}
		return all
	}
	if err := unsettled(whole(), names); err != nil {
		t.Errorf("a settled cluster: %v", err)
	}
	for what, spoil := range map[string]func([]status) []status{
		"a node does not answer":   func(s []status) []status { return s[:2] },
		"the leader does not":      func(s []status) []status { return s[1:] },
		"a node knows no leader":   func(s []status) []status { s[2].Leader = ""; return s },
		"a node is in an old term": func(s []status) []status { s[2].Term = 1; return s },
		"a node has not committed": func(s []status) []status { s[1].Commit = 8; return s },
		"a node has not applied":   func(s []status) []status { s[1].Applied = 7; return s },
		"the log goes on":          func(s []status) []status { s[0].Last = 10; return s },
	} {
		if unsettled(spoil(whole()), names) == nil {
			t.Errorf("%s, and the cluster counts as settled", what)
		}
	}
}
