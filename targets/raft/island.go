package raft

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// island is the whole of bugs.splitBrain: a second, homemade election beside the library's, for nodes that find no
// leader. It asks for no majority. Its leader serves from a copy of its own state, which is dropped as soon as it
// hears of a real leader.
type island struct {
	node *node

	mu       sync.Mutex
	leader   string  // "" while there is no island
	data     *tables // of the leader of an island
	revision uint64
}

func newIsland(n *node) *island { return &island{node: n} }

const islandPace = 100 * time.Millisecond

// run looks for a leader again and again, and for company where there has been none for too long.
func (i *island) run() {
	ticker := time.NewTicker(islandPace)
	defer ticker.Stop()
	lastLed := time.Now() // the first election is not an outage
	for {
		select {
		case <-ticker.C:
		case <-i.node.over:
			return
		}
		if i.node.leader() != "" {
			lastLed = time.Now()
			i.follow("")
		} else if !lastLed.IsZero() && time.Since(lastLed) > islandAfter {
			i.follow(i.elect())
		}
	}
}

// elect returns the first by name of this node and those it reaches that have no leader either.
func (i *island) elect() string {
	ctx, cancel := context.WithTimeout(context.Background(), 3*islandPace)
	defer cancel()
	heard := make(chan string, len(i.node.lines))
	for name, l := range i.node.lines {
		go func() {
			r, err := l.call(ctx, request{Op: opStatus})
			if err != nil || r.Status == nil || r.Status.Leader != "" {
				name = ""
			}
			heard <- name
		}()
	}
	first := i.node.Node
	for range i.node.lines {
		if name := <-heard; name != "" && name < first {
			first = name
		}
	}
	return first
}

// follow sets the leader of the island; "" ends it.
func (i *island) follow(leader string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if leader == i.leader {
		return
	}
	i.node.log.Info("island", "leader", leader, "before", i.leader)
	i.leader, i.data = leader, nil
	if leader == i.node.Node {
		s := i.node.state
		s.mu.RLock()
		data := s.data.clone()
		i.revision = s.revision
		s.mu.RUnlock()
		data.index()
		i.data = &data
	}
}

// holds reports whether the node is on an island.
func (i *island) holds() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.leader != ""
}

// serve carries out a request on the island.
func (i *island) serve(ctx context.Context, req request) response {
	i.mu.Lock()
	leader := i.leader
	if i.data != nil {
		defer i.mu.Unlock()
		return i.carryOut(req)
	}
	i.mu.Unlock()
	if leader == "" || req.Hop {
		return response{Outcome: notApplied, Error: fmt.Sprintf("%s knows no leader", i.node.Node)}
	}
	req.Hop = true
	return i.node.forward(ctx, leader, req)
}

func (i *island) carryOut(req request) response {
	if req.isRead() {
		r := i.data.read(req)
		r.Revision = i.revision
		return r
	}
	i.revision++
	txn, mismatch := i.data.change(req.command())
	return settle(applied{revision: i.revision, mismatch: mismatch, txn: txn})
}
