package zookeeper

import (
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/capsize-dev/capsize/harness"
)

// certain are the errors after which a call certainly had no effect, and never will, with the reason. Every other
// error leaves that open; among them is the end of the connection, whatever the driver calls it.
var certain = []struct {
	err    error
	as     error
	reason string
}{
	{zk.ErrBadVersion, harness.ErrUnmet, "the leader found another version than the one that was read"},
	{zk.ErrNoNode, harness.ErrUnmet, "the leader found nothing to change"},
	{zk.ErrNodeExists, harness.ErrUnmet, "the leader found that somebody else had created it"},
	{zk.ErrNoServer, harness.ErrNotApplied, "the driver takes it out of its queue, where it waited to be sent"},
	{zk.ErrInvalidPath, harness.ErrNotApplied, "the driver does not send it"},
}

// outcome makes of an error what a client promises: nil, an error that certainly had no effect, or one of which
// nobody knows.
func outcome(err error) error {
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		return err
	}
	for _, c := range certain {
		if errors.Is(err, c.err) {
			return fmt.Errorf("%w: %w", c.as, err)
		}
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// unsent makes an error of a first step that changes nothing one of the whole call: the second was never sent.
func unsent(err error) error {
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		return err
	}
	return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
}
