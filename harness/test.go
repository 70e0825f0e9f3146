package harness

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// Test is everything a run needs. It is a value: it can be run many times. Fields left at zero mean the defaults
// written beside them.
type Test struct {
	Target   Target
	Workload Workload
	// Nemesis holds one lane of faults each; none is a schedule too, and finds much.
	Nemesis []Nemesis
	// Schedule replaces what the lanes would plan, one slice a lane, for replaying.
	Schedule [][]Strike

	Nodes         int           // 5
	Concurrency   int           // workers; twice the nodes
	Rate          float64       // calls per second (open loop); 0 means as fast as answers come (closed loop)
	Keys          int           // in use at once; 0 means the workload's choice
	TimeLimit     time.Duration // of the load; 30 s
	OpTimeout     time.Duration // of one call; 5 s
	StartTimeout  time.Duration // until the cluster is ready; 60 s, and 5 min in containers
	SettleTimeout time.Duration // from the last heal until the final reads begin; 30 s
	Seed          uint64        // of the calls and the schedule
	FailFast      bool          // stop the load at the first violation
	Budget        Budget        // of each check

	Runtime string // one of the target's About.Runtimes; "" means the first
	Image   string // of the target's containers, instead of its own

	Out   string           // the folder of run folders; results/runs
	Argv  []string         // the command line, for the record
	Repro string           // the command that runs this again, for the record
	Plan  string           // the nemesis as the user wrote it, for the record
	Now   func() time.Time // the wall clock of the run's name; time.Now
	Log   *slog.Logger     // nil means no log
	Watch func(Status)     // called from one goroutine about ten times a second and at each change of phase; may be nil
}

// Phase is where a run is.
type Phase string

// The phases of a run, in order.
const (
	PhaseStart  Phase = "start"
	PhaseLoad   Phase = "load"
	PhaseHeal   Phase = "heal"
	PhaseFinal  Phase = "final reads"
	PhaseStop   Phase = "stop"
	PhaseCheck  Phase = "check"
	PhaseReport Phase = "report"
	PhaseDone   Phase = "done"
)

// Status is a run as it can be watched.
type Status struct {
	Run         string
	Phase       Phase
	PhaseDetail string        // "3 of 5 nodes up", "waiting until every replica is current"
	Elapsed     time.Duration // in this phase
	Limit       time.Duration // of this phase; 0 where it has none
	Ops         OpCounts      // so far, by completions; Total also counts the open ones
	Rate        float64       // completions per second over the last second
	Latency     Latency       // over the last second or so
	Nodes       []NodeStatus
	Faults      []history.Strike // that are on now
	Checked     int              // keys checked, in PhaseCheck
	ToCheck     int

	began   time.Time // of the phase
	cluster Cluster
	lanes   *lanes
}

// NodeStatus is a node as it can be watched.
type NodeStatus struct {
	Name   string
	Leader bool
	State  VitalState // "" where the node cannot tell
	Faults []string   // the names of the faults that hurt it now
}

// RunInfo is run.json: the inputs of a run, written before it starts and once more when it ends.
type RunInfo struct {
	Schema      string        `json:"schema"` // RunSchema
	ID          string        `json:"id"`     // the folder's name
	Status      string        `json:"status"` // running, done, interrupted, error
	Error       string        `json:"error,omitempty"`
	Started     time.Time     `json:"started"`
	Origin      time.Time     `json:"origin"` // when the clock of the history began: the start of the load
	Argv        []string      `json:"argv,omitempty"`
	Repro       string        `json:"repro"`
	Target      string        `json:"target"`
	Claim       Level         `json:"claim"`
	Bug         string        `json:"bug,omitempty"`
	Runtime     string        `json:"runtime,omitempty"`
	Workload    string        `json:"workload"`
	Nemesis     string        `json:"nemesis"`
	Nodes       []string      `json:"nodes"`
	Concurrency int           `json:"concurrency"`
	Rate        float64       `json:"rate"`
	Keys        int           `json:"keys"`
	TimeLimit   time.Duration `json:"time_limit_ns"`
	OpTimeout   time.Duration `json:"op_timeout_ns"`
	Seed        uint64        `json:"seed"`
	Kinds       []string      `json:"kinds"` // the functions that must have succeeded
	// LoadEnd and FinalStart are times of the history, which begins with the load; 0 where the run did not get there.
	LoadEnd    time.Duration     `json:"load_end_ns"`
	FinalStart time.Duration     `json:"final_start_ns"`
	Settled    bool              `json:"settled"` // the cluster said it had recovered before the final reads
	Versions   map[string]string `json:"versions"`
	Host       map[string]string `json:"host"`
	Notices    []Notice          `json:"notices,omitempty"`
}

// Notice is what happened to the cluster that nobody asked for.
type Notice struct {
	At   time.Duration `json:"at_ns"` // since Origin; 0 before it
	Text string        `json:"text"`  // "n2 ended by itself: killed by the kernel: out of memory"
}

// RunSchema names the shape of run.json.
const RunSchema = "capsize.run/1"

// String is the notice with its time, for people.
func (n Notice) String() string {
	if n.At == 0 {
		return n.Text
	}
	return fmt.Sprintf("at %.1f s: %s", n.At.Seconds(), n.Text)
}
