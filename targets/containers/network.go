package containers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/agent"
)

// network is what the cluster's links are to suffer. Each link is hurt where it arrives: by the agent of the node it
// leads to. A change is applied to all agents it concerns at once, and taken back everywhere where one of them fails.
type network struct {
	members map[string]*Node
	mu      sync.Mutex // guards the rest, and is held until the agents have answered
	wish    wish
}

// wish is what is to be: how often each link is cut and refused, how it is shaped, how often a node's clients are cut.
type wish struct {
	cuts, refusals map[harness.Link]int
	shapes         map[harness.Link]harness.Shaping
	clients        map[string]int
}

func newNetwork(nodes []*Node) *network {
	w := &network{members: map[string]*Node{}, wish: wish{
		cuts: map[harness.Link]int{}, refusals: map[harness.Link]int{},
		shapes: map[harness.Link]harness.Shaping{}, clients: map[string]int{},
	}}
	for _, n := range nodes {
		w.members[n.name] = n
	}
	return w
}

func (w wish) clone() wish {
	return wish{maps.Clone(w.cuts), maps.Clone(w.refusals), maps.Clone(w.shapes), maps.Clone(w.clients)}
}

// of is what the agent of a node is to do.
func (w wish) of(node string) agent.State {
	state := agent.State{Shape: map[string]harness.Shaping{}, ClientsCut: w.clients[node] > 0}
	for l, n := range w.cuts {
		if l.To == node && n > 0 {
			state.Drop = append(state.Drop, l.From)
		}
	}
	for l, n := range w.refusals {
		if l.To == node && n > 0 {
			state.Refuse = append(state.Refuse, l.From)
		}
	}
	for l, s := range w.shapes {
		if l.To == node {
			state.Shape[l.From] = s
		}
	}
	slices.Sort(state.Drop)
	slices.Sort(state.Refuse)
	return state
}

// undoLimit is how long taking back a change that failed may take.
const undoLimit = 5 * time.Second

// change makes a wish come true on the agents of the nodes it touches.
func (w *network) change(ctx context.Context, touched []string, change func(*wish)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.wish, w.wish.clone()
	change(&after)
	if err := w.apply(ctx, touched, after); err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
		defer cancel()
		return errors.Join(err, w.apply(undo, touched, before))
	}
	w.wish = after
	return nil
}

func (w *network) apply(ctx context.Context, touched []string, to wish) error {
	return together(touched, func(node string) error {
		if err := w.members[node].agent.Apply(ctx, to.of(node)); err != nil {
			return fmt.Errorf("tell the agent of %s: %w", node, err)
		}
		return nil
	})
}

// receivers are the nodes at the ends of the links.
func (w *network) receivers(links []harness.Link) ([]string, error) {
	var nodes []string
	for _, l := range links {
		if w.members[l.From] == nil || w.members[l.To] == nil || l.From == l.To {
			return nil, fmt.Errorf("there is no link from %q to %q", l.From, l.To)
		}
		if !slices.Contains(nodes, l.To) {
			nodes = append(nodes, l.To)
		}
	}
	return nodes, nil
}

// add counts links up or down, never below zero.
func add(counts func(*wish) map[harness.Link]int, links []harness.Link, by int) func(*wish) {
	return func(w *wish) {
		for _, l := range links {
			counts(w)[l] = max(counts(w)[l]+by, 0)
		}
	}
}

func cutsOf(w *wish) map[harness.Link]int     { return w.cuts }
func refusalsOf(w *wish) map[harness.Link]int { return w.refusals }

func (c *Cluster) changeLinks(ctx context.Context, links []harness.Link, change func(*wish)) error {
	nodes, err := c.network.receivers(links)
	if err != nil {
		return err
	}
	return c.network.change(ctx, nodes, change)
}

// Cut drops what travels on the links, until they are mended as often as they were cut.
func (c *Cluster) Cut(ctx context.Context, links []harness.Link) error {
	return c.changeLinks(ctx, links, add(cutsOf, links, 1))
}

// Mend undoes one cut of each link.
func (c *Cluster) Mend(ctx context.Context, links []harness.Link) error {
	return c.changeLinks(ctx, links, add(cutsOf, links, -1))
}

// Refuse rejects what travels on the links, until they are admitted as often as they were refused.
func (c *Cluster) Refuse(ctx context.Context, links []harness.Link) error {
	return c.changeLinks(ctx, links, add(refusalsOf, links, 1))
}

// Admit undoes one refusal of each link.
func (c *Cluster) Admit(ctx context.Context, links []harness.Link) error {
	return c.changeLinks(ctx, links, add(refusalsOf, links, -1))
}

