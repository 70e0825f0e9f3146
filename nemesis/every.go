package nemesis

import (
	"math/rand/v2"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// The default times of a [Rotation].
const (
	DefaultInterval = 5 * time.Second
	DefaultOn       = 3 * time.Second
)

// Rotation strikes with one fault after the other, in shuffled rounds: every fault strikes before any strikes twice.
type Rotation struct {
	// Interval is the time from one strike to the next, give or take 30 percent; 0 means DefaultInterval.
	Interval time.Duration
	// On is how long a strike lasts, give or take 30 percent; 0 means DefaultOn, or three fifths of an Interval that
	// was given. A strike always ends before the next begins.
	On     time.Duration
	Faults []harness.Fault
}

// Every strikes with one of the faults about every interval.
func Every(interval time.Duration, faults ...harness.Fault) Rotation {
	return Rotation{Interval: interval, Faults: faults}
}

// times fills in the defaults and bounds what no clock can keep.
func (r Rotation) times() (interval, on time.Duration) {
	const shortest, longest = 10 * time.Millisecond, 1000 * time.Hour
	switch interval, on = r.Interval, r.On; {
	case interval <= 0 && on <= 0:
		interval, on = DefaultInterval, DefaultOn
	case interval <= 0:
		on = min(on, longest)
		interval = max(DefaultInterval, on*5/3)
	case on <= 0:
		interval = min(interval, longest)
		on = interval * 3 / 5
	}
	interval = min(max(interval, shortest), longest)
	return interval, min(max(on, shortest/2), longest)
}

// Plan begins with a calm half to whole interval (a third of the span at most), so that there is something to compare
// with, and ends with a calm half (a tenth of the span at most), so that a recovery can be seen. A span too short for
// that has one strike.
func (r Rotation) Plan(rng *rand.Rand, span time.Duration) []harness.Strike {
	interval, on := r.times()
	if len(r.Faults) == 0 || span <= 0 {
		return nil
	}
	at := min(interval/2+time.Duration(rng.Int64N(int64(interval/2))), span*3/10)
	end := span - min(span/10, interval/2)
	var strikes []harness.Strike
	var round []int
	for at < end {
		gap := jittered(rng, interval)
		last := min(jittered(rng, on), gap*9/10)
		if left := end - at; left < last {
			if len(strikes) > 0 && left < last/2 {
				break
			}
			last = left
		}
		if len(round) == 0 {
			round = rng.Perm(len(r.Faults))
		}
		strikes = append(strikes, harness.Strike{At: at, For: last, Fault: r.Faults[round[0]]})
		round = round[1:]
		at += gap
	}
	return strikes
}

// jittered draws from 70 to 130 percent of d.
func jittered(rng *rand.Rand, d time.Duration) time.Duration {
	return d*7/10 + time.Duration(rng.Int64N(int64(d*6/10)+1))
}
