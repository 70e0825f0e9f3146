package raft

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkClosedLoop is ten clients on five nodes: the operations per second of the target.
func BenchmarkClosedLoop(b *testing.B) {
	b.Run("reads", func(b *testing.B) { closedLoop(b, func(int64) bool { return true }) })
	b.Run("writes", func(b *testing.B) { closedLoop(b, func(int64) bool { return false }) })
	b.Run("half", func(b *testing.B) { closedLoop(b, func(i int64) bool { return i%2 == 0 }) })
}

func closedLoop(b *testing.B, reads func(i int64) bool) {
	c := start(b, "raft", 5)
	ctx := context.Background()
	var next, failed atomic.Int64
	var clients sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for w := range 10 {
		client := connect(b, c, w%5)
		clients.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				var err error
				if reads(i) {
					_, _, _, err = client.Read(ctx, "x")
				} else {
					_, err = client.Write(ctx, "x", i)
				}
				if err != nil {
					failed.Add(1)
				}
			}
		})
	}
	clients.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "ops/s")
	b.ReportMetric(float64(failed.Load()), "failed")
}
