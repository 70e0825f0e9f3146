package raft

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// txnWindow is how long the planted bugs of transactions keep open what they tear apart: longer than a commit takes,
// so that other transactions come between.
const txnWindow = 3 * time.Millisecond

// linger lets others come between.
func (n *node) linger(ctx context.Context) {
	select {
	case <-time.After(txnWindow):
	case <-ctx.Done():
	case <-n.over:
	}
}

// commitLater is bugs.lostUpdate and bugs.writeSkew: the reads are answered from what is applied now, and the writes
// follow as an entry of their own.
func (n *node) commitLater(ctx context.Context, req request) response {
	if err := n.confirmer.confirm(ctx); err != nil {
		return response{Outcome: notApplied, Error: "read not confirmed: " + err.Error()}
	}
	c, seen, refusal := n.compute(req)
	if refusal != nil {
		return *refusal
	}
	n.linger(ctx)
	r := n.replicate(ctx, c)
	if r.Outcome == done {
		r.Txn = seen
	}
	return r
}

// compute carries a request out on a copy of what it touches. It returns the command that does the same to the real
// state later, and what the reads of a transaction saw. A response is a refusal.
func (n *node) compute(req request) (c command, seen []micro, refusal *response) {
	n.state.mu.RLock()
	defer n.state.mu.RUnlock()
	now := &n.state.data
	if req.Op == opTransfer {
		copied := tables{Accounts: slices.Clone(now.Accounts)}
		if why := copied.transfer(req.From, req.To, req.Value); why != "" {
			return c, nil, &response{Outcome: notApplied, Error: why, Unmet: true, Revision: n.state.revision}
		}
		return command{Op: opPutBalances, Elements: []int64{
			req.From, copied.Accounts[req.From], req.To, copied.Accounts[req.To],
		}}, nil, nil
	}
	copied := now.part(req.Txn)
	seen = copied.transact(req.Txn)
	if n.bugs.writeSkew {
		return command{Op: opTxn, Txn: req.Txn, Expect: now.befores(req.Txn)}, seen, nil
	}
	return command{Op: opTxn, Txn: copied.afters(req.Txn)}, seen, nil
}

// part copies the objects that a transaction touches.
func (t *tables) part(steps []micro) tables {
	p := tables{Registers: map[string]int64{}, Lists: map[string][]int64{}}
	for _, step := range steps {
		if value, found := t.Registers[step.Key]; found {
			p.Registers[step.Key] = value
		}
		if list, found := t.Lists[step.Key]; found {
			p.Lists[step.Key] = slices.Clip(list)
		}
	}
	return p
}

// befores are reads of the keys that a transaction is about to write.
func (t *tables) befores(steps []micro) []micro {
	var reads []micro
	for _, step := range steps {
		if step.F != stepRead {
			reads = append(reads, t.look(step.Key))
		}
	}
	return reads
}

// afters are steps that store what a transaction left in the keys it wrote, whole lists included.
func (t *tables) afters(steps []micro) []micro {
	var writes []micro
	for _, step := range steps {
		switch step.F {
		case stepWrite:
			writes = append(writes, micro{F: stepWrite, Key: step.Key, Value: t.Registers[step.Key]})
		case stepAppend:
			writes = append(writes, micro{F: stepPutList, Key: step.Key, Elements: t.Lists[step.Key]})
		}
	}
	return writes
}

// conflict says which of these reads would see something else now: the first committer has won. No value is written
// twice by those who use it, so one that is the same was not written in between.
func (t *tables) conflict(reads []micro) string {
	for _, read := range reads {
		now := t.look(read.Key)
		if now.Found != read.Found || now.Value != read.Value || !slices.Equal(now.Elements, read.Elements) {
			return fmt.Sprintf("another transaction has written %s since", read.Key)
		}
	}
	return ""
}

// readApart is bugs.readSkew: what one request reads is read key by key, and others come between.
func (n *node) readApart(req request, between func()) response {
	if req.Op == opBalances {
		r := n.state.read(req)
		for account := 1; account < len(r.Elements); account++ {
			between()
			r.Elements[account] = n.state.read(req).Elements[account]
		}
		return r
	}
	r := response{Outcome: done}
	for i, step := range req.Txn {
		if i > 0 {
			between()
		}
		one := n.state.read(request{Op: opTxn, Txn: []micro{step}})
		r.Txn, r.Revision = append(r.Txn, one.Txn...), one.Revision
	}
	return r
}

// dirty is the whole of bugs.dirtyRead: the transactions that this node is carrying out as the leader, whose writes its
// reads see already. Whether two of them meet on a key is looked at in the end, when the later one is given up.
type dirty struct {
	mu   sync.Mutex
	open []*openTxn // in the order in which they began
}

type openTxn struct {
	steps  []micro
	doomed bool // it met another that began before
}

// commit shows a transaction's writes, and then commits it or gives it up.
func (d *dirty) commit(ctx context.Context, n *node, req request) response {
	txn := d.begin(req.Txn)
	defer d.end(txn)
	n.linger(ctx)
	if txn.doomed {
		return response{Outcome: notApplied, Unmet: true, Error: "given up: another transaction writes the same key"}
	}
	return n.replicate(ctx, req.command())
}

func (d *dirty) begin(steps []micro) *openTxn {
	d.mu.Lock()
	defer d.mu.Unlock()
	txn := &openTxn{steps: steps}
	for _, other := range d.open {
		txn.doomed = txn.doomed || (!other.doomed && meet(steps, other.steps))
	}
	d.open = append(d.open, txn)
	return txn
}

// meet reports whether two transactions write the same key.
func meet(a, b []micro) bool {
	for _, x := range a {
		for _, y := range b {
			if x.F != stepRead && y.F != stepRead && x.Key == y.Key {
				return true
			}
		}
	}
	return false
}

func (d *dirty) end(txn *openTxn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(other *openTxn) bool { return other == txn })
}

// read answers a transaction that only reads from the state with the open transactions on top.
func (d *dirty) read(s *state, req request) response {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.mu.RLock()
	defer s.mu.RUnlock()
	top := s.data.part(req.Txn)
	for _, txn := range d.open {
		for _, step := range txn.steps {
			applied := step.F == stepAppend && slices.Contains(top.Lists[step.Key], step.Value)
			if step.F != stepRead && !applied {
				top.transact([]micro{step})
			}
		}
	}
	return response{Outcome: done, Txn: top.transact(req.Txn), Revision: s.revision}
}
