package txn

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// play makes a history of three clients from what they call, and what happens in one moment between call and return.
func play(
	rng *rand.Rand, n int, call func() (f string, input any), happen func(f string, input any) (output any),
) history.History {
	var h history.History
	type client struct {
		pair, process int
		done          bool
	}
	clients := []client{{-1, 0, false}, {-1, 1, false}, {-1, 2, false}}
	for event := range 3 * n {
		c := &clients[rng.IntN(len(clients))]
		at := time.Duration(event) * time.Millisecond
		switch {
		case c.pair < 0:
			f, input := call()
			c.pair, c.done = len(h.Pairs), false
			h.Pairs = append(h.Pairs, history.Pair{
				F: f, Input: input, Index: event, End: -1, Process: c.process, Outcome: history.Info, Call: at, Due: at,
			})
		case !c.done:
			p := &h.Pairs[c.pair]
			if c.done = true; rng.IntN(10) > 0 {
				p.Outcome, p.Output = history.OK, happen(p.F, p.Input)
			} else {
				p.Outcome = history.Fail
			}
		case rng.IntN(10) == 0: // it never returns
			h.Pairs[c.pair].Outcome, h.Pairs[c.pair].Output = history.Info, nil
			c.pair, c.process = -1, c.process+len(clients)
		default:
			p := &h.Pairs[c.pair]
			p.End, p.Return = event, at
			c.pair = -1
		}
	}
	for i := range h.Pairs {
		if p := &h.Pairs[i]; p.End < 0 {
			p.Outcome, p.Output = history.Info, nil
		}
	}
	return h
}

// randomBank has reads that see half of a transfer, now and then.
func randomBank(rng *rand.Rand, lies int) history.History {
	balance := []int64{10, 10, 10}
	return play(rng, 20, func() (string, any) {
		if rng.IntN(2) == 0 {
			return "read", nil
		}
		from := rng.Int64N(3)
		return "transfer", []int64{from, (from + 1) % 3, 1 + rng.Int64N(4)}
	}, func(f string, input any) any {
		if f == "read" {
			var all []any
			for i, b := range balance {
				if rng.IntN(100) < lies {
					b--
				}
				all = append(all, []int64{int64(i), b})
			}
			return all
		}
		move := input.([]int64)
		if balance[move[0]] >= move[2] || rng.IntN(100) < lies {
			balance[move[0]] -= move[2]
			balance[move[1]] += move[2]
		}
		return nil
	})
}

// randomForks has three keys that are written once, or by some never, and readers some of whom miss a write.
func randomForks(rng *rand.Rand, lies int) history.History {
	next, state := int64(0), map[int64]bool{}
	return play(rng, 12, func() (string, any) {
		if next < 3 && rng.IntN(3) == 0 {
			next++
			return "txn", []any{[]any{"w", next, int64(1)}}
		}
		var ops []any
		for key := int64(1); key <= 3; key++ {
			if rng.IntN(6) > 0 || len(ops) == 0 {
				ops = append(ops, []any{"r", key, nil})
			}
		}
		rng.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		return "txn", ops
	}, func(_ string, input any) any {
		var out []any
		for _, op := range input.([]any) {
			parts := op.([]any)
			key := parts[1].(int64)
			switch {
			case parts[0] == "w":
				state[key] = true
				out = append(out, op)
			case state[key] && rng.IntN(100) >= lies:
				out = append(out, []any{"r", key, int64(1)})
			default:
				out = append(out, []any{"r", key, nil})
			}
		}
		return out
	})
}

// TestSignsAreSeenLineByLine compares every beginning of small histories of banks and long forks.
func TestSignsAreSeenLineByLine(t *testing.T) {
	t.Parallel()
	for _, sort := range []struct {
		name    string
		checker harness.Checker
		roll    func(rng *rand.Rand, lies int) history.History
	}{
		{"bank of 30", Bank(BankRules{Total: 30}), randomBank},
		{"bank", Bank(BankRules{}), randomBank},
		{"bank with credit", Bank(BankRules{Overdraft: true}), randomBank},
		{"long fork", LongFork(), randomForks},
	} {
		for _, lies := range []int{0, 5, 30} {
			rng := rand.New(rand.NewPCG(81, uint64(lies)))
			wrong := 0
			for range 100 {
				if beginnings(t, sort.checker, sort.roll(rng, lies)) >= 0 {
					wrong++
				}
			}
			if (lies > 0) != (wrong > 0) {
				t.Errorf("%s, %d per cent lies: %d of 100 wrong", sort.name, lies, wrong)
			}
		}
	}
}
