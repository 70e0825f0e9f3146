package harness

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// Streamer is a checker that can tell while a run goes on that something may be wrong.
type Streamer interface {
	Checker
	// Stream returns the judge of one history.
	Stream() Stream
}

// Stream is told of a history line by line. It remembers what goes on, and not what has been.
type Stream interface {
	// Add takes the next line.
	Add(op history.Op)
	// Suspects names keys, or what else a [Narrower] knows, that were used since it was called last and of which the
	// checker of whole histories should have a look: wrong are those of which the stream knows that something is wrong,
	// each once, unclear those of which it cannot tell.
	Suspects() (wrong, unclear []string)
}

// Narrower is a stream whose suspects are no keys of lines, as those of transactions, of which each uses several.
type Narrower interface {
	Stream
	// Narrow returns what leaves of a history what must be judged of some suspects: what is wrong with that is wrong
	// with the whole. It is told of the lines one by one, changes them, but not inside of their values, and reports
	// which are to be kept. Of a line that is kept the other one of the same operation is, too.
	Narrow(suspects map[string]bool) func(op *history.Op) (keep bool)
}

const (
	// failFastEvery is how often a run with FailFast looks at what it has recorded.
	failFastEvery = time.Second
	// restAfter is how many times as long as it took to judge keys nothing is judged that may well be fine. The longer
	// a history is the longer that takes, but never more than a quarter of the time.
	restAfter = 3
	// unclearTime is the most time for keys of which a stream cannot tell: meanwhile nobody asks it about the others.
	unclearTime = 10 * time.Second
)

// look is what is to be judged now, within the test's budget and, unless that is 0, within a time.
type look struct {
	history history.History
	within  time.Duration
}

// watchForViolation judges the history while it is written, and returns true at the first violation. Where the checker
// has a stream, that is told of every line, nothing else is kept, and only the keys that it suspects are judged, or
// what it leaves of the history for them: from the file, which takes as long as to read it, and memory for what is
// judged. Otherwise the keys that were used since the last look are judged again, so keys that rotate keep each look
// cheap. What is proven on the beginning of a history stays proven: a checker takes an operation without a completion
// for one that may still return.
func (r *run) watchForViolation(ctx context.Context) bool {
	path := r.folder.Path(store.HistoryFile)
	file, err := os.Open(path)
	if err != nil {
		r.test.Log.Error("fail fast", "error", err)
		return false
	}
	defer func() { _ = file.Close() }()
	next := again(history.Follow(file, file.Name()))
	if s, can := r.test.Workload.Checker.(Streamer); can {
		next = streamed(ctx, s.Stream(), file, path)
	}
	rested := time.Now()
	for Wait(ctx, failFastEvery) {
		began := time.Now()
		now, err := next(!began.Before(rested))
		if err != nil {
			r.test.Log.Error("fail fast", "error", err)
			return false
		}
		if len(now.history.Pairs) == 0 {
			continue
		}
		budget := r.test.Budget
		if now.within > 0 {
			budget.Time = min(cmp.Or(budget.Time, now.within), now.within)
		}
		check, _ := runChecker(WithVerdictOnly(ctx), r.test.Workload.Checker, now.history, budget)
		if check.Verdict == Invalid {
			return true
		}
		end := time.Now()
		rested = end.Add(restAfter * end.Sub(began))
	}
	return false
}

// again returns what has the keys that were used since it was called last, once there is time for them.
func again(follower *history.Follower) func(rested bool) (look, error) {
	from := 0
	return func(rested bool) (look, error) {
		if !rested {
			return look{}, nil
		}
		h, err := follower.Read()
		recent := only(h, usedSince(h, from))
		from = h.Lines
		return look{history: recent}, err
	}
}

// streamed returns what tells the stream of the lines since it was called last, and has keys that it suspects, from the
// file: those of which it knows that something is wrong at once, the others when there is time.
func streamed(ctx context.Context, s Stream, file *os.File, path string) func(rested bool) (look, error) {
	follower := history.Follow(file, file.Name())
	waiting := map[string]bool{}
	return func(rested bool) (look, error) {
		err := follower.Each(func(op history.Op) error {
			s.Add(op)
			return ctx.Err()
		})
		if err != nil || ctx.Err() != nil {
			return look{}, ignoreEnd(ctx, err)
		}
		wrong, unclear := s.Suspects()
		note(waiting, unclear)
		now := look{}
		switch {
		case len(wrong) > 0:
			now.history, err = fromFile(ctx, path, narrow(s, note(map[string]bool{}, wrong)))
		case len(waiting) > 0 && rested:
			now.within = unclearTime
			now.history, err = fromFile(ctx, path, narrow(s, waiting))
			clear(waiting)
		}
		return now, ignoreEnd(ctx, err)
	}
}

// note adds keys to a set, which it returns.
func note(set map[string]bool, keys []string) map[string]bool {
	for _, key := range keys {
		set[key] = true
	}
	return set
}

// narrow returns what keeps the lines that are to be judged of some suspects: those of these keys, unless the stream
// knows better.
func narrow(s Stream, suspects map[string]bool) func(*history.Op) bool {
	if n, can := s.(Narrower); can {
		return n.Narrow(suspects)
	}
	return func(op *history.Op) bool { return suspects[op.Key] }
}

// fromFile reads some of what was recorded.
func fromFile(ctx context.Context, path string, keep func(*history.Op) bool) (history.History, error) {
	file, err := os.Open(path)
	if err != nil {
		return history.History{}, err
	}
	defer func() { _ = file.Close() }()
	var some history.Builder
	err = history.Follow(file, path).Each(func(op history.Op) error {
		if !keep(&op) {
			return ctx.Err()
		}
		return cmp.Or(ctx.Err(), some.Add(op))
	})
	return some.History(), err
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