// CanShape refuses what the kernel under the sandboxes cannot do, in its agent's words.
func (c *Cluster) CanShape(s harness.Shaping) error {
	for _, f := range []struct {
		name   string
		wanted bool
	}{
		{"delay", s.Delay > 0 || s.Jitter > 0}, {"loss", s.Loss > 0}, {"rate", s.Rate > 0}, {"reset", s.Reset},
	} {
		if why := c.features[f.name]; f.wanted && why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// Shape delays, loses and limits what travels on the links, and resets the connections that are open on them.
func (c *Cluster) Shape(ctx context.Context, links []harness.Link, s harness.Shaping) error {
	if err := c.CanShape(s); err != nil {
		return err
	}
	reset := s.Reset
	s.Reset = false
	if s != (harness.Shaping{}) || !reset {
		if err := c.changeLinks(ctx, links, func(w *wish) {
			for _, l := range links {
				w.shapes[l] = s
			}
		}); err != nil {
			return err
		}
	}
	if !reset {
		return nil
	}
	return c.reset(ctx, links)
}

// reset resets the connections between the ends of the links. Each is open at both ends, and the end that a link leads
// to resets it there; the packet that tells the other end is lost where the way back is cut, as it would be.
func (c *Cluster) reset(ctx context.Context, links []harness.Link) error {
	nodes, err := c.network.receivers(links)
	if err != nil {
		return err
	}
	return together(nodes, func(node string) error {
		var peers []string
		for _, l := range links {
			if l.To == node {
				peers = append(peers, l.From)
			}
		}
		_, err := c.Node(node).agent.ResetConnections(ctx, peers)
		return err
	})
}

// Unshape ends delay, loss and limit.
func (c *Cluster) Unshape(ctx context.Context, links []harness.Link) error {
	return c.changeLinks(ctx, links, func(w *wish) {
		for _, l := range links {
			delete(w.shapes, l)
		}
	})
}

// CutClients cuts the nodes off from their clients, until they are mended as often.
func (c *Cluster) CutClients(ctx context.Context, nodes []string) error {
	return c.changeClients(ctx, nodes, 1)
}

// MendClients undoes one cut of each node's clients.
func (c *Cluster) MendClients(ctx context.Context, nodes []string) error {
	return c.changeClients(ctx, nodes, -1)
}

func (c *Cluster) changeClients(ctx context.Context, nodes []string, by int) error {
	for _, name := range nodes {
		if c.Node(name) == nil {
			return fmt.Errorf("there is no node %q", name)
		}
	}
	return c.network.change(ctx, nodes, func(w *wish) {
		for _, name := range nodes {
			w.clients[name] = max(w.clients[name]+by, 0)
		}
	})
}

// counters asks every agent what it counted.
func (c *Cluster) counters(ctx context.Context) (map[string]agent.Counters, error) {
	var mu sync.Mutex
	all := map[string]agent.Counters{}
	err := together(c.nodes, func(n *Node) error {
		counted, err := n.agent.Counters(ctx)
		if err != nil {
			return fmt.Errorf("ask the agent of %s: %w", n.name, err)
		}
		mu.Lock()
		defer mu.Unlock()
		all[n.name] = counted
		return nil
	})
	return all, err
}

// Traffic reads the counters of every link.
func (c *Cluster) Traffic(ctx context.Context) (map[harness.Link]harness.Traffic, error) {
	counted, err := c.counters(ctx)
	all := map[harness.Link]harness.Traffic{}
	for node, of := range counted {
		for peer, traffic := range of.Peers {
			all[harness.Link{From: peer, To: node}] = traffic
		}
	}
	return all, err
}

// ClientTraffic reads what was counted between each node and its clients.
func (c *Cluster) ClientTraffic(ctx context.Context) (map[string]harness.Traffic, error) {
	counted, err := c.counters(ctx)
	all := map[string]harness.Traffic{}
	for node, of := range counted {
		all[node] = of.Clients
	}
	return all, err
}

// How probes are awaited. A datagram between two containers of a machine takes far less than a millisecond.
const (
	probePatience = time.Second
	probePace     = 20 * time.Millisecond
)

// Probe sends a few datagrams over every link, and says over which one arrived within a second.
func (c *Cluster) Probe(ctx context.Context) (map[harness.Link]bool, error) {
	nonce := c.probes.Add(1)
	if err := together(c.nodes, func(n *Node) error { return n.agent.Probe(ctx, nonce) }); err != nil {
		return nil, fmt.Errorf("send probes: %w", err)
	}
	patience, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	for {
		arrived, err := c.arrived(ctx, nonce)
		if err != nil || c.allOpen(arrived) || !harness.Wait(patience, probePace) {
			return arrived, err
		}
	}
}

func (c *Cluster) arrived(ctx context.Context, nonce uint64) (map[harness.Link]bool, error) {
	all := map[harness.Link]bool{}
	for _, to := range c.nodes {
		peers, err := to.agent.Probed(ctx, nonce)
		if err != nil {
			return nil, fmt.Errorf("ask %s for probes: %w", to.name, err)
		}
		for _, from := range c.nodes {
			if from != to {
				all[harness.Link{From: from.name, To: to.name}] = slices.Contains(peers, from.name)
			}
		}
	}
	return all, nil
}

// allOpen reports whether probes came over all links that nothing was done to: those on the others are not waited for.
func (c *Cluster) allOpen(arrived map[harness.Link]bool) bool {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	for l, ok := range arrived {
		hurt := c.network.wish.cuts[l] > 0 || c.network.wish.refusals[l] > 0
		if !ok && !hurt {
			return false
		}
	}
	return true
}

// Resumed waits until the connections that the agents keep open over the links carry data again.
func (c *Cluster) Resumed(ctx context.Context, links []harness.Link, since time.Time,
) (last time.Duration, silent []harness.Link, err error) {
	waiting := slices.Clone(links)
	for len(waiting) > 0 {
		asked := time.Now()
		beats := map[string]map[string]time.Duration{}
		for _, n := range c.nodes {
			if beats[n.name], err = n.agent.Beats(ctx); err != nil {
				if ctx.Err() != nil {
					return last, waiting, nil
				}
				return last, waiting, fmt.Errorf("ask %s for beats: %w", n.name, err)
			}
		}
		waiting = slices.DeleteFunc(waiting, func(l harness.Link) bool {
			ago, known := beats[l.To][l.From]
			after := asked.Sub(since) - ago // a beat may be a little younger than this
			if known && after >= 0 {
				last = max(last, after)
			}
			return known && after >= 0
		})
		if len(waiting) > 0 && !harness.Wait(ctx, probePace) {
			return last, waiting, nil
		}
	}
	return last, nil, nil
}
