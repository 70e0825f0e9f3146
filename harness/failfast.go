package harness

import (
	"context"
	"os"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// failFastEvery is how often a run with FailFast looks at what it has recorded.
const failFastEvery = time.Second

// watchForViolation judges the history while it is written, and returns true at the first violation. Only the keys that
// were used since the last look are judged again, so keys that rotate keep each look cheap. What is proven on the
// beginning of a history stays proven: a checker takes an operation without a completion for one that may still return.
func (r *run) watchForViolation(ctx context.Context) bool {
	file, err := os.Open(r.folder.Path(store.HistoryFile))
	if err != nil {
		r.test.Log.Error("fail fast", "error", err)
		return false
	}
	defer func() { _ = file.Close() }()
	follower := history.Follow(file, file.Name())
	from := 0
	for Wait(ctx, failFastEvery) {
		h, err := follower.Read()
		if err != nil {
			r.test.Log.Error("fail fast", "error", err)
			return false
		}
		recent := sinceIndex(h, from)
		from = h.Lines
		check, _ := runChecker(ctx, r.test.Workload.Checker, recent, r.test.Budget)
		if check.Verdict == Invalid {
			return true
		}
	}
	return false
}

// sinceIndex keeps the keys with an event at or after a line.
func sinceIndex(h history.History, from int) history.History {
	used := make(map[string]bool)
	for i := range h.Pairs {
		if p := &h.Pairs[i]; p.Index >= from || p.End >= from {
			used[p.Key] = true
		}
	}
	var recent history.History
	for i := range h.Pairs {
		if used[h.Pairs[i].Key] {
			recent.Pairs = append(recent.Pairs, h.Pairs[i])
		}
	}
	return recent
}
