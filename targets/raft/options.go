package raft

import (
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/capsize-dev/capsize/targets/local"
)

// Reads is where a read is answered from.
type Reads string

// The settings of reads.
const (
	// Consensus reads are linearizable: the leader answers, after a majority has confirmed that it still leads.
	Consensus Reads = "consensus"
	// LeaderReads are answered from the leader's own state while it believes that it leads.
	LeaderReads Reads = "leader"
	// LocalReads are answered by whichever node is asked, from its own state.
	LocalReads Reads = "local"
)

// options are the flags of a node.
type options struct {
	local.Membership
	reads Reads
	bugs  bugs
	join  bool // it waits to be included by members that run already
}

func parseOptions(args []string) (options, error) {
	o := options{reads: Consensus}
	flags := flag.NewFlagSet("raft", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	o.Flags(flags)
	flags.Func("reads", "where reads are answered from: consensus, leader or local", func(text string) error {
		switch o.reads = Reads(text); o.reads {
		case Consensus, LeaderReads, LocalReads:
			return nil
		default:
			return fmt.Errorf("there are no %q reads (one of: consensus, leader, local)", text)
		}
	})
	flags.Func("bug", "planted bug", func(text string) (err error) {
		o.bugs, err = parseBug(text)
		return err
	})
	flags.BoolVar(&o.join, "join", false, "begin as no member, and wait to be included by those that run")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, o.Validate()
}

// The timing. An election starts when a follower has not heard of the leader for one to two heartbeatTimeouts, so a
// lost leader is replaced in one to two seconds, and five nodes that share two busy cores do not depose each other.
const (
	heartbeatTimeout = 800 * time.Millisecond
	electionTimeout  = 800 * time.Millisecond
	leaseTimeout     = 600 * time.Millisecond // without a majority for so long, a leader steps down
	commitTimeout    = 25 * time.Millisecond  // after which followers learn what was committed where nothing more is sent
	rpcTimeout       = 2 * time.Second
)

// The log is cut often enough that a run of half a minute sees snapshots taken, and sees them sent to a node that
// missed more than the entries that are kept.
const (
	snapshotInterval  = 3 * time.Second
	snapshotThreshold = 2000
	trailingLogs      = 1000
	snapshotsKept     = 2
	logCacheEntries   = 1024
)

// The patience of a node with a call.
const (
	defaultTTL   = 10 * time.Second       // of a request that does not say how long its caller waits
	leaderWait   = 200 * time.Millisecond // for a leader to become known
	confirmLimit = time.Second            // of one round of asking a majority
	slowAnswer   = 5 * time.Millisecond   // of a peer in such a round: then more are asked
	failedAnswer = 20 * time.Millisecond  // before a peer that did not answer is asked again
	islandAfter  = time.Second            // see bugs.splitBrain
	leaseTooLong = 5 * time.Second        // see bugs.longLease
	resubmit     = 20 * time.Millisecond  // see bugs.doubleApply
)
