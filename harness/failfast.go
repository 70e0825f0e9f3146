package harness

import (
	"context"
	"os"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// Streamer is a checker that can tell while a run goes on that something may be wrong.
type Streamer interface {
	Checker
	// Stream returns the judge of one history, or nil where it has none for it.
	Stream() Stream
}

// Stream is told of a history line by line. It remembers what goes on, and not what has been.
type Stream interface {
	// Add takes the next line. It reports a key of which the checker of whole histories should have a look: because
	// something is wrong with it, or because the stream cannot tell. It does so at every line of the key from then on.
	Add(op history.Op) (key string, suspect bool)
}

// failFastEvery is how often a run with FailFast looks at what it has recorded.
const failFastEvery = time.Second

// watchForViolation judges the history while it is written, and returns true at the first violation. Where the checker
// has a stream, that is told of every line, and only the keys that it suspects are judged. Otherwise the keys that were
// used since the last look are judged again, so keys that rotate keep each look cheap. What is proven on the beginning of
// a history stays proven: a checker takes an operation without a completion for one that may still return.
func (r *run) watchForViolation(ctx context.Context) bool {
	path := r.folder.Path(store.HistoryFile)
	file, err := os.Open(path)
	if err != nil {
		r.test.Log.Error("fail fast", "error", err)
		return false
	}
	defer func() { _ = file.Close() }()
	look := again(history.Follow(file, file.Name()))
	if s, can := r.test.Workload.Checker.(Streamer); can {
		if stream := s.Stream(); stream != nil {
			look = streamed(ctx, stream, file, path)
		}
	}
	for Wait(ctx, failFastEvery) {
		h, err := look()
		if err != nil {
			r.test.Log.Error("fail fast", "error", err)
			return false
		}
		if len(h.Pairs) == 0 {
			continue
		}
		check, _ := runChecker(ctx, r.test.Workload.Checker, h, r.test.Budget)
		if check.Verdict == Invalid {
			return true
		}
	}
	return false
}

// again returns what has the keys that were used since it was called last.
func again(follower *history.Follower) func() (history.History, error) {
	from := 0
	return func() (history.History, error) {
		h, err := follower.Read()
		recent := only(h, usedSince(h, from))
		from = h.Lines
		return recent, err
	}
}

// streamed returns what tells the stream of the lines since it was called last, and has the keys that it suspects, from
// the file.
func streamed(ctx context.Context, stream Stream, file *os.File, path string) func() (history.History, error) {
	follower := history.Follow(file, file.Name())
	return func() (history.History, error) {
		suspects := map[string]bool{}
		err := follower.Each(func(op history.Op) error {
			if key, suspect := stream.Add(op); suspect {
				suspects[key] = true
			}
			return ctx.Err()
		})
		if err != nil || len(suspects) == 0 || ctx.Err() != nil {
			return history.History{}, ignoreEnd(ctx, err)
		}
		whole, err := os.Open(path)
		if err != nil {
			return history.History{}, err
		}
		defer func() { _ = whole.Close() }()
		h, err := history.Follow(whole, path).Read()
		return only(h, suspects), err
	}
}

// ignoreEnd leaves out that the run is over.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// usedSince names the keys with an event at or after a line.
func usedSince(h history.History, from int) map[string]bool {
	used := make(map[string]bool)
	for i := range h.Pairs {
		if p := &h.Pairs[i]; p.Index >= from || p.End >= from {
			used[p.Key] = true
		}
	}
	return used
}

// only keeps some keys.
func only(h history.History, keys map[string]bool) history.History {
	var some history.History
	for i := range h.Pairs {
		if keys[h.Pairs[i].Key] {
			some.Pairs = append(some.Pairs, h.Pairs[i])
		}
	}
	return some
}
