package checkers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// BenchmarkLinearizable judges 100 keys of 300 operations each: correct, and with stale reads.
func BenchmarkLinearizable(b *testing.B) {
	for _, m := range models() {
		model := m.Name()
		for _, lies := range []int{0, 1} {
			name := model + "/valid"
			if lies > 0 {
				name = model + "/invalid"
			}
			b.Run(name, func(b *testing.B) {
				pairs := manyKeys(model, 100, 300, lies)
				c := Linearizable(modelNamed(b, model), harness.Budget{})
				for b.Loop() {
					if v := check(b, c, pairs); v.Validity == harness.Unknown || (v.Validity == harness.Valid) != (lies == 0) {
						b.Fatal(v.Reason)
					}
				}
				b.ReportMetric(float64(len(pairs))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// BenchmarkSet judges one set of 20,000 elements read 200 times: two million elements read.
func BenchmarkSet(b *testing.B) {
	for _, lossy := range []bool{false, true} {
		name := "valid"
		if lossy {
			name = "lossy"
		}
		b.Run(name, func(b *testing.B) {
			pairs := bigSet(20_000, 100, lossy)
			for b.Loop() {
				if v := check(b, Set(), pairs); (v.Validity == harness.Valid) == lossy {
					b.Fatal(v.Reason)
				}
			}
			b.ReportMetric(float64(len(pairs))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// BenchmarkWrongSets judges 5,000 sets to which 20 elements each are added, most of them wrong, and one of 2,000
// elements with as many reads: for the verdict, and for what they kept as well.
func BenchmarkWrongSets(b *testing.B) {
	for name, pairs := range map[string][]history.Pair{
		"many": manyKeys("set", 5000, 40, 30), "one": manyKeys("set", 1, 4000, 1),
	} {
		for _, bare := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/bare=%t", name, bare), func(b *testing.B) {
				ctx := b.Context()
				if bare {
					ctx = harness.WithVerdictOnly(ctx)
				}
				for b.Loop() {
					v := checkWith(b, ctx, Set(), pairs)
					if v.Validity != harness.Invalid || (v.Kept == nil) != bare {
						b.Fatal(v.Reason)
					}
				}
				b.ReportMetric(float64(len(pairs))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// bigSet adds elements one after the other and reads after each so many; a lossy set forgets one in a hundred.
func bigSet(elements, every int, lossy bool) []history.Pair {
	rng := rand.New(rand.NewPCG(1, 1))
	var pairs []history.Pair
	var state []int64
	for i := range elements {
		pairs = append(pairs, history.Pair{F: "add", Input: int64(i), Outcome: history.OK})
		if !lossy || rng.IntN(100) > 0 {
			state = append(state, int64(i))
		}
		if i%every == every-1 {
			pairs = append(pairs, history.Pair{F: "read", Output: append([]int64{}, state...), Outcome: history.OK})
		}
	}
	for i := range pairs {
		pairs[i].Index, pairs[i].End = 2*i, 2*i+1
		pairs[i].Call, pairs[i].Return = at1(2*i), at1(2*i+1)
	}
	return pairs
}

// BenchmarkMillion judges one key of a million operations of each model that is not a register, two open at once:
// right, and with one mistake near the end.
func BenchmarkMillion(b *testing.B) {
	for _, model := range []string{
		"append", "queue", "unordered-queue", "lock", "fenced-lock", "counter", "member-set",
	} {
		for _, wrong := range []bool{false, true} {
			name := model + "/valid"
			if wrong {
				name = model + "/invalid"
			}
			b.Run(name, func(b *testing.B) {
				pairs := million(model, wrong)
				c := Linearizable(modelNamed(b, model), harness.Budget{})
				for b.Loop() {
					v := check(b, c, pairs)
					if v.Validity == harness.Unknown || (v.Validity == harness.Invalid) != wrong {
						b.Fatal(v.Reason)
					}
				}
				b.ReportMetric(float64(len(pairs))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}

// million makes pairs of operations, the second of each on what the first did.
func million(model string, wrong bool) []history.Pair {
	const n = 500_000
	pairs := make([]history.Pair, 0, 2*n)
	var list []int64
	for i := range int64(n) {
		mistake := wrong && i == n-1000
		a, b := history.Pair{F: "add", Input: int64(1)}, history.Pair{F: "read"}
		switch model {
		case "append":
			a.F, a.Input = "append", i
			list = append(list, i)
			b.F, b.Input = "append", n+i
			if i%50_000 == 49_999 || mistake {
				b.F, b.Input, b.Output = "read", nil, append([]int64{}, list...)
				if mistake {
					b.Output = append([]int64{}, list[:len(list)-100]...)
				}
			} else {
				list = append(list, n+i)
			}
		case "queue", "unordered-queue":
			a.F, a.Input, b.F, b.Output = "enqueue", i, "dequeue", i
			if mistake {
				b.Output = i - 10
			}
		case "lock", "fenced-lock":
			a.F, a.Input, b.F = "acquire", nil, "release"
			if model == "fenced-lock" {
				a.Output = 10 * i
			}
			if mistake {
				b.F, b.Output = "acquire", 10*i+1
			}
		case "counter":
			b.Output = i + 1
			if mistake {
				b.Output = i - 10
			}
		case "member-set":
			a.Input, b.F, b.Input, b.Output = i, "contains", i, !mistake
		}
		pairs = append(pairs, a, b)
	}
	for i := range pairs {
		p := &pairs[i]
		p.Index, p.End, p.Process, p.Outcome = 3*i, 3*i+1, i/2%3, history.OK
		if model == "counter" || model == "append" || model == "queue" || model == "unordered-queue" {
			p.Process = i % 3
			if i%2 == 1 { // called before the one that it is about had returned
				p.Index -= 2
			}
			p.Index, p.End = 2*p.Index, 2*p.End+1
		}
		p.Call, p.Return = at1(p.Index), at1(p.End)
	}
	return pairs
}
