package txn

// The anomalies of transactions, besides those that package checkers has words for already.
const (
	// Internal: a transaction does not see what it did itself, or reads one key twice and sees two things.
	Internal = "internal inconsistency"
	// Aborted: a read shows what only a failed transaction stored (G1a).
	Aborted = "aborted read"
	// Intermediate: a read shows a state in the middle of another transaction (G1b).
	Intermediate = "intermediate read"
	// DirtyUpdate: a transaction committed on top of what a failed one stored.
	DirtyUpdate = "dirty update"
	// Lost: two transactions read the same version of a key and both changed it.
	Lost = "lost update"
	// Duplicate: one read shows an element twice.
	Duplicate = "duplicate"
	// Incompatible: two reads of a list, of which neither is how the other begins.
	Incompatible = "incompatible orders"
	// CyclicVersions: of the versions of a register each was overwritten by the next, in a circle.
	CyclicVersions = "cyclic versions"
	// Garbage: a read shows what nobody stored.
	Garbage = "garbage read"
	// NonMonotonic: a transaction read what another stored and then, in a key that this one had changed too, something
	// older. It is what read committed forbids, besides reads of what was aborted or intermediate.
	NonMonotonic = "non-monotonic read"
	// Fractured: a transaction saw only some of what another stored at once, or not what its own session had stored. It
	// is what read atomic forbids besides (Bailis et al. 2014).
	Fractured = "fractured read"
	// CausalityViolation: a transaction saw something, and not what had come causally before it.
	CausalityViolation = "causality violation"
	// G0, a write cycle: transactions overwrote each other, in a circle (Adya 1999).
	G0 = "G0"
	// G1c, circular information flow: transactions overwrote or read each other, in a circle.
	G1c = "G1c"
	// GSingle, read skew: a circle with one anti-dependency, which is from who read a version to who installed the next.
	GSingle = "G-single"
	// GNonadjacent, such as long fork: a circle with several anti-dependencies, no two in a row.
	GNonadjacent = "G-nonadjacent"
	// G2, such as write skew: a circle with several anti-dependencies, two of them in a row.
	G2 = "G2-item"
	// WrongTotal: the balances of a bank do not add up to what they always do.
	WrongTotal = "wrong total"
	// Overdraft: an account of a bank is below zero.
	Overdraft = "negative balance"
	// Forked: two readers saw two writes in opposite orders.
	Forked = "long fork"
)

// Term is one word of the vocabulary.
type Term struct{ Name, Means string }

// Vocabulary returns every name an anomaly can have here, the clearest first.
func Vocabulary() []Term {
	terms := []Term{
		{Garbage, "a read shows what nobody stored"},
		{Aborted, "a read shows what only a failed transaction stored (G1a)"},
		{Duplicate, "one read shows an element twice"},
		{Internal, "a transaction does not see what it did itself, or sees one key differently the second time"},
		{Intermediate, "a read shows a state in the middle of another transaction (G1b)"},
		{DirtyUpdate, "a transaction committed on top of what a failed one stored"},
		{Incompatible, "two reads of a list, of which neither is how the other begins"},
		{CyclicVersions, "of the versions of a register each overwrote the one before, in a circle"},
		{NonMonotonic, "a transaction read what another stored, and then something older"},
		{Fractured, "a transaction saw only some of what another stored at once"},
		{CausalityViolation, "a transaction saw something, and not what had come causally before it"},
		{Lost, "two transactions read the same version of a key and both changed it"},
		{WrongTotal, "the balances of a bank do not add up"},
		{Overdraft, "an account of a bank is below zero"},
		{Forked, "two readers saw two writes in opposite orders"},
	}
	means := []string{
		"write cycle: transactions overwrote each other, in a circle",
		"circular information flow: transactions overwrote or read each other, in a circle",
		"read skew: a circle with one anti-dependency",
		"a circle with several anti-dependencies, no two in a row",
		"write skew: a circle with several anti-dependencies, two of them in a row",
	}
	also := []string{"", ", one step of which is the order of a process", ", one step of which is real time"}
	for _, p := range phenomena() {
		terms = append(terms, Term{p.name, means[p.rank] + also[p.strict]})
	}
	return terms
}
