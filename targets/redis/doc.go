// Package redis is Redis under Sentinel: one primary, asynchronous replicas, and on every node a sentinel that takes
// part in choosing the next primary.
//
// # A node
//
// A node is three processes at one address, which are killed, paused and cut off together: the server, a sentinel,
// and a router. The router is what an HAProxy beside each application is in practice, or the sentinel-aware part of a
// client: it forwards connections to whichever node its own sentinel takes for the primary, and drops them when that
// changes ([Route]). Clients are bound to their node's router. So every client can write while all is well, whichever
// node it has, and in a partition each client sees what its own side sees: the cut lies between router and primary
// like between any two nodes. A client of a node without a sentinel that answers has no primary.
//
// Files are appended to (appendonly yes, synced every second), because a kill that loses everything would teach
// nothing. What is lost here is lost to failovers. A restarted node comes back as what its configuration says, a
// primary perhaps, until a sentinel tells it otherwise: that is how Redis works. The sentinels know each other and
// the replicas from the start, as after a restart, instead of learning it within ten seconds.
//
// # Settings
//
//   - redis: a write is acknowledged by the primary alone. A primary that is cut off or frozen goes on acknowledging
//     until it hears of its successor, and then throws away what it alone has.
//   - redis/wait: each write is followed by WAIT 1, and is ok when a replica has it too. Where none has, nobody
//     knows: the primary keeps the write, and shows it to readers. So reads see values that a failover takes back.
//     With five nodes and a replica on the minority's side acknowledged writes are lost too.
//   - redis/min-replicas: a primary that has not heard from a replica for two seconds refuses writes
//     (min-replicas-to-write 1). What it acknowledged until then is lost all the same.
//
// None of them claims anything at a failover: Redis does not either.
//
// # Reads
//
// A replica's answer is old by design, so each read asks for the node's ROLE in the same transaction, and is refused
// when that is no primary. What remains are reads of nodes that take themselves for primary, and are not.
package redis
