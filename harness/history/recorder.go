package history

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// FlushEvery is how long a recorded line may wait before it is written.
const FlushEvery = 100 * time.Millisecond

// The sizes of a recorder's buffer, in bytes: from when on it is worth writing, and from when on recording waits.
const (
	writeAt = 128 << 10
	waitAt  = 1 << 20
)

// Recorder appends lines to a history while they happen. It may be used by any number of goroutines.
//
// The order of the indices is the order of events: index and time are taken together, under one lock. Writing happens
// beside it, in a goroutine that [NewRecorder] starts and Close ends, at the latest [FlushEvery] after a line was
// recorded. Where the disk cannot follow, recording waits, so the memory is bounded. The first error of the writer is
// final: nothing is written after it, so that the file ends in at most one torn line; recording goes on without effect,
// and Failed tells whoever drives the load to stop.
type Recorder struct {
	w     io.Writer
	start time.Time

	scratch sync.Pool // of *[]byte: lines are encoded outside the lock

	mu      sync.Mutex
	room    sync.Cond // the buffer was taken, or the recorder ended
	filling []byte
	next    int
	last    time.Duration
	taken   int // buffers taken so far
	done    int // buffers written so far
	err     error
	closed  bool

	wake   chan struct{} // there is something to write
	hurry  chan struct{} // and it should not wait any longer
	quit   chan struct{}
	ended  chan struct{}
	failed chan struct{}
}

// NewRecorder records to w, with times counted from start, which should carry a monotonic clock reading. Close must be
// called; it does not close w.
func NewRecorder(w io.Writer, start time.Time) *Recorder {
	r := &Recorder{
		w: w, start: start, filling: make([]byte, 0, waitAt/4),
		wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{}), failed: make(chan struct{}),
	}
	r.room.L = &r.mu
	go r.run()
	return r
}

// Invoke records that op.Process is about to ask for op, and returns the line's index and time. The call must be made
// after Invoke returned. Index, Time and Type of op are ignored. The index is -1 when nothing was recorded.
func (r *Recorder) Invoke(op Op) (index int, at time.Duration) {
	op.Type = Invoke
	return r.append(&op)
}

// Complete records how an operation ended: op.Type is OK, Fail or Info. The call must have ended before Complete is
// called. Index and Time of op are ignored. The index is -1 when nothing was recorded.
func (r *Recorder) Complete(op Op) (index int, at time.Duration) {
	if op.Type == Invoke {
		op.Type = Info
	}
	return r.append(&op)
}

// Now is the time of the history.
func (r *Recorder) Now() time.Duration { return time.Since(r.start) }

func (r *Recorder) append(op *Op) (index int, at time.Duration) {
	scratch, ok := r.scratch.Get().(*[]byte)
	if !ok {
		scratch = new([]byte)
	}
	defer r.scratch.Put(scratch)
	*scratch = appendTail((*scratch)[:0], op)

	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.filling) >= waitAt && r.err == nil && !r.closed {
		r.room.Wait()
	}
	at = max(time.Since(r.start), r.last)
	if r.err != nil || r.closed {
		return -1, at
	}
	index = r.next
	r.next++
	r.last = at
	before := len(r.filling)
	r.filling = append(appendHead(r.filling, index, int64(at)), *scratch...)
	switch after := len(r.filling); {
	case before == 0:
		signal(r.wake)
	case before < writeAt && after >= writeAt:
		signal(r.hurry)
	}
	return index, at
}

// signal wakes whoever waits for c, now or next time.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes what was recorded until Close. It sleeps without a timer while nothing is recorded.
func (r *Recorder) run() {
	defer close(r.ended)
	spare := make([]byte, 0, waitAt/4)
	for {
		select {
		case <-r.wake:
		case <-r.quit:
			r.write(spare)
			return
		}
		timer := time.NewTimer(FlushEvery)
		select {
		case <-timer.C:
		case <-r.hurry:
		case <-r.quit:
		}
		timer.Stop()
		spare = r.write(spare)
	}
}

// write takes the filled buffer, leaves the spare one in its place, and writes. It returns the next spare one.
func (r *Recorder) write(spare []byte) []byte {
	r.mu.Lock()
	full, err := r.filling, r.err
	r.filling = spare[:0]
	r.taken++
	select {
	case <-r.hurry: // meant for the buffer that was just taken
	default:
	}
	r.room.Broadcast()
	r.mu.Unlock()

	if err == nil && len(full) > 0 {
		var n int
		n, err = r.w.Write(full)
		if err == nil && n < len(full) {
			err = io.ErrShortWrite
		}
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("write the history: %w", err)
		close(r.failed)
	}
	r.done = r.taken
	r.room.Broadcast()
	return full
}

// Flush returns when everything recorded before is with the writer, or the writer has failed.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.err
	}
	target := r.taken + 1
	if len(r.filling) == 0 {
		target = r.taken
	}
	for r.done < target && r.err == nil {
		signal(r.wake)
		signal(r.hurry)
		r.room.Wait()
	}
	return r.err
}

// Close writes what is left, ends the recorder's goroutine and returns the first error of the writer. Lines that come
// later are not recorded. It may be called more than once.
func (r *Recorder) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		close(r.quit)
	}
	<-r.ended
	return r.Err()
}

// Failed is closed when the writer has failed: the disk is full, perhaps.
func (r *Recorder) Failed() <-chan struct{} { return r.failed }

// Err returns the first error of the writer.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
