package history

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// disk is a writer that can be held up, and that is full at some size.
type disk struct {
	mu     sync.Mutex
	bytes  bytes.Buffer
	writes int
	full   int           // 0 means never
	gate   chan struct{} // where not nil, each write waits for a value or the close
}

func (d *disk) Write(p []byte) (int, error) {
	if d.gate != nil {
		<-d.gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.full > 0 && d.bytes.Len()+len(p) > d.full {
		n, _ := d.bytes.Write(p[:d.full-d.bytes.Len()])
		return n, syscall.ENOSPC
	}
	return d.bytes.Write(p)
}

func (d *disk) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes.String()
}

func TestRecorderKeepsTheOrderOfEvents(t *testing.T) {
	const workers, calls = 16, 500
	d := &disk{}
	r := NewRecorder(d, time.Now())
	var group sync.WaitGroup
	var indices [workers][]int
	for w := range workers {
		group.Go(func() {
			for n := range calls {
				op := Op{Process: w, F: "write", Key: "k", Value: int64(n), Node: "n1"}
				i, called := r.Invoke(op)
				op.Type = OK
				j, returned := r.Complete(op)
				if returned < called {
					t.Errorf("returned at %v, called at %v", returned, called)
				}
				indices[w] = append(indices[w], i, j)
			}
		})
	}
	group.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := ReadJSONL(strings.NewReader(d.text()), "h") // refuses indices and times that go backwards
	if err != nil {
		t.Fatal(err)
	}
	if h.Lines != 2*workers*calls || len(h.Notes) > 0 {
		t.Fatalf("%d lines, notes %v", h.Lines, h.Notes)
	}
	at := make([]int, workers)
	for _, p := range h.Pairs {
		w := p.Process
		if indices[w][at[w]] != p.Index || indices[w][at[w]+1] != p.End {
			t.Fatalf("worker %d was told %v, the file says %d and %d", w, indices[w][at[w]:at[w]+2], p.Index, p.End)
		}
		at[w] += 2
	}
}

func TestRecorderKeepsWhatItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		r := NewRecorder(d, time.Now())
		time.Sleep(70 * time.Millisecond)
		r.Invoke(Op{Index: 99, Time: 99, Process: 3, F: "write", Key: "x", Value: int64(1), Node: "n2", Due: 50e6, Final: true})
		time.Sleep(30 * time.Millisecond)
		if now := r.Now(); now != 100*time.Millisecond {
			t.Errorf("now is %v", now)
		}
		r.Complete(Op{Type: Invoke, Process: 3, F: "write", Key: "x", Node: "n2", Error: "no answer", Hung: true})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		want := `{"i":0,"t":70000000,"p":3,"type":"invoke","f":"write","k":"x","v":1,"node":"n2","due":50000000,"final":true}` +
			"\n" + `{"i":1,"t":100000000,"p":3,"type":"info","f":"write","k":"x","node":"n2","err":"no answer","hung":true}` + "\n"
		if got := d.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestRecorderWritesWithinATenthOfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		r := NewRecorder(d, time.Now())
		for want := 1; want <= 3; want++ {
			r.Invoke(Op{Process: want, F: "read"})
			synctest.Wait()
			if n := strings.Count(d.text(), "\n"); n != want-1 {
				t.Errorf("%d lines were written at once", n)
			}
			time.Sleep(FlushEvery)
			synctest.Wait()
			if n := strings.Count(d.text(), "\n"); n != want {
				t.Errorf("%d lines were written after %v, want %d", n, FlushEvery, want)
			}
			time.Sleep(time.Hour)
		}
		if d.writes != 3 {
			t.Errorf("%d writes for 3 lines in 3 hours: an idle recorder does not sleep", d.writes)
		}
		r.Invoke(Op{Process: 9, F: "read"})
		if err := r.Flush(); err != nil || strings.Count(d.text(), "\n") != 4 {
			t.Errorf("flush: %v, %s", err, d.text())
		}
		if err := errors.Join(r.Flush(), r.Close(), r.Close(), r.Flush()); err != nil {
			t.Error(err)
		}
		if i, _ := r.Invoke(Op{F: "read"}); i != -1 || strings.Count(d.text(), "\n") != 4 {
			t.Error("a closed recorder recorded")
		}
	}) // a goroutine left behind would fail the bubble
}

func TestRecorderWaitsForASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		r := NewRecorder(d, time.Now())
		var recorded atomic.Int64
		value := strings.Repeat("v", 10_000)
		const total = 1000
		for w := range 4 {
			go func() {
				for range total / 4 {
					r.Invoke(Op{Process: w, F: "write", Value: value})
					recorded.Add(1)
				}
			}()
		}
		synctest.Wait()
		held := recorded.Load() * int64(len(value))
		if held > 3*waitAt || held < waitAt {
			t.Errorf("%d bytes wait for a disk that does not move", held)
		}
		close(d.gate)
		synctest.Wait()
		if err := r.Close(); err != nil || recorded.Load() != total || strings.Count(d.text(), "\n") != total {
			t.Errorf("%v, %d recorded, %d written", err, recorded.Load(), strings.Count(d.text(), "\n"))
		}
	})
}

func TestRecorderOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{full: 1000}
		r := NewRecorder(d, time.Now())
		stopped := make(chan int)
		go func() {
			n := 0
			for {
				select {
				case <-r.Failed():
					stopped <- n
					return
				case <-time.After(time.Millisecond):
					r.Invoke(Op{Process: n, F: "read"})
					n++
				}
			}
		}()
		if n := <-stopped; n > 300 {
			t.Errorf("%d operations until the load was told", n)
		}
		if i, _ := r.Complete(Op{F: "read"}); i != -1 {
			t.Error("recorded although the disk is full")
		}
		for _, err := range []error{r.Err(), r.Flush(), r.Close(), r.Flush()} {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("error is %v", err)
			}
		}
		h, err := ReadJSONL(strings.NewReader(d.text()), "h")
		if err != nil || h.Lines < 5 || len(h.Notes) != 1 {
			t.Errorf("what was written reads as %d lines, notes %v, %v", h.Lines, h.Notes, err)
		}
	})
}

// A write that fails half way must be the last, also for those who were waiting for room.
func TestFailureEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{}), full: 100}
		r := NewRecorder(d, time.Now())
		var group sync.WaitGroup
		for w := range 8 {
			group.Go(func() {
				for range 100 {
					r.Invoke(Op{Process: w, F: "write", Value: strings.Repeat("v", 10_000)})
				}
			})
		}
		synctest.Wait()
		close(d.gate)
		group.Wait()
		if err := r.Close(); err == nil || d.writes != 1 {
			t.Errorf("%v after %d writes", err, d.writes)
		}
	})
}

func TestCloseEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		r := NewRecorder(d, time.Now())
		var group sync.WaitGroup
		for w := range 8 {
			group.Go(func() {
				for range 100 {
					r.Invoke(Op{Process: w, F: "write", Value: strings.Repeat("v", 10_000)})
				}
			})
		}
		synctest.Wait()
		go func() {
			time.Sleep(time.Second)
			close(d.gate)
		}()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
		if n := d.bytes.Len(); n < waitAt || n > 4*waitAt || !strings.HasSuffix(d.text(), "\n") {
			t.Errorf("%d bytes were written", n)
		}
	})
}

func ExampleRecorder() {
	var file bytes.Buffer
	r := NewRecorder(&file, time.Now())
	op := Op{Process: 0, F: "write", Key: "x", Value: int64(1), Node: "n1"}
	r.Invoke(op)
	op.Type = OK // after the call
	r.Complete(op)
	if err := r.Close(); err != nil {
		fmt.Println(err)
	}
	h, err := ReadJSONL(&file, "history.jsonl")
	fmt.Println(len(h.Pairs), h.Pairs[0].F, h.Pairs[0].Outcome, err)
	// Output: 1 write ok <nil>
}
