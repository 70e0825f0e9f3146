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
//
// It is an answer like any other, and judged like one: of a compare-and-set on a register it asserts that at some moment
// between the call and its return the value was not the one that was expected, with what the system promises of its
// reads. A client that is refused for another reason (somebody else is writing, nobody leads) wraps ErrNotApplied alone.
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
	Summary string // one line
	Claim   Level  // what it promises in this setting
	// Promise is the claim in words, where Claim is too coarse for it: "sequential consistency: reads may be old".
	Promise string
	Bug     string // of a planted bug: what is broken, in one line; otherwise ""
	// Runtimes is where it can run, of [LocalRuntime] and [ContainerRuntime]; the first is the default. None means
	// that it does not matter.
	Runtimes    []string
	Recommended Recommendation
}

// The runtimes: nodes are processes of this machine, or containers.
const (
	LocalRuntime     = "local"
	ContainerRuntime = "containers"
)

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

	Runtime string // one of the target's About.Runtimes; "" means the first
	Image   string // of the containers, instead of the target's own; "" means that
	// DiskLimit is how many bytes each node's disk is to hold, where a fault is going to fill it; 0 means no limit.
	DiskLimit int64
	// Progress tells who waits what is being done: "pulling redis:7.4 (3 of 7 layers)". It may be nil.
	Progress func(string)
	// Notice tells what nobody asked for and the report must say: that a node ended by itself, and how. It may be
	// called at any time between Start and the end of Stop, from any goroutine. It may be nil.
	Notice func(string)
	// Lost tells that what the cluster stands on is gone, as when the engine of its containers was restarted: nothing
	// that is recorded from then on says anything about the system under test. The run ends at once with this error. It
	// may be called like Notice, and may be nil.
	Lost func(error)
}

// Cluster is one running instance. Its optional powers are [Network], [Refuser], [ClientNetwork], [Shaper], [Prober],
// [Members], [Leaders], [Settler], [Logs], [Versioned]. They, and those of its nodes, may be used from several
// goroutines at once: a fault that hits several nodes hits them at one moment.
type Cluster interface {
	// Nodes returns the members, in a fixed order. The slice is not to be changed.
	Nodes() []Node
	// Stop ends every node, also a paused, dead or cut-off one, and removes what Start made outside the run's folder.
	Stop(ctx context.Context) error
}

// Node is one member of a cluster. Its optional powers are [Killer], [Terminator], [Pauser], [Wiper], [DiskFiller],
// [Squeezer], [Vitals].
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

// Terminator is the power to end a node as an operator would: it is asked to end, and has time to do so. It is then
// held down until [Killer].Restart.
type Terminator interface {
	Terminate(ctx context.Context) error
}

// Wiper is the power to empty the disk of a node that is dead, so that it comes back without a memory. Wipe returns nil
// once the disk is empty.
type Wiper interface {
	// CanWipe says in a sentence why the node cannot come back without a memory; nil where it can.
	CanWipe() error
	Wipe(ctx context.Context) error
}

// DiskFiller is the power to fill a node's disk to the last byte, and to make room again, whatever state the node is
// in. It takes an Env.DiskLimit. To free a disk that was not filled does nothing.
type DiskFiller interface {
	FillDisk(ctx context.Context) error
	FreeDisk(ctx context.Context) error
	// DiskSpace returns how many bytes are free.
	DiskSpace(ctx context.Context) (free int64, err error)
}

// Squeezer is the power to leave a node less of the machine. A node is squeezed once at a time, until Release, which
// does nothing to one that is not squeezed, and works in whatever state the node is.
type Squeezer interface {
	// CanSqueeze says in a sentence why the node cannot be squeezed so; nil where it can.
	CanSqueeze(Squeeze) error
	Squeeze(ctx context.Context, s Squeeze) error
	Release(ctx context.Context) error
	Pressure(ctx context.Context) (Pressure, error)
}

// Squeeze is what a [Squeezer] leaves a node; what is 0 stays as it is.
type Squeeze struct {
	CPUs   float64 // cores: 0.1 is a tenth of one
	Memory int64   // bytes
}

// Pressure is how hard the limits of a node's process pressed since the cluster started.
type Pressure struct {
	Throttled time.Duration // for how long the process wanted to run and was not let
	Periods   int64         // in how many periods of the scheduler that was so
	Memory    int64         // bytes in use now
	Limit     int64         // bytes it may use now; 0 means no limit
	Failures  int64         // how often it wanted more than its limit
}

