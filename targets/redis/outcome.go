package redis

import (
	"errors"
	"fmt"
	"strings"

	driver "github.com/redis/go-redis/v9"

	"github.com/capsize-dev/capsize/harness"
)

// refusals are the errors with which a command is answered that was not begun, by the first word of the answer, and
// why that is so. Every other answer may have come from within a command.
var refusals = map[string]string{
	"READONLY":   "a replica refuses every write before it begins",
	"NOREPLICAS": "min-replicas-to-write is asked before a write begins",
	"MASTERDOWN": "a replica without its primary was told not to serve old data",
	"LOADING":    "the server still reads its files, and executes nothing",
	"MISCONF":    "the server could not write its files, and from then on refuses writes before they begin",
	"OOM":        "the server has no memory for it, and looks before it executes",
	"BUSY":       "a script runs, and nothing else is executed",
	noPrimary:    "the router had nobody to send it to",
}

// errUnconfirmed is a write that the primary has, and keeps, and that too few replicas have: it may be lost or not.
var errUnconfirmed = errors.New("written by the primary, not confirmed by enough replicas")

// errReplica is a read that was answered by a replica, and thrown away.
var errReplica = errors.New("the node is no primary")

// outcome makes of an error what a client promises: nil, an error that certainly had no effect, or one of which
// nobody knows.
func outcome(err error) error {
	if err == nil || errors.Is(err, harness.ErrNotApplied) {
		return err
	}
	if refused(err) {
		return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
	}
	return fmt.Errorf("outcome unknown: %w", err)
}

// refused reports whether an answer is among the refusals.
func refused(err error) bool {
	var answer driver.Error
	if !errors.As(err, &answer) {
		return false
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return refusals[word] != ""
}

// answered reports whether an answer came, if only an error: the connection is in order.
func answered(err error) bool {
	var answer driver.Error
	return err == nil || errors.As(err, &answer) || errors.Is(err, errUnconfirmed) || errors.Is(err, errReplica)
}
