// Package containers is the container runtime: it runs clusters of real datastores with Docker, and hurts them with
// nothing but what the engine and the kernel offer.
//
// A target is a [Spec]: data (an image, a command for each node, ports, a folder) and a few functions (is it ready, who
// leads, dial). [Target] makes it an entry of the catalogue; package targets/etcd is an example to copy. [Start] does
// the rest:
//
//   - A node is a pod: a sandbox, and the containers of the node's processes, which join the sandbox's network namespace
//     and so have its address, its name and its published ports. They can be killed, started again, frozen and made anew
//     without losing any of these (pod.go, node.go).
//   - The sandbox's image holds this very program and nothing else. As its agent (package agent) it hurts what arrives at
//     the node: drops it, rejects it, loses some, delays it, cuts clients off (network.go). It has the privilege
//     NET_ADMIN over its own network namespace, a read-only file system, and no other privilege; whoever commands it
//     needs a secret that only this harness and the engine know.
//   - A node's data is on a volume. [Node.Wipe] empties it; a cluster that was started with a limit of its disk has
//     volumes in memory that can be filled (Env.DiskLimit).
//   - The harness talks to 127.0.0.1 alone, where the clients' ports and the agents' are published, and the nodes to one
//     another on a network of their cluster. Nothing else is contacted but the registry, for a pull.
//   - Images are found, pulled or built by package images; the engine is found by package engine.
//
// Nothing is left behind. Everything carries the labels of its cluster. Stop removes it, whatever its state. When the
// harness is killed or crashes, its warden, a process of its own, does (clean.go); where even that was killed, capsize
// clean does. Nobody removes what belongs to a harness that runs.
//
// What is like a real outage: names and addresses stay, connections are not told of a cut, and what was sent into one is
// sent again by TCP when its timers say so. That back-off would add up to the length of the outage to every recovery; the
// kernel is asked to limit it to a second where it can (Linux 6.15), and [Cluster.Resumed] measures what is left of it,
// so that a report can tell it from the datastore's own recovery.
//
// What is not: a frozen node that is killed is resumed for some milliseconds first, because the engine kills no frozen
// container; and a published port accepts connections while its node is down, which [Node.DialPort] makes up for.
package containers
