package checkers

import (
	"context"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// TestShrinksWhatIsLate: of a register whose values are written again and again only what is around the mistake is
// shown, wherever that is.
func TestShrinksWhatIsLate(t *testing.T) {
	for _, model := range []string{"register", "cas-register"} {
		for _, late := range []int{100, 3000, 5900} {
			pairs := behind(model, 10, 6000, false, late)
			v := checkWith(t, harness.WithVerdictOnly(t.Context()), Linearizable(modelNamed(t, model), harness.Budget{}), pairs)
			if v.Validity != harness.Invalid || len(v.Anomalies) == 0 {
				t.Fatalf("%s, late at %d: %s", model, late, v.Reason)
			}
			a := v.Anomalies[0]
			if n := len(a.Witness); n < 2 || n > 12 {
				t.Errorf("%s, late at %d: a witness of %d operations: %s", model, late, n, a.Name)
			}
			if a.Name == PhantomRead || a.Name == FutureRead {
				t.Errorf("%s, late at %d: a read of what had been written long before is a %s", model, late, a.Name)
			}
			sure := checkWith(t, t.Context(), Linearizable(modelNamed(t, model), harness.Budget{}), a.Witness)
			if sure.Validity != harness.Invalid {
				t.Errorf("%s, late at %d: the witness alone: %s", model, late, sure.Reason)
			}
		}
	}
}

// TestShrinkingEndsWithItsTime: a shrinker that may not go on tries nothing more.
func TestShrinkingEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tried := 0
	s := &shrinker{engine: searching{}, object: register{}, left: shrinkSteps}
	candidates := slices.Repeat([]int{0}, 1<<12)
	s.fewest(ctx, candidates, func([]int) []op { tried++; return nil })
	if tried > 0 || !s.ended {
		t.Errorf("%d trials after the end, ended: %t", tried, s.ended)
	}
}
