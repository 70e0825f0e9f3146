// Package inmem is a replicated store that lives in this process: nodes, links, latencies, clocks and crashes are
// simulated. The harness tests itself with it: it starts in microseconds, suffers every fault, has bugs on demand, and
// under testing/synctest sixty seconds of its life pass in about one.
//
// # How it works
//
// A cluster is one goroutine with a heap of timed events (scheduler). Nodes are plain structs that only this goroutine
// touches, so there is no lock. What a node sends crosses a directed link, which delays it by a seeded latency, keeps
// the order, and holds it while the link is cut. Client calls and faults come in as functions that the goroutine runs.
//
// The nodes keep a replicated log in the manner of Raft (Ongaro and Ousterhout, "In Search of an Understandable
// Consensus Algorithm", 2014): terms, elections by seeded timeouts with a pre-vote, majority commit, a leader that
// steps down when it has not heard from a majority, and reads that the leader confirms with a majority before it
// answers (read index). A node that does not lead hands calls on to the leader. Term, vote and log are on a simulated
// disk, which survives a kill. There are no snapshots and no changes of membership: clusters are small and live for
// minutes.
//
// The clean target is linearizable under every fault but one: a node that is wiped forgets its vote and what it has
// acknowledged, and the protocol was not made for that. It has no bandwidth, no full disks, no limits of memory and no
// changes of membership; what it has of the rest is what the protocol notices. A refused link tells the node that hands
// on a call; loss is of whole messages, as if a connection had broken under each; simulated connections do not back
// off. Each [Bug] breaks one rule of it.
//
// # What a seed fixes
//
// Everything. All randomness comes from streams of Env.Seed, one for each link, node and client, and no two answers
// leave a cluster at one instant. In a synctest bubble two runs of one seed have the same history, byte by byte,
// provided that the clients' own waits do not end at one instant either. Outside of a bubble the machine's clock has
// its say, and a seed fixes no more than it does on a real cluster.
package inmem
