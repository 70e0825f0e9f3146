package containers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/harnesstest"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
	"github.com/capsize-dev/capsize/workloads"
)

// What adding a datastore takes, in one file: etcd, spoken to over HTTP with nothing but the standard library. A real
// target tells more errors apart (targets/etcd does), which makes checking cheaper and no verdict different.
var httpEtcd = containers.Target{
	Title: "etcd/http",
	Doc: harness.About{
		Summary: "etcd over its HTTP gateway", Claim: harness.Linearizable,
		Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition,kill"},
	},
	Spec: containers.Spec{
		Image: "gcr.io/etcd-development/etcd:v3.6.14", StandIn: "etcd", Ports: []int{2379}, Data: "/data", Nodes: 3,
		Processes: func(m containers.Member) []containers.Process {
			return []containers.Process{{Name: "etcd", Command: []string{
				"etcd", "--name", m.Name, "--data-dir", "/data/etcd",
				"--listen-client-urls", "http://0.0.0.0:2379", "--advertise-client-urls", "http://" + m.Name + ":2379",
				"--listen-peer-urls", "http://0.0.0.0:2380", "--initial-advertise-peer-urls", "http://" + m.Name + ":2380",
				"--initial-cluster", strings.Join(m.Each("%s=http://%s:2380"), ","),
			}}}
		},
		Ready: func(ctx context.Context, n *containers.Node) error {
			_, _, _, err := dialHTTP(n).Read(ctx, "ready")
			return err
		},
		Leader: leaderOverHTTP,
		Dial: func(_ context.Context, n *containers.Node) (harness.Client, error) {
			return dialHTTP(n), nil
		},
	},
}

// httpClient speaks to one node. net/http sends a POST once.
type httpClient struct{ http *http.Client }

func dialHTTP(n *containers.Node) httpClient {
	return httpClient{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return n.DialPort(ctx, 2379) },
	}}}
}

func (c httpClient) Close() error { c.http.CloseIdleConnections(); return nil }

// Numbers are strings in this protocol, and keys and values base64, as encoding/json has bytes.
type (
	pair struct {
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}
	header struct {
		Revision int64 `json:",string"`
	}
	answer struct {
		Header    header
		Kvs       []pair
		Succeeded bool
		Leader    string
		Members   []struct{ ID, Name string }
	}
)

// post makes one call. An error of the dialer wraps harness.ErrNotApplied; of any other nobody knows what happened.
func (c httpClient) post(ctx context.Context, path string, question any) (a answer, err error) {
	body, err := json.Marshal(question)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/v3/"+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s: %s", path, response.Status)
	}
	return a, json.NewDecoder(response.Body).Decode(&a)
}

func (c httpClient) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	a, err := c.post(ctx, "kv/range", map[string]any{"key": []byte(key)})
	if err != nil || len(a.Kvs) == 0 {
		return 0, false, a.Header.Revision, err
	}
	value, err = strconv.ParseInt(string(a.Kvs[0].Value), 10, 64)
	return value, true, a.Header.Revision, err
}

func (c httpClient) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	a, err := c.post(ctx, "kv/put", map[string]any{"key": []byte(key), "value": fmt.Append(nil, value)})
	return a.Header.Revision, err
}

func (c httpClient) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	a, err := c.post(ctx, "kv/txn", map[string]any{
		"compare": []any{map[string]any{"key": []byte(key), "target": "VALUE", "value": fmt.Append(nil, old)}},
		"success": []any{map[string]any{"requestPut": pair{[]byte(key), fmt.Append(nil, new)}}},
	})
	if err == nil && !a.Succeeded {
		err = harness.ErrUnmet
	}
	return a.Header.Revision, err
}

// leaderOverHTTP is whom a node follows.
func leaderOverHTTP(ctx context.Context, n *containers.Node) (string, error) {
	status, err := dialHTTP(n).post(ctx, "maintenance/status", struct{}{})
	if err != nil {
		return "", err
	}
	list, err := dialHTTP(n).post(ctx, "cluster/member/list", struct{}{})
	for _, m := range list.Members {
		if m.ID == status.Leader {
			return m.Name, nil
		}
	}
	return "", err
}

func TestADatastoreInOneFile(t *testing.T) {
	containerstest.Need(t, "etcd")
	harnesstest.Run(t, harness.Test{
		Target: httpEtcd, Workload: workloads.Register(), Runtime: harness.ContainerRuntime, Nodes: 3, Seed: 1,
		TimeLimit: 12 * time.Second, Nemesis: []harness.Nemesis{
			nemesis.Every(4*time.Second, nemesis.Partition(nemesis.Leader), nemesis.Kill(nemesis.One)),
		},
	})
}
