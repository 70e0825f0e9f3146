package report

import (
	"math"
	"slices"
)

// scale maps times to positions. It is linear where the events it must show stay apart; otherwise short gaps are
// widened and long ones shortened (the order, and which gap is longer, are kept), and Linear is false so that the
// picture says so.
type scale struct {
	at     []float64 // times, growing
	pos    []float64
	Linear bool
}

// newScale makes a scale from the events' times to [0, width] with the events at least step apart where that is
// possible. The first and last event are its ends.
func newScale(events []float64, width, step float64) scale {
	at := slices.Clone(events)
	slices.Sort(at)
	at = slices.Compact(at)
	if len(at) == 0 {
		at = []float64{0}
	}
	if len(at) == 1 {
		at = append(at, at[0]+1)
	}
	s := scale{at: at, pos: make([]float64, len(at)), Linear: true}
	total := at[len(at)-1] - at[0]
	for i := 1; i < len(at); i++ {
		s.pos[i] = (at[i] - at[0]) / total * width
		if s.pos[i]-s.pos[i-1] < step {
			s.Linear = false
		}
	}
	if s.Linear {
		return s
	}
	gaps := float64(len(at) - 1)
	step = min(step, width/gaps)
	roots := 0.0
	for i := 1; i < len(at); i++ {
		roots += math.Sqrt(at[i] - at[i-1])
	}
	for i := 1; i < len(at); i++ {
		s.pos[i] = s.pos[i-1] + step + (width-gaps*step)*math.Sqrt(at[i]-at[i-1])/roots
	}
	return s
}

// position is where a time lies; times outside of the scale lie at its ends.
func (s scale) position(t float64) float64 {
	last := len(s.at) - 1
	switch {
	case t <= s.at[0]:
		return s.pos[0]
	case t >= s.at[last]:
		return s.pos[last]
	}
	i, found := slices.BinarySearch(s.at, t)
	if found {
		return s.pos[i]
	}
	share := (t - s.at[i-1]) / (s.at[i] - s.at[i-1])
	return s.pos[i-1] + share*(s.pos[i]-s.pos[i-1])
}

// roundStep is the smallest of 1, 2 and 5 times a power of ten that is at least x.
func roundStep(x float64) float64 {
	if x <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}
