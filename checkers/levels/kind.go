package levels

import "github.com/capsize-dev/capsize/checkers/linear"

// Kind is what sort of object a report is of.
type Kind uint8

// The kinds that are told of in different words.
const (
	Values   Kind = iota // registers and lists: reads return what was stored
	Answered             // registers with compare-and-sets that failed, whose answers may be late as those of reads
	Counters             // numbers to which numbers are added
	Members              // single elements of sets
	Sets                 // sets that only grow and are read as a whole
)

// vocabulary is how things are told of a kind of object.
type vocabulary struct {
	answers string // what may be late
	stale   string // what they are then
	version string // what they are behind by
	broken  [guarantees]string
	held    [guarantees]string // "" where it is not told
	// reasons are, by rule of package linear, why no delay of answers is enough, where that is told in other words.
	reasons map[string]string
}

// againstChanges is of elements what contradictions of compare-and-sets are of registers.
const againstChanges = "changes that took effect contradict each other, whatever else was seen"

var (
	brokenOfValues = [guarantees]string{
		ReadYourWrites:    "a client read a value older than its own",
		MonotonicReads:    "a client read an older value after a newer one",
		MonotonicWrites:   "a client's writes took effect in the wrong order",
		WritesFollowReads: "a client's write took effect before what it had read",
	}
	heldOfValues = [guarantees]string{
		ReadYourWrites: "every client read its own writes",
		MonotonicReads: "no client read an older value after a newer one",
	}
)

var vocabularies = [...]vocabulary{
	Values: {
		answers: "reads", stale: "stale", version: "version", broken: brokenOfValues, held: heldOfValues,
	},
	Answered: {
		answers: "answers", stale: "stale", version: "version", broken: brokenOfValues, held: heldOfValues,
	},
	Counters: {
		answers: "counts", stale: "behind", version: "increment",
		broken: [guarantees]string{
			ReadYourWrites: "a client's count lacked what it had added itself",
			MonotonicReads: "a client saw a smaller count after a larger one",
		},
		held: [guarantees]string{
			ReadYourWrites: "every client's counts had what it had added itself",
			MonotonicReads: "no client saw a smaller count after a larger one",
		},
	},
	Members: {
		answers: "answers", stale: "stale", version: "change",
		broken: [guarantees]string{
			ReadYourWrites:    "a client was told what was older than its own change",
			MonotonicReads:    "a client was told older news after newer",
			MonotonicWrites:   "a client's changes took effect in the wrong order",
			WritesFollowReads: "a client's change took effect before what it had been told",
		},
		held: [guarantees]string{
			ReadYourWrites: "every client saw its own changes",
			MonotonicReads: "no client was told older news after newer",
		},
		reasons: map[string]string{
			linear.Nowhere:  "an element was seen that nobody added",
			linear.Future:   "an element was seen before it was added",
			linear.Twice:    againstChanges,
			linear.Ring:     againstChanges,
			linear.Backward: againstChanges,
			linear.Crossed:  againstChanges,
		},
	},
	Sets: {
		answers: "reads", stale: "behind", version: "element",
		broken: [guarantees]string{
			ReadYourWrites:    "a client's read lacked what it had added itself",
			MonotonicReads:    "a client's read lacked what it had seen before",
			MonotonicWrites:   "what a client added was seen without what it had added before",
			WritesFollowReads: "what a client added was seen without what it had seen before",
		},
		held: [guarantees]string{
			ReadYourWrites: "every client's reads had what it had added itself",
			MonotonicReads: "no client's read lacked what it had seen before",
		},
		reasons: map[string]string{
			linear.Nowhere:  "an element was seen that nobody added",
			linear.Future:   "an element was seen before it was added",
			linear.Doubled:  "an element was twice in one set",
			linear.Branched: "clients saw sets neither of which holds the other",
			linear.Disorder: "elements were seen without others that had been added before them",
		},
	},
}
