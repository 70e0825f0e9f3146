package local

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// link is one direction between two nodes: what all connections between them carry that way.
type link struct {
	harness.Link
	cuts   atomic.Int32 // read without the lock on every chunk; changed under it
	shaped atomic.Bool  // likewise

	mu            sync.Mutex
	whole         chan struct{} // closed when the link is not cut
	delay, jitter time.Duration
	rng           *rand.Rand

	passed, held, delayed, resets atomic.Int64
}

func newLink(l harness.Link, rng *rand.Rand) *link {
	whole := make(chan struct{})
	close(whole)
	return &link{Link: l, whole: whole, rng: rng}
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts.Add(1) == 1 {
		l.whole = make(chan struct{})
	}
}

// mend undoes one cut. A link that is whole stays so.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts.Load() > 0 && l.cuts.Add(-1) == 0 {
		close(l.whole)
	}
}

func (l *link) shape(delay, jitter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay, l.jitter = delay, jitter
	l.shaped.Store(delay > 0 || jitter > 0)
}

// lag draws how late the next chunk is to be.
func (l *link) lag() time.Duration {
	if !l.shaped.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lag := l.delay
	if l.jitter > 0 {
		lag += time.Duration(l.rng.Int64N(2*int64(l.jitter)+1)) - l.jitter
	}
	return max(lag, 0)
}

// wait returns true when the link is whole, or false when done is closed first. The bytes that had to wait are
// counted.
func (l *link) wait(bytes int, done <-chan struct{}) bool {
	for waited := false; l.cuts.Load() > 0; waited = true {
		if !waited {
			l.held.Add(int64(bytes))
		}
		l.mu.Lock()
		whole := l.whole
		l.mu.Unlock()
		select {
		case <-whole:
		case <-done:
			return false
		}
	}
	return true
}

func (l *link) traffic() harness.Traffic {
	return harness.Traffic{
		Passed: l.passed.Load(), Held: l.held.Load(), Delayed: l.delayed.Load(), Resets: l.resets.Load(),
	}
}
