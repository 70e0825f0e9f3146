package txn

import (
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// The levels of isolation (Adya 1999, Cerone, Bernardi & Gotsman 2015, Biswas & Enea 2019, Kingsbury & Alvaro 2020).
const (
	ReadUncommitted  harness.Level = "read uncommitted"
	ReadCommitted    harness.Level = "read committed"
	ReadAtomic       harness.Level = "read atomic"
	Causal           harness.Level = "causal"
	ParallelSnapshot harness.Level = "parallel snapshot isolation"
	Snapshot         harness.Level = "snapshot isolation"
	RepeatableRead   harness.Level = "repeatable read"
	Serializable     harness.Level = "serializable"
	SessionSnapshot  harness.Level = "strong session snapshot isolation"
	Session          harness.Level = "strong session serializable"
	StrongSnapshot   harness.Level = "strong snapshot isolation"
	Strict           harness.Level = "strict serializable"
)

// ladder is every level with those that it implies directly, weak ones first.
var ladder = []struct {
	level   harness.Level
	implies []harness.Level
}{
	{ReadUncommitted, nil},
	{ReadCommitted, []harness.Level{ReadUncommitted}},
	{ReadAtomic, []harness.Level{ReadCommitted}},
	{Causal, []harness.Level{ReadAtomic}},
	{RepeatableRead, []harness.Level{ReadCommitted}},
	{ParallelSnapshot, []harness.Level{Causal}},
	{Snapshot, []harness.Level{ParallelSnapshot}},
	{SessionSnapshot, []harness.Level{Snapshot}},
	{Serializable, []harness.Level{Snapshot, RepeatableRead}},
	{StrongSnapshot, []harness.Level{SessionSnapshot}},
	{Session, []harness.Level{SessionSnapshot, Serializable}},
	{Strict, []harness.Level{StrongSnapshot, Session}},
}

// weakest are, by anomaly, the weakest levels that forbid it.
func weakest(anomaly string) []harness.Level {
	for _, p := range phenomena() {
		if p.name != anomaly {
			continue
		}
		byStrict := [3][]harness.Level{}
		switch p.rank {
		case rankG0:
			byStrict[0] = []harness.Level{ReadUncommitted}
		case rankG1c:
			byStrict[0] = []harness.Level{ReadCommitted}
		case rankGSingle:
			byStrict[0] = []harness.Level{ParallelSnapshot, RepeatableRead}
		case rankGNonadjacent:
			byStrict[0] = []harness.Level{Snapshot, RepeatableRead}
		default:
			byStrict = [3][]harness.Level{{RepeatableRead}, {Session}, {Strict}}
		}
		if p.rank != rankG2 {
			byStrict[1], byStrict[2] = []harness.Level{SessionSnapshot}, []harness.Level{StrongSnapshot}
		}
		return byStrict[p.strict]
	}
	switch anomaly {
	case Garbage, Duplicate, Incompatible, CyclicVersions:
		return []harness.Level{ReadUncommitted}
	case Aborted, Intermediate, DirtyUpdate, NonMonotonic:
		return []harness.Level{ReadCommitted}
	case Internal, Fractured:
		return []harness.Level{ReadAtomic}
	case CausalityViolation:
		return []harness.Level{Causal}
	case Lost:
		return []harness.Level{ParallelSnapshot, RepeatableRead}
	}
	return []harness.Level{Snapshot} // long forks, and what is wrong with a bank
}

// violated splits the levels by what the anomalies say of them: the weakest ones that are violated, and all those that
// are violated because they imply one of these.
func violated(anomalies []harness.Anomaly) (not, alsoNot []harness.Level) {
	broken := map[harness.Level]bool{}
	for _, a := range anomalies {
		for _, l := range weakest(a.Name) {
			broken[l] = true
		}
	}
	for _, rung := range ladder {
		implied := slices.ContainsFunc(rung.implies, func(l harness.Level) bool { return broken[l] })
		switch {
		case implied:
			broken[rung.level] = true
			alsoNot = append(alsoNot, rung.level)
		case broken[rung.level]:
			not = append(not, rung.level)
		}
	}
	return not, alsoNot
}

// held returns the strongest levels against which nothing was found.
func held(not, alsoNot []harness.Level) []harness.Level {
	var all []harness.Level
	for i := len(ladder) - 1; i >= 0; i-- {
		l := ladder[i].level
		if slices.Contains(not, l) || slices.Contains(alsoNot, l) || slices.ContainsFunc(all, func(s harness.Level) bool {
			return implies(s, l)
		}) {
			continue
		}
		all = append(all, l)
	}
	return all
}

func implies(strong, weak harness.Level) bool {
	for _, rung := range ladder {
		if rung.level == strong {
			return slices.ContainsFunc(rung.implies, func(l harness.Level) bool { return l == weak || implies(l, weak) })
		}
	}
	return false
}
