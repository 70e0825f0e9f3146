// Package etcd is etcd as a system under test, with linearizable reads (its default) and with serializable ones, which
// the node that was asked answers from what it has.
//
// The Spec in target.go says how a node is started, when it is ready and who leads; membership.go takes nodes out and
// puts them in again. A [Client] (client.go) is etcd's own Go client, made to do less:
//
//   - It talks to one node: its balancer has one endpoint, and its dialer goes there whatever the endpoint is called.
//   - It makes one attempt. The interceptor of the client that repeats reads (and writes, while there is no connection)
//     is replaced, gRPC's own repetitions are off, and a call does not wait for a connection to come up again. What is
//     left is what gRPC cannot be told to leave: a request that the server said it had not looked at (a refused stream,
//     or one after the last that it announced) may be sent once more.
//   - Calls go without WithRequireLeader, as they do where nobody asked for it: a node that has lost its leader keeps
//     a write until its client gives up.
//
// What a client may conclude from an error (outcome.go): it wraps harness.ErrNotApplied where no byte of the request
// was sent, and for those answers of the server which it gives before the request enters its log. Each of these is in a
// table with its reason. Everything else means that nobody knows.
//
// What the calls are: a register is a key; a compare-and-set is one transaction. A set is a prefix with one key for
// each element, read in one range, so that adds never meet. A list is one key: etcd cannot append, so Append reads the
// list and writes it back with a transaction that demands that nobody wrote between. It does so once; where another was
// faster it returns harness.ErrUnmet. A revision is the revision of the store at which the call was served.
package etcd
