package nats

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capsize-dev/capsize/harness"
)

// answer is an error as the library makes it of an answer.
func answer(code jetstream.ErrorCode) error {
	return fmt.Errorf("nats: %w", &jetstream.APIError{ErrorCode: code})
}

func TestWhatAnErrorMeans(t *testing.T) {
	const (
		insufficientResources jetstream.ErrorCode = 10023
		storeFailed           jetstream.ErrorCode = 10077
	)
	for _, test := range []struct {
		name              string
		err               error
		notApplied, unmet bool
	}{
		{"wrong last sequence", answer(jetstream.JSErrCodeStreamWrongLastSequence), true, true},
		{"another write under way", answer(jetstream.JSErrCodeStreamWrongLastSequenceConstant), true, true},
		{"nobody listens", jetstream.ErrNoStreamResponse, true, false},
		{"insufficient resources, perhaps of one replica", answer(insufficientResources), false, false},
		{"store failed, perhaps of one replica", answer(storeFailed), false, false},
		{"closed, perhaps after it was sent", nats.ErrConnectionClosed, false, false},
		{"disconnected", nats.ErrDisconnected, false, false},
		{"no answer in time", context.DeadlineExceeded, false, false},
		{"given up", context.Canceled, false, false},
		{"an answer nobody understands", jetstream.ErrInvalidJSAck, false, false},
		{"anything else", errors.New("boom"), false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := classify(test.err)
			if errors.Is(err, harness.ErrNotApplied) != test.notApplied || errors.Is(err, harness.ErrUnmet) != test.unmet {
				t.Errorf("%v", err)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v hides its cause", err)
			}
		})
	}
	early := ofTheValue(classify(answer(jetstream.JSErrCodeStreamWrongLastSequenceConstant)))
	if errors.Is(early, harness.ErrUnmet) || !errors.Is(early, harness.ErrNotApplied) {
		t.Errorf("a compare-and-set, another write under way: %v", early)
	}
	late := ofTheValue(classify(answer(jetstream.JSErrCodeStreamWrongLastSequence)))
	if !errors.Is(late, harness.ErrUnmet) {
		t.Errorf("a compare-and-set, another write before: %v", late)
	}
	if ofTheValue(nil) != nil || classify(nil) != nil {
		t.Error("nothing went wrong, and there is an error")
	}
}

// Every refusal is in the table with a reason, and no code is given twice.
func TestRefusalsHaveReasons(t *testing.T) {
	seen := make(map[jetstream.ErrorCode]bool)
	for _, r := range refusals() {
		if r.reason == "" || seen[r.code] || (r.err == nil) == (r.code == 0) {
			t.Errorf("%+v", r)
		}
		seen[r.code] = true
	}
}
