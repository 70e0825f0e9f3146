package raft

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/targets/local"
)

// Cluster is a running service. Beside the powers of the runtime it has those that take knowledge of Raft.
type Cluster struct {
	*local.Cluster
	watchers map[string]*Client // one for each node, for questions only
}

// The patience of the questions: a node that is frozen or down must not hold up the others' answers.
const (
	statusLimit = 300 * time.Millisecond
	settlePace  = 25 * time.Millisecond
)

// statuses asks every node at once and returns the answers that came.
func (c *Cluster) statuses(ctx context.Context) []status {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	var mu sync.Mutex
	var all []status
	var asking sync.WaitGroup
	for _, n := range c.Members() {
		asking.Go(func() {
			if s, err := c.watchers[n.Name()].status(ctx); err == nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, s)
			}
		})
	}
	asking.Wait()
	return all
}

func (c *Cluster) names() []string {
	names := make([]string, len(c.Members()))
	for i, n := range c.Members() {
		names[i] = n.Name()
	}
	return names
}

// Leaders names the node that a majority of all nodes follows, itself included; none where there is no such node. A
// leader that was cut off still calls itself one, but no majority does.
func (c *Cluster) Leaders(ctx context.Context) ([]string, error) {
	leader := elected(c.statuses(ctx), len(c.Members()))
	if leader == "" {
		return nil, ctx.Err()
	}
	return []string{leader}, nil
}

// elected returns the leader that more than half of all nodes name in the highest term of which more than half name
// one.
func elected(all []status, nodes int) string {
	type office struct {
		leader string
		term   uint64
	}
	votes := map[office]int{}
	for _, s := range all {
		if s.Leader != "" {
			votes[office{s.Leader, s.Term}]++
		}
	}
	for o, n := range votes {
		if n > nodes/2 {
			return o.leader // two majorities share a node, and a node names one
		}
	}
	return ""
}

// Settled waits until every node follows one leader and has applied all that is in its log.
func (c *Cluster) Settled(ctx context.Context) error {
	ticker := time.NewTicker(settlePace)
	defer ticker.Stop()
	for {
		missing := unsettled(c.statuses(ctx), c.names())
		if missing == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the cluster has not settled: %w (%w)", missing, ctx.Err())
		}
	}
}

// unsettled says what is missing; nil where nothing is.
func unsettled(all []status, names []string) error {
	leader := elected(all, len(names))
	if leader == "" {
		return errors.New("no leader is known to a majority")
	}
	at := slices.IndexFunc(all, func(s status) bool { return s.Node == leader })
	if at < 0 {
		return fmt.Errorf("%s leads but does not answer", leader)
	}
	lead := all[at]
	if lead.Commit < lead.Last {
		return fmt.Errorf("%s leads and has not committed all of its log", leader)
	}
	for _, name := range names {
		at := slices.IndexFunc(all, func(s status) bool { return s.Node == name })
		switch {
		case at < 0:
			return fmt.Errorf("%s does not answer", name)
		case all[at].Leader != leader || all[at].Term != lead.Term:
			return fmt.Errorf("%s does not follow %s yet", name, leader)
		case all[at].Commit < lead.Commit || all[at].Applied < lead.Applied:
			return fmt.Errorf("%s is behind %s", name, leader)
		}
	}
	return nil
}

// Stop ends the nodes.
func (c *Cluster) Stop(ctx context.Context) error {
	for _, w := range c.watchers {
		_ = w.Close()
	}
	return c.Cluster.Stop(ctx)
}
