package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/capsize-dev/capsize/targets/containers"
)

// The words of a server for its place.
const (
	leads   = "leader"
	follows = "follower"
)

// status is what a server that serves says of itself.
type status struct {
	mode    string
	zxid    uint64 // of the last change that it has; the upper half is the number of the leader's term
	version string
}

// term is the number of the leader's term, which ZooKeeper calls epoch.
func (s status) term() uint64 { return s.zxid >> 32 }

// ask asks a server for its status with the four-letter word srvr.
func ask(ctx context.Context, n *containers.Node) (status, error) {
	conn, err := n.DialPort(ctx, clientPort)
	if err != nil {
		return status{}, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return status{}, err
	}
	const enough = 64 << 10
	text, err := io.ReadAll(io.LimitReader(conn, enough))
	if err != nil {
		return status{}, errors.Join(err, ctx.Err())
	}
	return parse(string(text))
}

// parse reads the answer to srvr.
func parse(text string) (s status, err error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Mode":
			s.mode = value
		case "Zxid":
			if s.zxid, err = strconv.ParseUint(value, 0, 64); err != nil {
				return status{}, fmt.Errorf("srvr: %w", err)
			}
		case "Zookeeper version":
			s.version, _, _ = strings.Cut(value, "-")
			s.version, _, _ = strings.Cut(s.version, ",")
		}
	}
	if s.mode == "" {
		return status{}, fmt.Errorf("srvr answers %q", strings.TrimSpace(text))
	}
	return s, nil
}

// ready is nil when the node leads or follows: before, it serves nobody.
func ready(ctx context.Context, n *containers.Node) error {
	s, err := ask(ctx, n)
	if err == nil && s.mode != leads && s.mode != follows {
		err = fmt.Errorf("%s is neither leader nor follower but %s", n.Name(), s.mode)
	}
	return err
}

// leadLimit is how long one node may take to say whether it leads.
const leadLimit = 500 * time.Millisecond

// leader is the node that this one follows. A follower does not say whom, so the others are asked: it is who leads in
// the latest term.
func leader(ctx context.Context, n *containers.Node) (string, error) {
	own, err := ask(ctx, n)
	switch {
	case err != nil:
		return "", err
	case own.mode == leads:
		return n.Name(), nil
	case own.mode != follows:
		return "", nil
	}
	name, term := "", uint64(0)
	for other, s := range askAll(ctx, n.Cluster(), leadLimit) {
		if s.mode == leads && (name == "" || s.term() > term) {
			name, term = other, s.term()
		}
	}
	return name, nil
}

// askAll asks every node at once, and leaves out those that do not answer.
func askAll(ctx context.Context, c *containers.Cluster, limit time.Duration) map[string]status {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	all := map[string]status{}
	for _, n := range c.Members() {
		group.Go(func() {
			if s, err := ask(ctx, n); err == nil {
				mu.Lock()
				defer mu.Unlock()
				all[n.Name()] = s
			}
		})
	}
	group.Wait()
	return all
}

// current is nil when one node leads, all others follow, and each has all that the leader had when it was asked: a
// sync came back over a new session. (The zxid that srvr tells does not do: a follower's is of its last change, and a
// new term begins without one.)
func current(ctx context.Context, c *containers.Cluster) error {
	if err := agree(askAll(ctx, c, leadLimit), len(c.Members())); err != nil {
		return err
	}
	behind := make(chan error, len(c.Members()))
	for _, n := range c.Members() {
		go func() { behind <- catchUp(ctx, n) }()
	}
	var err error
	for range c.Members() {
		err = errors.Join(err, <-behind)
	}
	return err
}

// catchUp brings a node up to the leader.
func catchUp(ctx context.Context, n *containers.Node) error {
	s, err := open(ctx, n)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := call(ctx, s, func(conn *zk.Conn) (string, error) { return conn.Sync("/") }); err != nil {
		return fmt.Errorf("sync of %s: %w", n.Name(), err)
	}
	return nil
}

// agree is nil when as many nodes answered, one of them leads, and the others follow.
func agree(all map[string]status, nodes int) error {
	leaders := 0
	for name, s := range all {
		switch s.mode {
		case leads:
			leaders++
		case follows:
		default:
			return fmt.Errorf("%s is neither leader nor follower but %s", name, s.mode)
		}
	}
	if len(all) != nodes || leaders != 1 {
		return fmt.Errorf("%d of %d nodes answer, and %d of them lead", len(all), nodes, leaders)
	}
	return nil
}

// version asks the server.
func version(ctx context.Context, n *containers.Node) (name, number string, err error) {
	s, err := ask(ctx, n)
	return "zookeeper", s.version, err
}
