package agent

import (
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/nftables/expr"

	"github.com/capsize-dev/capsize/harness"
)

// firstQueue is the number of the first peer's packet queue; the one before is for trials.
const firstQueue = 7071

// agent is what a process that serves knows.
type agent struct {
	log      *slog.Logger
	port     int // where commands arrive
	pulse    *pulse
	table    *table            // nil where it could not be made: then each feature says why
	features map[string]string // do not change after the start
	queuing  func(queue uint16) expr.Any

	mu     sync.Mutex
	config Config
	links  []link
	state  State
	queues *queues          // nil before the configuration, and where the kernel has none
	lanes  map[string]*lane // of every peer there ever was
	resets map[string]int64
}

// start makes the table and tries what works.
func start(port int, log *slog.Logger) (*agent, error) {
	p, err := startPulse()
	if err != nil {
		return nil, err
	}
	a := &agent{log: log, port: port, pulse: p, lanes: map[string]*lane{}, resets: map[string]int64{}}
	began := time.Now()
	if a.table, err = makeTable(); err != nil {
		a.features = allBroken(err)
		log.Warn("the network cannot be hurt here", "error", err)
		return a, nil
	}
	a.features, a.queuing = try(a.table)
	if err := a.table.replace(nil); err != nil {
		p.close()
		return nil, errors.Join(err, a.table.remove())
	}
	log.Info("tried the features", "took", time.Since(began), "found", a.features)
	return a, nil
}

// close leaves the network whole, and nothing of the agent in it.
func (a *agent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pulse.close()
	if a.table == nil {
		return
	}
	if err := errors.Join(a.table.replace(nil), a.closeQueues(), a.table.remove()); err != nil {
		a.log.Warn("clean up", "error", err)
	}
}

// closeQueues lets go what waits. No rule must lead to a queue any more.
func (a *agent) closeQueues() error {
	for _, l := range a.lanes {
		l.release()
		l.close()
	}
	if a.queues == nil {
		return nil
	}
	q := a.queues
	a.queues = nil
	return q.close()
}

// configure learns who the peers are, and mends everything.
func (a *agent) configure(c Config) error {
	if err := c.validate(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c.ClientPorts = slices.DeleteFunc(slices.Clone(c.ClientPorts), func(port int) bool {
		return port == a.port || port == peerPort // the agent must hear that the cut is over
	})
	a.config, a.state, a.links = c, State{}, nil
	for i, name := range slices.Sorted(maps.Keys(c.Peers)) {
		a.links = append(a.links, link{name: name, address: c.Peers[name].Unmap(), queue: uint16(firstQueue + i)})
	}
	if a.table != nil {
		if err := a.prepare(); err != nil {
			return err
		}
	}
	a.pulse.configure(c.Peers)
	return nil
}

// prepare makes counters and queues for the links, and rules that only count.
func (a *agent) prepare() error {
	if err := errors.Join(a.table.replace(nil), a.closeQueues()); err != nil {
		return err
	}
	counters := []string{counterClientsPassed, counterClientsHeld}
	for _, l := range a.links {
		counters = append(counters, counterPassed+l.name, counterHeld+l.name, counterLost+l.name)
	}
	if err := a.table.addCounters(counters); err != nil {
		return err
	}
	if err := a.openQueues(); err != nil {
		return err
	}
	return a.table.replace(a.plan(State{}).rules())
}

// openQueues binds a queue for each link, where the kernel can.
func (a *agent) openQueues() error {
	if a.features[FeatureDelay] != "" {
		return nil
	}
	numbers := make([]uint16, len(a.links))
	for i, l := range a.links {
		numbers[i] = l.queue
	}
	q, err := openQueues(numbers)
	if err != nil {
		return err
	}
	byQueue := map[uint16]*lane{}
	for _, l := range a.links {
		if a.lanes[l.name] == nil {
			name := fnv.New64a()
			_, _ = name.Write([]byte(l.name))
			a.lanes[l.name] = newLane(rand.New(rand.NewPCG(a.config.Seed, name.Sum64())))
		}
		a.lanes[l.name].open(q)
		byQueue[l.queue] = a.lanes[l.name]
	}
	a.queues = q
	go q.read(func(p packet) { // until the queues are closed
		if l := byQueue[p.queue]; l != nil {
			l.add(p)
		}
	})
	return nil
}

func (a *agent) plan(s State) plan {
	return plan{links: a.links, ports: a.config.ClientPorts, state: s, queuing: a.queuing}
}

// apply makes a state so. The lanes are told what to do before packets are led there, and empty when none are.
func (a *agent) apply(s State) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := s.validate(a.config.Peers); err != nil {
		return err
	}
	if err := a.able(s); err != nil {
		return err
	}
	if a.table == nil {
		return nil // nothing is to be wrong, and nothing is
	}
	a.setLanes(s)
	if err := a.table.replace(a.plan(s).rules()); err != nil {
		a.setLanes(a.state)
		return err
	}
	a.state = s
	for name, l := range a.lanes {
		switch {
		case s.cuts(name):
			l.discard()
		case !queued(s.Shape[name]):
			l.release()
		}
	}
	return nil
}

