package nemesis

import (
	"context"
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// severance is a way to cut links: silently, or so that whoever sends is told.
type severance struct {
	cut, mend func(context.Context, []harness.Link) error
	traffic   func(context.Context) (map[harness.Link]harness.Traffic, error)

	verb, undo string // cut, mend
	kept       string // held: what became of the bytes that did not arrive
}

// inject cuts the links of a plan.
func (s severance) inject(ctx context.Context, cluster harness.Cluster, planned cut) (harness.Injury, error) {
	before, err := s.traffic(ctx)
	if err != nil {
		return harness.Injury{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	if err := s.cut(ctx, planned.links); err != nil {
		return harness.Injury{}, fmt.Errorf("%s %s: %w", s.verb, count(len(planned.links), "link"), err)
	}
	return harness.Injury{
		Nodes:  planned.hurt,
		Sides:  planned.sides,
		Detail: planned.detail,
		Heal: func(ctx context.Context) error {
			if err := s.mend(ctx, planned.links); err != nil {
				return fmt.Errorf("%s %s: %w", s.undo, count(len(planned.links), "link"), err)
			}
			return nil
		},
		Evidence: func(ctx context.Context) (harness.Evidence, error) {
			return s.evidence(ctx, cluster, before, planned)
		},
	}, nil
}

// evidence is what the links held since, and that probes do not come through. The counters are read first: what they
// say is then of the system's own making.
func (s severance) evidence(ctx context.Context, cluster harness.Cluster, before map[harness.Link]harness.Traffic,
	planned cut,
) (harness.Evidence, error) {
	now, err := s.traffic(ctx)
	if err != nil {
		return harness.Evidence{}, fmt.Errorf("read the counters of the links: %w", err)
	}
	return probed(ctx, cluster, planned.links, heldSince(before, now, planned, s.kept)), nil
}

// heldSince is the evidence of a cut: what the links held since, and where there are sides, who sent it.
func heldSince(before, now map[harness.Link]harness.Traffic, c cut, kept string) harness.Evidence {
	sum := func(links []harness.Link) (held int64, on int) {
		for _, l := range links {
			if h := now[l].Held - before[l].Held; h > 0 {
				held, on = held+h, on+1
			}
		}
		return held, on
	}
	held, on := sum(c.links)
	if held == 0 {
		text := fmt.Sprintf("nothing was %s on the %s that were cut", kept, count(len(c.links), "link"))
		return harness.Evidence{Text: text}
	}
	text := fmt.Sprintf("%s %s on %d of %s", size(held), kept, on, count(len(c.links), "link"))
	if len(c.flows) > 1 {
		parts := make([]string, len(c.flows))
		for i, f := range c.flows {
			from, _ := sum(f.links)
			parts[i] = fmt.Sprintf("%s from %s", size(from), f.from)
		}
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return harness.Evidence{TookEffect: true, Text: text}
}
