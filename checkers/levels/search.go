package levels

import (
	"context"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// What a search for one order is given at most, besides a part of the time until its context ends.
const (
	stepsEach   = 100 // for each operation
	stepsBeside = 100_000
	searchBytes = 256 << 20
)

// sequential finds out by a search whether a history is sequential, where it comes to an end. sessions are the
// processes by operation, numbered from 0. What is broken is known without a witness.
func (h *History) sequential(ctx context.Context, sessions []int32, m linear.Model) Finding {
	if end, some := ctx.Deadline(); some {
		within, cancel := context.WithTimeout(ctx, time.Until(end)/4)
		defer cancel()
		ctx = within
	}
	budget := linear.Budget{Steps: int64(stepsEach*len(h.Object.Ops) + stepsBeside), Memory: searchBytes}
	switch new(linear.Sequential).Decide(ctx, h.Object, sessions, m, budget).Answer {
	case linear.Legal:
		return Finding{Held: true}
	case linear.Illegal:
		return Finding{}
	}
	return Finding{Unknown: true}
}

// sessions numbers the processes from 0. The error is [linear.ErrUnfit] where one did two things at once.
func (h *History) sessions() (sessions []int32, people int, err error) {
	who := register{History: h, ops: h.Object.Ops}
	err = who.follow()
	return who.session, who.people, err
}
