package harnesstest

import (
	"context"
	"slices"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// probes holds what probes say against what was cut: these links, and no others.
func (k *targetKit) probes(cut []harness.Link) {
	k.t.Helper()
	prober, ok := k.cluster.(harness.Prober)
	if !ok {
		return
	}
	var arrived map[harness.Link]bool
	if err := k.act(func(ctx context.Context) (err error) { arrived, err = prober.Probe(ctx); return err }); err != nil {
		probeAgrees.broken(k.t, "probe: %v", err)
		return
	}
	for _, from := range k.nodes {
		for _, to := range k.nodes {
			link := harness.Link{From: from.Name(), To: to.Name()}
			if want := !slices.Contains(cut, link); from.Name() != to.Name() && arrived[link] != want {
				probeAgrees.broken(k.t, "%d links are cut; a probe came over %v: %t, want %t", len(cut), link, !want, want)
				return
			}
		}
	}
}

// resumes waits for connections over links that are whole again.
func (k *targetKit) resumes(links []harness.Link) {
	k.t.Helper()
	prober, ok := k.cluster.(harness.Prober)
	if !ok {
		return
	}
	var silent []harness.Link
	err := k.act(func(ctx context.Context) (err error) {
		_, silent, err = prober.Resumed(ctx, links, time.Now())
		return err
	})
	if err != nil || len(silent) > 0 {
		resumedEnds.broken(k.t, "the links are whole, and %d of %d are silent after %s (%v)",
			len(silent), len(links), k.patience, err)
	}
}
