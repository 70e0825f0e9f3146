package checkers

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// memoryWatch keeps the searches of one check within a limit of memory: it looks at the heap and ends the search that
// has grown most.
type memoryWatch struct {
	limit int64 // over the least that was seen in use since the beginning
	mu    sync.Mutex
	base  int64
	open  map[*meter]context.CancelCauseFunc
}

// glance is the time between two looks at the heap.
const glance = 20 * time.Millisecond

func newMemoryWatch(limit int64) *memoryWatch {
	return &memoryWatch{limit: limit, base: heapInUse(), open: map[*meter]context.CancelCauseFunc{}}
}

// heapInUse returns the bytes of the heap's objects, live or not yet swept.
func heapInUse() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(min(sample[0].Value.Uint64(), math.MaxInt64))
}

// guard returns a context for the search of that meter, and what to call when the search is over.
func (w *memoryWatch) guard(ctx context.Context, m *meter) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	w.open[m] = cancel
	w.mu.Unlock()
	return ctx, func() {
		w.mu.Lock()
		delete(w.open, m)
		w.mu.Unlock()
		cancel(nil)
	}
}

// run looks until ctx ends.
func (w *memoryWatch) run(ctx context.Context) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look()
		}
	}
}

// look ends the largest search where the heap has outgrown the limit, garbage not counted.
func (w *memoryWatch) look() {
	if w.within() {
		return
	}
	runtime.GC()
	if w.within() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var largest *meter
	for m := range w.open {
		if largest == nil || m.bytes.Load() > largest.bytes.Load() {
			largest = m
		}
	}
	if largest != nil {
		w.open[largest](linear.ErrMemory)
		delete(w.open, largest)
	}
}

func (w *memoryWatch) within() bool {
	use := heapInUse()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.base = min(w.base, use)
	return use-w.base <= w.limit
}
