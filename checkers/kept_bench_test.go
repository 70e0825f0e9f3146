package checkers

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// BenchmarkKept judges one key that is not linearizable, and asks what it kept, beside the verdict alone: with one read
// that is a hundred changes behind, and with reads that mostly are some behind.
func BenchmarkKept(b *testing.B) {
	for _, sort := range []struct {
		model  string
		values int64
	}{{"counter", 0}, {"member-set", 0}, {"member-set", 2}, {"register", 10}, {"cas-register", 10}} {
		for _, ops := range []int{100_000, 1_000_000} {
			for _, many := range []bool{false, true} {
				if sort.model == "member-set" && sort.values > 0 && !many {
					continue // what an element was a hundred changes ago it may well be again
				}
				name := fmt.Sprintf("%s/values=%d/ops=%d/many=%t", sort.model, sort.values, ops, many)
				b.Run(name, func(b *testing.B) {
					pairs := behind(sort.model, sort.values, ops, many)
					c := Linearizable(modelNamed(b, sort.model), harness.Budget{Time: 10 * time.Minute}) // there is time
					b.Run("verdict", func(b *testing.B) {
						for b.Loop() {
							v := checkWith(b, harness.WithVerdictOnly(b.Context()), c, pairs)
							if v.Validity != harness.Invalid {
								b.Fatal(v.Reason)
							}
						}
					})
					b.Run("kept", func(b *testing.B) {
						for b.Loop() {
							v := check(b, c, pairs)
							if v.Kept == nil || v.Kept.Keys[0].StalenessUnknown {
								b.Fatalf("%s, kept %+v", v.Reason, v.Kept)
							}
						}
					})
				})
			}
		}
	}
}

// behind makes the history of one key, with five clients that are always busy, half of them reading: of a counter, a
// register of so many values, or an element that is added once, or again and again.
func behind(model string, values int64, ops int, many bool) []history.Pair {
	rng := rand.New(rand.NewPCG(uint64(ops), uint64(values)))
	clients := make([]busyClient, 5)
	pairs, states := make([]history.Pair, 0, ops), []int64{0}
	late := 1000
	if model == "member-set" {
		late += ops / 2 // by then it is there
	}
	answer := func(state int64) any {
		switch {
		case model == "counter":
			return state
		case model == "member-set":
			return state == 1
		case state == 0:
			return nil
		}
		return state
	}
	for line, open := 0, len(clients); open > 0; {
		who := rng.IntN(len(clients))
		c := &clients[who]
		now := states[len(states)-1]
		switch c.step {
		case 0:
			if len(pairs) == ops {
				open, c.step = open-1, -1
				break
			}
			c.at = len(pairs)
			p := history.Pair{Index: line, Call: at1(line), Process: who, F: "read", Outcome: history.OK}
			if model == "member-set" {
				p.F, p.Input = "contains", int64(7)
			}
			if rng.IntN(2) == 0 {
				switch {
				case model == "counter":
					p.F, p.Input = "add", int64(1)
				case model == "member-set" && values > 0:
					p.F, p.Input = []string{"add", "remove"}[rng.IntN(2)], int64(7)
				case model == "member-set" && len(states) == 1 && len(pairs) >= ops/2:
					p.F, p.Input = "add", int64(7)
					states = append(states, 0)
				case model == "member-set":
				default:
					p.F, p.Input = "write", 1+rng.Int64N(values)
					if model == "cas-register" && now > 0 && rng.IntN(2) == 0 {
						p.F, p.Input = "cas", []int64{now, 1 + rng.Int64N(values)}
					}
				}
			}
			pairs = append(pairs, p)
			line++
		case 1:
			p := &pairs[c.at]
			switch p.F {
			case "read", "contains":
				back := 0
				if many {
					back = rng.IntN(20) * rng.IntN(2)
				} else if c.at >= late && c.at < late+10 {
					back = 100
				}
				p.Output = answer(states[max(0, len(states)-1-back)])
			case "add":
				if next := now + 1; model == "counter" {
					states = append(states, next)
				} else {
					p.Output = now == 0
					states = append(states, 1)
				}
			case "remove":
				p.Output = now == 1
				states = append(states, 0)
			case "write":
				states = append(states, p.Input.(int64))
				p.Output = p.Input
			case "cas":
				if both := p.Input.([]int64); both[0] == now {
					states = append(states, both[1])
				} else {
					p.Outcome, p.Unmet = history.Fail, true
				}
			}
		case 2:
			pairs[c.at].End, pairs[c.at].Return = line, at1(line)
			line++
		}
		if c.step >= 0 {
			c.step = (c.step + 1) % 3
		}
	}
	return pairs
}
