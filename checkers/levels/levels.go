// Package levels tells what an object's history still kept when it is not linearizable: how stale its answers were, in
// time and in versions, whether it was at least regular, the strongest consistency level that held, and which session
// guarantees the clients had.
//
// A key's operations come as package linear's [linear.Object], with the process and the times of each beside them:
// [History]. [Judge] answers all of it for a register, [JudgeList] for an append list and [JudgeSet] for a set that
// only grows. There every value must have been stored once, as for [linear.Zones]. Then a value's writer and all who
// saw it stand together in every order that fits, which is why questions that are hard for many keys are near-linear
// for one. [JudgeRegister] is for any register, [JudgeMember] for an element of a set, [JudgeCounter] for a counter,
// [JudgeQueue] for a queue and [JudgeLock] for a lock. They are given what decides whether an object is linearizable,
// search for an order that is sequential where nothing tells it soon ([linear.Sequential]), and say of each thing that
// is not known that it is not.
//
// Who takes part in the answers: everything that returned, and what never returned but was seen, by somebody who in
// turn takes part; it took effect. What never returned and nobody saw is left out: it may not have happened. So are, by
// Judge alone, compare-and-sets that failed, which [Report.Failed] counts: what is said is said of the others.
package levels

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// History is what was done to one object. The functions go by the positions of the operations in Object.
type History struct {
	Object *linear.Object
	// Process is who did it. A process does one thing at a time: each of its operations is called when those before it
	// have returned, but for those that never do. No operation has to come after one that never returned.
	Process func(op int32) int
	// Call and Return are nanoseconds, which never decrease from one event to the next. The Return of an operation that
	// never returned is not asked for.
	Call, Return func(op int32) int64
	// Spare is memory that Judge may use until it returns.
	Spare [][]int32
}

// Level is a consistency level of one register. A higher one implies all that are lower.
type Level uint8

// The levels, weakest first.
const (
	// None of the others.
	None Level = iota
	// PRAM (Lipton & Sandberg 1988): for each process there is an order of its own operations and everybody's stores
	// that respects the order of every process and explains all answers that this process got. What others swapped is
	// just stored there, and so is what it swapped without an answer.
	PRAM
	// Causal is causal consistency as in Biswas & Enea 2019 and AWDIT (Møldrup & Pavlogiannis 2025), each operation a
	// transaction: there is one order of all operations, which respects the order of every process and puts reads after
	// the writers of what they saw, in which any other store that a reader causally follows (by steps of a process, and
	// from writers to readers) comes before the store whose value it read. It is also called causal convergence. Of one
	// register without swaps it is the same as Sequential; of swaps it allows two that replaced the same value.
	Causal
	// Sequential (Lamport 1979): one order of all operations that respects the order of every process and explains
	// everything that was seen. Real time does not matter.
	Sequential
	// Linearizable (Herlihy & Wing 1990): the same, and the order respects real time.
	Linearizable
)

