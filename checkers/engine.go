package checkers

import (
	"context"
	"errors"
	"sync/atomic"
)

// engine decides whether some order of operations fits a sequential object. There is one today; faster ones for
// special cases can stand in front of it, as long as they answer the same.
type engine interface {
	// decide answers legal or illegal for good, or undecided where ctx ended or the meter ran out: then the cause is
	// [context.Cause] or errSteps. It keeps nothing of ops.
	decide(ctx context.Context, object sequential, ops []op, m *meter) (answer, error)
}

type answer uint8

const (
	undecided answer = iota
	legal
	illegal
)

// sequential is an object as if one operation came after the other. Its states are small numbers; equal numbers are
// equal states. It may remember what it has computed, so one engine uses it from one goroutine.
type sequential interface {
	// step takes the operation in the state and returns the next state, or false where the answer recorded does not fit.
	// A pending operation fits everywhere.
	step(state int32, o *op) (next int32, fits bool)
}

// meter counts the steps of a search, and ends it at a limit that does not depend on the clock.
type meter struct {
	steps atomic.Int64
	limit int64 // 0 means none
	width atomic.Int64
}

// cost estimates the memory a search holds, in bytes: each configuration it has seen names every operation with a bit.
func (m *meter) cost() int64 { return m.steps.Load() * (m.width.Load()/8 + 96) }

// The reasons why a search ended without an answer.
var (
	errSteps       = errors.New("steps")
	errTime        = errors.New("time")
	errMemory      = errors.New("memory")
	errInterrupted = errors.New("interrupted")
)