// Vital is the state of a node's process.
type Vital struct {
	State VitalState
	PID   int // of the process, or another number that changes with each start; 0 when dead
	// How is how a dead one ended, where that is known: "exit code 1", "killed by the kernel: out of memory".
	How string
	// ByItself says that a dead one ended without having been killed or terminated: nobody else is going to restart it.
	// A runtime that does not know leaves it false.
	ByItself bool
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
	Held   int64 // bytes (or packets, where the runtime counts those) that a cut or a refusal kept from being delivered
	Resets int64 // connections reset
	// Delayed is what was delivered late because of a Shaping: it is also part of Passed.
	Delayed int64
	Lost    int64 // bytes (or packets) lost because of a Shaping
}

// Network is the power to cut links. Cuts nest: a link is whole again when it was mended as often as it was cut. A Cut
// that returns an error has cut nothing.
type Network interface {
	Cut(ctx context.Context, links []Link) error
	Mend(ctx context.Context, links []Link) error
	// Traffic reads the counters of every link, which prove a cut.
	Traffic(ctx context.Context) (map[Link]Traffic, error)
}

// Refuser is the power to cut links so that whoever sends on them is told at once: connections are reset, and new ones
// refused. Like cuts these nest, and a link that is both cut and refused is silent. A Refuse that returns an error has
// changed nothing. What was refused is counted as Held.
type Refuser interface {
	Refuse(ctx context.Context, links []Link) error
	Admit(ctx context.Context, links []Link) error
	Traffic(ctx context.Context) (map[Link]Traffic, error)
}

// ClientNetwork is the power to cut nodes off from their clients, both ways, and from nobody else: what either says is
// held, and nobody is told. These cuts nest too. A CutClients that returns an error has cut nothing.
type ClientNetwork interface {
	CutClients(ctx context.Context, nodes []string) error
	MendClients(ctx context.Context, nodes []string) error
	// ClientTraffic reads what was counted between each node and its clients.
	ClientTraffic(ctx context.Context) (map[string]Traffic, error)
}

// Prober is the power to try links from outside the system under test.
type Prober interface {
	// Probe sends something over every link, and says over which it arrived. It depends on the link alone, not on whether
	// the nodes at its ends run. A link that was not tried is left out.
	Probe(ctx context.Context) (map[Link]bool, error)
	// Resumed waits until connections that are kept open over the links, beside those of the system under test, carry
	// data again, and returns how long after since the last of them did. It is what TCP's own back-off adds to a
	// recovery. Links over which nothing comes before ctx ends are returned as silent.
	Resumed(ctx context.Context, links []Link, since time.Time) (last time.Duration, silent []Link, err error)
}

// Members is the power to take a node out of the membership of a cluster, and to put it in again with an empty disk.
type Members interface {
	// RemoveMember asks the other nodes to go on without this one, and ends it.
	RemoveMember(ctx context.Context, node string) error
	// AddMember asks the other nodes to count on this one again, and starts it without a memory. It may be called after a
	// RemoveMember that failed, however far that came, and does nothing to a member that runs.
	AddMember(ctx context.Context, node string) error
	// Members returns the names of those that the cluster counts on.
	Members(ctx context.Context) ([]string, error)
}

// Versioned is the power to say what runs: "image" to the digest of an image, "etcd" to the version of the server.
type Versioned interface{ Versions() map[string]string }

// Shaping is what a [Shaper] does to a link.
type Shaping struct {
	Delay, Jitter time.Duration // each chunk is held for Delay plus or minus a uniform share of Jitter; order is kept
	Loss          float64       // the share of packets that are lost, at random: 0.3
	Rate          int64         // bytes per second that get through, the rest waits; 0 means no limit
	Reset         bool          // reset the connections that are open now
}

// Shaper is the power to slow links, to lose some of what they carry, and to reset their connections. A link has one
// delay, loss and rate at a time, the last that were given, until Unshape. A Shaping that only resets leaves these as
// they are, and there is nothing to undo. A Shape that returns an error has changed nothing.
type Shaper interface {
	// CanShape says in a sentence why links cannot be shaped so; nil where they can.
	CanShape(s Shaping) error
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
