package nats

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/capsize-dev/capsize/harness"
)

// refusal is an answer by which the store says: this had no effect, and never will.
type refusal struct {
	err    error // what is wrapped
	code   jetstream.ErrorCode
	unmet  bool // a condition of the call did not hold
	reason string
}

// refusals are all answers that do. The store is taken at its word, and a history shows where it was not true. It was not
// with "wrong last sequence" in 2.14.5: for a moment after a cut has healed, the leader from before leads beside the new
// one, both are sent each message, and the client may hear the refusal of the one while the other stores the message. A
// checker calls what is seen then an aborted read.
//
// Not among them, though they sound like it: "insufficient resources" and "store
// failed", which the leader also gives when its own disk refuses what the other replicas have stored; and a connection
// that was closed, which the library also says of a request that went out before.
func refusals() []refusal {
	return []refusal{
		{err: jetstream.ErrNoStreamResponse, reason: "no responders: the message was delivered to nobody"},
		{code: jetstream.JSErrCodeStreamWrongLastSequence, unmet: true,
			reason: "wrong last sequence: the leader asks before it proposes, and every replica again before it stores"},
		{code: jetstream.JSErrCodeStreamWrongLastSequenceConstant, unmet: true,
			reason: "wrong last sequence: another write of the key is under way; the leader asks before it proposes"},
	}
}

// ofTheValue takes harness.ErrUnmet from the error of a compare-and-set that was refused because another write of the key
// is under way: that one may come to nothing, or come later, so that nothing was said of the value.
func ofTheValue(err error) error {
	var answer *jetstream.APIError
	if errors.As(err, &answer) && answer.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant {
		return fmt.Errorf("%w: %w", harness.ErrNotApplied, answer)
	}
	return err
}

// classify says what the error of a message that was published means.
func classify(err error) error {
	if err == nil {
		return nil
	}
	var answer *jetstream.APIError
	isAnswer := errors.As(err, &answer)
	for _, r := range refusals() {
		switch {
		case r.err != nil && errors.Is(err, r.err):
			return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
		case r.err == nil && isAnswer && answer.ErrorCode == r.code && r.unmet:
			return fmt.Errorf("%w: %w", harness.ErrUnmet, err)
		}
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// unsent says that a call failed before anything of it was sent that could have an effect.
func unsent(err error) error { return fmt.Errorf("%w: %w", harness.ErrNotApplied, err) }
