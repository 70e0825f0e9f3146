package local

import (
	"fmt"
	"math/rand/v2"

	"github.com/capsize-dev/capsize/harness"
)

// network is every link of a cluster and the proxies that carry them.
type network struct {
	links   map[harness.Link]*link
	proxies []*proxy
}

// newNetwork makes a proxy for each ordered pair of nodes. address tells where a node listens now.
func newNetwork(names []string, address func(string) (string, bool), seeds rand.Source) (*network, error) {
	w := &network{links: map[harness.Link]*link{}}
	for _, from := range names {
		for _, to := range names {
			if from != to {
				l := harness.Link{From: from, To: to}
				w.links[l] = newLink(l, rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64())))
			}
		}
	}
	for _, from := range names {
		for _, to := range names {
			if from == to {
				continue
			}
			there, back := w.links[harness.Link{From: from, To: to}], w.links[harness.Link{From: to, To: from}]
			p, err := newProxy(there, back, func() (string, bool) { return address(to) })
			if err != nil {
				w.close()
				return nil, fmt.Errorf("proxy for the link %s to %s: %w", from, to, err)
			}
			w.proxies = append(w.proxies, p)
		}
	}
	return w, nil
}

// peers returns where a node is to dial each of the others.
func (w *network) peers(name string) map[string]string {
	peers := map[string]string{}
	for _, p := range w.proxies {
		if p.there.From == name {
			peers[p.there.To] = p.listener.Addr().String()
		}
	}
	return peers
}

// find returns the links, or an error before anything was done to any.
func (w *network) find(links []harness.Link) ([]*link, error) {
	found := make([]*link, len(links))
	for i, l := range links {
		if found[i] = w.links[l]; found[i] == nil {
			return nil, fmt.Errorf("there is no link from %q to %q", l.From, l.To)
		}
	}
	return found, nil
}

func (w *network) cut(links []harness.Link) error {
	found, err := w.find(links)
	for _, l := range found {
		l.cut()
	}
	return err
}

func (w *network) mend(links []harness.Link) error {
	found, err := w.find(links)
	for _, l := range found {
		l.mend()
	}
	return err
}

func (w *network) shape(links []harness.Link, s harness.Shaping) error {
	found, err := w.find(links)
	for _, l := range found {
		if !s.Reset || s.Delay > 0 || s.Jitter > 0 {
			l.shape(s.Delay, s.Jitter)
		}
		if !s.Reset {
			continue
		}
		for _, p := range w.proxies {
			if p.there == l || p.back == l {
				l.resets.Add(int64(p.reset()))
			}
		}
	}
	return err
}

func (w *network) traffic() map[harness.Link]harness.Traffic {
	all := make(map[harness.Link]harness.Traffic, len(w.links))
	for name, l := range w.links {
		all[name] = l.traffic()
	}
	return all
}

func (w *network) close() {
	for _, p := range w.proxies {
		p.close()
	}
}
