// Package checkers decides from a history alone whether a system kept its promise.
//
// Each checker states one property: [Linearizable] for registers, compare-and-set registers and lists ([Model]), and
// [Set] for sets that only grow. [ForModel] finds them by name and [GuessModel] by what a history contains.
//
// The way of a history through [Linearizable]:
//
//	split by key -> prune what cannot matter -> suspicions: clear violations, found without a search
//	             -> engine: a search of all orders, bounded in time and memory
//	             -> shrink to a part from which nothing can be taken -> name it and tell it
//
// A suspicion is only a hint: whatever is reported as a violation has been confirmed by the engine on the operations
// that are shown, and those were reached by removals that never make a legal history illegal. So an anomaly is a proof
// by itself, and [harness.Anomaly.Impossible] is the operation at whose return no order was left. Of lists and sets the
// witness shows only the elements that matter.
//
// [Vocabulary] has every name an anomaly can have. For the linearizability checker an anomaly's count is the number of
// keys on which it was found; for the set checker it is the number of elements.
//
// What no checker here can see: anything that no operation observed. A history in which nobody looked is unknown, not
// valid.
package checkers
