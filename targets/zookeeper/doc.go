// Package zookeeper is ZooKeeper: every node answers reads from its own state and forwards writes to the leader,
// which has a majority agree.
//
// # Settings
//
//   - zookeeper: plain reads, as most programs use it. Writes are linearizable; a read is as old as the node that
//     answers it is behind. A node that is cut off goes on answering for two seconds here (syncLimit times tickTime),
//     while the others write. What ZooKeeper promises of such reads (sequential consistency, each client's own order)
//     is weaker than what capsize decides, so the claim is none.
//   - zookeeper/sync-read: each read follows a sync on the same connection. That is commonly taken for a linearizable
//     read, and it is none, so the claim is none too. A follower that syncs has all that the leader had committed:
//     the stale reads of followers are gone. But sync is no operation of the quorum (ZOOKEEPER-1675, ZOOKEEPER-3600):
//     the leader answers its own clients' syncs at once and asks nobody. So it reads what it has applied itself,
//     which can be behind what a follower has applied and acknowledged (seen here without any fault: the read began
//     0.7 ms after another node had acknowledged the write), and it goes on for two seconds after it was cut off from
//     everybody. ZooKeeper's documentation promises neither.
//
// # What the calls are
//
//   - A register is a znode: write sets its data, or creates it. A compare-and-set reads it, like a read of the setting,
//     and sets it under the condition that its version is still the one that was read. So it may be told by a node that
//     is behind that the value is another one: that is judged like a read, and claimed as little.
//   - A list is a znode with a JSON array. Append reads it and writes it back under the same condition, in one
//     attempt: where another came between, the condition did not hold, which is an answer.
//   - A set is a znode with one child for each element: adding one is a single create, atomic without a condition,
//     and clients that add at the same time do not refuse each other. The children are read in one request.
//
// A revision is the zxid of the last change that the call wrote or saw; for the creation of a znode the driver tells
// none.
//
// # The client
//
// The driver (go-zookeeper/zk) reconnects by itself, keeps calls in a queue while it is not connected, and knows no
// contexts. Here a driver gets one connection to one node, and no other ([session]). What was under way when that
// breaks is unknown, what the driver never took out of its queue was certainly not sent, and the next call makes a
// new session. A call that outlives its context takes the connection with it, so that nothing of it is sent later.
package zookeeper
