package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
)

const (
	clientPort  = 4222
	monitorPort = 8222
	data        = "/data"
	configFile  = data + "/nats.conf"
	memory      = 512 << 20
	nodes       = 3
	maxReplicas = 5               // that JetStream can make
	askLimit    = 2 * time.Second // of one question to one node
)

// setting is how the bucket is kept and read.
type setting struct {
	direct bool // any replica may answer reads
	sync   bool // each write is on the disk before it is acknowledged
}

// Targets is the key-value store in each of its settings.
func Targets() []harness.Target {
	register := harness.Recommendation{
		Workload: "register", Nemesis: "partition:leader",
		Duration: longCut, Interval: longInterval, TimeLimit: longRun, OpTimeout: soon,
	}
	target := func(title, summary string, s setting, plan harness.Recommendation) harness.Target {
		return containers.Target{Title: title, Spec: s.spec(), Doc: harness.About{
			Summary: summary, Claim: harness.NoLevel, Promise: "one order of writes, and no linearizable read (ADR-56)",
			Recommended: plan,
		}}
	}
	return []harness.Target{
		target("nats-kv", "NATS JetStream key-value: reads from the leader, which may be deposed",
			setting{}, register),
		target("nats-kv/direct-get", "NATS JetStream key-value, reads from the nearest replica, however old (its default)",
			setting{direct: true}, register),
		target("nats-kv/sync-always", "NATS JetStream key-value, every write on the disk first; reads from the leader",
			setting{sync: true}, harness.Recommendation{
				Workload: "set", Nemesis: "kill:all", Duration: time.Second, Interval: longInterval, TimeLimit: longRun,
			}),
	}
}

// A stream is without a leader for 4 to 9 seconds after it lost one, and a leader that is cut off leads on for about
// ten. A shorter cut shows nothing. Its clients give up a write soon, and read on.
const (
	longCut      = 12 * time.Second
	longInterval = 20 * time.Second
	longRun      = 45 * time.Second
	soon         = time.Second
)

func (s setting) spec() containers.Spec {
	return containers.Spec{
		Image:     "nats:2.14.5",
		StandIn:   "nats",
		Processes: s.processes,
		Ports:     []int{clientPort, monitorPort},
		Data:      data,
		Nodes:     nodes,
		Memory:    memory,
		Form:      s.form,
		Ready:     s.ready,
		Leader:    leader,
		Current:   current,
		Version:   version,
		Dial: func(_ context.Context, n *containers.Node) (harness.Client, error) {
			return s.client(n), nil
		},
	}
}

func (s setting) client(n *containers.Node) *Client {
	return &Client{direct: s.direct, dial: func(ctx context.Context) (net.Conn, error) {
		return n.DialPort(ctx, clientPort)
	}}
}

// processes is a server and its configuration.
func (s setting) processes(m containers.Member) []containers.Process {
	return []containers.Process{{
		Name:    "nats-server",
		Command: []string{"nats-server", "--config", configFile},
		Files:   map[string]string{configFile: s.config(m)},
	}}
}

// config is the configuration of a server. Nobody is told of the other servers' addresses, which only the servers reach.
func (s setting) config(m containers.Member) string {
	sync := ""
	if s.sync {
		sync = "  sync_interval: always\n"
	}
	return fmt.Sprintf(`server_name: %s
listen: "0.0.0.0:%d"
http: "0.0.0.0:%d"
jetstream {
  store_dir: "%s/jetstream"
%s}
cluster {
  name: %q
  listen: "0.0.0.0:6222"
  no_advertise: true
  routes: [%s]
}
`, m.Name, clientPort, monitorPort, data, sync, m.Cluster, strings.Join(m.Each(`"nats://%s:6222"`), ", "))
}

// form makes the bucket, which the servers refuse until they have elected a leader of their own.
func (s setting) form(ctx context.Context, c *containers.Cluster) error {
	const pause = 50 * time.Millisecond
	for i := 0; ; i++ {
		node := c.Members()[i%len(c.Members())]
		err := s.makeBucket(ctx, node, len(c.Members()))
		if err == nil {
			return nil
		}
		if !harness.Wait(ctx, pause) {
			return fmt.Errorf("make the bucket: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// makeBucket makes the bucket. It may be there already.
func (s setting) makeBucket(ctx context.Context, n *containers.Node, nodes int) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	client := s.client(n)
	defer func() { _ = client.Close() }()
	conn, err := client.connected(ctx)
	if err != nil {
		return err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	_, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: bucket, Replicas: min(nodes, maxReplicas), Storage: jetstream.FileStorage,
	})
	if err != nil || s.direct {
		return err
	}
	made, err := js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	config := made.CachedInfo().Config
	config.AllowDirect = false // the key-value interface has no word for it
	_, err = js.UpdateStream(ctx, config)
	return err
}

// ready says whether a node has caught up and answers a read from the bucket, which takes a leader.
func (s setting) ready(ctx context.Context, n *containers.Node) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if err := healthy(ctx, n); err != nil {
		return err
	}
	client := s.client(n)
	client.direct = false
	defer func() { _ = client.Close() }()
	_, err := client.get(ctx, "ready")
	return err
}
