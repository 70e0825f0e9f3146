package history

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

func BenchmarkReadJSONL(b *testing.B) {
	const ops = 600_000
	text := sampleLines(ops, 1)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var kept History
	for b.Loop() {
		h, err := ReadJSONL(bytes.NewReader(text), "h")
		if err != nil {
			b.Fatal(err)
		}
		kept = h
	}
	b.ReportMetric(float64(b.N)*ops/b.Elapsed().Seconds(), "ops/s")
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(kept)
	kept = History{}
	runtime.GC()
	runtime.ReadMemStats(&without)
	b.ReportMetric(float64(with.HeapAlloc-without.HeapAlloc)/ops, "heapB/op")
}

// BenchmarkRead reads the same history in every format that can be written.
func BenchmarkRead(b *testing.B) {
	const ops = 100_000
	h, err := ReadJSONL(bytes.NewReader(sampleLines(ops, 1)), "h")
	if err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{FormatJSONL, FormatJSONL + zstSuffix, FormatEDN, FormatElle, FormatLog} {
		b.Run(format, func(b *testing.B) {
			var text bytes.Buffer
			if err := Write(&text, h, format); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Read(bytes.NewReader(text.Bytes()), "h", ReadOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*ops/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// BenchmarkWrite writes a history in every format that holds it.
func BenchmarkWrite(b *testing.B) {
	const ops = 100_000
	h, err := ReadJSONL(bytes.NewReader(sampleLines(ops, 1)), "h")
	if err != nil {
		b.Fatal(err)
	}
	for _, format := range []string{FormatJSONL, FormatJSONL + zstSuffix, FormatEDN, FormatElle, FormatLog} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Write(io.Discard, h, format); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*ops/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	op := Op{Index: 412, Time: 18234512, Process: 3, Type: Invoke, F: "cas", Key: "x", Value: []int64{3, 5}, Node: "n2"}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = AppendJSON(line[:0], op)
	}
}

// BenchmarkRecorder records to a file. What one more worker costs is the difference between its cases.
func BenchmarkRecorder(b *testing.B) {
	for _, workers := range []int{1, 2, 10, 11, 100} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "history.jsonl"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			r := NewRecorder(f, time.Now())
			b.ReportAllocs()
			b.ResetTimer()
			var group sync.WaitGroup
			for w := range workers {
				group.Go(func() {
					op := Op{Process: w, F: "write", Key: "k17", Value: int64(1234567), Node: "n2"}
					for range b.N / workers {
						r.Invoke(op)
						op.Type = OK
						r.Complete(op)
					}
				})
			}
			group.Wait()
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			size, err := f.Seek(0, 2)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			b.ReportMetric(float64(size)/float64(max(b.N/workers*workers, 1)), "fileB/op")
		})
	}
}
