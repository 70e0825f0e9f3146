package etcd

import (
	"context"
	"errors"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/capsize-dev/capsize/harness"
)

func TestWhatAnErrorMeans(t *testing.T) {
	for _, test := range []struct {
		name       string
		err        error
		unsent     bool
		notApplied bool
	}{
		{"nothing was sent", status.Error(codes.Unavailable, "connection refused"), true, true},
		{"nothing was sent in time", context.DeadlineExceeded, true, true},
		{"too many requests", rpctypes.ErrTooManyRequests, false, true},
		{"request too large", rpctypes.ErrRequestTooLarge, false, true},
		{"no leader", rpctypes.ErrNoLeader, false, true},
		{"not capable", rpctypes.ErrNotCapable, false, true},
		{"a learner", rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner), false, true},
		{"proposal dropped", status.Error(codes.Unknown, "raft proposal dropped"), false, true},
		{"timed out", rpctypes.ErrTimeout, false, false},
		{"timed out, leader failed", rpctypes.ErrTimeoutDueToLeaderFail, false, false},
		{"timed out, connection lost", rpctypes.ErrTimeoutDueToConnectionLost, false, false},
		{"timed out waiting to apply", rpctypes.ErrTimeoutWaitAppliedIndex, false, false},
		{"leader changed", rpctypes.ErrLeaderChanged, false, false},
		{"not leader", rpctypes.ErrNotLeader, false, false},
		{"server stopped", rpctypes.ErrStopped, false, false},
		{"no space, which the request that used it up is told too", rpctypes.ErrNoSpace, false, false},
		{"corrupt", rpctypes.ErrCorrupt, false, false},
		{"unhealthy", rpctypes.ErrUnhealthy, false, false},
		{"the connection broke", status.Error(codes.Unavailable, "error reading from server: EOF"), false, false},
		{"no answer in time", context.DeadlineExceeded, false, false},
		{"given up", context.Canceled, false, false},
		{"anything else", errors.New("boom"), false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := classify(test.err, !test.unsent)
			if errors.Is(err, harness.ErrNotApplied) != test.notApplied || errors.Is(err, harness.ErrUnmet) {
				t.Error(err)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v hides its cause", err)
			}
		})
	}
	if classify(nil, true) != nil || classify(nil, false) != nil {
		t.Error("nothing went wrong, and there is an error")
	}
}

func TestRefusalsHaveReasons(t *testing.T) {
	for _, r := range refusals() {
		if r.err == nil || r.reason == "" {
			t.Errorf("%+v", r)
		}
	}
}
