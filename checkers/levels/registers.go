package levels

import (
	"context"
	"errors"
	"slices"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// JudgeRegister is what can be found of any register: [Judge], where each value was stored once, and otherwise
// [JudgeReused].
//
// Of compare-and-sets that failed Judge knows nothing. Where some did, staleness is that of all operations, by way of
// the decider; levels that did not hold without them do not hold; and of those that did it is not known whether they
// still do with them, but for what a search for an order of all finds, as in JudgeReused.
func JudgeRegister(ctx context.Context, h *History, decide Decider) (Report, error) {
	report, err := Judge(h)
	if errors.Is(err, linear.ErrUnfit) {
		kind := Values
		if slices.ContainsFunc(h.Object.Ops, func(o linear.Op) bool { return o.Kind == linear.SwapFailed }) {
			kind = Answered
		}
		return JudgeReused(ctx, h, kind, decide)
	}
	if err != nil || report.Failed == 0 {
		return report, err
	}
	report.Kind, report.Failed = Answered, 0 // none is left out any more
	for l := PRAM; l <= Linearizable; l++ {
		if report.Levels[l].Held {
			report.Levels[l] = Finding{Unknown: true}
		}
	}
	if report.Levels[Sequential].Unknown {
		sessions, _, err := h.sessions()
		if err != nil {
			return Report{}, err
		}
		report.Levels[Sequential] = h.sequential(ctx, sessions, linear.RegisterModel())
	}
	if least := report.Staleness; least.Bounded {
		report.Staleness = latenessFrom(ctx, h, readsLate, decide, least, nil)
	}
	report.rank()
	return report, nil
}

// JudgeMember is [JudgeReused] for an element of a set: a register of which 1 is that it is there, and 0 that it is
// not. Additions and removals that were told that there was nothing to do only looked.
func JudgeMember(ctx context.Context, h *History, decide Decider) (Report, error) {
	return JudgeReused(ctx, h, Members, decide)
}
