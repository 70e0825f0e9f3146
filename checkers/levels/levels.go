// Package levels tells what a register's history still kept when it is not linearizable: how stale its reads were, in
// time and in versions, whether it was at least regular, the strongest consistency level that held, and which session
// guarantees the clients had.
//
// [Judge] answers all of it for one key, [JudgeList] for one that holds an append list. A key's operations come as
// package linear's [linear.Object], with the process and the times of each beside them: [History]. Every value must
// have been stored once, as for [linear.Zones]. Then a value's writer and all who saw it stand together in every order
// that fits, which is why questions that are hard for many keys are near-linear for one.
//
// Who takes part in the answers: everything that returned, and what never returned but was seen, by somebody who in
// turn takes part; it took effect. What never returned and nobody saw is left out: it may not have happened. So are
// compare-and-sets that failed, which [Report.Failed] counts: what is said is said of the others.
package levels

import (
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// History is what was done to one register. The functions go by the positions of the operations in Object.
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
// held there are none.
type Finding struct {
	Held    bool
	Witness []int32
}

// Session is what was found of a session guarantee. That it held means that nothing contradicted it.
type Session struct {
	Finding
	Asked  int // operations that could have contradicted it
	Broken int // how many did
}

// Staleness is how much earlier reads must be taken to have been called.
type Staleness struct {
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
	// Max is the most stores that came and went between the return of the store whose value a read returned and the
	// call of this read. A register that is k-atomic has Max < k; the other way does not hold, so that this is a lower
	// bound.
	Max  int
	Read int32 // the first read that attains Max, -1 where Max is 0
	// Stale is how many reads were behind at all.
	Stale int
}

// Report is what was found of one register.
type Report struct {
	Strongest Level
	// Levels are by Level. None always holds.
	Levels    [Linearizable + 1]Finding
	Staleness Staleness
	Versions  Versions
	// Regular is the axis of register semantics (Lamport 1986, and for many writers Anderson et al. 2010), apart from
	// the levels: every read returned the value of a store that was concurrent with it or that was not definitely
	// overwritten when it was called. The witness is the first read that did not, with the store that it saw and one
	// that overwrote it, where there are such.
	Regular  Finding
	Sessions [guarantees]Session // by Guarantee
	Failed   int                 // compare-and-sets that failed: they were left out
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

// rank adds the levels that follow from others, and finds the strongest.
func (r *Report) rank() {
	r.Levels[None].Held = true
	r.Levels[Linearizable] = Finding{
		Held:    r.Staleness.Bounded && r.Staleness.Delta == 0,
		Witness: r.Staleness.Witness,
	}
	for l := range r.Levels {
		if r.Levels[l].Held {
			r.Strongest = Level(l)
		}
	}
}

// Add makes of the report of some registers that of one more. What every one of them kept is kept, the staleness and
// the versions are those of the worst, with the rule of the first for which no time is enough, and operations are
// counted together. It names no operations, for those have their positions in one register.
func (r *Report) Add(other *Report) {
	r.Strongest = min(r.Strongest, other.Strongest)
	for l := range r.Levels {
		r.Levels[l] = both(r.Levels[l], other.Levels[l])
	}
	r.Regular = both(r.Regular, other.Regular)
	for g := range r.Sessions {
		s, o := &r.Sessions[g], &other.Sessions[g]
		s.Finding, s.Asked, s.Broken = both(s.Finding, o.Finding), s.Asked+o.Asked, s.Broken+o.Broken
	}
	rule := r.Staleness.Rule
	if rule == "" {
		rule = other.Staleness.Rule
	}
	r.Staleness = Staleness{
		Bounded: r.Staleness.Bounded && other.Staleness.Bounded, Delta: max(r.Staleness.Delta, other.Staleness.Delta),
		Read: -1, Newer: -1, Rule: rule,
	}
	r.Versions = Versions{
		Max: max(r.Versions.Max, other.Versions.Max), Read: -1, Stale: r.Versions.Stale + other.Versions.Stale,
	}
	r.Failed += other.Failed
}

func both(a, b Finding) Finding { return Finding{Held: a.Held && b.Held} }

func unfit(why string) error { return fmt.Errorf("%w: %s", linear.ErrUnfit, why) }
