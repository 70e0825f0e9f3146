package harness

import (
	"slices"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// meter counts what the workers do, for whoever watches. The results are not made of it but of the history.
type meter struct {
	mu      sync.Mutex
	counts  OpCounts
	recent  []time.Duration // latencies of ok operations since the last look, a sample
	seen    int             // how many there were
	last    time.Time
	lastEnd int
	rate    float64
	latency Latency
}

const meterSample = 2048

func (m *meter) invoked() {
	m.mu.Lock()
	m.counts.Total++
	m.mu.Unlock()
}

func (m *meter) completed(op history.Op, latency time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch op.Type {
	case history.OK:
		m.counts.OK++
		if len(m.recent) < meterSample {
			m.recent = append(m.recent, latency)
		} else {
			m.recent[m.seen%meterSample] = latency
		}
		m.seen++
	case history.Fail:
		m.counts.Fail++
	case history.Info, history.Invoke:
		m.counts.Info++
	}
	if op.Hung {
		m.counts.Hung++
	}
	if op.Unmet {
		m.counts.Unmet++
	}
}

// look returns the counts, and the rate and latency over about the last second.
func (m *meter) look() (OpCounts, float64, Latency) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.last.IsZero() {
		m.last = now
	}
	if since := now.Sub(m.last); since >= time.Second {
		ended := m.counts.OK + m.counts.Fail + m.counts.Info
		m.rate = float64(ended-m.lastEnd) / since.Seconds()
		slices.Sort(m.recent)
		m.latency = latencyOf(m.recent)
		m.last, m.lastEnd, m.recent, m.seen = now, ended, m.recent[:0], 0
	}
	return m.counts, m.rate, m.latency
}

// latencyOf returns the quantiles of sorted latencies.
func latencyOf(sorted []time.Duration) Latency {
	if len(sorted) == 0 {
		return Latency{}
	}
	return Latency{P50: milliseconds(quantile(sorted, 0.5)), P99: milliseconds(quantile(sorted, 0.99)),
		Max: milliseconds(sorted[len(sorted)-1])}
}

// quantile returns the smallest element that at least the share q of the sorted elements do not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	at := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(at-1, 0), len(sorted)-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
