package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// load is the concurrent clients of a run. Each worker has a seat: it talks to one node, one call at a time. A call
// that ignores its deadline is abandoned by the watchdog, which gives the seat to a new goroutine; the old one leaves
// as soon as its call returns.
type load struct {
	test     Test
	recorder *history.Recorder
	meter    *meter
	final    bool // the final reads: marked in the history, never paced

	origin time.Time // of the history's times

	mu    sync.Mutex // guards what follows: generators and arrivals are shared by the workers
	calls Generator
	rng   *rand.Rand // of the calls alone: the n-th call does not depend on who else waits for what
	due   *rand.Rand // of the arrivals
	start time.Time
	slots int // arrivals handed out so far

	stop    chan struct{} // closed when no new call may begin
	ended   time.Time     // when that was; set when run returns
	seats   []*seat
	workers sync.WaitGroup
}

// seat is a worker's place. Only the goroutine that holds it uses worker, process, node and rng.
type seat struct {
	worker  int
	process int
	node    Node
	rng     *rand.Rand // of the worker's own pauses

	mu       sync.Mutex // guards what the watchdog reads
	call     int        // counts the calls begun and the calls abandoned
	open     history.Op // the invocation under way
	deadline time.Time  // of the call under way; zero between calls
}

// begin notes that a call is under way and returns its number.
func (s *seat) begin(op history.Op, deadline time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call++
	s.open, s.deadline = op, deadline
	return s.call
}

// end reports whether the call is still the seat's: false means that it was abandoned.
func (s *seat) end(call int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call != call {
		return false
	}
	s.deadline = time.Time{}
	return true
}

// expired takes the call away from its goroutine where it is overdue, and returns it.
func (s *seat) expired(now time.Time) (history.Op, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline.IsZero() || now.Before(s.deadline.Add(Grace)) {
		return history.Op{}, false
	}
	s.call++
	s.deadline = time.Time{}
	return s.open, true
}

// Grace is how long after its deadline a call is given up on.
const Grace = 500 * time.Millisecond

// The pause of a client that is refused again and again, in a closed loop: without it a client of a cut-off node would
// only count how often it can be refused. A single refusal costs nothing, nor does an answer such as that of a
// compare-and-set which did not match.
const (
	backoffAfter = 3 // refusals in a row
	backoffMin   = 5 * time.Millisecond
	backoffMax   = 25 * time.Millisecond
)

// newLoad seats the workers. Streams are the run's random streams it uses: the load's own and one a worker.
func newLoad(test Test, nodes []Node, recorder *history.Recorder, origin time.Time, meter *meter,
	calls Generator) *load {
	l := &load{
		test: test, recorder: recorder, meter: meter, calls: calls, origin: origin,
		rng: rand.New(rand.NewPCG(test.Seed, streamLoad)), due: rand.New(rand.NewPCG(test.Seed, streamDue)),
		start: time.Now(), stop: make(chan struct{}),
	}
	for w := range test.Concurrency {
		l.seats = append(l.seats, &seat{
			worker: w, process: w, node: nodes[w%len(nodes)], rng: rand.New(rand.NewPCG(test.Seed,
				streamWorker+uint64(w))),
		})
	}
	return l
}

// then returns a load for the final calls. It goes on with the process numbers of l, which must have ended.
func (l *load) then(final Generator) *load {
	next := &load{
		test: l.test, recorder: l.recorder, meter: l.meter, calls: final, origin: l.origin, final: true,
		rng: l.rng, start: time.Now(), stop: make(chan struct{}),
	}
	for _, s := range l.seats {
		next.seats = append(next.seats, &seat{worker: s.worker, process: s.process, node: s.node, rng: s.rng})
	}
	return next
}

// run drives the workers until ctx ends or every worker has no more to do. It returns when no call is under way: each
// has returned, or was abandoned.
func (l *load) run(ctx context.Context) {
	for _, s := range l.seats {
		l.workers.Add(1)
		go l.work(s, false)
	}
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() { defer close(watched); l.watchdog(over) }()
	done := make(chan struct{})
	go func() { l.workers.Wait(); close(done) }()
	select {
	case <-ctx.Done():
	case <-done:
	}
	close(l.stop)
	l.ended = time.Now()
	<-done
	close(over)
	<-watched
}

