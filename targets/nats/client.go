package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capsize-dev/capsize/harness"
)

const (
	bucket         = "capsize"
	stream         = "KV_" + bucket
	subject        = "$KV." + bucket + "." // of a key
	connectTimeout = 5 * time.Second       // of a call without a deadline
)

// dialer is how a client reaches its node.
type dialer func(context.Context) (net.Conn, error)

// Client is a connection to one node. It sends each message once. Where the connection broke, the next call makes a new
// one.
type Client struct {
	dial   dialer
	direct bool // any replica may answer reads

	mu   sync.Mutex
	conn *nats.Conn // nil where there was none yet
}

// Close ends the connection.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
	}
	return nil
}

// connected returns a connection that is open. Where there is none, nothing was sent.
func (c *Client) connected(ctx context.Context) (*nats.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, unsent(err)
	}
	if c.conn != nil && c.conn.IsConnected() {
		return c.conn, nil
	}
	conn, err := connect(ctx, c.dial)
	if err != nil {
		return nil, unsent(fmt.Errorf("connect: %w", err))
	}
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = conn
	return conn, nil
}

// connect makes a connection that ends for good when it breaks.
func connect(ctx context.Context, dial dialer) (*nats.Conn, error) {
	limit := connectTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(time.Until(deadline), time.Millisecond)
	}
	const nowhere = "nats://127.0.0.1:4222" // the dialer knows the way
	way := &dialNode{ctx: ctx, dial: dial}
	conn, err := nats.Connect(nowhere, nats.SetCustomDialer(way), nats.Timeout(limit), nats.NoReconnect(),
		nats.IgnoreDiscoveredServers(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil && way.err != nil {
		return nil, way.err // the library says only that there is no server
	}
	return conn, err
}

// dialNode makes the library dial the node.
type dialNode struct {
	ctx  context.Context // of the call that connects, which dialNode does not outlive
	dial dialer
	err  error // of the last attempt
}

func (d *dialNode) Dial(_, _ string) (net.Conn, error) {
	conn, err := d.dial(d.ctx)
	d.err = err
	return conn, err
}

// entry is what a key holds.
type entry struct {
	data     []byte
	revision uint64 // 0 where there is none
}

// get reads a key.
func (c *Client) get(ctx context.Context, key string) (entry, error) {
	conn, err := c.connected(ctx)
	if err != nil {
		return entry{}, err
	}
	if c.direct {
		return getDirect(ctx, conn, key)
	}
	return getFromLeader(ctx, conn, key)
}

// getDirect asks whichever replica takes the request first.
func getDirect(ctx context.Context, conn *nats.Conn, key string) (entry, error) {
	answer, err := conn.RequestWithContext(ctx, "$JS.API.DIRECT.GET."+stream+"."+subject+key, nil)
	if err != nil {
		return entry{}, fmt.Errorf("direct get: %w", err)
	}
	switch status := answer.Header.Get("Status"); status {
	case "":
	case "404":
		return entry{}, nil
	default:
		return entry{}, fmt.Errorf("direct get: status %s: %s", status, answer.Header.Get("Description"))
	}
	revision, err := strconv.ParseUint(answer.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return entry{}, fmt.Errorf("direct get: no sequence in the answer: %w", err)
	}
	return entry{answer.Data, revision}, nil
}

// getFromLeader asks for the leader of the stream, which alone answers.
func getFromLeader(ctx context.Context, conn *nats.Conn, key string) (entry, error) {
	question, err := json.Marshal(map[string]string{"last_by_subj": subject + key})
	if err != nil {
		return entry{}, err
	}
	answer, err := conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, question)
	if err != nil {
		return entry{}, fmt.Errorf("get: %w", err)
	}
	var body struct {
		Error   *jetstream.APIError
		Message *struct {
			Seq  uint64
			Data []byte
		}
	}
	if err := json.Unmarshal(answer.Data, &body); err != nil {
		return entry{}, fmt.Errorf("get: %q: %w", answer.Data, err)
	}
	switch {
	case body.Error != nil && body.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return entry{}, nil
	case body.Error != nil:
		return entry{}, fmt.Errorf("get: %w", body.Error)
	case body.Message == nil:
		return entry{}, fmt.Errorf("get: %q holds no message", answer.Data)
	}
	return entry{body.Message.Data, body.Message.Seq}, nil
}

