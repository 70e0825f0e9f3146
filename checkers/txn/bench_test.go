package txn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// busy is a large history of clients that are always busy, over keys that are retired when they were stored in so often.
// Where it is to be wrong, one transaction in the middle reads a key as it was ten stores before.
func busy(lists bool, txns, clients, retire int, wrong bool) history.History {
	const active = 5
	type client struct{ pair, step int }
	rng := rand.New(rand.NewPCG(uint64(txns), uint64(clients)))
	keys, stored := make([]int64, active), make([]int, active)
	for i := range keys {
		keys[i] = int64(i)
	}
	fresh := int64(active)
	state := map[int64][]int64{}
	h := history.History{Pairs: make([]history.Pair, 0, txns)}
	all := make([]client, clients)
	event, value := 0, int64(0)
	at := func() time.Duration { return time.Duration(event) * time.Microsecond }
	for {
		n := rng.IntN(clients)
		c := &all[n]
		switch c.step {
		case 0:
			if len(h.Pairs) == txns {
				return h // the others are still open
			}
			c.pair = len(h.Pairs)
			h.Pairs = append(h.Pairs, history.Pair{F: "txn", Index: event, End: -1, Process: n, Outcome: history.Info, Call: at(), Input: []any{}})
			event++
		case 1:
			p := &h.Pairs[c.pair]
			var in, out []any
			for range 1 + rng.IntN(4) {
				k := rng.IntN(active)
				key := keys[k]
				if rng.IntN(2) == 0 {
					in = append(in, []any{"r", key, nil})
					list := state[key]
					if wrong && c.pair >= txns/2 && len(list) > 10 {
						list, wrong = list[:len(list)-10], false
					}
					switch {
					case lists:
						out = append(out, []any{"r", key, list[:len(list):len(list)]})
					case len(list) == 0:
						out = append(out, []any{"r", key, nil})
					default:
						out = append(out, []any{"r", key, list[len(list)-1]})
					}
					continue
				}
				value++
				f := "w"
				if lists {
					f = "append"
				}
				op := []any{f, key, value}
				in, out = append(in, op), append(out, op)
				state[key] = append(state[key], value)
				if stored[k]++; stored[k] == retire {
					keys[k], stored[k] = fresh, 0
					fresh++
				}
			}
			p.Input, p.Output = in, out
		case 2:
			p := &h.Pairs[c.pair]
			p.End, p.Outcome, p.Return = event, history.OK, at()
			event++
		}
		c.step = (c.step + 1) % 3
	}
}

// BenchmarkTransactions judges a million transactions of two and a half operations each, by 20 clients.
func BenchmarkTransactions(b *testing.B) {
	const txns = 1_000_000
	for _, c := range []struct {
		name    string
		checker harness.Checker
		lists   bool
		wrong   bool
	}{
		{"list-append/valid", ListAppend(), true, false},
		{"list-append/invalid", ListAppend(), true, true},
		{"rw-register/valid", RWRegister(), false, false},
		{"rw-register/invalid", RWRegister(), false, true},
		{"read-committed", Weak(harness.ReadCommitted), false, false},
		{"read-atomic", Weak(harness.ReadAtomic), false, false},
		{"causal", Weak(harness.Causal), false, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := busy(c.lists, txns, 20, 32, c.wrong)
			runtime.GC() // what it takes to make a history is not what it takes to judge it
			b.ReportAllocs()
			for b.Loop() {
				if v := judge(b, c.checker, h); (v.Validity == harness.Invalid) != c.wrong || v.Validity == harness.Unknown {
					b.Fatal(v.Reason)
				}
			}
			b.ReportMetric(float64(txns)*float64(b.N)/b.Elapsed().Seconds(), "txn/s")
		})
	}
}

// BenchmarkStreaming tells a stream of transactions of 20 clients, over keys that are retired when they were stored in
// 32 times, again and again with other keys: -benchtime 10000000x shows that it takes no more memory after ten million.
// The suspects are asked for every 20,000 transactions.
func BenchmarkStreaming(b *testing.B) {
	for _, c := range []struct {
		name    string
		checker harness.Checker
		lists   bool
	}{{"list-append", ListAppend(), true}, {"rw-register", RWRegister(), false}} {
		b.Run(c.name, func(b *testing.B) {
			const txns = 20_000
			h := busy(c.lists, txns, 20, 32, false)
			lines := linesOf(h.Pairs)
			s := c.checker.(harness.Streamer).Stream().(*stream)
			most, round := 0, int64(0)
			b.ResetTimer()
			for done := 0; done < b.N; done += txns {
				b.StopTimer()
				round++
				again := renamed(lines, round)
				b.StartTimer()
				for _, op := range again {
					s.Add(op)
				}
				if wrong, unclear := s.Suspects(); len(wrong)+len(unclear) > 0 {
					b.Fatalf("something is wrong with %s, or %s", wrong, unclear)
				}
				most = max(most, s.Size())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "txn/s")
			b.ReportMetric(float64(most), "remembered")
			runtime.GC()
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "MiB")
			runtime.KeepAlive(s)
		})
	}
}

// renamed is the same with keys of its own.
func renamed(lines []history.Op, round int64) []history.Op {
	lines = slices.Clone(lines)
	for i := range lines {
		ops, _ := lines[i].Value.([]any)
		others := make([]any, len(ops))
		for j, op := range ops {
			parts := slices.Clone(op.([]any))
			parts[1] = fmt.Sprint("k", round, "-", parts[1])
			others[j] = parts
		}
		if ops != nil {
			lines[i].Value = others
		}
	}
	return lines
}
