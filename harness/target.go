package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// ErrNotApplied is wrapped by a client's error when the call certainly had no effect and never will: it was rejected,
// or never sent. Any other error of a call means that nobody knows, and is recorded as info.
var ErrNotApplied = errors.New("not applied")

// ErrUnmet is wrapped, beside [ErrNotApplied], by the error of a call that the system answered: its condition did not
// hold, as of a compare-and-set of another value. It is the [ErrNotApplied] that does not count as unavailable.
var ErrUnmet = fmt.Errorf("%w: the condition does not hold", ErrNotApplied)

// Target is a recipe for starting a system. It is a value without state: Start may be called many times, also at once.
type Target interface {
	// Name is what the user types: raft, raft/local-reads, etcd.
	Name() string
	// Start starts a fresh, empty cluster and returns when it is ready to serve. On an error nothing is left behind.
	// The cluster does not end with ctx: only Stop ends it.
	Start(ctx context.Context, env Env) (Cluster, error)
}

// Describer is an optional power of a [Target]: what the catalogue says about it.
type Describer interface{ About() About }

// About is what the catalogue says about a target.
type About struct {
	Summary     string // one line
	Claim       Level  // what it promises in this setting
	Bug         string // of a planted bug: what is broken, in one line; otherwise ""
	Recommended Recommendation
}

// Recommendation is what a plain `capsize run TARGET` uses. Of a planted bug it is what catches it.
type Recommendation struct {
	Workload    string        `json:"workload,omitempty"`
	Nemesis     string        `json:"nemesis,omitempty"` // as nemesis.ParsePlan reads it: "partition:leader,kill:one"
	Nodes       int           `json:"nodes,omitempty"`
	Concurrency string        `json:"concurrency,omitempty"` // "10" or "2n"
	Rate        float64       `json:"rate,omitempty"`
	Keys        int           `json:"keys,omitempty"`
	TimeLimit   time.Duration `json:"time_limit_ns,omitempty"`
	OpTimeout   time.Duration `json:"op_timeout_ns,omitempty"`
	Interval    time.Duration `json:"interval_ns,omitempty"` // from one strike to the next
	Duration    time.Duration `json:"duration_ns,omitempty"` // of one strike
}

// Env is what a target is given to start in.
type Env struct {
	Nodes int    // how many nodes
	Run   string // the run's id, for labels and names
	// NodeDir returns a folder, made on demand, that is kept with the run: logs go there.
	NodeDir func(node string) (string, error)
	Log     *slog.Logger // never nil
	Seed    uint64       // for targets that simulate; a real one ignores it
}

// Cluster is one running instance. Its optional powers are [Network], [Shaper], [Leaders], [Settler], [Logs].
type Cluster interface {
	// Nodes returns the members, in a fixed order. The slice is not to be changed.
	Nodes() []Node
	// Stop ends every node, also a paused, dead or cut-off one, and removes what Start made outside the run's folder.
	Stop(ctx context.Context) error
}

// Node is one member of a cluster. Its optional powers are [Killer], [Pauser], [Vitals].
type Node interface {
	Name() string
	// Dial makes a client that talks to this node only, whatever happens to it, and never retries.
	Dial(ctx context.Context) (Client, error)
}

// Client is one connection to one node, used by one worker at a time. What it can do are the typed methods that a
// workload asks for, such as workloads.RegisterClient.
type Client interface{ Close() error }

// Killer is the power to end a node as a crash would, without warning, and to hold it down until Restart.
type Killer interface {
	Kill(ctx context.Context) error
	// Restart starts the node again on the data it left, and returns when its process runs (not when it serves).
	Restart(ctx context.Context) error
}

// Pauser is the power to freeze a node: it keeps its memory, connections and ports, and does nothing.
type Pauser interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Vitals is the power to say whether a node's process runs. It is what pauses and kills are proved with, and what
// keeps overlapping faults from hurting one node twice.
type Vitals interface {
	Vitals(ctx context.Context) (Vital, error)
}

// Vital is the state of a node's process.
type Vital struct {
	State VitalState
	PID   int // of the process, or another number that changes with each start; 0 when dead
}

// VitalState is a word for the state of a process.
type VitalState string

// The states of a process.
const (
	Running VitalState = "running"
	Paused  VitalState = "paused"
	Dead    VitalState = "dead"
)

// Link is a directed link: what From sends to To.
type Link struct{ From, To string }

// Traffic is what was counted on a link since the cluster started.
type Traffic struct {
	Passed int64 // bytes delivered
	Held   int64 // bytes (or packets, where the runtime counts those) that a cut kept from being delivered
	Resets int64 // connections reset
	// Delayed is what was delivered late because of a Shaping: it is also part of Passed.
	Delayed int64
}

// Network is the power to cut links. Cuts nest: a link is whole again when it was mended as often as it was cut. A Cut
// that returns an error has cut nothing.
type Network interface {
	Cut(ctx context.Context, links []Link) error
	Mend(ctx context.Context, links []Link) error
	// Traffic reads the counters of every link, which prove a cut.
	Traffic(ctx context.Context) (map[Link]Traffic, error)
}

// Shaping is what a [Shaper] does to a link.
type Shaping struct {
	Delay, Jitter time.Duration // each chunk is held for Delay plus or minus a uniform share of Jitter; order is kept
	Reset         bool          // reset the connections that are open now
}

// Shaper is the power to slow links and to reset their connections. A link has one delay at a time, the last that was
// given, until Unshape. A Shaping that only resets leaves the delay as it is, and there is nothing to undo. A Shape
// that returns an error has changed nothing.
type Shaper interface {
	Shape(ctx context.Context, links []Link, s Shaping) error
	Unshape(ctx context.Context, links []Link) error
	Traffic(ctx context.Context) (map[Link]Traffic, error)
}

// Leaders is the power to say who leads. It is asked of the majority: a cut-off leader lies.
type Leaders interface {
	// Leaders returns the names of the current leaders: none during an election, several where each shard has one.
	Leaders(ctx context.Context) ([]string, error)
}

// Settler is the power to say that the cluster has recovered: a leader is known and every replica is current.
type Settler interface {
	// Settled returns nil once that is so. It waits until then or until ctx ends.
	Settled(ctx context.Context) error
}

// Logs is the power to read a node's log.
type Logs interface {
	Logs(ctx context.Context, node string) (io.ReadCloser, error)
}
