package txn

import (
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// weakest are, by anomaly, the weakest levels that forbid it.
func weakest(anomaly string) []harness.Level {
	for _, p := range phenomena() {
		if p.name != anomaly {
			continue
		}
		byStrict := [3][]harness.Level{}
		switch p.rank {
		case rankG0:
			byStrict[0] = []harness.Level{harness.ReadUncommitted}
		case rankG1c:
			byStrict[0] = []harness.Level{harness.ReadCommitted}
		case rankGSingle:
			byStrict[0] = []harness.Level{harness.ParallelSnapshotIsolation, harness.RepeatableRead}
		case rankGNonadjacent:
			byStrict[0] = []harness.Level{harness.SnapshotIsolation, harness.RepeatableRead}
		default:
			byStrict = [3][]harness.Level{{harness.RepeatableRead}, {harness.StrongSessionSerializable}, {harness.StrictSerializable}}
		}
		if p.rank != rankG2 {
			byStrict[1], byStrict[2] = []harness.Level{harness.StrongSessionSnapshotIsolation}, []harness.Level{harness.StrongSnapshotIsolation}
		}
		return byStrict[p.strict]
	}
	switch anomaly {
	case Garbage, Duplicate, Incompatible, CyclicVersions:
		return []harness.Level{harness.ReadUncommitted}
	case Aborted, Intermediate, DirtyUpdate, NonMonotonic:
		return []harness.Level{harness.ReadCommitted}
	case Internal, Fractured:
		return []harness.Level{harness.ReadAtomic}
	case CausalityViolation:
		return []harness.Level{harness.Causal}
	case Lost:
		return []harness.Level{harness.ParallelSnapshotIsolation, harness.RepeatableRead}
	}
	return []harness.Level{harness.SnapshotIsolation} // long forks, and what is wrong with a bank
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
	for _, l := range harness.Isolation() {
		implied := slices.ContainsFunc(harness.Isolation(), func(m harness.Level) bool { return m != l && l.Implies(m) && broken[m] })
		switch {
		case implied:
			broken[l] = true
			alsoNot = append(alsoNot, l)
		case broken[l]:
			not = append(not, l)
		}
	}
	return not, alsoNot
}

// held returns the strongest levels against which nothing was found.
func held(not, alsoNot []harness.Level) []harness.Level {
	var all []harness.Level
	for _, l := range slices.Backward(harness.Isolation()) {
		if slices.Contains(not, l) || slices.Contains(alsoNot, l) ||
			slices.ContainsFunc(all, func(strong harness.Level) bool { return strong.Implies(l) }) {
			continue
		}
		all = append(all, l)
	}
	return all
}
