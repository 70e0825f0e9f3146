package checkers

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// load says what large histories look like: clients that are always busy, every value new.
type load struct {
	ops, clients, keys int
	pending            int // per cent of writes that never return; half of them take effect
	swaps              bool
	stale              bool // the last read of the first key returns a value that was overwritten long before
}

func (l load) String() string {
	return fmt.Sprintf("ops=%d/keys=%d/clients=%d/pending=%d/swaps=%t/valid=%t", l.ops, l.keys, l.clients, l.pending,
		l.swaps, !l.stale)
}

type busyClient struct{ at, step, process int }

// history makes one, with registers that are right.
func (l load) history() history.History {
	rng := rand.New(rand.NewPCG(uint64(l.ops), uint64(l.clients)))
	clients := make([]busyClient, l.clients)
	for i := range clients {
		clients[i].process = i
	}
	pairs, states := make([]history.Pair, 0, l.ops), make([]any, l.keys)
	names := make([]string, l.keys)
	for i := range names {
		names[i] = "k" + strconv.Itoa(i)
	}
	for line, value, open := 0, int64(0), l.clients; open > 0; {
		c := &clients[rng.IntN(l.clients)]
		switch c.step {
		case 0:
			if len(pairs) == l.ops {
				open, c.step = open-1, -1
				break
			}
			c.at = len(pairs)
			p := history.Pair{Index: line, End: -1, Call: at1(line), Process: c.process, Key: names[rng.IntN(l.keys)]}
			switch p.F = "read"; {
			case rng.IntN(2) == 0:
			case l.swaps && rng.IntN(2) == 0:
				p.F = "cas"
				value++
			default:
				p.F = "write"
				value++
				p.Input = value
			}
			pairs = append(pairs, p)
			if p.F == "cas" {
				pairs[c.at].Input = value
			}
			line++
		case 1:
			l.perform(rng, &pairs[c.at], states)
		case 2:
			if p := &pairs[c.at]; p.Outcome == history.OK {
				p.End, p.Return = line, at1(line)
				line++
			} else {
				c.process += l.clients
			}
		}
		if c.step >= 0 {
			c.step = (c.step + 1) % 3
		}
	}
	if l.stale {
		lie(pairs)
	}
	return history.History{Pairs: pairs}
}

func (l load) perform(rng *rand.Rand, p *history.Pair, states []any) {
	k, err := strconv.Atoi(p.Key[1:])
	if err != nil {
		panic(err)
	}
	p.Outcome = history.OK
	if p.F != "read" && rng.IntN(100) < l.pending {
		p.Outcome = history.Info
	}
	old := states[k]
	switch {
	case p.F == "read":
		p.Output = old
		return
	case p.F == "cas":
		new := p.Input.(int64)
		if i, whole := old.(int64); whole {
			p.Input = []int64{i, new}
		} else {
			p.Input = []any{nil, new}
		}
		if p.Outcome == history.OK || rng.IntN(2) == 0 {
			states[k] = new
		}
	case p.Outcome == history.OK || rng.IntN(2) == 0:
		states[k] = p.Input
	}
}

// lie lets the last read of the first key return the value of an acknowledged write from the middle.
func lie(pairs []history.Pair) {
	last := len(pairs) - 1
	for pairs[last].F != "read" || pairs[last].Key != pairs[0].Key {
		last--
	}
	for i := last / 2; ; i++ {
		if p := &pairs[i]; p.F == "write" && p.Key == pairs[0].Key && p.Outcome == history.OK {
			pairs[last].Output = p.Input
			return
		}
	}
}

// peak runs a function and returns the most bytes of heap that were in use meanwhile, beyond what was before.
func peak(b *testing.B, do func()) int64 {
	sample := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	b.StopTimer()
	runtime.GC()
	b.StartTimer()
	before := sample()
	var most atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for ticker := time.NewTicker(time.Millisecond); ; {
			select {
			case <-stop:
				ticker.Stop()
				return
			case <-ticker.C:
				most.Store(max(most.Load(), sample()))
			}
		}
	}()
	do()
	most.Store(max(most.Load(), sample()))
	close(stop)
	<-done
	return max(most.Load()-before, 0)
}

