package txn

import (
	"math/rand/v2"
	"runtime"
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