// setLanes tells the lanes of a state how slow they are.
func (a *agent) setLanes(s State) {
	for name, shape := range s.Shape {
		if queued(shape) && !s.cuts(name) {
			a.lanes[name].set(shape)
		}
	}
}

// cuts tells whether nothing of a peer is to arrive.
func (s State) cuts(peer string) bool {
	return slices.Contains(s.Drop, peer) || slices.Contains(s.Refuse, peer)
}

// able refuses a state with the sentence of the first feature that it needs and that does not work.
func (a *agent) able(s State) error {
	needs := []string{}
	if len(s.Drop) > 0 {
		needs = append(needs, FeatureCut)
	}
	if len(s.Refuse) > 0 {
		needs = append(needs, FeatureRefuse)
	}
	if s.ClientsCut {
		needs = append(needs, FeatureClients)
	}
	for _, shape := range s.Shape {
		if shape.Loss > 0 {
			needs = append(needs, FeatureLoss)
		}
		if queued(shape) {
			needs = append(needs, FeatureDelay)
		}
	}
	for _, need := range needs {
		if why := a.features[need]; why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// counters reads what the table, the lanes and the resets counted.
func (a *agent) counters() (Counters, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.table == nil {
		return Counters{}, errors.New(a.features[FeatureCut])
	}
	counted, err := a.table.readCounters()
	if err != nil {
		return Counters{}, err
	}
	all := Counters{Peers: map[string]harness.Traffic{}, Clients: harness.Traffic{
		Passed: counted[counterClientsPassed], Held: counted[counterClientsHeld],
	}}
	for _, l := range a.links {
		traffic := harness.Traffic{
			Passed: counted[counterPassed+l.name], Held: counted[counterHeld+l.name],
			Lost: counted[counterLost+l.name], Resets: a.resets[l.name],
		}
		if lane := a.lanes[l.name]; lane != nil {
			delayed, lost, cut := lane.counted()
			traffic.Delayed = delayed
			traffic.Lost += lost
			traffic.Held += cut
		}
		all.Peers[l.name] = traffic
	}
	return all, nil
}

// reset closes the connections to and from peers.
func (a *agent) reset(peers []string) (int, error) {
	if why := a.features[FeatureReset]; why != "" {
		return 0, errors.New(why)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	total := 0
	for _, name := range peers {
		address := a.config.Peers[name].Unmap()
		if !address.IsValid() {
			return total, fmt.Errorf("there is no peer %q", name)
		}
		n, err := destroySockets(func(local, remote netip.AddrPort) bool {
			return remote.Addr() == address && local.Port() != peerPort && remote.Port() != peerPort
		})
		a.resets[name] += int64(n)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