// work makes calls until there are no more, or until the seat was given to another goroutine. A worker that does not
// take over starts at a moment of its own, so that clients do not march in step.
func (l *load) work(s *seat, takesOver bool) {
	var client Client
	leave := func() {
		if client != nil {
			_ = client.Close()
		}
	}
	defer leave()
	if !takesOver && !l.sleep(time.Duration(s.rng.Int64N(int64(time.Millisecond)))) {
		l.workers.Done()
		return
	}
	for refused := 0; ; {
		call, due, more := l.next(s)
		if !more {
			l.workers.Done()
			return
		}
		op, abandoned := l.call(s, &client, call, due)
		if abandoned {
			return // the goroutine that has the seat now counts for the worker
		}
		if op.Type == history.Info {
			// the connection may still carry the late answer: a new process starts on a new one
			s.process += l.test.Concurrency
			leave()
			client = nil
		}
		refused++
		if op.Type == history.OK || op.Unmet {
			refused = 0
		}
		if refused >= backoffAfter && (l.test.Rate == 0 || l.final) && !l.sleep(backoff(s.rng)) {
			l.workers.Done()
			return
		}
	}
}

func backoff(rng *rand.Rand) time.Duration {
	return backoffMin + time.Duration(rng.Int64N(int64(backoffMax-backoffMin)))
}

// next waits until a call is due and returns it.
func (l *load) next(s *seat) (Call, time.Time, bool) {
	var due time.Time
	if l.test.Rate > 0 && !l.final {
		due = l.arrival()
		if !l.sleep(time.Until(due)) {
			return Call{}, due, false
		}
	}
	select {
	case <-l.stop:
		return Call{}, due, false
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	call, more := l.calls.Next(Ask{Worker: s.worker, Node: s.node.Name(), Now: time.Since(l.start), Rand: l.rng})
	return call, due, more
}

// arrival hands out the next due time: one in each interval, at a random place in it, so that calls neither march in
// step nor drift. A worker that comes late gets a time in the past, and its call's latency counts from there.
func (l *load) arrival() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	interval := float64(time.Second) / l.test.Rate
	at := time.Duration((float64(l.slots) + l.due.Float64()) * interval)
	l.slots++
	return l.start.Add(at)
}

// sleep waits, and reports false when the load is to stop first.
func (l *load) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stop:
		return false
	}
}

// call makes one call, records what became of it and returns that. True means that the call was abandoned meanwhile:
// the seat is another goroutine's.
func (l *load) call(s *seat, client *Client, call Call, due time.Time) (history.Op, bool) {
	op := history.Op{
		Process: s.process, Type: history.Invoke, F: call.F, Key: call.Key, Value: call.Value,
		Node: s.node.Name(), Final: l.final,
	}
	if !due.IsZero() {
		op.Due = due.Sub(l.origin)
	}
	_, began := l.recorder.Invoke(op)
	l.meter.invoked()
	deadline := time.Now().Add(l.test.OpTimeout)
	number := s.begin(op, deadline)

	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	result, err := l.invoke(ctx, s, client, call)
	cancel()
	if !s.end(number) {
		return history.Op{}, true
	}
	op.Type, op.Value, op.Revision, op.Due = history.OK, result.Value, result.Revision, 0
	if err != nil {
		op.Type, op.Value, op.Revision, op.Error = classify(err), call.Value, 0, err.Error()
		op.Unmet = errors.Is(err, ErrUnmet)
	}
	_, ended := l.recorder.Complete(op)
	if !due.IsZero() {
		began = due.Sub(l.origin)
	}
	l.meter.completed(op, ended-began)
	return op, false
}

// invoke dials where there is no connection. A client that cannot be made has not sent anything.
func (l *load) invoke(ctx context.Context, s *seat, client *Client, call Call) (Result, error) {
	if *client == nil {
		c, err := s.node.Dial(ctx)
		if err != nil {
			return Result{}, fmt.Errorf("%w: dial %s: %w", ErrNotApplied, s.node.Name(), err)
		}
		*client = c
	}
	return l.test.Workload.Invoke(ctx, *client, call)
}

func classify(err error) history.Type {
	if errors.Is(err, ErrNotApplied) {
		return history.Fail
	}
	return history.Info
}

// watchdog abandons the calls that ignore their deadline until over is closed.
func (l *load) watchdog(over <-chan struct{}) {
	ticker := time.NewTicker(Grace / 5)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		for _, s := range l.seats {
			if open, late := s.expired(time.Now()); late {
				l.abandon(s, open)
			}
		}
	}
}

// abandon records the call under way as one that ignored its deadline, and lets another goroutine go on in its seat.
func (l *load) abandon(s *seat, op history.Op) {
	op.Type, op.Due, op.Hung = history.Info, 0, true
	op.Error = fmt.Sprintf("hung: no answer %s after the deadline of %s; abandoned", Grace, l.test.OpTimeout)
	l.recorder.Complete(op)
	l.meter.completed(op, 0)
	s.process += l.test.Concurrency
	go l.work(s, true)
}
