// Package raft is the system under test that needs no installation: a key-value service on hashicorp/raft, its log
// and votes on disk (raft-boltdb, synced), one process per node. It also ships with planted bugs, each of which a
// named workload and fault catch.
//
// What happens to a call:
//
//   - A [Client] sends it once, on one connection, to one node (wire.go, session.go).
//   - A node that does not lead sends it on to the leader it knows, once, over its own link to that node, so that a
//     cut between nodes matters; where no leader is known it waits a moment (node.go).
//   - The leader puts a write into the replicated log, in groups (propose.go), and answers when its state ([state])
//     has applied it. It answers a read from its state when a majority has confirmed that no later leader was elected
//     before the read came (confirm.go).
//   - A transaction (txn.go) is one entry of the log, and so is a transfer between accounts; one that only reads is a
//     read.
//   - Every answer carries the index of the log it was served at.
//
// What a client may conclude from an error: it wraps harness.ErrNotApplied when the call was refused, or when it was
// not sent as a whole. Everything else (no answer in time, a connection that broke, a leader that lost its office)
// means that nobody knows. [classify] and session.send say why for each case, and one that they do not name is
// unknown.
//
// [Targets] is the catalogue: the clean service, its weaker reads, which claim nothing, and the planted bugs, which
// claim what the clean service claims and break it. Each bug is a switch in bugs.go that one place of the same code
// asks.
//
// [Serve] runs a node. It takes all it needs from its flags, so a node runs as well in a container (containers.go). There
// its membership can be changed, a node at a time, while it runs.
//
// What it does not do: authenticate anyone, or know a call that was made twice.
package raft
