package history

import (
	"fmt"
	"time"
)

// Type says what a line of the history is: the beginning of an operation or one of its three possible ends.
// The zero value is Info, the safe answer: an outcome nobody classified is one that may have happened.
type Type uint8

// The four types, in Jepsen's words.
const (
	Info   Type = iota // nobody knows: it may have happened, or may still happen later
	Invoke             // a client is about to ask
	OK                 // it happened
	Fail               // it certainly did not happen, and never will
)

var typeNames = [...]string{Info: "info", Invoke: "invoke", OK: "ok", Fail: "fail"}

// String returns the word used in the files: invoke, ok, fail or info.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// MarshalText writes the word of [Type.String].
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a word of [Type.String] and refuses any other.
func (t *Type) UnmarshalText(text []byte) error {
	for i, name := range typeNames {
		if name == string(text) {
			*t = Type(i)
			return nil
		}
	}
	return fmt.Errorf("unknown type %q (expected invoke, ok, fail or info)", text)
}

// Op is one line of a history.
//
// Value is in normal form: nil, bool, int64, float64, string, []int64 (a list of integers only, the empty list
// included) or []any whose elements are in normal form. [Normalize] brings other Go values into it.
type Op struct {
	Index    int           // position in the history, from 0; the order of Index is the order of events
	Time     time.Duration // since the start of the run, on the recorder's monotonic clock
	Process  int           // the logical process: sequential, retired after an info
	Type     Type
	F        string        // the function: read, write, cas, append, add, ...
	Key      string        // the object it is about; "" where a history has only one
	Value    any           // argument on an invocation, result on a completion
	Node     string        // the node the client talked to
	Error    string        // why it is fail or info
	Revision int64         // the position in the system's own order at which it was served; 0 where it told none
	Due      time.Duration // open loop only, on invocations: when the call was due; 0 otherwise
	Final    bool          // belongs to the final reads, after the last heal
	Hung     bool          // on an info: the client ignored its deadline and was abandoned
	Unmet    bool          // on a fail: the system did answer, but the call's condition did not hold (a cas of another value)
}

// Pair is an operation: an invocation together with its completion, if there was one.
type Pair struct {
	Index    int // of the invocation's line
	End      int // of the completion's line; -1 where there is none
	Process  int
	F        string
	Key      string
	Node     string
	Input    any // the invocation's value
	Output   any // the completion's value
	Call     time.Duration
	Return   time.Duration // of the completion's line; meaningless where End is -1
	Due      time.Duration // when the call was due; equal to Call in a closed loop
	Revision int64
	Error    string
	Outcome  Type // OK, Fail or Info; Info also where the history ends before the completion
	Final    bool
	Hung     bool
	Unmet    bool
}

// Returned reports whether the operation is known to be over: it returned ok or fail. An info is not over: its effect
// may still come, so a checker must treat its return as infinitely late.
func (p Pair) Returned() bool { return p.Outcome == OK || p.Outcome == Fail }

// Precedes reports whether p returned before q was called, which is the real-time order. It compares line numbers, not
// times, so two events of one clock reading still have an order.
func (p Pair) Precedes(q Pair) bool { return p.Returned() && p.End < q.Index }

// Latency is the time from when the call was due until it returned. It is 0 where there is no completion.
func (p Pair) Latency() time.Duration {
	if p.End < 0 {
		return 0
	}
	return p.Return - p.Due
}

// Strike is one fault that struck, or was planned to: what was planned and what was seen of it.
// Times count from the start of the run.
type Strike struct {
	ID         int           `json:"id"`
	Lane       int           `json:"lane"`
	Fault      string        `json:"fault"`           // its name, which nemesis.Parse reads back: partition:majority
	PlannedAt  time.Duration `json:"planned_at_ns"`   // when it should strike
	PlannedFor time.Duration `json:"planned_for_ns"`  // how long it should last
	Seed       uint64        `json:"seed"`            // of the choices this strike makes (which nodes)
	State      StrikeState   `json:"state"`           // how far it got
	Nodes      []string      `json:"nodes,omitempty"` // who was hurt
	Sides      [][]string    `json:"sides,omitempty"` // of a partition: the groups that could not talk to each other
	Detail     string        `json:"detail,omitempty"`
	Start      time.Duration `json:"start_ns,omitempty"` // when Inject returned
	Began      time.Duration `json:"began_ns,omitempty"` // when Inject was called: harm may start here
	End        time.Duration `json:"end_ns,omitempty"`   // when Heal returned; 0 where it never did
	TookEffect bool          `json:"took_effect"`
	Evidence   string        `json:"evidence,omitempty"`
	Error      string        `json:"error,omitempty"`
}

// StrikeState says how far a strike got.
type StrikeState string

// The states of a strike, in order.
const (
	Planned  StrikeState = "planned"  // not reached (the run ended first)
	Skipped  StrikeState = "skipped"  // reached, but there was nobody left to hurt; Detail says why
	Injected StrikeState = "injected" // struck, not healed
	Healed   StrikeState = "healed"   // struck and healed
	Broken   StrikeState = "broken"   // Inject or Heal failed: Error says how
)

// Struck reports whether the fault was on at any time.
func (s Strike) Struck() bool {
	return s.State == Injected || s.State == Healed || (s.State == Broken && s.Start > 0)
}

// Overlaps reports whether the strike was on at some moment of [from, to].
func (s Strike) Overlaps(from, to time.Duration) bool {
	return s.Struck() && s.Began <= to && (s.End == 0 || s.End >= from)
}
