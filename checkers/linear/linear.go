// Package linear decides whether what was done to one object fits an order: linearizability (Herlihy & Wing 1990), one
// key at a time. It knows nothing of histories, faults and words: [Object] is a key's operations as numbers, [Result]
// is the answer with its proof.
//
// A decider is exact and near-linear where its conditions hold, such as values that were written once: [Zones] decides
// registers, [Lists] lists that are appended to, [Queues] queues, [Locks] locks, [Counters] counters, and [Members]
// the elements of sets; [Ranks] tries the order that the system tells of a register. What a decider leaves with
// [ErrUnfit] is for [Search].
//
// [Sequential] searches for an order that does without real time.
//
// A [Stream] decides while the object is used, event by event: of a whole object that takes more time, but of one in
// use less memory, and it tells the first event at which no order is left.
//
// Every answer can be checked without trusting whoever gave it: a legal one comes with an order that [Replay] runs
// through the sequential object, an illegal one with a few operations that are illegal by themselves.
package linear

import (
	"errors"
	"math"
)

// Never is the return of an operation that did not return: it may have happened at any time after its call, or not at
// all.
const Never = math.MaxInt64

// Kind is what an operation does to its object, and what it saw.
type Kind uint8

// The kinds. "Observer" marks those that never change the state.
const (
	Read       Kind = iota // observer: register, saw Value; list or set, saw Elements[From:From+Value]
	Write                  // register: stores Value
	Swap                   // register: replaced From by Value; where it never returned it may have found something else
	SwapFailed             // observer: compare-and-set that was told that the value is not From
	Append                 // puts Value at the end of a list, or into a set
	Enqueue                // puts Value into a queue
	Dequeue                // took Value out of a queue, or found nothing: 0; where it never returned any, or nothing
	Acquire                // From took a lock, with Value as the token; 0 where there are none or it never returned
	Busy                   // observer: From was told that somebody has the lock
	Release                // From gave a lock back
	Add                    // adds Amount to a counter
	Count                  // observer: a counter stood at Amount
)

// Looks reports whether an operation of the kind that returned says something about the state it found.
func (k Kind) Looks() bool {
	return k.Observes() || k == Swap || k == Dequeue || k == Acquire || k == Release
}

// Holds reports whether operations of the kind are about a lock, and who it is in From.
func (k Kind) Holds() bool { return k == Acquire || k == Busy || k == Release }

// Observes reports whether operations of the kind never change the state.
func (k Kind) Observes() bool {
	return k == Read || k == SwapFailed || k == Busy || k == Count
}

// Op is one operation. Those that certainly did not happen, and observers without an answer, are not among them.
type Op struct {
	Call, Return int64 // positions in the order of events; no two events have the same. See Never.
	// Value and From: see Kind. Values are numbered from 0 within the object; 0 is the initial value of a register, and
	// nothing in a queue.
	Value, From int32
	Kind        Kind
}

// Pending reports whether the operation never returned.
func (o *Op) Pending() bool { return o.Return == Never }

// Amount is the whole number that an operation on a counter is about: it fills Value and From.
func (o *Op) Amount() int64 { return int64(o.From)<<32 | int64(uint32(o.Value)) }

// SetAmount sets it.
func (o *Op) SetAmount(n int64) { o.Value, o.From = int32(uint32(n)), int32(n>>32) }

// forget takes the answer out of an operation that is not known to have returned.
func (o *Op) forget() {
	if o.Kind == Dequeue || o.Kind == Acquire {
		o.Value = 0
	}
}

// empty reports whether the operation found nothing in a queue.
func (o *Op) empty() bool { return o.Kind == Dequeue && o.Value == 0 && !o.Pending() }

// Precedes reports whether o had returned when p was called: then o comes before p in every order.
func (o *Op) Precedes(p *Op) bool { return o.Return < p.Call }

// Object is what was done to one object.
type Object struct {
	Ops      []Op    // by Call
	Elements []int32 // what reads of lists and sets saw, see Read
	Ranks    []int64 // what the system told of its own order, by operation, 0 for nothing; nil: nothing of any
	Values   int     // how many values there are: each Value and From is below
}

// Seen returns what a read of a list or set saw.
func (o *Object) Seen(i int) []int32 { return o.Elements[o.Ops[i].From:][:o.Ops[i].Value] }

// Answer is legal, illegal, or neither for now.
type Answer uint8

// The answers. The zero value is the safe one.
const (
	Undecided Answer = iota
	Legal
	Illegal
)

// Result is an answer and its proof.
type Result struct {
	Answer Answer
	By     string // who decided: the decider, such as "zones", or "search"
	// Order is, of a legal answer, the positions of the operations in an order that fits: every one that returned
	// exactly once, pending ones at most once. See Replay.
	Order []int32
	// Rule is, of an illegal answer, what the witness breaks, in a few fixed words of the decider's own.
	Rule string
	// Witness is, of an illegal answer, the positions of operations that are illegal by themselves: leaving out all
	// others was sound, which means that from a legal object it would have made a legal one. So with a read goes
	// whoever may have written what it saw, and with a swap whoever may have written what it replaced.
	Witness []int32
	// Only is, of an illegal answer about lists, the elements that it is about: reads of the witness show no others.
	// That is sound, for a list without some elements is a list.
	Only []int32
	// Base is, of an illegal answer about counters, how much was added by operations that had returned before all
	// counts of the witness were asked for and are left out: the counts of the witness are lower by as much. That is
	// sound, for in every order those operations stand before.
	Base int64
	// Blind is, of an illegal answer, those swaps of the witness of which only matters what they store: they are taken
	// to be writes. That is sound too, for a write fits wherever a swap does. It keeps long chains of swaps short.
	Blind []int32
	// At is, of an illegal answer, the position of the operation at whose return no order was left, -1 where no single
	// one can be named.
	At int32
	// Far is, of a search without an answer, how many operations it had in an order at most.
	Far int32
	// More is, of an illegal answer, what else was found on the way, each with its own Rule and proof: at most a few.
	More  []Result
	Cause error // of Undecided: ErrUnfit
}

// ErrUnfit says that a special decider's conditions do not hold, such as a value that was written twice.
var ErrUnfit = errors.New("the conditions do not hold")
