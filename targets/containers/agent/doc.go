// Package agent hurts the network of one node, on command. It is the only part of capsize that runs inside a container:
// the static binary in the sandbox of a pod, an empty read-only image with CAP_NET_ADMIN and no other capability. The
// containers of the datastore share the sandbox's network namespace, so nothing is needed in their images.
//
// [Serve] is the agent, and runs on Linux only. [Client] commands it, from anywhere, over a port that is published on
// 127.0.0.1. A command is an HTTP request with a JSON body and the secret of [TokenVariable]; without the secret
// nothing is done, because the other nodes can reach the port too. The agent is told once who the peers are ([Config]),
// and then each time everything that is to be wrong ([State]): what is not named is whole, so Apply(State{}) mends all.
//
// A directed link is hurt where it arrives: on the agent of the node it leads to, in the prerouting hook, before
// connection tracking. What comes over the loopback is never touched. The rules are one nftables table, "inet capsize".
// A change replaces its rules in one transaction; its counters, and the hooks that packets wait in, stay. No other
// table is looked at: Docker keeps the rules of its DNS in the same namespace.
//
//   - Drop, Refuse, loss and the cut of clients are rules of that table.
//   - Delay, jitter and rate are done here, in user space: a rule queues the packets (NFQUEUE), and the agent lets each
//     go when it is due, in order. There is one such path and not a second one with tc and netem, because netem is
//     missing from some kernels, it shapes what leaves an interface and not what arrives from a peer, and then the same
//     plan would mean different things on different machines. The price is a copy of each packet's header to this
//     process and a verdict back; links that are not shaped do not pay it. A lane holds at most 4096 packets, or what
//     its rate takes a second for (128 kB at least); what comes on top is lost, and counted so. Should the agent die,
//     packets pass.
//   - Reset destroys sockets through inet_diag, at this end; the kernel tells the other.
//
// Counts are bytes of IP packets, headers included. They start at zero with the agent and never go back. The agents'
// own packets suffer as all others do, but are not counted, so that what was held is evidence about the datastore. Their
// port, 7071, carries probes (datagrams that show whether a link lets something through) and beats (a byte every 50 ms
// on a TCP connection to each peer, which shows when TCP resumes after a cut). These have no secret and do nothing but
// set a mark that [Client.Probed] and [Client.Beats] read. A datastore in the same namespace cannot use ports 7070 and
// 7071.
//
// [Client.Features] says what works in this kernel. Each was tried on the loopback when the agent started: once without
// the rule, to see the packet arrive, and once with it.
package agent
