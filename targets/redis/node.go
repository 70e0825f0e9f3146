package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/capsize-dev/capsize/targets/containers"
)

// asked opens a connection to a port of a node, for one question.
func asked(ctx context.Context, n *containers.Node, port int, question func(*line) error) error {
	l, err := open(ctx, n, port)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	return question(l)
}

// ready is nil when the node's clients reach a primary, its server answers, and its sentinel finds enough others to
// vote.
func ready(ctx context.Context, n *containers.Node) error {
	if err := asked(ctx, n, redisPort, func(l *line) error { return nil }); err != nil {
		return fmt.Errorf("the server: %w", err)
	}
	if err := asked(ctx, n, sentinelPort, func(l *line) error {
		return l.Do(ctx, "sentinel", "ckquorum", group).Err()
	}); err != nil {
		return fmt.Errorf("the sentinel: %w", err)
	}
	if err := asked(ctx, n, routerPort, func(l *line) error { return primary(l.Do(ctx, "role").Slice()) }); err != nil {
		return fmt.Errorf("through the router: %w", err)
	}
	return nil
}

// leader is whom the node's sentinel takes for the primary.
func leader(ctx context.Context, n *containers.Node) (name string, err error) {
	err = asked(ctx, n, sentinelPort, func(l *line) error {
		at, err := l.Do(ctx, "sentinel", "get-master-addr-by-name", group).StringSlice()
		if err == nil && len(at) > 0 {
			name = at[0]
		}
		return err
	})
	return name, err
}

// replication is what a server says about its place: the section of INFO.
type replication map[string]string

func (r replication) number(field string) int64 {
	n, _ := strconv.ParseInt(r[field], 10, 64)
	return n
}

func replicationOf(ctx context.Context, n *containers.Node) (r replication, err error) {
	err = asked(ctx, n, redisPort, func(l *line) error {
		text, err := l.Info(ctx, "replication").Result()
		r = fields(text)
		return err
	})
	return r, err
}

// fields reads the lines name:value of INFO.
func fields(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			all[name] = value
		}
	}
	return all
}

// current is nil when there is one primary, and each other node is its replica and has all that it had before they
// were asked.
func current(ctx context.Context, c *containers.Cluster) error {
	first, said := "", map[string]replication{}
	for _, n := range c.Members() {
		r, err := replicationOf(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name(), err)
		}
		said[n.Name()] = r
		if r["role"] == "master" {
			if first != "" {
				return fmt.Errorf("%s and %s both take themselves for primary", first, n.Name())
			}
			first = n.Name()
		}
	}
	if first == "" {
		return fmt.Errorf("no node takes itself for primary")
	}
	for _, n := range c.Members() {
		if n.Name() == first {
			continue
		}
		// asked again, because it may have been asked before the primary
		now, err := replicationOf(ctx, n)
		if err == nil {
			err = behind(now, first, said[first].number("master_repl_offset"))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name(), err)
		}
	}
	return nil
}

// behind says what keeps a replica from having all that its primary had at an offset.
func behind(r replication, primary string, offset int64) error {
	switch {
	case r["master_host"] != primary:
		return fmt.Errorf("follows %q and not %s", r["master_host"], primary)
	case r["master_link_status"] != "up":
		return fmt.Errorf("the link to its primary is %s", r["master_link_status"])
	case r.number("slave_repl_offset") < offset:
		return fmt.Errorf("has %d of %d bytes of replication", r.number("slave_repl_offset"), offset)
	}
	return nil
}

// version asks the server.
func version(ctx context.Context, n *containers.Node) (name, number string, err error) {
	err = asked(ctx, n, redisPort, func(l *line) error {
		text, err := l.Info(ctx, "server").Result()
		said := fields(text)
		if name, number = "redis", said["redis_version"]; said["valkey_version"] != "" {
			name, number = "valkey", said["valkey_version"]
		}
		return err
	})
	return name, number, err
}
