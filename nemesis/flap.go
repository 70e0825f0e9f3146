package nemesis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// FlapPeriod is the time from one cut to the next of [Flap] where none is given.
const FlapPeriod = 500 * time.Millisecond

// The bounds of a period. What takes longer than the lower one to apply would never be whole.
const (
	leastPeriod = 20 * time.Millisecond
	mostPeriod  = time.Minute
)

// flapLimit is how long one cut or one mending may take.
const flapLimit = 5 * time.Second

// Flap cuts all links between the nodes and the others and mends them again, over and over until the heal: about once
// each period, half of which they are cut, give or take 30 percent. 0 means [FlapPeriod], and it is at least 20 ms and
// at most a minute. It needs harness.Network; the evidence is how often they were cut, and the bytes held. Of a cluster
// with harness.Prober it tells after the heal what [Partition] does.
func Flap(targets Targets, period time.Duration) harness.Fault {
	if period <= 0 {
		period = FlapPeriod
	}
	return flap{targets, min(max(period, leastPeriod), mostPeriod)}
}

type flap struct {
	targets Targets
	period  time.Duration
}

func (f flap) Name() string {
	name := "flap:" + string(f.targets)
	if f.period != FlapPeriod {
		name += ":" + f.period.String()
	}
	return name
}

func (f flap) Supports(cluster harness.Cluster) error {
	if err := needCluster[harness.Network](f.Name(), "harness.Network", cluster); err != nil {
		return err
	}
	if err := needSize(f.Name(), 2, cluster); err != nil {
		return err
	}
	return f.targets.supports(f.Name(), cluster)
}

func (f flap) Inject(ctx context.Context, cluster harness.Cluster, rng *rand.Rand) (harness.Injury, error) {
	network, ok := cluster.(harness.Network)
	if !ok {
		return harness.Injury{}, f.Supports(cluster)
	}
	all := nodeNames(cluster)
	victims, err := chosenNames(ctx, f.targets, cluster, rng, len(all))
	if err != nil {
		return harness.Injury{}, err
	}
	links := around(all, victims)
	before, err := network.Traffic(ctx)
	if err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	going, err := startFlapping(ctx, network, links, f.period, rng)
	if err != nil {
		return harness.Injury{}, err
	}
	return resuming(cluster, links, harness.Injury{
		Nodes:  victims,
		Detail: fmt.Sprintf("the links of %s flap every %v", strings.Join(victims, " "), f.period),
		Heal:   going.heal,
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			now, err := network.Traffic(ctx)
			proof := heldSince(before, now, cut{links: links}, "held")
			proof.Text = fmt.Sprintf("cut %s; %s", count(int(going.cuts.Load()), "time"), proof.Text)
			return proof, err
		},
	}), nil
}

// flapping is links that are being cut and mended.
type flapping struct {
	network harness.Network
	links   []harness.Link
	half    time.Duration
	rng     *rand.Rand
	cuts    atomic.Int64 // so far
	end     context.CancelFunc

	done   chan struct{} // closed when the goroutine has ended; what follows is its own until then
	severs bool          // the links are cut now
	failed error
}

// startFlapping makes the first cut, and leaves the rest to a goroutine that heal ends.
func startFlapping(ctx context.Context, network harness.Network, links []harness.Link, period time.Duration,
	rng *rand.Rand,
) (*flapping, error) {
	f := &flapping{
		network: network, links: links, half: period / 2, done: make(chan struct{}),
		rng: rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())), // the caller's ends with Inject
	}
	if err := f.turn(ctx); err != nil {
		return nil, err
	}
	going, end := context.WithCancel(context.WithoutCancel(ctx))
	f.end = end
	go f.run(going)
	return f, nil
}

// run goes on until ctx ends or something fails.
func (f *flapping) run(ctx context.Context) {
	defer close(f.done)
	for f.failed == nil && harness.Wait(ctx, jittered(f.rng, f.half)) {
		// not under ctx: of an act that is broken off nobody knows how far it came
		acting, cancel := context.WithTimeout(context.WithoutCancel(ctx), flapLimit)
		f.failed = f.turn(acting)
		cancel()
	}
}

// turn cuts links that are whole, and mends those that are cut.
func (f *flapping) turn(ctx context.Context) error {
	if f.severs {
		return f.mend(ctx)
	}
	if err := f.network.Cut(ctx, f.links); err != nil {
		return fmt.Errorf("cut %s: %w", count(len(f.links), "link"), err)
	}
	f.severs = true
	f.cuts.Add(1)
	return nil
}

func (f *flapping) mend(ctx context.Context) error {
	if err := f.network.Mend(ctx, f.links); err != nil {
		return fmt.Errorf("mend %s: %w", count(len(f.links), "link"), err)
	}
	f.severs = false
	return nil
}

// heal ends the goroutine and leaves the links whole. What failed meanwhile is its error too.
func (f *flapping) heal(ctx context.Context) error {
	f.end()
	select {
	case <-f.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for the links to stop flapping: %w", ctx.Err())
	}
	if f.severs {
		return errors.Join(f.failed, f.mend(ctx))
	}
	return f.failed
}

// parseFlap reads TARGETS or TARGETS:PERIOD.
func parseFlap(arg string) (harness.Fault, error) {
	targets, howLong, err := targetsAnd(arg)
	if err != nil || howLong == "" {
		return Flap(targets, 0), err
	}
	period, err := time.ParseDuration(howLong)
	if err != nil || period < leastPeriod || period > mostPeriod {
		return nil, fmt.Errorf("%q is no period: write one from 20ms to 1m, as in 300ms", howLong)
	}
	return Flap(targets, period), nil
}
