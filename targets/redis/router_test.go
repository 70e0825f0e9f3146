package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// startRouter starts a router whose sentinel says what the test puts into said.
func startRouter(t *testing.T, said *atomic.Value) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &router{log: io.Discard, conns: map[net.Conn]string{}, ask: func(context.Context) (string, error) {
		if primary, ok := said.Load().(string); ok {
			return primary, nil
		}
		return "", errors.New("no answer")
	}}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- r.serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// eventually tries until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestTheRouterFollowsThePrimary(t *testing.T) {
	first := newFake(t, map[string]string{"set": "+OK\r\n"})
	second := newFake(t, map[string]string{"set": "+OK\r\n"})
	said := &atomic.Value{}
	router := startRouter(t, said)

	_, err := client(t, router, 0)
	containerstest.Outcome(t, err, harness.ErrNotApplied)

	said.Store(first.Addr().String())
	var c *Client
	eventually(t, func() (err error) {
		c, err = client(t, router, 0)
		return err
	})
	write := func() error {
		_, err := c.Write(containerstest.Within(t, 5*time.Second), "k", 1)
		return err
	}
	if err := write(); err != nil || first.times("set") != 1 {
		t.Fatalf("got %v, and the primary got %d writes", err, first.times("set"))
	}

	said.Store(second.Addr().String())
	eventually(t, func() error {
		if err := write(); err != nil {
			return err
		}
		if second.times("set") == 0 {
			return errors.New("the new primary got no write")
		}
		return nil
	})
	before := first.times("set")
	if err := write(); err != nil || first.times("set") != before {
		t.Errorf("after the change: %v, and the old primary got %d more writes", err, first.times("set")-before)
	}
}

// What a sentinel said last counts while it says nothing.
func TestTheRouterRemembers(t *testing.T) {
	primary := newFake(t, map[string]string{"set": "+OK\r\n"})
	said := &atomic.Value{}
	said.Store(primary.Addr().String())
	r := &router{log: io.Discard, conns: map[net.Conn]string{}}
	asked := make(chan bool, 100)
	r.ask = func(context.Context) (string, error) {
		select {
		case asked <- true:
		default:
		}
		if len(asked) > 1 {
			return "", errors.New("no answer")
		}
		return said.Load().(string), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go r.watch(ctx)
	eventually(t, func() error {
		if len(asked) < 3 {
			return errors.New("the sentinel was not asked again")
		}
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.primary != primary.Addr().String() {
		t.Errorf("the primary is %q", r.primary)
	}
}

func TestAPrimaryThatCannotBeReached(t *testing.T) {
	gone := newFake(t, nil)
	_ = gone.Close()
	said := &atomic.Value{}
	said.Store(gone.Addr().String())
	router := startRouter(t, said)
	eventually(t, func() error { // once the router has asked
		_, err := client(t, router, 0)
		if containerstest.Outcome(t, err, harness.ErrNotApplied); !refused(err) || !strings.Contains(err.Error(), "refused") {
			return fmt.Errorf("got %w, want an answer that says %s and why", err, noPrimary)
		}
		return nil
	})
}
