package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/targets/local"
)

func TestMain(m *testing.M) {
	services := containers.Services()
	services[Router] = Route
	local.Main(services)
	os.Exit(m.Run())
}

// The settings differ in what a write waits for alone, which TestAFailover looks at. A write through one router is work
// for another node's server, and too little of it for a squeeze to show.
func TestTargetKit(t *testing.T) {
	containerstest.Need(t, "redis")
	harnesstest.TargetKit{Answer: 3 * time.Second, Patience: 2 * time.Minute, Idle: true}.Test(t, Targets()[0])
}

// started is a cluster and what its interfaces offer.
type started struct {
	harness.Cluster
	harness.Network
	harness.Leaders
	harness.Settler
}

func start(t *testing.T, name string) started {
	t.Helper()
	containerstest.Need(t, "redis")
	i := slices.IndexFunc(Targets(), func(target harness.Target) bool { return target.Name() == name })
	cluster := containerstest.Start(t, Targets()[i])
	return started{cluster, cluster.(harness.Network), cluster.(harness.Leaders), cluster.(harness.Settler)}
}

// primary is the node that a majority of the sentinels takes for the primary.
func (s started) primary(t *testing.T, not string) harness.Node {
	t.Helper()
	var name string
	eventually(t, func() error {
		names, err := s.Leaders.Leaders(t.Context())
		if err != nil || len(names) != 1 || names[0] == not {
			return fmt.Errorf("the primary is %q: %w", names, err)
		}
		name = names[0]
		return nil
	})
	return s.Nodes()[slices.IndexFunc(s.Nodes(), func(n harness.Node) bool { return n.Name() == name })]
}

// with makes one call on a client of a node.
func with(t *testing.T, n harness.Node, do func(context.Context, *Client) error) error {
	t.Helper()
	ctx := containerstest.Within(t, 3*time.Second)
	c, err := n.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return do(ctx, c.(*Client))
}

func add(t *testing.T, n harness.Node, element int64) error {
	t.Helper()
	return with(t, n, func(ctx context.Context, c *Client) error {
		_, err := c.AddMember(ctx, "s", element)
		return err
	})
}

func members(t *testing.T, n harness.Node) (all []int64, err error) {
	t.Helper()
	err = with(t, n, func(ctx context.Context, c *Client) (err error) {
		all, _, err = c.Members(ctx, "s")
		slices.Sort(all)
		return err
	})
	return all, err
}

// A primary that is cut off goes on: what it acknowledges is lost once the others have another. With WAIT nobody is
// told that such a write happened, and yet it can be read until it is lost; with min-replicas-to-write it is refused
// after a while. The same without a cut, and with the writes of the majority, loses nothing.
func TestAFailover(t *testing.T) {
	for _, name := range []string{"redis", "redis/wait", "redis/min-replicas"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, name)
			old := s.primary(t, "")
			for i, n := range s.Nodes() { // every node's clients reach the primary
				eventually(t, func() error { return add(t, n, int64(i)) })
			}
			// a replica may still be fetching the whole of a young cluster, and knows nothing until it has
			if err := s.Settled(containerstest.Within(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			links := containerstest.Around(s, old)
			if err := s.Cut(t.Context(), links); err != nil {
				t.Fatal(err)
			}
			err := add(t, old, 7)
			seen, readErr := members(t, old)
			if readErr != nil || !slices.Contains(seen, 7) {
				t.Errorf("the old primary shows %v: %v", seen, readErr)
			}
			if name == "redis/wait" {
				if containerstest.Outcome(t, err, containerstest.ErrAny); !errors.Is(err, errUnconfirmed) {
					t.Errorf("no replica has it, and the answer is %v", err)
				}
			} else if err != nil {
				t.Errorf("a primary that was just cut off: %v", err)
			}
			if name == "redis/min-replicas" {
				eventually(t, func() error {
					if err := add(t, old, 9); !errors.Is(err, harness.ErrNotApplied) {
						return fmt.Errorf("the old primary still takes writes: %w", err)
					}
					return nil
				})
			}
			successor := s.primary(t, old.Name())
			eventually(t, func() error { return add(t, successor, 8) })
			if err := errors.Join(s.Mend(t.Context(), links), s.Settled(containerstest.Within(t, time.Minute))); err != nil {
				t.Fatal(err)
			}
			for _, n := range s.Nodes() {
				all, err := members(t, n)
				if !slices.Contains(all, 8) || slices.Contains(all, 7) || len(all) < 4 || err != nil {
					t.Errorf("after the mend the clients of %s see %v: %v", n.Name(), all, err)
				}
			}
		})
	}
}
