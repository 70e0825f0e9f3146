package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The commands: each is the path of a request.
const (
	pathConfigure = "/configure"
	pathApply     = "/apply"
	pathCounters  = "/counters"
	pathFeatures  = "/features"
	pathProbe     = "/probe"
	pathProbed    = "/probed"
	pathBeats     = "/beats"
	pathReset     = "/reset"
	pathFill      = "/disk/fill"
	pathFree      = "/disk/free"
	pathSpace     = "/disk/space"
)

// maxMessage is the most bytes of a request or an answer.
const maxMessage = 1 << 20

// Client commands one agent. Its methods may be called from several goroutines. All may be repeated safely; a request
// that met a connection which had just died is.
type Client struct {
	base, token string
	http        *http.Client
	transport   *http.Transport
}

// Dial makes a client of the agent that listens at address. It does not connect: the first command does.
func Dial(address, token string) *Client {
	transport := &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	return &Client{
		base: "http://" + address, token: token, transport: transport,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the secret goes to the agent and nowhere else
		}},
	}
}

// Close gives the connections back. The client may be used again.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// ErrUnauthorized is wrapped by the error of a command whose secret was not the agent's.
var ErrUnauthorized = errors.New("the agent does not accept this token")

// call sends a command and reads its answer into out, where that is not nil.
func (c *Client) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	// not sent: it tells net/http that it may repeat the request on a new connection when an idle one turns out dead
	request.Header["Idempotency-Key"] = nil
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("agent %s: %w", path, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxMessage))
	switch {
	case err != nil:
		return fmt.Errorf("agent %s: %w", path, err)
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("agent %s: %w", path, ErrUnauthorized)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("agent %s: %s", path, strings.TrimSpace(string(answer)))
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Configure tells the agent who the peers are, and mends everything.
func (c *Client) Configure(ctx context.Context, config Config) error {
	return c.call(ctx, pathConfigure, config, nil)
}

// Apply makes the state so, and returns when it is. On an error nothing has changed.
func (c *Client) Apply(ctx context.Context, state State) error {
	return c.call(ctx, pathApply, state, nil)
}

// Counters reads what was counted.
func (c *Client) Counters(ctx context.Context) (Counters, error) {
	var counted Counters
	return counted, c.call(ctx, pathCounters, nil, &counted)
}

// Features says of each feature "" where it works in this kernel, and otherwise in a sentence why it does not.
func (c *Client) Features(ctx context.Context) (map[string]string, error) {
	var features map[string]string
	return features, c.call(ctx, pathFeatures, nil, &features)
}

// Probe sends a few datagrams that carry the nonce to the agent of every peer.
func (c *Client) Probe(ctx context.Context, nonce uint64) error {
	return c.call(ctx, pathProbe, nonce, nil)
}

// Probed returns the names of the peers whose datagrams with that nonce arrived, in order. The last 64 nonces of each
// peer are known.
func (c *Client) Probed(ctx context.Context, nonce uint64) ([]string, error) {
	var peers []string
	return peers, c.call(ctx, pathProbed, nonce, &peers)
}

// Beats returns how long ago a beat last arrived from each peer. A peer that never sent one is missing.
func (c *Client) Beats(ctx context.Context) (map[string]time.Duration, error) {
	var beats map[string]time.Duration
	return beats, c.call(ctx, pathBeats, nil, &beats)
}

// ResetConnections resets the TCP connections that are established between this node and the peers, and returns how
// many there were. Those of the agents and of clients stay.
func (c *Client) ResetConnections(ctx context.Context, peers []string) (int, error) {
	var n int
	return n, c.call(ctx, pathReset, peers, &n)
}

// FillDisk fills the disk that the folder is on to the last byte, with a file ".capsize-filler" in the folder.
func (c *Client) FillDisk(ctx context.Context, folder string) error {
	return c.call(ctx, pathFill, folder, nil)
}

// FreeDisk removes the filler file.
func (c *Client) FreeDisk(ctx context.Context, folder string) error {
	return c.call(ctx, pathFree, folder, nil)
}

// DiskSpace returns how many bytes of the disk that the folder is on a process can still write.
func (c *Client) DiskSpace(ctx context.Context, folder string) (int64, error) {
	var free int64
	return free, c.call(ctx, pathSpace, folder, &free)
}
