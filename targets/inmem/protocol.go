package inmem

import (
	"slices"
	"time"
)

// disk is what a kill leaves.
type disk struct {
	term     int64
	votedFor int // in this term, or nobody
	log      []entry
}

const nobody = -1

type entry struct {
	term int64
	command
}

// batchMax is how many entries one message carries.
const batchMax = 256

// protocol is what a kill takes: a node's part in the replication.
type protocol struct {
	role    role
	leader  int           // of this term, or nobody
	heard   time.Duration // when the leader was last heard
	due     time.Duration // when to act unless something is heard before
	timer   int           // which arming of the timer counts
	state   state
	commit  int64
	applied int64
	votes   []bool // while standing

	// while leading, by node where it is a slice
	next        []int64 // the entry to send
	match       []int64 // the last entry it is known to have
	confirmed   []int64 // the last round it answered
	contact     []time.Duration
	firstOfTerm int64
	round       int64
	writes      map[int64]*call // by index
	reads       []pendingRead
}

type role uint8

const (
	following role = iota
	asking         // for a pre-vote
	standing
	leading
)

// pendingRead waits until a majority has answered the round and the state holds the index.
type pendingRead struct {
	round, index int64
	call         *call
}

func (n *node) last() int64 { return int64(len(n.disk.log)) }

// termAt is the term of the entry at an index; 0 before the first.
func (n *node) termAt(index int64) int64 {
	if index == 0 {
		return 0
	}
	return n.disk.log[index-1].term
}

// patience is how long the node waits for a leader.
func (n *node) patience() time.Duration {
	least := n.cluster.options.Election
	return least + time.Duration(n.rng.Int64N(int64(least)))
}

// arm has the node act after d, unless due was put off by then.
func (n *node) arm(d time.Duration) {
	n.timer++
	timer, starts := n.timer, n.starts
	n.due = n.cluster.now + d
	var fire func(*node)
	fire = func(n *node) {
		switch {
		case n.timer != timer || n.starts != starts:
		case n.cluster.now < n.due:
			n.cluster.at(n.due, func() { n.receive(fire) })
		default:
			n.act()
		}
	}
	n.cluster.at(n.due, func() { n.receive(fire) })
}

// act is what a node does by itself: a leader says that it is there, or steps down when a majority does not answer;
// any other stands for election.
func (n *node) act() {
	if n.role != leading {
		n.leader = nobody
		n.canvass(asking, preVote, n.disk.term+1)
		return
	}
	recent := 1
	for i, at := range n.contact {
		if i != n.id && n.cluster.now-at < 2*n.cluster.options.Election {
			recent++
		}
	}
	if recent < n.cluster.quorum() && n.cluster.options.Bug != LeaderReads {
		n.note("steps down: it hears %d of %d nodes", recent, len(n.cluster.nodes))
		n.follow(n.disk.term, nobody)
		return
	}
	n.broadcast()
	n.arm(spread(n.rng, n.cluster.options.Election/3))
}

// canvass asks the others for their votes, or first whether they would give them: a node that was cut off must not
// depose a leader that the others hear.
func (n *node) canvass(role role, kind kind, term int64) {
	n.role = role
	n.votes = make([]bool, len(n.cluster.nodes))
	n.arm(n.patience())
	for to := range n.cluster.nodes {
		if to != n.id {
			n.cluster.send(&message{
				kind: kind, from: n.id, to: to, term: term, index: n.last(), logTerm: n.termAt(n.last()),
			})
		}
	}
	n.count(n.id)
}

// count counts a vote.
func (n *node) count(voter int) {
	n.votes[voter] = true
	yes := 0
	for _, v := range n.votes {
		if v {
			yes++
		}
	}
	switch {
	case yes < n.cluster.quorum():
	case n.role == asking:
		n.disk.term++
		n.disk.votedFor = n.id
		n.note("stands for election")
		n.canvass(standing, vote, n.disk.term)
	case n.role == standing:
		n.lead()
	}
}

// lead begins a leadership with an entry of its term: when that is committed, all before it are.
func (n *node) lead() {
	size := len(n.cluster.nodes)
	n.role, n.leader, n.firstOfTerm, n.round = leading, n.id, n.last()+1, 0
	n.next, n.match, n.confirmed = make([]int64, size), make([]int64, size), make([]int64, size)
	n.contact = make([]time.Duration, size)
	for i := range size {
		n.next[i], n.contact[i] = n.last()+1, n.cluster.now
	}
	n.writes = make(map[int64]*call)
	n.note("leads")
	n.propose(command{op: nothing}, nil)
	n.arm(spread(n.rng, n.cluster.options.Election/3))
}

// follow ends what the node was doing for a term that is not older than its own.
func (n *node) follow(term int64, leader int) {
	if term > n.disk.term {
		n.disk.term, n.disk.votedFor = term, nobody
	}
	if n.role == leading {
		n.note("leads no longer")
		for _, r := range n.reads {
			n.answer(r.call, reply{rejected: "the leader was deposed"})
		}
		for _, index := range slices.Sorted(keysOf(n.writes)) {
			n.answer(n.writes[index], reply{unknown: "the leader was deposed before the write was committed"})
		}
		n.reads, n.writes = nil, nil
		n.arm(n.patience())
	}
	if leader != nobody && n.leader != leader {
		n.note("follows %s", n.cluster.nodes[leader].name)
	}
	n.role, n.leader = following, leader
}

// handle reacts to a message.
func (n *node) handle(m *message) {
	switch m.kind {
	case forward:
		n.serve(m.call)
		return
	case answer:
		n.finish(m.call, m.reply)
		return
	case preVote, preGranted: // their term is one that has not begun
	default:
		if m.term > n.disk.term {
			n.follow(m.term, nobody)
		}
		if m.term < n.disk.term {
			if m.kind == appendEntries || m.kind == vote {
				n.send(m.from, message{kind: refused})
			}
			return
		}
	}
	switch m.kind {
	case preVote, vote:
		n.judge(m)
	case preGranted:
		if n.role == asking && m.term == n.disk.term+1 {
			n.count(m.from)
		}
	case granted:
		if n.role == standing {
			n.count(m.from)
		}
	case appendEntries:
		n.store(m)
	case accepted, refused:
		if n.role == leading {
			n.learn(m)
		}
	}
}

func (n *node) send(to int, m message) {
	m.from, m.to = n.id, to
	if m.term == 0 {
		m.term = n.disk.term
	}
	n.cluster.send(&m)
}

// judge votes for a candidate whose log is not behind the node's own.
func (n *node) judge(m *message) {
	current := m.logTerm > n.termAt(n.last()) || (m.logTerm == n.termAt(n.last()) && m.index >= n.last())
	if m.kind == preVote {
		content := n.role == leading || n.cluster.now-n.heard < n.cluster.options.Election
		switch {
		case m.term <= n.disk.term: // it must learn the term, or its better log could never win
			n.send(m.from, message{kind: refused})
		case current && !content:
			n.send(m.from, message{kind: preGranted, term: m.term})
		}
		return
	}
	if current && (n.disk.votedFor == nobody || n.disk.votedFor == m.from) {
		n.disk.votedFor = m.from
		n.due = n.cluster.now + n.patience()
		n.send(m.from, message{kind: granted})
	}
}
