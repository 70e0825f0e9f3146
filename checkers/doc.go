// Package checkers decides from a history alone whether a system kept its promise.
//
// Each checker states one property: [Linearizable] for registers, compare-and-set registers, lists, queues, locks,
// counters, and sets whose elements are looked for one by one ([Model]), and [Set] for sets that only grow and are read
// as a whole; transactions are those of package txn, and [Porcupine] runs a model of yours. [ForModel] finds them by
// name and [GuessModel] by what a history contains.
//
// The way of a history through [Linearizable]:
//
//	group by key -> special deciders (package linear), exact and near-linear, where their conditions hold:
//	                registers and compare-and-set registers whose values were each stored once, or whose
//	                revisions are an order that fits,
//	                lists of which no read shows an element that was appended twice,
//	                queues into which each value was put once, locks,
//	                counters that go up by one, elements of sets that were added and removed once
//	             -> what they leave: prune what cannot matter -> suspicions: clear violations, found without a search
//	             -> engine: a search of all orders, bounded in time and memory
//	             -> shrink to a part from which nothing can be taken -> name it and tell it
//	             -> of those that are not well: what they kept all the same (package levels)
//
// No answer is believed without its proof: the order of a legal one is replayed, the few operations of an illegal one
// are brought before the engine and before porcupine. A proof that does not hold leaves the key undecided. Which
// decided how many keys is in the verdict's figures.
//
// While a run goes on, every key is judged line by line as well (linear.Stream), for those who want to stop at the
// first violation; so are transactions (package txn). That takes memory for what goes on at once, and for the elements
// of sets and the keys of transactions that are in use, not for what has been. What a stream says is a reason for the
// checker to look, and no more.
//
// A suspicion is only a hint: whatever is reported as a violation has been confirmed by the engine on the operations
// that are shown, and those were reached by removals that never make a legal history illegal. So an anomaly is a proof
// by itself, and [harness.Anomaly.Impossible] is the operation at whose return no order was left. Of lists and sets
// the witness shows only the elements that matter.
//
// [Vocabulary] has every name an anomaly can have. For the linearizability checker an anomaly's count is the number of
// keys on which it was found; for the set checker it is the number of elements.
//
// What no checker here can see: anything that no operation observed. A history in which nobody looked is unknown, not
// valid.
package checkers
