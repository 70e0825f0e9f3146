package levels

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// TestSearchAgreesWithTheClosedForms: of histories too long for every order, a search finds what is known without one.
func TestSearchAgreesWithTheClosedForms(t *testing.T) {
	for name, c := range map[string]struct {
		roll  func(rng *rand.Rand, d dice) *sheet
		judge func(h *History) (Report, error)
		model func(o *linear.Object) linear.Model
	}{
		"registers": {func(rng *rand.Rand, d dice) *sheet { return d.roll(rng) }, Judge,
			func(*linear.Object) linear.Model { return linear.RegisterModel() }},
		"lists": {rollList, JudgeList, linear.ListModel},
		"counters": {func(rng *rand.Rand, d dice) *sheet { return rollCounter(rng, d, []int64{1}) },
			func(h *History) (Report, error) { return JudgeCounter(t.Context(), h, countersOf) },
			func(*linear.Object) linear.Model { return linear.CounterModel() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(71, 72)), map[bool]int{}
			unknown := 0
			for n := range 2 * *long {
				h := c.roll(rng, dice{ops: 10 + rng.IntN(30), processes: 2 + rng.IntN(4), pending: []int{0, 5}[n%2],
					lies: []int{3, 10}[rng.IntN(2)], local: rng.IntN(3) > 0})
				report, err := c.judge(h.history())
				if err != nil {
					t.Fatal(err)
				}
				sessions, _, err := h.history().sessions()
				if err != nil {
					t.Fatal(err)
				}
				got := h.history().sequential(t.Context(), sessions, c.model(h.Object))
				want := report.Levels[Sequential].Held
				if got.Unknown {
					unknown++
					continue
				}
				if got.Held != want || got.Witness != nil {
					t.Fatalf("%+v, want %t\n%s", got, want, show(h))
				}
				if !report.Levels[Linearizable].Held {
					seen[want]++
				}
			}
			t.Log(seen, unknown)
			if min(seen[true], seen[false]) < *long/20 || unknown > *long/50 {
				t.Errorf("the dice are loaded: %v, %d not known", seen, unknown)
			}
		})
	}
}

// TestSearchThatIsCutOff: without time nothing is known.
func TestSearchThatIsCutOff(t *testing.T) {
	h := script("1 write 1", "1 write 2", "2 read 1")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for ctx, known := range map[context.Context]bool{t.Context(): true, over: false} {
		got := h.history().sequential(ctx, []int32{0, 0, 1}, linear.RegisterModel())
		if got.Held != known || got.Unknown == known {
			t.Errorf("%+v, known %t", got, known)
		}
	}
}
