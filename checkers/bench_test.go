package checkers

import (
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