func (l Level) String() string {
	names := [...]string{"none", "PRAM", "causal", "sequential", "linearizable"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("level %d", l)
}

// Guarantee is a promise to one client about its own session (Terry et al. 1994).
type Guarantee uint8

// The session guarantees.
const (
	ReadYourWrites Guarantee = iota
	MonotonicReads
	MonotonicWrites
	WritesFollowReads
	guarantees
)

func (g Guarantee) String() string {
	names := [...]string{"read your writes", "monotonic reads", "monotonic writes", "writes follow reads"}
	if int(g) < len(names) {
		return names[g]
	}
	return fmt.Sprintf("guarantee %d", g)
}

// Finding is whether something held, and otherwise the positions of operations that show it, ascending: where something
// held, or nobody knows, there are none.
type Finding struct {
	Held    bool
	Unknown bool // whether it held: Held is false then
	Witness []int32
}

// Refuted reports whether it is known not to have held.
func (f Finding) Refuted() bool { return !f.Held && !f.Unknown }

// Session is what was found of a session guarantee. That it held means that nothing contradicted it.
type Session struct {
	Finding
	Asked  int // operations that could have contradicted it
	Broken int // how many did
}

// Staleness is how much earlier those whose answers may be late must be taken to have been called: reads, and what
// else only looks.
type Staleness struct {
	// Unknown: nobody knows. Then Bounded is true and Delta 0, which says nothing. Of a sum nobody knows it of some,
	// and the rest is what is known of the others.
	Unknown bool
	// Bounded: some Delta is enough. Otherwise Rule says why none is, in the words of package linear.
	Bounded bool
	// Delta is the smallest number of nanoseconds such that the history is linearizable when every read may be taken to
	// have been called that much earlier. It is 0 if and only if the history is linearizable as it is.
	Delta time.Duration
	// Read is the read that attains Delta, -1 where there is none. It was called Delta after Newer had returned.
	Read, Newer int32
	// Values are those whose clusters, or the blocks that these belong to, must each come before the other: the one
	// that was read, and the one of Newer.
	Values [2]int32
	Rule   string
	// Witness is, where Delta is not 0 or not bounded, the operations at which it was found, with the writers of what
	// the read and Newer saw.
	Witness []int32
}

// Versions is how many stores reads were behind.
type Versions struct {
	Unknown bool // nobody knows, or it has no meaning; the rest says nothing
	// Max is the most stores that came and went between the return of the store whose value a read returned and the
	// call of this read. A register that is k-atomic has Max < k; the other way does not hold, so that this is a lower
	// bound.
	Max  int
	Read int32 // the first read that attains Max, -1 where Max is 0
	// Stale is how many reads were behind at all.
	Stale int
}

// note takes the next read, and how many stores it was behind.
func (v *Versions) note(read int32, behind int) {
	if behind > 0 {
		v.Stale++
	}
	if behind > v.Max {
		v.Max, v.Read = behind, read
	}
}

// Relaxed is whether an object was linearizable as one of a weaker sort: a queue that is first in first out as one in
// any order, and a lock with tokens as one without.
type Relaxed struct {
	Finding
	Asked bool // otherwise there is no weaker sort
}

// relaxed asks the decider of the weaker sort.
func relaxed(ctx context.Context, o *linear.Object, decide Decider) Relaxed {
	r := Relaxed{Finding{Unknown: true}, true}
	if ctx.Err() != nil {
		return r
	}
	switch found := decide(ctx, o); found.Answer {
	case linear.Legal:
		r.Finding = Finding{Held: true}
	case linear.Illegal:
		r.Finding = Finding{Witness: sorted(slices.Clone(found.Witness))}
	}
	return r
}

// Report is what was found of one object.
type Report struct {
	Kind Kind // of the object; it tells which words fit
	// Strongest is the strongest level that is known to have held. Unclear: whether a stronger one did is not known.
	Strongest Level
	Unclear   bool
	// Levels are by Level. None always holds. Where one held so did all that are lower, and where one did not, none
	// that is higher.
	Levels    [Linearizable + 1]Finding
	Staleness Staleness
	Versions  Versions
	// Regular is the axis of register semantics (Lamport 1986, and for many writers Anderson et al. 2010), apart from
	// the levels: every read returned the value of a store that was concurrent with it or that was not definitely
	// overwritten when it was called. The witness is the first read that did not, with the store that it saw and one
	// that overwrote it, where there are such.
	Regular  Finding
	Sessions [guarantees]Session // by Guarantee
	Relaxed  Relaxed
	Failed   int // compare-and-sets that failed: they were left out
}

// Judge finds out everything about one register. It is exact, except for the session guarantees and for staleness in
// versions, which are what their docs say. The error is [linear.ErrUnfit] where a value was stored twice, the initial
// one was stored, the operations are not those of a register, or a process did two things at once.
//
// Cost: O(n log n) time, and O(n) where little is wrong and the events are numbered without large gaps; some 40 bytes
// for each operation.
func Judge(h *History) (Report, error) {
	r, err := newRegister(h)
	if err != nil {
		return Report{}, err
	}
	report := Report{Failed: r.failed}
	returns := r.returns()
	report.Versions, report.Regular = r.versions(returns)
	all := r.everything()
	stalest := r.staleness(all, returns)
	report.Staleness = stalest.Staleness
	place := stalest.places(returns)
	r.pool.give(returns, r.spans)
	report.Sessions = r.sessions(all)
	r.orders(&report, all, place)
	report.rank()
	return report, nil
}

// unsaid is the report of an object of which nothing is known.
func unsaid(kind Kind) Report {
	r := Report{
		Kind: kind, Staleness: unknownStaleness(), Versions: Versions{Unknown: true, Read: -1},
		Regular: Finding{Unknown: true},
	}
	for l := range r.Levels {
		r.Levels[l].Unknown = true
	}
	for g := range r.Sessions {
		r.Sessions[g].Unknown = true
	}
	return r
}

func unknownStaleness() Staleness {
	return Staleness{Unknown: true, Bounded: true, Read: -1, Newer: -1}
}

// rank adds the levels that follow from others, and finds the strongest.
func (r *Report) rank() {
	r.Levels[None] = Finding{Held: true}
	if s := &r.Staleness; !s.Unknown {
		r.Levels[Linearizable] = Finding{Held: s.Bounded && s.Delta == 0, Witness: s.Witness}
	}
	for l := Linearizable; l > None; l-- {
		if r.Levels[l].Held {
			r.Levels[l-1] = Finding{Held: true}
		}
	}
	for l := None; l < Linearizable; l++ {
		if r.Levels[l].Refuted() && r.Levels[l+1].Unknown {
			r.Levels[l+1] = r.Levels[l]
		}
	}
	r.settle()
}

// settle finds the strongest level.
func (r *Report) settle() {
	r.Strongest, r.Unclear = None, false
	for l, f := range r.Levels {
		if f.Held {
			r.Strongest, r.Unclear = Level(l), false
		} else if f.Unknown {
			r.Unclear = true
		}
	}
}

// Weakest returns the weakest level that is known not to have held. False: there is none.
func (r *Report) Weakest() (Level, bool) {
	for l, f := range r.Levels {
		if f.Refuted() {
			return Level(l), true
		}
	}
	return None, false
}

// Refute notes what somebody else knows: it is not linearizable.
func (r *Report) Refute() {
	if r.Levels[Linearizable].Unknown {
		r.Levels[Linearizable] = Finding{}
		r.settle()
	}
}

// Add makes of the report of some objects that of one more of the same sort. What every one of them kept is kept, what
// one of them is known not to have kept is not, the staleness and the versions are those of the worst of which they are
// known, with the rule of the first for which no time is enough, and operations are counted together. It names no
// operations, for those have their positions in one object.
func (r *Report) Add(other *Report) {
	if other.Kind == Answered {
		r.Kind = Answered
	}
	for l := range r.Levels {
		r.Levels[l] = both(r.Levels[l], other.Levels[l])
	}
	r.settle()
	r.Regular = both(r.Regular, other.Regular)
	for g := range r.Sessions {
		s, o := &r.Sessions[g], &other.Sessions[g]
		s.Finding, s.Asked, s.Broken = both(s.Finding, o.Finding), s.Asked+o.Asked, s.Broken+o.Broken
	}
	if other.Relaxed.Asked {
		r.Relaxed = Relaxed{both(r.Relaxed.Finding, other.Relaxed.Finding), true}
	}
	rule := r.Staleness.Rule
	if rule == "" {
		rule = other.Staleness.Rule
	}
	r.Staleness = Staleness{
		Unknown: r.Staleness.Unknown || other.Staleness.Unknown,
		Bounded: r.Staleness.Bounded && other.Staleness.Bounded, Delta: max(r.Staleness.Delta, other.Staleness.Delta),
		Read: -1, Newer: -1, Rule: rule,
	}
	r.Versions = Versions{
		Unknown: r.Versions.Unknown && other.Versions.Unknown,
		Max:     max(r.Versions.Max, other.Versions.Max), Read: -1, Stale: r.Versions.Stale + other.Versions.Stale,
	}
	r.Failed += other.Failed
}

func both(a, b Finding) Finding {
	return Finding{
		Held: a.Held && b.Held, Unknown: !a.Refuted() && !b.Refuted() && (a.Unknown || b.Unknown),
	}
}

func unfit(why string) error { return fmt.Errorf("%w: %s", linear.ErrUnfit, why) }
