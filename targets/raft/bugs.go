package raft

import "fmt"

// bugs are the planted mistakes, each a switch that one place of the service asks. At most one is on, and none in the
// clean target.
type bugs struct {
	// localReads: every node answers reads from its own state, however old that is. Asked in node.serve.
	localReads bool
	// leaderReads: a node that has led answers reads from its own state until it hears of another leader, and never
	// asks whether it was deposed. Asked in node.serve.
	leaderReads bool
	// longLease: a leader answers reads from its own state for five seconds after a majority last confirmed it, which
	// is longer than an election takes. Asked in confirmer.confirm.
	longLease bool
	// earlyAck: a write is acknowledged when the leader has put it into its own log, before a majority has. Asked in
	// node.commit.
	earlyAck bool
	// forgetful: a node starts with an empty disk: log, vote and term are gone with the process. Asked in openStores.
	forgetful bool
	// doubleApply: a node that waits too long for the outcome of a write submits it again, and nothing knows it for
	// the same. Asked in node.serve.
	doubleApply bool
	// splitBrain: nodes that find no leader for a second elect one among those they reach, however few, and it
	// acknowledges writes; what it did is thrown away when they hear of a real leader. Asked in node.serve.
	splitBrain bool
	// tornCAS: the leader compares first and sets afterwards, as two steps. Asked in node.prepare.
	tornCAS bool
	// staleCAS: whichever node is asked to compare and set compares with its own state first, however old, and refuses
	// at once what does not match there. Asked in node.serve.
	staleCAS bool
	// lostAppend: the leader reads the list, appends to its copy and writes the whole list back. Asked in
	// node.prepare.
	lostAppend bool
	// lostUpdate: the leader computes what a transaction or a transfer leaves from the state as it is, and stores that
	// as a second step. Asked in node.change.
	lostUpdate bool
	// readSkew: the leader answers reads of several keys one key after the other. Asked in node.lead.
	readSkew bool
	// writeSkew: the reads of a transaction are of an earlier moment than its writes, and only a key that was written
	// in between makes it fail: snapshot isolation. Asked in node.change and node.compute.
	writeSkew bool
	// dirtyRead: transactions that only read see the writes of those under way, some of which are given up. Asked in
	// node.lead and node.change.
	dirtyRead bool
}

// parseBug turns a bug's name, as in the catalogue, into its switch. "" is none.
func parseBug(name string) (bugs, error) {
	var b bugs
	switches := map[string]*bool{
		"local-reads": &b.localReads, "leader-reads": &b.leaderReads, "lease": &b.longLease, "early-ack": &b.earlyAck,
		"forgetful": &b.forgetful, "double-apply": &b.doubleApply, "split-brain": &b.splitBrain,
		"torn-cas": &b.tornCAS, "stale-cas": &b.staleCAS, "lost-append": &b.lostAppend, "lost-update": &b.lostUpdate,
		"read-skew": &b.readSkew, "write-skew": &b.writeSkew, "dirty-read": &b.dirtyRead,
	}
	if name == "" {
		return b, nil
	}
	on, known := switches[name]
	if !known {
		return b, fmt.Errorf("there is no planted bug %q", name)
	}
	*on = true
	return b, nil
}
