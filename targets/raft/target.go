package raft

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers"
	"github.com/capsize-dev/capsize/targets/local"
)

// Service is the name of the hidden command that runs a node: capsize node raft.
const Service = "raft"

// target is a setting of the service, or a planted bug.
type target struct {
	name  string
	args  []string // of the service
	about harness.About
}

// Name is what the user types.
func (t target) Name() string { return t.name }

// About is what the catalogue says.
func (t target) About() harness.About {
	about := t.about
	about.Runtimes = []string{harness.LocalRuntime, harness.ContainerRuntime}
	return about
}

// Start starts the nodes in the runtime of env, and waits until they have elected a leader.
func (t target) Start(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	if env.Runtime == harness.ContainerRuntime {
		cluster, err := containers.Start(ctx, env, containerSpec(t.args))
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", t.name, err)
		}
		return cluster, nil
	}
	return t.startLocal(ctx, env)
}

// startLocal starts the nodes as processes of this machine.
func (t target) startLocal(ctx context.Context, env harness.Env) (harness.Cluster, error) {
	c := &Cluster{watchers: map[string]*Client{}}
	runtime, err := local.Start(ctx, env, local.Spec{
		Service: Service,
		Args:    t.args,
		Dial: func(ctx context.Context, n *local.Node) (harness.Client, error) {
			client := newClient(c.ID(), n)
			if _, err := client.line.open(ctx); err != nil {
				return nil, err
			}
			return client, nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", t.name, err)
	}
	c.Cluster = runtime
	for _, n := range runtime.Members() {
		c.watchers[n.Name()] = newClient(c.ID(), n)
	}
	if err := c.Settled(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", t.name, errors.Join(err, c.Stop(context.WithoutCancel(ctx))))
	}
	return c, nil
}

// The faults strike for three seconds every five where nothing else is said.
const (
	longStrike   = 6 * time.Second
	longInterval = 8 * time.Second
)

// txnLimit is long enough for what transactions break without any fault.
const txnLimit = 15 * time.Second

// Targets is the catalogue: the clean service, its settings, and the planted bugs.
func Targets() []harness.Target {
	targets := []harness.Target{
		target{name: "raft", about: harness.About{
			Summary:     "key-value service on hashicorp/raft, one process per node",
			Claim:       harness.Linearizable,
			Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition,pause,kill"},
		}},
		target{name: "raft/reads=leader", args: []string{"-reads", string(LeaderReads)}, about: harness.About{
			Summary:     "raft, reads answered by the leader without asking a majority",
			Claim:       harness.NoLevel,
			Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition:leader"},
		}},
		target{name: "raft/reads=local", args: []string{"-reads", string(LocalReads)}, about: harness.About{
			Summary:     "raft, reads answered by whichever node is asked",
			Claim:       harness.NoLevel,
			Recommended: harness.Recommendation{Workload: "register", Nemesis: "partition:one"},
		}},
	}
	for _, b := range planted() {
		targets = append(targets, target{
			name: "raft/" + b.name,
			args: []string{"-bug", b.name},
			about: harness.About{
				Summary: "raft with a planted bug", Claim: harness.Linearizable, Bug: b.line, Recommended: b.catch,
			},
		})
	}
	return targets
}

// plantedBug is a bug of the catalogue, and what catches it.
type plantedBug struct {
	name, line string
	catch      harness.Recommendation
}

func planted() []plantedBug {
	return []plantedBug{
		{"local-reads", "every node answers reads from its own state, however old",
			harness.Recommendation{Workload: "register", Nemesis: "partition:one"}},
		{"leader-reads", "a deposed leader goes on answering reads until it hears of its successor",
			harness.Recommendation{Workload: "register", Nemesis: "partition:leader"}},
		{"lease", "a leader trusts a read lease that is longer than an election takes",
			harness.Recommendation{Workload: "register", Nemesis: "partition:leader"}},
		{"early-ack", "a write is acknowledged before a majority has it",
			harness.Recommendation{Workload: "register", Nemesis: "partition:leader"}},
		{"forgetful", "a killed node comes back with an empty disk",
			harness.Recommendation{Workload: "register", Nemesis: "kill:all", Duration: time.Second}},
		{"double-apply", "a write whose outcome is slow is submitted again, and applied twice",
			harness.Recommendation{Workload: "append", Nemesis: "pause:all"}},
		{"split-brain", "nodes cut off from the majority elect a leader of their own, which acknowledges writes",
			harness.Recommendation{
				Workload: "register", Nemesis: "partition:minority", Interval: longInterval, Duration: longStrike,
			}},
		{"torn-cas", "compare and set are two steps, and another write may come between",
			harness.Recommendation{Workload: "register", Nemesis: "none", Keys: 2}},
		{"stale-cas", "a compare-and-set is refused by whichever node is asked, however old the value there is",
			harness.Recommendation{Workload: "register", Nemesis: "partition:one"}},
		{"lost-append", "the list is read, appended to and written back whole: the last write wins",
			harness.Recommendation{Workload: "append", Nemesis: "none", Keys: 2}},
		{"lost-update", "what a transaction leaves is computed first and stored later: the last one wins",
			harness.Recommendation{Workload: "list-append", Nemesis: "none", TimeLimit: txnLimit}},
		{"read-skew", "a transaction that only reads sees each key at another moment",
			harness.Recommendation{Workload: "bank", Nemesis: "none", TimeLimit: txnLimit}},
		{"write-skew", "transactions read from an earlier snapshot, and conflict only on what they write",
			harness.Recommendation{Workload: "list-append", Nemesis: "none", TimeLimit: txnLimit}},
		{"dirty-read", "reads see the writes of transactions that are given up afterwards",
			harness.Recommendation{Workload: "list-append", Nemesis: "none", TimeLimit: txnLimit}},
	}
}
