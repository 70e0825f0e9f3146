// Package local is the process runtime: it runs a cluster on this machine alone, without root, Docker or any software
// but the running binary itself.
//
// Each node is a child process of the same binary. [Main], called first thing in main or TestMain, turns such a child
// into a [Service] and returns at once everywhere else. [Start] makes a [Cluster] of [Node]s from a [Spec]:
//
//   - A node is killed with SIGKILL and started again on the data it left, and frozen with SIGSTOP where the system
//     has it. Its data lives in a temporary folder that survives a kill and is removed by Stop.
//   - Every directed link between two nodes runs through a proxy in this process. A node is told, for each peer, an
//     address of its own to reach that peer at, so the proxy knows who dialled whom. A link {From, To} carries all
//     bytes that travel from From to To, whoever opened the connection: cutting it holds the requests on connections
//     From dialled and the replies on those To dialled. Held bytes are not lost: mending delivers them, as a network
//     that lost and resent packets would. New connections are accepted and stay silent, because the proxy has nothing
//     better with which to imitate a handshake that gets no answer; when the dialler gives up first, nothing is ever
//     delivered.
//   - Clients talk to a node directly, so a cut between nodes leaves every client its node.
//
// Nothing is left behind, however this process ends. On Linux the kernel kills the children with their parent, also
// stopped ones. Everywhere a second child, the warden, holds a pipe to this process and, when it breaks, kills what
// is left and removes the data; and a node that reads the end of its own pipe exits by itself.
//
// Each start of a node listens at a port of the kernel's choice and reports it, so two clusters cannot collide; every
// connection names the cluster it means, see [Membership].
package local
