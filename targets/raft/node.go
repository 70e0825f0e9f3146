package raft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	hraft "github.com/hashicorp/raft"

	"github.com/capsize-dev/capsize/harness"
)

// node is one member of the service.
type node struct {
	options
	log       hclog.Logger
	disk      *stores
	state     *state
	raft      *hraft.Raft
	transport *hraft.NetworkTransport
	listener  net.Listener
	dialled   chan net.Conn    // connections for the library
	lines     map[string]*line // to the other nodes
	confirmer *confirmer
	proposer  *proposer
	island    *island // of bugs.splitBrain
	dirty     dirty   // of bugs.dirtyRead

	mu          sync.Mutex
	leaderKnown chan struct{}     // closed and replaced when a leader becomes known
	conns       map[net.Conn]bool // nil once the node closes
	hasLed      bool              // of bugs.leaderReads
	over        chan struct{}
	running     sync.WaitGroup
}

// answer carries out one request.
func (n *node) answer(req request) response {
	ttl := req.TTL
	if ttl <= 0 {
		ttl = defaultTTL
	}
	ctx, cancel := context.WithTimeout(context.Background(), ttl)
	defer cancel()
	r := n.serve(ctx, req)
	r.ID = req.ID
	return r
}

// serve decides who answers: this node from its own state, the leader here, or the leader elsewhere.
func (n *node) serve(ctx context.Context, req request) response {
	switch {
	case req.Op == opTerm:
		return response{Outcome: done, Term: n.disk.terms.highest.Load()}
	case req.Op == opStatus:
		return response{Outcome: done, Status: n.status()}
	case req.isRead() && (n.reads == LocalReads || n.bugs.localReads):
		return n.state.read(req)
	case req.isRead() && n.bugs.leaderReads && n.believesLeading():
		return n.state.read(req)
	case req.isRead() && n.bugs.longLease && n.confirmer.leased():
		return n.state.read(req)
	case n.bugs.staleCAS && req.Op == opCAS:
		if refusal := n.mismatch(req); refusal != nil {
			return *refusal
		}
		return n.submit(ctx, req)
	case n.bugs.splitBrain && n.island.holds():
		return n.island.serve(ctx, req)
	case n.bugs.doubleApply && !req.isRead() && !req.Hop:
		return n.submitImpatiently(ctx, req)
	default:
		return n.submit(ctx, req)
	}
}

// submit gives a request to the leader, once.
func (n *node) submit(ctx context.Context, req request) response {
	leader, known := n.awaitLeader(ctx)
	switch {
	case !known:
		return response{Outcome: notApplied, Error: fmt.Sprintf("%s knows no leader", n.Node)}
	case leader == n.Node:
		return n.lead(ctx, req)
	case req.Hop:
		return response{Outcome: notApplied, Error: fmt.Sprintf("%s does not lead, it follows %s", n.Node, leader)}
	default:
		req.Hop = true
		return n.forward(ctx, leader, req)
	}
}

// forward sends a request on over the link between the nodes, and never again.
func (n *node) forward(ctx context.Context, to string, req request) response {
	l, known := n.lines[to]
	if !known {
		return response{Outcome: notApplied, Error: fmt.Sprintf("%s has no way to %s", n.Node, to)}
	}
	r, err := l.call(ctx, req)
	if err != nil {
		return failure(fmt.Errorf("sent on by %s: %w", n.Node, err))
	}
	return r
}

// lead carries out a request as the leader.
func (n *node) lead(ctx context.Context, req request) response {
	if req.Op == opExclude || req.Op == opInclude {
		return n.reconfigure(ctx, req)
	}
	if !req.isRead() {
		return n.change(ctx, req)
	}
	if n.reads == Consensus {
		if err := n.confirmer.confirm(ctx); err != nil {
			return response{Outcome: notApplied, Error: "read not confirmed: " + err.Error()}
		}
	} else if n.raft.State() != hraft.Leader {
		return response{Outcome: notApplied, Error: hraft.ErrNotLeader.Error()}
	}
	switch several := req.Op == opTxn || req.Op == opBalances; {
	case n.bugs.readSkew && several:
		return n.readApart(req, func() { n.linger(ctx) })
	case n.bugs.dirtyRead && req.Op == opTxn:
		return n.dirty.read(n.state, req)
	}
	return n.state.read(req)
}

