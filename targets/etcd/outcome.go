package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/capsize-dev/capsize/harness"
)

// refusal is an answer of the server that means: this had no effect, and never will.
type refusal struct {
	err    error
	reason string
}

// refusals are all answers that do. Not among them, though they sound like it: ErrNoSpace (also given to the request
// that was applied and used up the space), ErrLeaderChanged, ErrStopped, ErrUnhealthy, ErrCorrupt and everything that
// timed out, each of which can come after the request has entered the log.
func refusals() []refusal {
	return []refusal{
		{rpctypes.ErrTooManyRequests, "asked before it is proposed: too much is committed and not yet applied"},
		{rpctypes.ErrRequestTooLarge, "asked before it is proposed"},
		{rpctypes.ErrNoLeader, "asked before the request is looked at; only of requests that demand a leader"},
		{rpctypes.ErrNotCapable, "asked before the request is looked at: the node is just starting"},
		{rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner), "asked before the request is looked at"},
		{status.Error(codes.Unknown, "raft proposal dropped"), "the node's own raft did not put it into a log or a message"},
	}
}

// classify says what an error means for a call of which something was sent, or nothing.
func classify(err error, sent bool) error {
	switch {
	case err == nil:
		return nil
	case !sent:
		return fmt.Errorf("%w: not sent: %w", harness.ErrNotApplied, err)
	}
	for _, r := range refusals() {
		if errors.Is(err, r.err) {
			return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
		}
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// sentKey is the key under which a call's context holds a flag: whether any part of the call was sent.
type sentKey struct{}

// attempt makes a request and says what its error means.
func attempt(ctx context.Context, request func(context.Context) error) error {
	sent := new(atomic.Bool)
	return classify(request(context.WithValue(ctx, sentKey{}, sent)), sent.Load())
}

// sentWatch raises the flag of a call as soon as its header is handed to a connection, which happens before the call
// can return.
type sentWatch struct{}

func (sentWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	switch event.(type) {
	case *stats.OutHeader, *stats.OutPayload:
		if sent, ok := ctx.Value(sentKey{}).(*atomic.Bool); ok {
			sent.Store(true)
		}
	}
}

func (sentWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentWatch) HandleConn(context.Context, stats.ConnStats)                       {}

// once takes the place of the client's interceptor, which repeats calls. It makes one attempt, and does not wait for a
// connection that is broken to come up again.
func once(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption) error {
	return invoke(ctx, method, request, reply, conn, append(options, grpc.WaitForReady(false))...)
}
