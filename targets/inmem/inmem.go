package inmem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Bug is a way in which the store is broken. The zero value is none.
type Bug string

// The bugs. The first group breaks the store's promise, the second makes trouble for the harness.
const (
	StaleReads  Bug = "stale-reads"  // every node answers reads from what it has
	LeaderReads Bug = "leader-reads" // a leader answers reads without asking whether it still leads, and never gives up
	EarlyAck    Bug = "early-ack"    // the leader acknowledges a write before a majority has it
	Forget      Bug = "forget"       // a killed node loses its disk
	DoubleApply Bug = "double-apply" // the leader sometimes puts a write into the log twice
	LostAppend  Bug = "lost-append"  // an append reads the list, adds to it and writes it back: the last write wins
	SplitBrain  Bug = "split-brain"  // a node elects itself and commits alone
	TornCAS     Bug = "torn-cas"     // compare and set are two steps

	Hang       Bug = "hang"        // some calls do not return before the cluster stops, whatever their context says
	NeverReady Bug = "never-ready" // Start waits until its context ends
	FailStart  Bug = "fail-start"  // Start fails at once
)

// Options are the settings of a target. The zero value is the clean target.
type Options struct {
	Bug Bug
	// Latency is the mean of one way between two nodes; that between a client and its node is a quarter of it. Default
	// 5 ms.
	Latency time.Duration
	// Election is the least time without a leader after which a node stands for election; the greatest is twice that. A
	// leader tells that it is there three times as often. Default 150 ms.
	Election time.Duration
	// Instant does without the simulation: calls are answered at once, under a lock, by one copy of the data. Such a
	// cluster has no powers and no bugs. It is there to measure what the harness itself costs.
	Instant bool
}

func (o Options) withDefaults() Options {
	if o.Latency <= 0 {
		o.Latency = 5 * time.Millisecond
	}
	if o.Election <= 0 {
		o.Election = 150 * time.Millisecond
	}
	return o
}

// Target starts clusters. The zero value is the clean one.
type Target struct{ Options Options }

// New returns a target with these settings.
func New(o Options) Target { return Target{o} }

// catalogue says of each bug what is broken and what finds it.
var catalogue = []struct {
	bug                       Bug
	summary, workload, faults string
}{
	{StaleReads, "every node answers reads from what it has", "register", "partition:majority"},
	{LeaderReads, "a deposed leader goes on answering reads", "register", "partition:leader"},
	{EarlyAck, "a write is acknowledged before a majority has it", "register", "partition:leader"},
	{Forget, "a killed node loses its disk", "register", "kill:all"},
	{DoubleApply, "the leader sometimes applies a write twice", "append", ""},
	{LostAppend, "the last write wins on a list", "append", ""},
	{SplitBrain, "a minority elects a leader and commits", "register", "partition:majority"},
	{TornCAS, "compare and set are two steps", "register", ""},
}

// Targets returns the clean target and then one for each bug that breaks the store's promise.
func Targets() []harness.Target {
	targets := []harness.Target{Target{}}
	for _, c := range catalogue {
		targets = append(targets, New(Options{Bug: c.bug}))
	}
	return targets
}

// Name is inmem, or inmem/ and what is special about it.
func (t Target) Name() string {
	switch {
	case t.Options.Instant:
		return "inmem/instant"
	case t.Options.Bug != "":
		return "inmem/" + string(t.Options.Bug)
	}
	return "inmem"
}

// About says what the target promises, which is always to be linearizable.
func (t Target) About() harness.About {
	about := harness.About{
		Summary: "simulated replicated store in this process", Claim: harness.Linearizable,
		Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition:majority"},
	}
	for _, c := range catalogue {
		if c.bug == t.Options.Bug {
			about.Summary += ", broken on purpose: " + c.summary
			about.Bug = c.summary
			about.Recommended = harness.Recommendation{Workload: c.workload, Nemesis: c.faults}
		}
	}
	return about
}

// Start returns when the first leader is elected and every node follows it.
func (t Target) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	if env.Nodes < 1 {
		return nil, fmt.Errorf("start %s: %d nodes: at least one is needed", t.Name(), env.Nodes)
	}
	switch {
	case t.Options.Bug == FailStart:
		return nil, fmt.Errorf("start %s: n1 exited: disk on fire (planted, by the bug %s)", t.Name(), FailStart)
	case t.Options.Bug == NeverReady:
		<-ctx.Done()
		return nil, fmt.Errorf("start %s: n1 never became ready (planted, by the bug %s): %w",
			t.Name(), NeverReady, ctx.Err())
	case t.Options.Instant:
		return newInstant(env), nil
	}
	c := newCluster(t.Options.withDefaults(), env)
	if err := c.Settled(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: no leader yet: %w", t.Name(), err), c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}
