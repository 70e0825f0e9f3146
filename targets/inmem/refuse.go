package inmem

import (
	"context"
	"fmt"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Refuse resets the links: what is under way is lost, and what is sent from now on is refused. A node that hands on a
// client's call learns of either, and tells the client.
func (c *cluster) Refuse(ctx context.Context, links []harness.Link) error {
	return c.onLinks(ctx, "refuse", links, func(l *link) {
		if l.refusals++; l.refusals == 1 && l.cuts == 0 {
			c.breakOff(l)
		}
	})
}

// Admit undoes one refusal of each link.
func (c *cluster) Admit(ctx context.Context, links []harness.Link) error {
	var unrefused int
	err := c.onLinks(ctx, "admit", links, func(l *link) {
		if l.refusals == 0 {
			unrefused++
			return
		}
		l.refusals--
	})
	if err == nil && unrefused > 0 {
		return fmt.Errorf("admit: %d of the %d links were not refused", unrefused, len(links))
	}
	return err
}

// breakOff loses what is under way on a link, and tells who sent it.
func (c *cluster) breakOff(l *link) {
	lost := l.queue
	l.queue = nil
	l.grounds++
	l.traffic.Resets++
	for _, m := range lost {
		l.traffic.Held += m.size()
		c.tellSender(m, reply{unknown: "connection reset"})
	}
}

// tellSender has a node answer the client whose call it could not hand on. Of all else that is lost nobody needs to
// know: the protocol sends it again.
func (c *cluster) tellSender(m *message, r reply) {
	if m.kind == forward {
		c.nodes[m.from].receive(func(n *node) { n.finish(m.call, r) })
	}
}

// Probe looks at the links, which takes no time in a simulation.
func (c *cluster) Probe(ctx context.Context) (map[harness.Link]bool, error) {
	arrived := make(map[harness.Link]bool)
	err := c.control(ctx, func() error {
		for from, row := range c.links {
			for to, l := range row {
				if l != nil {
					arrived[harness.Link{From: c.nodes[from].name, To: c.nodes[to].name}] = l.open()
				}
			}
		}
		return nil
	})
	return arrived, err
}

// Resumed waits until the links are whole. Simulated connections do not back off: they carry data again at once.
func (c *cluster) Resumed(ctx context.Context, links []harness.Link, since time.Time,
) (last time.Duration, silent []harness.Link, err error) {
	step := c.options.Latency
	for {
		silent = nil
		arrived, err := c.Probe(context.WithoutCancel(ctx))
		if err != nil {
			return 0, nil, err
		}
		for _, name := range links {
			if !arrived[name] {
				silent = append(silent, name)
			}
		}
		if len(silent) == 0 {
			return max(time.Since(since), 0), nil, nil
		}
		if !harness.Wait(ctx, step) {
			return 0, silent, nil
		}
	}
}
