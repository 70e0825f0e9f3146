package harness

import "slices"

// The levels of isolation of transactions (Adya 1999, Cerone, Bernardi & Gotsman 2015, Biswas & Enea 2019, Kingsbury &
// Alvaro 2020). [Causal] is one of them too, of which every operation of a register alone is a special case.
const (
	ReadUncommitted                Level = "read uncommitted"
	ReadCommitted                  Level = "read committed"
	ReadAtomic                     Level = "read atomic"
	RepeatableRead                 Level = "repeatable read"
	ParallelSnapshotIsolation      Level = "parallel snapshot isolation"
	SnapshotIsolation              Level = "snapshot isolation"
	StrongSessionSnapshotIsolation Level = "strong session snapshot isolation"
	StrongSnapshotIsolation        Level = "strong snapshot isolation"
	Serializable                   Level = "serializable"
	StrongSessionSerializable      Level = "strong session serializable"
	StrictSerializable             Level = "strict serializable"
)

// Isolation returns the levels of isolation, so that none implies a later one.
func Isolation() []Level {
	return []Level{
		ReadUncommitted, ReadCommitted, ReadAtomic, Causal, RepeatableRead, ParallelSnapshotIsolation, SnapshotIsolation,
		StrongSessionSnapshotIsolation, Serializable, StrongSnapshotIsolation, StrongSessionSerializable, StrictSerializable,
	}
}

// direct returns the levels of isolation that one implies without a third between them.
func (l Level) direct() []Level {
	switch l {
	case ReadCommitted:
		return []Level{ReadUncommitted}
	case ReadAtomic, RepeatableRead:
		return []Level{ReadCommitted}
	case Causal:
		return []Level{ReadAtomic}
	case ParallelSnapshotIsolation:
		return []Level{Causal}
	case SnapshotIsolation:
		return []Level{ParallelSnapshotIsolation}
	case StrongSessionSnapshotIsolation:
		return []Level{SnapshotIsolation}
	case StrongSnapshotIsolation:
		return []Level{StrongSessionSnapshotIsolation}
	case Serializable:
		return []Level{SnapshotIsolation, RepeatableRead}
	case StrongSessionSerializable:
		return []Level{StrongSessionSnapshotIsolation, Serializable}
	case StrictSerializable:
		return []Level{StrongSnapshotIsolation, StrongSessionSerializable}
	}
	return nil
}

// isolates reports whether one level of isolation implies another.
func (l Level) isolates(m Level) bool {
	return slices.ContainsFunc(l.direct(), func(n Level) bool { return n == m || n.isolates(m) })
}
