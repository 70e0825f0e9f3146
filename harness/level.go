package harness

// Level is a consistency level: what a target claims, what a check decides, and what a history is found to have.
type Level string

// The levels, from strong to weak, in the words of package levels, which defines them. They are a lattice, not a line:
// sequential per key and causal imply neither each other.
//
// What each key has alone the whole has too where a level is local, which of these only linearizability is, and of
// course none. The others are told of several keys as what they are then: per key.
const (
	Linearizable     Level = "linearizable"
	Sequential       Level = "sequential"
	SequentialPerKey Level = "sequential per key"
	Causal           Level = "causal"
	CausalPerKey     Level = "causal per key"
	PRAM             Level = "PRAM"
	PRAMPerKey       Level = "PRAM per key"
	NoLevel          Level = "none"
)

// rank is the place of a level: a higher one implies a lower one, but what holds per key alone implies nothing of the
// whole. Known is false for a level that is not one of these.
func (l Level) rank() (rank int, perKey, known bool) {
	switch l {
	case Linearizable:
		return 4, false, true
	case Sequential, SequentialPerKey:
		return 3, l == SequentialPerKey, true
	case Causal, CausalPerKey:
		return 2, l == CausalPerKey, true
	case PRAM, PRAMPerKey:
		return 1, l == PRAMPerKey, true
	case NoLevel:
		return 0, true, true
	}
	return 0, false, false
}

// PerKey is what is left of a level when every key is seen alone.
func (l Level) PerKey() Level {
	switch l {
	case Sequential:
		return SequentialPerKey
	case Causal:
		return CausalPerKey
	case PRAM:
		return PRAMPerKey
	}
	return l
}

// Implies reports whether every history that has l has m too. A level that is not one of those here implies itself
// alone.
func (l Level) Implies(m Level) bool {
	rank, perKey, known := l.rank()
	other, otherPerKey, otherKnown := m.rank()
	return l == m || known && otherKnown && rank >= other && (otherPerKey || !perKey) || l.isolates(m)
}

// covers reports whether a system that claims l promises at least level. Nothing is claimed of a foreign history, which
// is judged as if it were to be linearizable. A check that names no level asks for what everybody promises.
func (l Level) covers(level Level) bool {
	return l == Linearizable || l == "" || level == "" || l.Implies(level)
}

// Kept is what a history kept of weaker levels than the one it was found not to have, key by key.
type Kept struct {
	// Sentence says it of the whole: what was worst over its keys, and what held on all of them.
	Sentence string     `json:"sentence"`
	Keys     []KeyLevel `json:"keys"`           // the worst first; those that have the level are not among them
	More     int        `json:"more,omitempty"` // keys that would be in Keys if there were room
	// Unknown is how many keys do not have the level and would be in Keys or among More if more were known of them.
	Unknown int `json:"unknown,omitempty"`
}

// KeyLevel is what one key kept.
type KeyLevel struct {
	Key       string `json:"key"`
	Strongest Level  `json:"strongest"` // of this key alone; "" where it is not known
	// AtLeast and Not are set where the strongest is not known: the strongest level that is known to have held, and the
	// weakest that is known not to.
	AtLeast Level `json:"at_least,omitempty"`
	Not     Level `json:"not,omitempty"`
	// StalenessMS is how many milliseconds earlier what may have been late must be taken to have been called for the
	// key to be linearizable: reads and what else only looked, dequeues, and of locks releases and who was told that it
	// is taken. It is null where no time is enough, or where StalenessUnknown says that nobody knows. A millionth is as
	// little as there is: it stands for events that were at the same time, or in a history without times.
	StalenessMS      *float64 `json:"staleness_ms"`
	StalenessUnknown bool     `json:"staleness_unknown,omitempty"`
	// Versions is the most changes that a read had missed, at least, or the most others that overtook a value, and
	// StaleReads how many reads had missed any, or values were overtaken; null: not known.
	Versions   *int `json:"versions"`
	StaleReads *int `json:"stale_reads"`
	// Regular: every read saw a store that was concurrent or not yet overwritten, and every count what had been added
	// and some of what was added meanwhile; null where that is not known.
	Regular *bool `json:"regular"`
	// Held and Broken are the session guarantees, by name: those that something was done to show, and those that were
	// not kept.
	Held   []string `json:"held"`
	Broken []string `json:"broken"`
	// Relaxed is what the key is as an object that promises less about order; nil where there is none.
	Relaxed  *Relaxed `json:"relaxed,omitempty"`
	Sentence string   `json:"sentence"`
}

// Relaxed is a key as an object that promises less about order than it was checked as: a queue that is first in first
// out as one in any order, a lock with tokens as one without.
type Relaxed struct {
	Model        string `json:"model"`        // unordered-queue or lock
	Linearizable *bool  `json:"linearizable"` // as that; null: not known
}

// lacks reports whether the key is known not to have a level.
func (k KeyLevel) lacks(l Level) bool {
	if k.Strongest != "" {
		return !k.Strongest.Implies(l)
	}
	return k.Not != "" && l.Implies(k.Not.PerKey())
}
