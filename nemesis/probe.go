package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// How long a fault waits for probes, and after the heal for connections to carry data again.
const (
	probeLimit  = 5 * time.Second
	resumeLimit = 5 * time.Second
)

// probed adds to the evidence of a cut what probes say, where the cluster has harness.Prober. A probe that came through
// a cut link disproves the cut. Silence on all of them proves it, also where nobody tried to send anything, as long as
// the other links show that probes do arrive.
func probed(ctx context.Context, cluster harness.Cluster, cut []harness.Link, proof harness.Evidence) harness.Evidence {
	prober, ok := cluster.(harness.Prober)
	if !ok {
		return proof
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	arrived, err := prober.Probe(ctx)
	if err != nil {
		proof.Text += fmt.Sprintf("; the probe failed: %v", err)
		return proof
	}
	silent, through, open, others := 0, 0, 0, 0
	for link, came := range arrived {
		switch isCut := slices.Contains(cut, link); {
		case isCut && came:
			through++
		case isCut:
			silent++
		case came:
			open++
		}
	}
	others = len(arrived) - silent - through
	switch {
	case through > 0:
		proof.TookEffect = false
	case silent == len(cut) && open > 0:
		proof.TookEffect = true
	}
	proof.Text += fmt.Sprintf("; probe: %d of %s silent", silent, count(len(cut), "cut link"))
	if others > 0 {
		proof.Text += fmt.Sprintf(", %d of %d others open", open, others)
	}
	return proof
}

// resuming has an injury tell, where the cluster has harness.Prober, how long after the heal TCP connections over the
// links carried data again. That proves and disproves nothing: it is what a recovery owes to TCP.
func resuming(cluster harness.Cluster, links []harness.Link, injury harness.Injury) harness.Injury {
	prober, ok := cluster.(harness.Prober)
	if !ok {
		return injury
	}
	heal, healed := injury.Heal, time.Time{}
	injury.Heal = func(ctx context.Context) error {
		defer func() { healed = time.Now() }()
		return heal(ctx)
	}
	injury.Aftermath = func(ctx context.Context) (harness.Evidence, error) {
		ctx, cancel := context.WithTimeout(ctx, resumeLimit)
		defer cancel()
		last, silent, err := prober.Resumed(ctx, links, healed)
		proof := harness.Evidence{TookEffect: true}
		switch {
		case err != nil:
			proof.Text = fmt.Sprintf("when TCP connections carried data again is not known: %v", err)
		case len(silent) > 0:
			proof.Text = fmt.Sprintf("TCP connections over %d of %s carried nothing for %v after the heal "+
				"(TCP's own back-off, or another cut)", len(silent), count(len(links), "link"), resumeLimit)
		default:
			proof.Text = fmt.Sprintf("TCP connections carried data again %.1f s after the heal (TCP's own back-off)",
				max(last, 0).Seconds())
		}
		return proof, nil
	}
	return injury
}