// change carries out, as the leader, a request that changes something.
func (n *node) change(ctx context.Context, req request) response {
	switch {
	case n.bugs.lostUpdate && (req.Op == opTxn || req.Op == opTransfer), n.bugs.writeSkew && req.Op == opTxn:
		return n.commitLater(ctx, req)
	case n.bugs.dirtyRead && req.Op == opTxn:
		return n.dirty.commit(ctx, n, req)
	default:
		return n.commit(ctx, req)
	}
}

// leader names the leader this node knows; "" where it knows none.
func (n *node) leader() string {
	_, id := n.raft.LeaderWithID()
	return string(id)
}

// awaitLeader waits a moment for a leader to be known, so that clients need not ask again and again.
func (n *node) awaitLeader(ctx context.Context) (string, bool) {
	timer := time.NewTimer(leaderWait)
	defer timer.Stop()
	for {
		n.mu.Lock()
		known := n.leaderKnown
		n.mu.Unlock()
		if leader := n.leader(); leader != "" {
			return leader, true
		}
		select {
		case <-known:
		case <-timer.C:
			return "", false
		case <-ctx.Done():
			return "", false
		}
	}
}

// commit carries out a write by an entry of the replicated log.
func (n *node) commit(ctx context.Context, req request) response {
	c, refusal := n.prepare(req)
	if refusal != nil {
		return *refusal
	}
	return n.replicate(ctx, c)
}

// replicate puts a command into the replicated log and waits until it is applied.
func (n *node) replicate(ctx context.Context, c command) response {
	data, err := json.Marshal(c)
	if err != nil {
		return response{Outcome: notApplied, Error: err.Error()}
	}
	future := n.proposer.propose(ctx, data)
	if future == nil {
		return response{Outcome: notApplied, Error: fmt.Sprintf("%s: not proposed in time: %v", n.Node, ctx.Err())}
	}
	if n.bugs.earlyAck && c.isBlind() {
		return response{Outcome: done}
	}
	over := make(chan error, 1)
	go func() { over <- future.Error() }()
	select {
	case err := <-over:
		if err != nil {
			return failure(fmt.Errorf("%s: %w", n.Node, classify(err)))
		}
		return settle(future.Response())
	case <-ctx.Done():
		return failure(fmt.Errorf("%s: not committed in time: %w", n.Node, ctx.Err()))
	}
}

// prepare makes the log entry of a write. A response is a refusal: nothing is to be written.
func (n *node) prepare(req request) (command, *response) {
	c := req.command()
	if n.bugs.tornCAS && req.Op == opCAS {
		if refusal := n.mismatch(req); refusal != nil {
			return c, refusal
		}
		c.Op = opWrite
	}
	if n.bugs.lostAppend && req.Op == opAppend {
		now := n.state.read(request{Op: opList, Key: req.Key})
		c.Op, c.Value, c.Elements = opPutList, 0, append(append([]int64{}, now.Elements...), req.Value)
	}
	return c, nil
}

// mismatch is the refusal of a compare-and-set that does not match this node's own state, or nil.
func (n *node) mismatch(req request) *response {
	now := n.state.read(request{Op: opRead, Key: req.Key})
	if mismatch := compare(now.Value, now.Found, req.Old); mismatch != "" {
		return &response{Outcome: notApplied, Error: mismatch, Unmet: true, Revision: now.Revision}
	}
	return nil
}

