// Package harness turns a cluster over on purpose and reports how it behaved.
//
// # The nouns
//
// A [Target] is a recipe for starting a system; a [Cluster] is one running instance of it, made of [Node]s. A [Client]
// is one connection to one node. What a node or a cluster can do beyond serving is an optional power: [Killer],
// [Pauser], [Network], [Shaper], [Leaders], [Settler], [Vitals], [Logs]. A missing power is a sentence before the run,
// never a panic.
//
// A [Workload] is a [Generator] of calls, an [Invoker] that makes them, and a [Checker] that knows what would be
// correct. A [Fault] is one way to hurt a cluster, and returns its own cure; a [Nemesis] decides when faults strike.
//
// # The flow
//
// [Run] takes a [Test], a plain struct, and goes one way:
//
//	workload -> generator -> client -> history -> checker -> results
//	                           ^
//	       target -> cluster <-+- fault <- nemesis
//
// Workers make calls and write two lines for each into history.jsonl: what was asked and what came back. Faults write
// what was planned and what was seen of it into faults.jsonl. Then everything is healed, the cluster settles, keys are
// read once more, the cluster stops, and the files are read back: [Judge] sees only what is on disk, so judging a
// folder again ([Open], Judge) can never disagree with the run that made it.
//
// # What is promised
//
//   - An error means that the harness failed; a [Verdict] means that the system did. They never share a channel.
//   - The zero value is the safe answer. A verdict nobody filled in is [Unknown]; an error nobody classified is
//     indeterminate; a run that did not do what it must have done (see coverage.go) is Unknown, however clean its
//     history.
//   - A client error that wraps [ErrNotApplied] certainly had no effect; after any other error nobody knows.
//   - Every call has a deadline; one that ignores it is abandoned and counted as hung.
//   - Every fault must prove that it took effect, and heals whatever happens.
//   - The seed fixes the calls (the n-th call of a run is the same for the same seed) and the schedule. On a simulated
//     cluster under testing/synctest that fixes the whole history; on a real one it fixes no more than that.
//
// # The rooms
//
// history is the record and its codecs; gen small generators; store the run folder; report what people look at;
// harnesstest runs tests from `go test`. Faults live in nemesis, workloads and checkers in their own rooms, systems in
// targets: this package imports none of them.
package harness