// put writes a key. Where guards are given, they are asked for by the leader of the stream.
func (c *Client) put(ctx context.Context, key, value string, guards ...jetstream.PublishOpt) (revision int64, err error) {
	conn, err := c.connected(ctx)
	if err != nil {
		return 0, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, unsent(err)
	}
	message := &nats.Msg{Subject: subject + key, Data: []byte(value), Header: nats.Header{}}
	ack, err := js.PublishMsg(ctx, message, append(guards, jetstream.WithRetryAttempts(0))...)
	if err != nil {
		return 0, classify(err)
	}
	return int64(ack.Sequence), nil
}

// putOver writes a key if it is still what it was.
func (c *Client) putOver(ctx context.Context, key, value string, was entry) (revision int64, err error) {
	return c.put(ctx, key, value, jetstream.WithExpectLastSequencePerSubject(was.revision))
}

// Read returns the value of the key, or found = false where it has none.
func (c *Client) Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error) {
	e, err := c.get(ctx, key)
	if err != nil || e.revision == 0 {
		return 0, false, 0, err
	}
	value, err = strconv.ParseInt(string(e.data), 10, 64)
	return value, true, int64(e.revision), err
}

// Write sets the value.
func (c *Client) Write(ctx context.Context, key string, value int64) (revision int64, err error) {
	return c.put(ctx, key, decimal(value))
}

// CompareAndSet sets the value to new if it is old. It reads the key and puts it back under guard, once: its error wraps
// harness.ErrUnmet also where somebody else wrote between. Where somebody else is only about to, it does not: that says
// nothing of the value.
func (c *Client) CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error) {
	was, err := c.get(ctx, key)
	switch {
	case err != nil:
		return 0, unsent(err)
	case was.revision == 0 || string(was.data) != decimal(old):
		return 0, fmt.Errorf("%w: the value is %q", harness.ErrUnmet, was.data)
	}
	revision, err = c.putOver(ctx, key, decimal(new), was)
	return revision, ofTheValue(err)
}

// Append puts the element at the end of the list, if nobody else writes the list at the same time: then its error wraps
// harness.ErrUnmet.
func (c *Client) Append(ctx context.Context, key string, element int64) (revision int64, err error) {
	was, err := c.get(ctx, key)
	if err != nil {
		return 0, unsent(err)
	}
	list, err := was.list()
	if err != nil {
		return 0, unsent(err)
	}
	text, err := json.Marshal(append(list, element))
	if err != nil {
		return 0, unsent(err)
	}
	return c.putOver(ctx, key, string(text), was)
}

// List returns the whole list.
func (c *Client) List(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	e, err := c.get(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	elements, err = e.list()
	return elements, int64(e.revision), err
}

// AddMember puts the element into the set, as Append does into a list.
func (c *Client) AddMember(ctx context.Context, key string, element int64) (revision int64, err error) {
	return c.Append(ctx, key, element)
}

// Members returns every element.
func (c *Client) Members(ctx context.Context, key string) (elements []int64, revision int64, err error) {
	return c.List(ctx, key)
}

// list decodes a list; what was never written is an empty one.
func (e entry) list() (elements []int64, err error) {
	if e.revision == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(e.data, &elements); err != nil {
		return nil, errors.Join(fmt.Errorf("message %d is no list: %q", e.revision, e.data), err)
	}
	return elements, nil
}

func decimal(value int64) string { return strconv.FormatInt(value, 10) }
