package raft

import (
	"context"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"
)

// proposer hands writes to the library in groups: while one group is being committed the next one gathers. Every
// commit is written to the disks of a majority, so a few large groups are much cheaper than many small ones, and no
// write waits for more than the group before it.
type proposer struct {
	node  *node
	queue chan *proposal
}

// proposal is a write on its way into the log.
type proposal struct {
	data     []byte
	deadline time.Time
	taken    atomic.Bool            // by whoever comes first: the proposer, or a caller who gives up
	future   chan hraft.ApplyFuture // gets one, when the library has been asked
}

func newProposer(n *node) *proposer { return &proposer{node: n, queue: make(chan *proposal, maxOpen)} }

// propose returns when the library has been asked. It returns nil when ctx ended first: then it never will be.
func (p *proposer) propose(ctx context.Context, data []byte) hraft.ApplyFuture {
	deadline, _ := ctx.Deadline()
	w := &proposal{data: data, deadline: deadline, future: make(chan hraft.ApplyFuture, 1)}
	select {
	case p.queue <- w:
	case <-ctx.Done():
		return nil
	}
	select {
	case future := <-w.future:
		return future
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return nil
		}
		return <-w.future
	}
}

// run proposes one group after another.
func (p *proposer) run() {
	for {
		var last hraft.ApplyFuture
		select {
		case w := <-p.queue:
			last = p.submit(w)
		case <-p.node.over:
			return
		}
		for more := true; more; {
			select {
			case w := <-p.queue:
				if future := p.submit(w); future != nil {
					last = future
				}
			default:
				more = false
			}
		}
		if last != nil {
			p.await(last)
		}
	}
}

// await waits until the last of a group is over, whatever became of it; a leader that loses its office ends it.
func (p *proposer) await(last hraft.ApplyFuture) {
	over := make(chan struct{})
	go func() { defer close(over); _ = last.Error() }()
	select {
	case <-over:
	case <-p.node.over:
	}
}

// submit asks the library to replicate a write, unless its caller has given up.
func (p *proposer) submit(w *proposal) hraft.ApplyFuture {
	if !w.taken.CompareAndSwap(false, true) {
		return nil
	}
	future := p.node.raft.Apply(w.data, max(time.Until(w.deadline), time.Millisecond))
	w.future <- future
	return future
}
