package harness

import (
	"context"
	"math/rand/v2"
	"time"
)

// Call is what a generator asks a client to do.
type Call struct {
	F     string // read, write, cas, append, add, ...
	Key   string
	Value any // in the normal form of history.Op
}

// Ask is who asks a generator for a call.
type Ask struct {
	Worker int // 0 .. concurrency-1
	Node   string
	Now    time.Duration // since the start of the load
	Rand   *rand.Rand    // the load's stream; the only source of randomness a generator may use
}

// Generator makes calls. The harness asks for one call at a time, so a generator needs no lock; the n-th call of a run
// depends on the seed alone wherever the generator uses nothing of Ask but Rand.
type Generator interface {
	// Next returns the next call, or false when this worker has no more to do.
	Next(Ask) (Call, bool)
}

// Result is what a successful call brought back.
type Result struct {
	Value    any   // in the normal form of history.Op
	Revision int64 // the position in the system's own order at which it was served; 0 where it tells none
}

// Invoker makes a call on a client. It returns an error wrapping [ErrNotApplied] when the call certainly had no effect
// (a failed read never has one) and any other error when nobody knows.
type Invoker func(ctx context.Context, client Client, call Call) (Result, error)

// Load is what a workload may know of the run it makes calls for.
type Load struct {
	Keys  int      // how many keys are in use at once; 0 means the workload's own choice
	Nodes []string // the names of the nodes
	// Workers is the number of workers; worker w talks to node w modulo the number of nodes.
	Workers int
}

// Workload is calls, how to make them, and what would be correct. It is a value that can be run many times: all state
// is made by New.
type Workload struct {
	Name string
	Doc  string // one line
	// New returns fresh generators: the load's calls, which go on for ever, and the final calls, made after the last
	// heal on a settled cluster, which end.
	New    func(Load) (calls, final Generator)
	Invoke Invoker
	// Accepts says in a sentence why the client cannot serve this workload; nil where it can.
	Accepts func(Client) error
	// Kinds are the functions of which a run must have seen ok operations, or it proves nothing.
	Kinds []string
	// Checker decides from the history alone.
	Checker Checker
}
