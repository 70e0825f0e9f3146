package checkers

import (
	"slices"

	"github.com/capsize-dev/capsize/checkers/txn"
)

// The vocabulary of anomalies: every name a checker of this package gives, with its meaning. "Before" always means real
// time: the one operation had returned when the other was called.
const (
	// PhantomRead: a read returned a value or element that nobody can have written: nobody tried, or only a
	// compare-and-set whose expectation was never met.
	PhantomRead = "phantom read"
	// AbortedRead: a read returned what only definitely failed operations would have written.
	AbortedRead = "aborted read"
	// FutureRead: a read returned what was written only after the read had returned.
	FutureRead = "future read"
	// Duplicate: one read returned an element more often than it was added.
	Duplicate = "duplicate"
	// DuplicateDelivery: a queue delivered a value more often than it was put in.
	DuplicateDelivery = "duplicate delivery"
	// CountDown: a counter that only goes up was lower than it had been seen before.
	CountDown = "count going down"
	// LostIncrement: a count is without something that had been added before it was asked for.
	LostIncrement = "lost increment"
	// PhantomIncrement: a count is above all that can have been added by then.
	PhantomIncrement = "phantom increment"
	// SplitLock: two had a lock at once.
	SplitLock = "split lock"
	// UnheldRelease: a lock was given back by who did not have it.
	UnheldRelease = "unheld release"
	// TokenTwice: a lock gave out a token twice.
	TokenTwice = "token twice"
	// TokenNotIncreasing: a lock gave out a token that is below one which it had given out before.
	TokenNotIncreasing = "token not increasing"
	// IncompatibleOrders: two reads cannot both come from one object that only grows: neither holds the other (of
	// lists: neither is the beginning of the other).
	IncompatibleOrders = "incompatible orders"
	// LostUpdate: more compare-and-sets succeeded from one value than that value was there to be replaced.
	LostUpdate = "lost update"
	// LostWrite: something acknowledged or already seen is missing from a later answer, and nothing after that shows it
	// again although nothing can have replaced it. Of queues: a value that had to come out and never did.
	LostWrite = "lost write"
	// StaleRead: a read returned an old state although a newer one had been acknowledged or seen before it was called.
	StaleRead = "stale read"
	// SpuriousFailure: a compare-and-set was told that the value is another one although it was the one that it expected
	// all the time.
	SpuriousFailure = "spurious failure"
	// FalseEmpty: a dequeue found nothing although at every moment of it some value was in the queue, which came out
	// later.
	FalseEmpty = "false empty"
	// Reordered: of two writes the first had returned before the second was called, and a read shows the second without
	// the first, or in front of it; of a queue, it came out in front of it.
	Reordered = "reordered"
	// Flicker: an element was seen, then was missing from a read, then was seen again.
	Flicker = "flicker"
	// NonLinearizable: no order fits, and no simpler name does.
	NonLinearizable = "non-linearizable"
)

// Term is one word of the vocabulary.
type Term struct{ Name, Means string }

// Vocabulary returns every name an anomaly can have, the clearest first: those of single objects, then those of
// transactions that are not among them.
func Vocabulary() []Term {
	all := objectTerms()
	for _, t := range txn.Vocabulary() {
		if !slices.ContainsFunc(all, func(known Term) bool { return known.Name == t.Name }) {
			all = append(all, Term(t))
		}
	}
	return all
}

func objectTerms() []Term {
	return []Term{
		{PhantomRead, "a read returned a value or element that nobody can have written"},
		{AbortedRead, "a read returned what only definitely failed operations would have written"},
		{FutureRead, "a read returned what was written only after the read had returned"},
		{Duplicate, "one read returned an element more often than it was added"},
		{DuplicateDelivery, "a queue delivered a value more often than it was put in"},
		{CountDown, "a counter that only goes up was lower than it had been seen before"},
		{LostIncrement, "a count is without something that had been added before"},
		{PhantomIncrement, "a count is above all that can have been added by then"},
		{SplitLock, "two had a lock at once"},
		{UnheldRelease, "a lock was given back by who did not have it"},
		{TokenTwice, "a lock gave out a token twice"},
		{TokenNotIncreasing, "a lock gave out a token below an earlier one"},
		{IncompatibleOrders, "two reads that cannot both come from one object that only grows"},
		{LostUpdate, "more compare-and-sets succeeded from one value than that value was there to be replaced"},
		{LostWrite, "something acknowledged or seen is missing later and never came back"},
		{StaleRead, "a read returned an old state although a newer one had been acknowledged or seen before"},
		{SpuriousFailure, "a compare-and-set was told that the value is another one although it was the one it expected"},
		{FalseEmpty, "a dequeue found nothing although values were in the queue, which came out later"},
		{Reordered, "a later write is seen without an earlier one, or in front of it"},
		{Flicker, "an element was seen, then missing, then seen again"},
		{NonLinearizable, "no order fits, and no simpler name does"},
	}
}

// clarity is the place of a name in the vocabulary.
func clarity(name string) int {
	terms := Vocabulary()
	for i, t := range terms {
		if t.Name == name {
			return i
		}
	}
	return len(terms)
}
