package raft

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"
)

// confirmer makes the leader's reads linearizable. It is the read index of section 6.4 of Ongaro's thesis (Consensus:
// Bridging Theory and Practice, 2014):
//
//  1. Once per term, the leader commits an entry of its own and applies it, so that it knows everything that earlier
//     leaders committed.
//  2. For each batch of waiting reads it notes its commit index, and then asks the others for the highest term they
//     know: first as many as it needs, and soon all where those are slow.
//  3. When a majority, itself included, knows no later term than its own, no later leader had been elected when the
//     index was noted, so every write acknowledged before is at or below it.
//  4. The reads are answered when the state has applied that index.
//
// The library's VerifyLeader is not used, because it also counts answers to heartbeats that were sent before it was
// asked: a leader that was frozen with such answers in its sockets could confirm itself with them after it was
// deposed.
type confirmer struct {
	node    *node
	reads   chan chan verdict
	askers  []*asker
	answers chan answer
	round   atomic.Uint64

	// of run's goroutine
	readable uint64 // the term of which step 1 is done
	floor    uint64 // the index of that entry: the state has everything up to there

	confirmed atomic.Pointer[time.Time] // when a majority last did
}

// verdict is the end of a round: the index to be reached, or why there is none.
type verdict struct {
	index uint64
	err   error
}

// asker asks one peer, one question at a time.
type asker struct {
	line *line
	kick chan struct{} // ask, for the current round
	busy atomic.Bool   // it waits for an answer, or is about to ask
}

// answer is what a peer said when it was asked in a round.
type answer struct {
	peer  string
	round uint64
	term  uint64
}

var errDeposed = errors.New("it is not known to lead")

func newConfirmer(n *node) *confirmer {
	c := &confirmer{
		node: n, reads: make(chan chan verdict, maxOpen), answers: make(chan answer, len(n.lines)),
	}
	for _, l := range n.lines {
		a := &asker{line: l, kick: make(chan struct{}, 1)}
		c.askers = append(c.askers, a)
		n.running.Go(func() { c.ask(a) })
	}
	return c
}

// confirm returns when the state holds everything that was acknowledged before the call. On an error that is not
// known, and a read must not be answered.
func (c *confirmer) confirm(ctx context.Context) error {
	end := make(chan verdict, 1)
	select {
	case c.reads <- end:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case v := <-end:
		if v.err != nil {
			return v.err
		}
		return c.reach(ctx, v.index)
	case <-ctx.Done():
		return ctx.Err()
	case <-c.node.over:
		return errClosed
	}
}

// reach waits until the state has applied the index.
func (c *confirmer) reach(ctx context.Context, index uint64) error {
	for {
		revision, passed := c.node.state.position()
		if revision >= index {
			return nil
		}
		select {
		case <-passed:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.node.over:
			return errClosed
		}
	}
}

// run holds one round after another, each for all the reads that came before it began.
func (c *confirmer) run() {
	for {
		var batch []chan verdict
		select {
		case end := <-c.reads:
			batch = append(batch, end)
		case <-c.node.over:
			return
		}
		for more := true; more; {
			select {
			case end := <-c.reads:
				batch = append(batch, end)
			default:
				more = false
			}
		}
		v := c.hold()
		for _, end := range batch {
			end <- v
		}
	}
}

// hold is one round.
func (c *confirmer) hold() verdict {
	n := c.node
	term := n.raft.CurrentTerm()
	if n.raft.State() != hraft.Leader {
		return verdict{err: errDeposed}
	}
	if err := c.open(term); err != nil {
		return verdict{err: err}
	}
	// entries after the floor are commands, each of which moves the state's revision to its index
	index := n.raft.CommitIndex()
	if index <= c.floor {
		index = 0
	}
	round := c.round.Add(1)
	if err := c.collect(round, term); err != nil {
		return verdict{err: err}
	}
	if n.raft.State() != hraft.Leader || n.disk.terms.highest.Load() != term {
		return verdict{err: errDeposed}
	}
	now := time.Now()
	c.confirmed.Store(&now)
	return verdict{index: index}
}

// leased reports whether a majority has confirmed that this node leads, within the time of bugs.longLease.
func (c *confirmer) leased() bool {
	at := c.confirmed.Load()
	return at != nil && time.Since(*at) < leaseTooLong
}

// open commits and applies an entry of this term, once.
func (c *confirmer) open(term uint64) error {
	if c.readable == term {
		return nil
	}
	barrier := c.node.raft.Barrier(confirmLimit)
	over := make(chan error, 1)
	go func() { over <- barrier.Error() }()
	select {
	case err := <-over:
		if err != nil {
			return err
		}
	case <-time.After(confirmLimit):
		return fmt.Errorf("no entry of term %d was committed within %s", term, confirmLimit)
	case <-c.node.over:
		return errClosed
	}
	if c.node.raft.CurrentTerm() != term {
		return errDeposed
	}
	entry, ok := barrier.(hraft.IndexFuture)
	if !ok {
		return fmt.Errorf("a barrier without an index: %T", barrier)
	}
	c.readable, c.floor = term, entry.Index()
	return nil
}

// collect asks until a majority has answered in this round and knows no later term.
func (c *confirmer) collect(round, term uint64) error {
	need := (len(c.askers) + 1) / 2 // besides this node
	heard := map[string]bool{}      // a peer may answer twice in a round, and counts once
	rest := c.kick(need)
	slow := time.NewTimer(slowAnswer)
	defer slow.Stop()
	limit := time.NewTimer(confirmLimit)
	defer limit.Stop()
	for need > 0 {
		select {
		case a := <-c.answers:
			if a.round != round || heard[a.peer] {
				continue
			}
			if a.term > term {
				return fmt.Errorf("term %d has begun after its own, %d", a.term, term)
			}
			heard[a.peer] = true
			need--
		case <-slow.C:
			for _, a := range rest {
				a.ask()
			}
		case <-limit.C:
			return fmt.Errorf("no majority answered within %s", confirmLimit)
		case <-c.node.over:
			return errClosed
		}
	}
	return nil
}

// kick asks as many peers as are needed, those first that do not owe an answer, and returns the others.
func (c *confirmer) kick(need int) (rest []*asker) {
	for _, a := range c.askers {
		if need > 0 && !a.busy.Load() {
			a.ask()
			need--
		} else {
			rest = append(rest, a)
		}
	}
	for _, a := range rest[:min(need, len(rest))] {
		a.ask()
	}
	return rest
}

// ask makes the asker ask in the current round, as soon as it has no other question open.
func (a *asker) ask() {
	select {
	case a.kick <- struct{}{}:
	default: // it is told already
	}
}

// ask asks one peer for its term whenever it is told to.
func (c *confirmer) ask(a *asker) {
	for {
		a.busy.Store(false)
		select {
		case <-a.kick:
		case <-c.node.over:
			return
		}
		a.busy.Store(true)
		round := c.round.Load() // before the question is sent: the answer is younger than the round
		ctx, cancel := context.WithTimeout(context.Background(), rpcTimeout)
		r, err := a.line.call(ctx, request{Op: opTerm})
		cancel()
		if err != nil || r.Outcome != done {
			select { // it is down or refused us: it need not be asked thousands of times
			case <-time.After(failedAnswer):
				continue
			case <-c.node.over:
				return
			}
		}
		select {
		case c.answers <- answer{peer: a.line.name, round: round, term: r.Term}:
		case <-c.node.over:
			return
		}
	}
}
