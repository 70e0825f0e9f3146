// Package nats is the key-value store of NATS JetStream as a system under test: one bucket, a replica of it on each node
// (on five at most), in three settings.
//
//   - nats-kv: whoever leads the bucket's stream answers reads.
//   - nats-kv/direct-get: the replica that is nearest answers reads. It is what a bucket has where nobody says otherwise.
//   - nats-kv/sync-always: as nats-kv, and each write is on the disk before it is acknowledged, not up to two minutes
//     after.
//
// NATS has no linearizable read. Writes have one order, that of the stream; a leader answers reads without asking
// whether it still leads, and a replica without asking how old it is. So none of the settings claims a level, and what a
// run finds is a measurement and not a violation.
//
// The Spec in target.go says how a node is started; monitor.go asks nodes about themselves, over HTTP. A [Client]
// (client.go) uses nats.go, and makes it do less:
//
//   - It talks to one node. Servers that the node tells of are ignored, and there are no reconnects, so that nothing is
//     sent again: where the connection broke, the next call makes a new one.
//   - Publishing makes one attempt: by itself it makes three where nobody was there to listen.
//   - Reads are the two requests of the JetStream API itself. The key-value handle of the library would ask the leader
//     for the bucket's settings first, over each new connection, which a node that is cut off could not answer.
//
// What a client may conclude from an error (outcome.go): it wraps harness.ErrNotApplied where nothing was sent, and for
// those answers by which the store says that the message did not enter the stream. Each of these is in a table with its
// reason, and one of them is not always true: see refusals.
//
// What the calls are: a register is a key. The store has a guarded put (the key must still have the revision that was
// read) and nothing else that is atomic, so a compare-and-set, an append and the adding of a member read the key and put
// it back under guard. They do so once; where another was faster they return harness.ErrUnmet. What a compare-and-set
// reads is as old as any read of the setting may be, so that a deposed leader's value refuses some that match: that is
// judged like a read, and claimed as little. A set is such a list too: one key for each element would need no guard, but
// the keys of a bucket are listed one by one, not as of one moment. A revision is the number of the message in the stream.
package nats