// judged checks a history again and again, and reports how fast and with how much memory beyond the history.
func judged(ctx context.Context, b *testing.B, l load, h history.History) {
	c := Linearizable(Register(), harness.Budget{})
	if l.swaps {
		c = Linearizable(CASRegister(), harness.Budget{})
	}
	most := int64(0)
	for b.Loop() {
		most = max(most, peak(b, func() {
			v, err := c.Check(ctx, h)
			if err != nil || v.Validity == harness.Unknown || (v.Validity == harness.Invalid) != l.stale {
				b.Fatalf("%v: %v: %s", err, v.Validity, v.Reason)
			}
		}))
	}
	b.ReportMetric(float64(l.ops)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(most)/1e6, "peak-MB")
}

// BenchmarkOneKey judges one register of a million operations: for the verdict, as --fail-fast does, and of what is not
// valid also for what it kept all the same, as users do.
func BenchmarkOneKey(b *testing.B) {
	for _, swaps := range []bool{false, true} {
		for _, clients := range []int{5, 20, 100} {
			for _, pending := range []int{0, 1, 10} {
				for _, stale := range []bool{false, true} {
					l := load{1_000_000, clients, 1, pending, swaps, stale}
					h := l.history()
					b.Run(l.String(), func(b *testing.B) { judged(harness.WithVerdictOnly(b.Context()), b, l, h) })
					if stale {
						b.Run(l.String()+"/kept", func(b *testing.B) { judged(b.Context(), b, l, h) })
					}
				}
			}
		}
	}
}

// BenchmarkTenMillion needs some 3 GB for the history.
func BenchmarkTenMillion(b *testing.B) {
	for _, swaps := range []bool{false, true} {
		l := load{10_000_000, 20, 1, 1, swaps, false}
		b.Run(l.String(), func(b *testing.B) { judged(b.Context(), b, l, l.history()) })
	}
}

// BenchmarkHundredKeys judges a million operations on 100 keys, and lets porcupine do the same, with a model of its own
// and what never returned given a return after everything else.
func BenchmarkHundredKeys(b *testing.B) {
	for _, clients := range []int{10, 50} {
		for _, pending := range []int{0, 1} {
			l := load{1_000_000, clients, 100, pending, false, false}
			h := l.history()
			b.Run(l.String()+"/by=capsize", func(b *testing.B) { judged(b.Context(), b, l, h) })
			b.Run(l.String()+"/by=porcupine", func(b *testing.B) {
				most := int64(0)
				for b.Loop() {
					most = max(most, peak(b, func() {
						if !porcupine.CheckOperations(porcupineRegisters(), porcupineHistory(h)) {
							b.Fatal("porcupine finds it illegal")
						}
					}))
				}
				b.ReportMetric(float64(l.ops)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
				b.ReportMetric(float64(most)/1e6, "peak-MB")
			})
		}
	}
}

func porcupineHistory(h history.History) []porcupine.Operation {
	var out []porcupine.Operation
	for i := range h.Pairs {
		p := &h.Pairs[i]
		end := int64(p.End)
		if !p.Returned() {
			if p.F == "read" {
				continue
			}
			end = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: p.Process, Input: p, Call: int64(p.Index), Return: end})
	}
	return out
}

func porcupineRegisters() porcupine.Model {
	return porcupine.Model{
		Partition: func(all []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, o := range all {
				key := o.Input.(*history.Pair).Key
				byKey[key] = append(byKey[key], o)
			}
			var parts [][]porcupine.Operation
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() any { return int64(0) },
		Step: func(state, input, _ any) (bool, any) {
			p := input.(*history.Pair)
			if p.F == "read" {
				seen, _ := p.Output.(int64)
				return seen == state.(int64), state
			}
			return true, p.Input
		},
	}
}
