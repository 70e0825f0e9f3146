package etcd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/capsize-dev/capsize/harness"
)

// Client is a connection to one node. It makes each request once.
type Client struct {
	etcd  *clientv3.Client
	reads []clientv3.OpOption // of what the user reads
}

// A node that comes back is noticed within half a second: left to itself, gRPC would wait up to two minutes, and that
// would be counted as the node's.
const (
	firstPause     = 50 * time.Millisecond
	longestPause   = 500 * time.Millisecond
	connectTimeout = 2 * time.Second
)

// newClient makes a client that connects by dial, at its first call.
func newClient(dial func(context.Context) (net.Conn, error), reads ...clientv3.OpOption) (*Client, error) {
	pauses := backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestPause}
	conn, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"http://node"}, // a name only
		Logger:    zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: connectTimeout}),
			grpc.WithDisableRetry(),
			grpc.WithUnaryInterceptor(once), // instead of the client's own, which was set before
			grpc.WithStatsHandler(sentWatch{}),
			grpc.WithNoProxy(),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of etcd: %w", err)
	}
	return &Client{etcd: conn, reads: reads}, nil
}

// Close ends the connection.
func (c *Client) Close() error {
	_ = c.etcd.Close() // always "context canceled"
	return nil
}

// get reads a key, or a range of keys.
func (c *Client) get(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	var answer *clientv3.GetResponse
	err := attempt(ctx, func(ctx context.Context) (err error) {
		answer, err = c.etcd.Get(ctx, key, options...)
		return err
	})
	return answer, err
}

// put writes a key.
func (c *Client) put(ctx context.Context, key, value string) (revision int64, err error) {
	err = attempt(ctx, func(ctx context.Context) error {
		answer, err := c.etcd.Put(ctx, key, value)
		if err == nil {
			revision = answer.Header.Revision
		}
		return err
	})
	return revision, err
}

// putIf writes a key if a condition holds, in one step.
func (c *Client) putIf(ctx context.Context, condition clientv3.Cmp, key, value string) (revision int64, err error) {
	var held bool
	err = attempt(ctx, func(ctx context.Context) error {
		answer, err := c.etcd.Txn(ctx).If(condition).Then(clientv3.OpPut(key, value)).Commit()
		if err == nil {
			revision, held = answer.Header.Revision, answer.Succeeded
		}
		return err
	})
	if err == nil && !held {
		err = fmt.Errorf("%w: compare failed", harness.ErrUnmet)
	}
	return revision, err
}

// Read returns the value of the key, or found = false where it has none.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	answer, err := c.get(ctx, key, c.reads...)
	if err != nil || len(answer.Kvs) == 0 {
		return 0, false, revisionOf(answer), err
	}
	value, err = strconv.ParseInt(string(answer.Kvs[0].Value), 10, 64)
	return value, true, revisionOf(answer), err
}

// Write sets the value.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	return c.put(ctx, key, decimal(value))
}

// CompareAndSet sets the value to new if it is old, in one transaction. A mismatch wraps harness.ErrUnmet.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	return c.putIf(ctx, clientv3.Compare(clientv3.Value(key), "=", decimal(old)), key, decimal(new))
}

// Append puts the element at the end of the list, if nobody else writes the list at the same time: then its error wraps
// harness.ErrUnmet.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	answer, err := c.get(ctx, key) // linearizable also where reads are not: an old list would only be refused
	if err != nil {
		return 0, fmt.Errorf("%w: read the list: %w", harness.ErrNotApplied, err)
	}
	list, written, err := listOf(answer)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	text, err := json.Marshal(append(list, element))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	return c.putIf(ctx, clientv3.Compare(clientv3.ModRevision(key), "=", written), key, string(text))
}

// List returns the whole list.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	answer, err := c.get(ctx, key, c.reads...)
	if err != nil {
		return nil, 0, err
	}
	elements, _, err = listOf(answer)
	return elements, revisionOf(answer), err
}

// AddMember puts the element into the set.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	return c.put(ctx, key+"/"+decimal(element), "")
}

// Members returns every element, read in one range.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	all := []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithKeysOnly()}
	answer, err := c.get(ctx, key+"/", append(all, c.reads...)...)
	if err != nil {
		return nil, 0, err
	}
	for _, kv := range answer.Kvs {
		element, err := strconv.ParseInt(strings.TrimPrefix(string(kv.Key), key+"/"), 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("the set %s holds %q: %w", key, kv.Key, err)
		}
		elements = append(elements, element)
	}
	return elements, revisionOf(answer), nil
}

// listOf returns the list that a key holds, and the revision at which it was written: 0 where there is none.
func listOf(answer *clientv3.GetResponse) (list []int64, written int64, err error) {
	if len(answer.Kvs) == 0 {
		return nil, 0, nil
	}
	kv := answer.Kvs[0]
	if err := json.Unmarshal(kv.Value, &list); err != nil {
		return nil, 0, fmt.Errorf("the list %s holds %q: %w", kv.Key, kv.Value, err)
	}
	return list, kv.ModRevision, nil
}

func revisionOf(answer *clientv3.GetResponse) int64 {
	if answer == nil {
		return 0
	}
	return answer.Header.Revision
}

func decimal(value int64) string { return strconv.FormatInt(value, 10) }
