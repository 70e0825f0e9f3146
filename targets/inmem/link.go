package inmem

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// heldMax is how many messages a cut link keeps, as a full socket buffer would; it loses what comes after them.
const heldMax = 1024

// link carries messages from one node to another: late, in order, and not at all while it is cut.
type link struct {
	rng      *rand.Rand
	cuts     int
	refusals int
	shaping  harness.Shaping
	queue    []*message    // under way or held, in order
	grounds  int           // how often the queue was grounded: arrivals scheduled before mean nothing
	last     time.Duration // when the last message arrives: none overtakes it
	traffic  harness.Traffic
}

// open reports whether what is sent arrives.
func (l *link) open() bool { return l.cuts == 0 && l.refusals == 0 }

// message is what nodes tell each other. Which fields mean something depends on kind.
type message struct {
	kind     kind
	from, to int
	term     int64
	index    int64   // append: the entry before entries; vote: the last entry; accepted, refused: the last entry in common
	logTerm  int64   // of the entry at index
	entries  []entry // append
	commit   int64   // append
	round    int64   // append and its answers: what confirms reads
	call     *call   // forward, answer
	reply    reply   // answer
}

type kind uint8

const (
	preVote kind = iota // would you vote for me in this term?
	preGranted
	vote
	granted
	appendEntries
	accepted
	refused
	forward // a client's call, to the leader
	answer  // and what became of it
)

// size is about what the message would take on a wire.
func (m *message) size() int64 {
	const header, perEntry = 48, 40
	return header + perEntry*int64(len(m.entries)) + 8*int64(len(m.reply.list))
}

// send puts a message on its link.
func (c *cluster) send(m *message) {
	l := c.links[m.from][m.to]
	switch {
	case l.cuts > 0:
		l.traffic.Held += m.size()
		if len(l.queue) < heldMax {
			l.queue = append(l.queue, m)
		}
	case l.refusals > 0:
		l.traffic.Held += m.size()
		c.tellSender(m, reply{rejected: "connection refused"})
	case l.shaping.Loss > 0 && l.rng.Float64() < l.shaping.Loss:
		l.traffic.Lost += m.size()
	default:
		l.queue = append(l.queue, m)
		c.carry(l)
	}
}

// carry schedules the arrival of one more message of the queue.
func (c *cluster) carry(l *link) {
	late := spread(l.rng, c.options.Latency) + l.shaping.Delay
	if l.shaping.Jitter > 0 {
		late += time.Duration(l.rng.Int64N(2*int64(l.shaping.Jitter))) - l.shaping.Jitter
	}
	l.last = max(c.now+max(late, 1), l.last+1)
	grounds, shaped := l.grounds, l.shaping.Delay > 0 || l.shaping.Jitter > 0
	c.at(l.last, func() {
		if l.grounds != grounds {
			return
		}
		m := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		l.traffic.Passed += m.size()
		if shaped {
			l.traffic.Delayed += m.size()
		}
		c.nodes[m.to].receive(func(n *node) { n.handle(m) })
	})
}

// spread draws from the half to one and a half times of d, at the grain of a nanosecond.
func spread(rng *rand.Rand, d time.Duration) time.Duration {
	return d/2 + time.Duration(rng.Int64N(int64(d)))
}

// Cut holds what is sent on the links, and what is under way on them.
func (c *cluster) Cut(ctx context.Context, links []harness.Link) error {
	return c.onLinks(ctx, "cut", links, func(l *link) {
		if l.cuts++; l.cuts == 1 {
			l.grounds++
			for _, m := range l.queue {
				l.traffic.Held += m.size()
			}
		}
	})
}

// Mend undoes one cut of each link. What a link held sets out again then.
func (c *cluster) Mend(ctx context.Context, links []harness.Link) error {
	var uncut int
	err := c.onLinks(ctx, "mend", links, func(l *link) {
		if l.cuts == 0 {
			uncut++
			return
		}
		l.cuts--
		switch {
		case l.cuts > 0:
		case l.refusals > 0:
			c.breakOff(l)
		default:
			for range l.queue {
				c.carry(l)
			}
		}
	})
	if err == nil && uncut > 0 {
		return fmt.Errorf("mend: %d of the %d links were not cut", uncut, len(links))
	}
	return err
}

// CanShape refuses what the simulated links do not do.
func (c *cluster) CanShape(s harness.Shaping) error {
	if s.Rate > 0 {
		return errors.New("the simulated links carry whole messages, which have no rate")
	}
	return nil
}

// Shape slows links, has them lose messages, and loses what is on them where it resets. The last shaping of a link is
// the one that counts; one that only resets leaves it.
func (c *cluster) Shape(ctx context.Context, links []harness.Link, s harness.Shaping) error {
	if err := c.CanShape(s); err != nil {
		return err
	}
	return c.onLinks(ctx, "shape", links, func(l *link) {
		if s.Delay > 0 || s.Jitter > 0 || s.Loss > 0 || !s.Reset {
			l.shaping = s
		}
		if s.Reset {
			l.grounds++
			l.traffic.Resets++
			l.queue = nil
		}
	})
}

// Unshape makes links as fast and as faithful as they were.
func (c *cluster) Unshape(ctx context.Context, links []harness.Link) error {
	return c.onLinks(ctx, "unshape", links, func(l *link) { l.shaping = harness.Shaping{} })
}

// Traffic counts the bytes of the messages, about as they would be on a wire.
func (c *cluster) Traffic(ctx context.Context) (map[harness.Link]harness.Traffic, error) {
	counted := make(map[harness.Link]harness.Traffic)
	err := c.control(ctx, func() error {
		for from, row := range c.links {
			for to, l := range row {
				if l != nil {
					counted[harness.Link{From: c.nodes[from].name, To: c.nodes[to].name}] = l.traffic
				}
			}
		}
		return nil
	})
	return counted, err
}

// onLinks does something to each link, or to none of them where one does not exist.
func (c *cluster) onLinks(ctx context.Context, what string, links []harness.Link, do func(*link)) error {
	return c.control(ctx, func() error {
		found := make([]*link, len(links))
		for i, name := range links {
			from, to := c.find(name.From), c.find(name.To)
			if from < 0 || to < 0 || from == to {
				return fmt.Errorf("%s: there is no link from %q to %q", what, name.From, name.To)
			}
			found[i] = c.links[from][to]
		}
		for _, l := range found {
			do(l)
		}
		return nil
	})
}
