package inmem

import (
	"iter"
	"maps"
	"slices"
)

func keysOf[V any](m map[int64]V) iter.Seq[int64] { return maps.Keys(m) }

// route takes a call from a client of this node: it serves it, or hands it to the leader.
func (n *node) route(c *call) {
	bug := n.cluster.options.Bug
	switch {
	case bug == StaleReads && c.op.isRead():
		r := n.state.look(c.command)
		r.revision = n.applied
		n.finish(c, r)
		return
	case bug == LostAppend && c.op == appendTo:
		old := n.state.lists[c.key]
		c.op, c.list = replaceList, append(old[:len(old):len(old)], c.value)
	}
	switch {
	case n.role == leading:
		n.serve(c)
	case n.leader == nobody:
		n.finish(c, reply{rejected: "no leader"})
	default:
		n.send(n.leader, message{kind: forward, call: c})
	}
}

// answer tells the node whose client asked.
func (n *node) answer(c *call, r reply) {
	if c.origin == n.id {
		n.finish(c, r)
		return
	}
	n.send(c.origin, message{kind: answer, call: c, reply: r})
}

// serve begins a call where a leader is thought to be.
func (n *node) serve(c *call) {
	bug := n.cluster.options.Bug
	switch {
	case n.role != leading:
		n.answer(c, reply{rejected: "not the leader"})
	case c.op.isRead() && bug == LeaderReads:
		r := n.state.look(c.command)
		r.revision = n.applied
		n.answer(c, r)
	case c.op.isRead():
		n.round++
		n.reads = append(n.reads, pendingRead{n.round, max(n.commit, n.firstOfTerm), c})
		n.broadcast()
		n.answerReads()
	case c.op == compareAndSet && bug == TornCAS:
		if refusal := n.state.mismatch(c.command); refusal != "" {
			n.answer(c, reply{rejected: refusal, unmet: true})
			return
		}
		n.propose(command{op: write, key: c.key, value: c.value}, c)
	default:
		n.propose(c.command, c)
	}
}

// propose puts a command into the leader's log and sends it out. c is who waits for it; nil where nobody does.
func (n *node) propose(cmd command, c *call) {
	n.disk.log = append(n.disk.log, entry{n.disk.term, cmd})
	index := n.last()
	switch bug := n.cluster.options.Bug; {
	case c == nil:
	case bug == EarlyAck && cmd.op.isBlind():
		n.answer(c, reply{revision: index})
	default:
		n.writes[index] = c
		if bug == DoubleApply && n.rng.IntN(16) == 0 {
			n.repeat(cmd)
		}
	}
	n.broadcast()
	n.advance()
}

// repeat proposes a command again a little later: a retry that nobody noticed had succeeded.
func (n *node) repeat(cmd command) {
	term, starts := n.disk.term, n.starts
	n.cluster.after(spread(n.rng, 20*n.cluster.options.Latency), func() {
		n.receive(func(n *node) {
			if n.role == leading && n.disk.term == term && n.starts == starts {
				n.propose(cmd, nil)
			}
		})
	})
}

// broadcast sends each follower what it has not been sent, or that the leader is there.
func (n *node) broadcast() {
	for to := range n.cluster.nodes {
		if to != n.id {
			n.replicate(to)
		}
	}
}

func (n *node) replicate(to int) {
	prev := n.next[to] - 1
	end := min(n.last(), prev+batchMax)
	n.next[to] = end + 1
	n.send(to, message{
		kind: appendEntries, index: prev, logTerm: n.termAt(prev), entries: n.disk.log[prev:end:end],
		commit: n.commit, round: n.round,
	})
}

// store takes the leader's entries into the log, if it has what comes before them.
func (n *node) store(m *message) {
	if n.role != following || n.leader != m.from {
		n.follow(m.term, m.from)
	}
	n.heard = n.cluster.now
	n.due = n.cluster.now + n.patience()
	if m.index > n.last() || n.termAt(m.index) != m.logTerm {
		n.send(m.from, message{kind: refused, index: min(n.last(), m.index-1), round: m.round})
		return
	}
	for i, e := range m.entries {
		at := m.index + int64(i) + 1
		if at <= n.last() && n.termAt(at) == e.term {
			continue
		}
		if at <= n.last() {
			n.cutLog(at - 1)
		}
		n.disk.log = append(n.disk.log, m.entries[i:]...)
		break
	}
	have := m.index + int64(len(m.entries))
	if commit := min(m.commit, have); commit > n.commit {
		n.commit = commit
		n.apply()
	}
	n.send(m.from, message{kind: accepted, index: have, round: m.round})
}

// cutLog drops the entries after an index, which another leader has overruled. Entries on their way in messages stay
// as they are, so what follows goes to another array. Where a bug let entries be applied that were not safe, the state
// is made anew.
func (n *node) cutLog(last int64) {
	n.disk.log = slices.Clone(n.disk.log[:last])
	if n.applied > last {
		n.note("drops %d entries that it had applied", n.applied-last)
		n.applied, n.state = 0, newState()
	}
	n.commit = min(n.commit, last)
}

// learn takes a follower's answer to an append.
func (n *node) learn(m *message) {
	n.contact[m.from] = n.cluster.now
	n.confirmed[m.from] = max(n.confirmed[m.from], m.round)
	have := min(max(m.index, 0), n.last()) // where a bug lets two lead in one term, the answer may be to the other
	if m.kind == refused {
		n.next[m.from] = have + 1
		n.replicate(m.from)
	} else {
		n.match[m.from] = max(n.match[m.from], have)
		n.next[m.from] = max(n.next[m.from], have+1)
		if n.next[m.from] <= n.last() {
			n.replicate(m.from)
		}
		n.advance()
	}
	n.answerReads()
}

// advance commits what a majority has. Entries of earlier terms are committed by one of this term only (section 5.4.2
// of the paper).
func (n *node) advance() {
	n.match[n.id] = n.last()
	index := n.reached(n.match)
	if index > n.commit && n.termAt(index) == n.disk.term {
		n.commit = index
		n.apply()
	}
}

// reached is the greatest number that a majority has reached.
func (n *node) reached(numbers []int64) int64 {
	var most int64
	for _, candidate := range numbers {
		count := 0
		for _, number := range numbers {
			if number >= candidate {
				count++
			}
		}
		if count >= n.cluster.quorum() {
			most = max(most, candidate)
		}
	}
	return most
}

// apply brings the state up to the commit index, and answers the writes that are done.
func (n *node) apply() {
	for n.applied < n.commit {
		n.applied++
		r := n.state.apply(n.disk.log[n.applied-1].command)
		if c := n.writes[n.applied]; c != nil {
			delete(n.writes, n.applied)
			r.revision = n.applied
			n.answer(c, r)
		}
	}
}

// answerReads answers the reads that a majority has confirmed.
func (n *node) answerReads() {
	n.confirmed[n.id] = n.round
	round := n.reached(n.confirmed)
	for len(n.reads) > 0 && n.reads[0].round <= round && n.reads[0].index <= n.applied {
		r := n.state.look(n.reads[0].call.command)
		r.revision = n.applied
		n.answer(n.reads[0].call, r)
		n.reads = n.reads[1:]
	}
}
