package levels

import (
	"strings"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// Kind is what sort of object a report is of.
type Kind uint8

// The kinds that are told of in different words.
const (
	Values   Kind = iota // registers and lists: reads return what was stored
	Answered             // registers with compare-and-sets that failed, whose answers may be late as those of reads
	Counters             // numbers to which numbers are added
	Members              // single elements of sets
	Sets                 // sets that only grow and are read as a whole
	Queues               // what hands out what was put in
	Locks                // what one at a time has
)

// vocabulary is how things are told of a kind of object.
type vocabulary struct {
	answers string // what may be late
	stale   string // what they are then
	version string // what they are behind by
	broken  [guarantees]string
	held    [guarantees]string                      // "" where it is not told
	late    func(delta string, versions int) string // says it in other words; "" is some time that nobody measured
	relaxed string                                  // what held where it was linearizable as a weaker sort
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
	Queues: {
		late: func(delta string, versions int) string {
			var how []string
			if delta != "" || versions == 0 {
				how = append(how, strings.TrimSpace(delta+" late"))
			}
			if versions > 0 {
				how = append(how, "past "+count(versions, "other"))
			}
			return "values were handed out " + upTo(delta) + list(how)
		},
		relaxed: "nothing was lost or delivered twice: as a queue without order it was linearizable",
		reasons: map[string]string{
			linear.Nowhere:     "a value was handed out that nobody put in",
			linear.Future:      "a value was handed out before it was put in",
			linear.Redelivered: "a value was handed out twice",
			linear.Passed:      "a value never came out although later ones did",
			linear.NotEmpty:    "the queue was found empty with values in it",
			"":                 "no delay of dequeues explains what was handed out",
		},
	},
	Locks: {
		late: func(delta string, _ int) string {
			return strings.ReplaceAll("the lock was handed on "+upTo(delta)+delta+" before it was released", "  ", " ")
		},
		relaxed: "mutual exclusion held: only the tokens did not go up",
		reasons: map[string]string{
			linear.Shared:     "the lock was taken although who had it never gave it back",
			linear.NotHeld:    "the lock was given back by who did not have it",
			linear.TokenTwice: "a token was given twice",
			linear.TokenDown:  "a token was not above one that was given before",
			"":                "no delay of releases explains who had the lock",
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

func upTo(delta string) string {
	if delta == "" {
		return ""
	}
	return "up to "
}
