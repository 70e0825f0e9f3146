package inmem

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errStopped = errors.New("the cluster is stopped")

// scheduler runs timed events, one at a time, in the order of their times, and between them what others ask for. All
// of a cluster's state belongs to its goroutine. It lives by time.Timer alone, so it works in real time as well as in
// a synctest bubble.
type scheduler struct {
	began   time.Time
	now     time.Duration // since began
	events  []event       // a heap
	count   uint64        // events so far, which orders those of one instant
	answer  time.Duration // when the last answer left
	inbox   chan func()
	quit    chan struct{} // closed by stop
	stopped chan struct{} // closed when the goroutine has ended
	once    sync.Once
}

type event struct {
	at    time.Duration
	count uint64
	do    func()
}

func (e event) before(other event) bool {
	return e.at < other.at || (e.at == other.at && e.count < other.count)
}

func newScheduler() *scheduler {
	return &scheduler{
		began: time.Now(), inbox: make(chan func()), quit: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// run is the goroutine.
func (s *scheduler) run() {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	armed := time.Duration(-1)
	for {
		s.now = time.Since(s.began)
		for len(s.events) > 0 && s.events[0].at <= s.now {
			s.pop().do()
		}
		if len(s.events) > 0 && s.events[0].at != armed {
			armed = s.events[0].at
			timer.Reset(armed - time.Since(s.began))
		}
		select {
		case do := <-s.inbox:
			s.now = time.Since(s.began)
			do()
		case <-timer.C:
			armed = -1
		case <-s.quit:
			return
		}
	}
}

// stop ends the goroutine and waits until it has. Events that have not come yet never will.
func (s *scheduler) stop() {
	s.once.Do(func() { close(s.quit) })
	<-s.stopped
}

// ask has the goroutine run a function, and returns when that is done.
func (s *scheduler) ask(do func()) error {
	done := make(chan struct{})
	select {
	case s.inbox <- func() { do(); close(done) }:
		<-done
		return nil
	case <-s.stopped:
		return errStopped
	}
}

// until asks every step until the condition holds, the cluster stops or ctx ends.
func (s *scheduler) until(ctx context.Context, step time.Duration, condition func() bool) error {
	for {
		met := false
		if err := s.ask(func() { met = condition() }); err != nil || met {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(step):
		}
	}
}

// after schedules an event.
func (s *scheduler) after(d time.Duration, do func()) { s.at(s.now+d, do) }

func (s *scheduler) at(at time.Duration, do func()) {
	s.count++
	s.events = append(s.events, event{at, s.count, do})
	child := len(s.events) - 1
	for child > 0 {
		parent := (child - 1) / 2
		if !s.events[child].before(s.events[parent]) {
			break
		}
		s.events[child], s.events[parent] = s.events[parent], s.events[child]
		child = parent
	}
}

func (s *scheduler) pop() event {
	first, last := s.events[0], len(s.events)-1
	s.events[0], s.events[last] = s.events[last], event{}
	s.events = s.events[:last]
	for parent := 0; ; {
		least := parent
		for child := 2*parent + 1; child <= 2*parent+2 && child < last; child++ {
			if s.events[child].before(s.events[least]) {
				least = child
			}
		}
		if least == parent {
			return first
		}
		s.events[parent], s.events[least] = s.events[least], s.events[parent]
		parent = least
	}
}

// alone schedules something that wakes a goroutine outside: never two at one instant, because nobody could say which
// of the two woken goroutines comes back first.
func (s *scheduler) alone(d time.Duration, do func()) {
	var attempt func()
	attempt = func() {
		if s.answer == s.now {
			s.after(1, attempt)
			return
		}
		s.answer = s.now
		do()
	}
	s.after(d, attempt)
}