// settle turns what the state answered into a response.
func settle(answer any) response {
	switch a := answer.(type) {
	case applied:
		if a.mismatch != "" {
			return response{Outcome: notApplied, Error: a.mismatch, Unmet: true, Revision: a.revision}
		}
		return response{Outcome: done, Revision: a.revision, Txn: a.txn}
	case error:
		return response{Error: a.Error()}
	default:
		return response{Error: fmt.Sprintf("the state answered %T", answer)}
	}
}

// classify wraps harness.ErrNotApplied around those errors of raft.Apply that mean that the entry never came into any
// log. Whatever is not listed may have happened: a leader that lost its office may have replicated the entry before,
// and a library that is shut down does not say how far it had got.
func classify(err error) error {
	for _, refused := range []error{
		hraft.ErrNotLeader,                    // answered by a node that does not lead, or steps down: never dispatched
		hraft.ErrEnqueueTimeout,               // the entry waited for the leader's attention and was taken back
		hraft.ErrLeadershipTransferInProgress, // refused at the door
	} {
		if errors.Is(err, refused) {
			return fmt.Errorf("%w: %w", harness.ErrNotApplied, err)
		}
	}
	return err
}

// failure is the response to an error: not applied where the error says so, otherwise unknown.
func failure(err error) response {
	r := response{Outcome: unknown, Error: err.Error()}
	if errors.Is(err, harness.ErrNotApplied) {
		r.Outcome = notApplied
	}
	return r
}

func (n *node) status() *status {
	applied, _ := n.state.position()
	return &status{
		Node: n.Node, Leader: n.leader(), Term: n.raft.CurrentTerm(),
		Last: n.raft.LastIndex(), Commit: n.raft.CommitIndex(), Applied: applied, Voters: n.members(),
	}
}

// members are the voters of the last configuration in the log, in order.
func (n *node) members() []string {
	future := n.raft.GetConfiguration()
	if future.Error() != nil {
		return nil
	}
	var names []string
	for _, server := range future.Configuration().Servers {
		if server.Suffrage == hraft.Voter {
			names = append(names, string(server.ID))
		}
	}
	slices.Sort(names)
	return names
}

// reconfigure takes a node out of the membership, or puts it in again, as the leader. A member's address is its name.
// Reads go on asking a majority of all nodes there ever were: that is never less than a majority of the members, because
// a node that is out is down.
func (n *node) reconfigure(ctx context.Context, req request) response {
	deadline, _ := ctx.Deadline()
	var change hraft.IndexFuture
	if req.Op == opExclude {
		change = n.raft.RemoveServer(hraft.ServerID(req.Key), 0, time.Until(deadline))
	} else {
		change = n.raft.AddVoter(hraft.ServerID(req.Key), hraft.ServerAddress(req.Key), 0, time.Until(deadline))
	}
	if err := change.Error(); err != nil {
		return failure(fmt.Errorf("%s: %w", n.Node, classify(err)))
	}
	return response{Outcome: done, Revision: change.Index()}
}

// believesLeading reports whether the node leads, or once led and has not heard of another leader since.
func (n *node) believesLeading() bool {
	leader, leads := n.leader(), n.raft.State() == hraft.Leader
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hasLed = leads || (n.hasLed && leader == "")
	return n.hasLed
}

// submitImpatiently submits a write and, when the outcome is slow or unclear, submits it once more.
func (n *node) submitImpatiently(ctx context.Context, req request) response {
	answers := make(chan response, 2)
	try := func() { answers <- n.submit(ctx, req) }
	go try()
	timer := time.NewTimer(resubmit)
	defer timer.Stop()
	worst := response{Outcome: notApplied}
	for open, tries := 1, 1; open > 0; {
		again := true
		select {
		case r := <-answers:
			open--
			if r.Outcome == done {
				return r
			}
			if worst.Outcome == notApplied {
				worst = r // not applied only where no try may have been
			}
			again = r.Outcome == unknown
		case <-timer.C:
		}
		if again && tries < 2 && ctx.Err() == nil {
			tries++
			open++
			go try()
		}
	}
	return worst
}
