package harness

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Fault is one way to hurt a cluster, together with its cure.
type Fault interface {
	// Name is what the user types and nemesis.Parse reads back: partition:majority, pause:leader.
	Name() string
	// Supports says in a sentence why this cluster cannot suffer the fault; nil where it can. It is asked before the
	// run.
	Supports(Cluster) error
	// Inject hurts the cluster and returns when the harm is done. Its choices come from rng alone (and from who leads
	// now). It returns [ErrNobody] when there is nobody left to hurt. On any other error it has undone what it began.
	Inject(ctx context.Context, cluster Cluster, rng *rand.Rand) (Injury, error)
}

// Preparer is an optional power of a [Fault]: what it needs of a cluster that is about to start.
type Preparer interface{ Prepare(*Env) }

// Injury is the harm a fault did, and its cure.
type Injury struct {
	Nodes  []string   // who was hurt
	Sides  [][]string // of a partition: the groups that cannot talk to each other; nil where there are no sides
	Detail string     // in a few words: "n1 n2 | n3 n4 n5"
	// Heal undoes the harm. It is called exactly once, also after an interrupt.
	Heal func(ctx context.Context) error
	// Evidence proves the harm. It is asked just before Heal. Where it is nil the strike has no evidence.
	Evidence func(ctx context.Context) (Evidence, error)
	// Aftermath, where it is not nil, is asked just after Heal and its answer is added to that of Evidence: what can
	// only be known then, such as a changed process id.
	Aftermath func(ctx context.Context) (Evidence, error)
}

// Evidence says whether a fault took effect, and by what that is known.
type Evidence struct {
	TookEffect bool
	Text       string // "31.2 kB held on 12 links", "pid 4711 in state T"
}

// Nemesis decides when faults strike. One nemesis is one lane: its strikes follow each other; those of several lanes
// may overlap.
type Nemesis interface {
	// Plan returns the strikes of a load of the given length, in the order of their times. Its choices come from rng
	// alone.
	Plan(rng *rand.Rand, span time.Duration) []Strike
}

// Strike is one planned use of a fault.
type Strike struct {
	At    time.Duration // since the start of the load
	For   time.Duration // from the end of Inject to the beginning of Heal
	Fault Fault
	Seed  uint64 // of the choices the fault makes; 0 means: drawn from the run's seed
}

// ErrNobody is wrapped by [Fault.Inject] when there is nobody left to hurt: every candidate is down already, or no
// leader is known. The strike is then skipped, which is not an error.
var ErrNobody = errors.New("nobody left to hurt")
