package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/capsize-dev/capsize/targets/containers"
)

// monitor asks the monitoring port of a node, and decodes the answer.
func monitor(ctx context.Context, n *containers.Node, path string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node"+path, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return n.DialPort(ctx, monitorPort) },
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	const limit = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return json.Unmarshal(body, answer)
}

// healthy says whether a node has caught up with everything it holds a replica of.
func healthy(ctx context.Context, n *containers.Node) error {
	return monitor(ctx, n, "/healthz", new(struct{}))
}

// replica is what a node says of its replica of the bucket.
type replica struct {
	Name    string
	Cluster struct{ Leader string }
	State   struct {
		Messages  uint64
		FirstSeq  uint64 `json:"first_seq"`
		LastSeq   uint64 `json:"last_seq"`
		Bytes     uint64
		NumDelete int `json:"num_deleted"`
	}
}

// replicaOf returns a node's replica of the bucket, nil where it has none.
func replicaOf(ctx context.Context, n *containers.Node) (*replica, error) {
	var answer struct {
		Accounts []struct {
			Streams []*replica `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := monitor(ctx, n, "/jsz?accounts=true&streams=true", &answer); err != nil {
		return nil, err
	}
	for _, account := range answer.Accounts {
		for _, s := range account.Streams {
			if s.Name == stream {
				return s, nil
			}
		}
	}
	return nil, nil
}

// leader returns whom a node takes for the leader of the bucket's stream. A node without a replica knows none.
func leader(ctx context.Context, n *containers.Node) (string, error) {
	replica, err := replicaOf(ctx, n)
	if err != nil || replica == nil {
		return "", err
	}
	return replica.Cluster.Leader, nil
}

// current says whether every replica holds the same messages.
func current(ctx context.Context, c *containers.Cluster) error {
	var first *replica
	var errs []error
	found := 0
	for _, n := range c.Members() {
		here, err := replicaOf(ctx, n)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", n.Name(), err))
			continue
		case here == nil:
			continue
		case first == nil:
			first = here
		case here.State != first.State:
			errs = append(errs, fmt.Errorf("%s holds %+v, others %+v", n.Name(), here.State, first.State))
		}
		found++
	}
	if want := min(len(c.Members()), maxReplicas); found < want && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("there are %d replicas of %d", found, want))
	}
	return errors.Join(errs...)
}

// version asks a node which NATS it is.
func version(ctx context.Context, n *containers.Node) (name, version string, err error) {
	var answer struct{ Version string }
	err = monitor(ctx, n, "/varz", &answer)
	return "nats-server", answer.Version, err
}
