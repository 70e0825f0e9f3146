package nemesis

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Script strikes at the given times, in their order. Those that the span of the load does not reach are left out.
func Script(strikes ...harness.Strike) harness.Nemesis { return script(slices.Clone(strikes)) }

type script []harness.Strike

func (s script) Plan(_ *rand.Rand, span time.Duration) []harness.Strike {
	reached := slices.DeleteFunc(slices.Clone(s), func(strike harness.Strike) bool { return strike.At >= span })
	slices.SortStableFunc(reached, func(a, b harness.Strike) int { return cmp.Compare(a.At, b.At) })
	return reached
}

// None never strikes. A load without faults is a test too.
type None struct{}

// Plan returns no strikes.
func (None) Plan(*rand.Rand, time.Duration) []harness.Strike { return nil }
