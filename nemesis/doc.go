// Package nemesis hurts clusters: it has the faults, says whom they hit, and decides when they strike.
//
// A fault is made of a kind and a choice, and reads at the call site as it is typed on the command line:
//
//	nemesis.Partition(nemesis.Majority)   // partition:majority
//	nemesis.Pause(nemesis.Leader)         // pause:leader
//	nemesis.Kill(nemesis.Only("n3"))      // kill:n3
//
// [Partition] and [Refuse] take a [Shape]; [Swizzle] takes nothing; all others take [Targets]. They hurt
//
//   - links between nodes: [Partition], [Refuse], [Flap], [Swizzle]; [Slow], [Loss], [Throttle], [Reset]
//   - what clients see of nodes: [Clients]
//   - processes: [Pause], [Kill], [Stop], and, of their disks, [Wipe]
//   - what a process needs: [Fill] takes the disk, [Squeeze] the processor and the memory
//   - the membership: [Leave]
//
// A restart of the whole cluster is Kill(AllNodes), or Stop(AllNodes). [All] lists the kinds, and [Parse] reads what a
// fault's Name says.
//
// When they strike is a harness.Nemesis: [Every] so often, in a fair rotation; [Script] at given times; [None] never.
// Each nemesis is a lane, and lanes overlap. [ParsePlan] reads lanes from one line of text, [ReadSchedule] from a file:
// one that was written by hand, or the faults of a recorded run, to strike them again.
//
// What every fault here promises: its choices come from the rng it is given and from who runs and who leads, from
// nothing else. It hurts only nodes that run, so that lanes do not hurt one node twice, and where nobody is left it
// returns harness.ErrNobody. What hits several nodes hits them at one moment. An Inject that fails has undone what it
// began. Heal tries everything, whatever fails on the way, and leaves alone what has changed meanwhile. Its evidence is
// what the cluster itself shows (bytes held, probes that do not arrive, the state of a process, a new process id), so a
// fault that did nothing says so. Partitions and delays are of the links between nodes only: every client keeps its
// node, and so what a cut-off node answers is seen; [Clients] is the fault for the rest.
package nemesis
