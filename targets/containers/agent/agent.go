package agent

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Service is the name to start the agent by: capsize node agent -node n1 -listen 0.0.0.0:7070.
const Service = "agent"

// TokenVariable is the environment variable with the secret that commands must carry. It is at least 16 bytes long.
const TokenVariable = "CAPSIZE_AGENT_TOKEN"

// peerPort is where the agents of a cluster reach each other: probes over UDP, beats over TCP.
const peerPort = 7071

// Config is what the agent has to know before anything can be hurt. It is sent when every sandbox has its address.
type Config struct {
	Peers       map[string]netip.Addr `json:"peers"`        // the other nodes, by name
	ClientPorts []int                 `json:"client_ports"` // where clients reach the datastore here, TCP or UDP
	Seed        uint64                `json:"seed"`         // of the jitter
}

// State is everything that is wrong with what arrives at this node. It replaces the state before; what it does not name
// is whole. Drop wins over Refuse, and both win over Shape.
type State struct {
	Drop   []string `json:"drop,omitempty"`   // peers whose packets vanish
	Refuse []string `json:"refuse,omitempty"` // peers whose packets are answered: TCP with a reset, else "unreachable"
	// Shape is how packets of a peer are delayed, lost at random, and limited. Reset must not be set: a reset is an act
	// and not a state, see [Client.ResetConnections].
	Shape map[string]harness.Shaping `json:"shape,omitempty"`
	// ClientsCut drops what is sent to and from the client ports, unless the other end is a peer or this node itself.
	ClientsCut bool `json:"clients_cut,omitempty"`
}

// Counters are what was counted since the agent started. They never go back. All but Resets are bytes of IP packets.
type Counters struct {
	// Peers is by the link from that peer to this node. Passed went on to the datastore; Held was dropped or refused,
	// and what waited for its delay when the link was cut; Lost is what loss took, and what a full lane could not
	// hold; Delayed was delivered late.
	Peers map[string]harness.Traffic `json:"peers"`
	// Clients is what was sent between the client ports and clients, both ways: Passed, and Held by ClientsCut.
	Clients harness.Traffic `json:"clients"`
}

// The features that [Client.Features] tells about.
const (
	FeatureCut     = "cut"
	FeatureRefuse  = "refuse"
	FeatureLoss    = "loss"
	FeatureDelay   = "delay" // and jitter
	FeatureRate    = "rate"
	FeatureReset   = "reset"
	FeatureClients = "clients"
)

// Limits of what is asked of an agent.
const (
	maxPeers = 63
	maxDelay = time.Minute
)

func (c Config) validate() error {
	if len(c.Peers) > maxPeers {
		return fmt.Errorf("%d peers are more than the %d an agent can have", len(c.Peers), maxPeers)
	}
	names := map[netip.Addr]string{}
	for name, address := range c.Peers {
		if name == "" || len(name) > 64 {
			return fmt.Errorf("the name of a peer is 1 to 64 bytes long, not %q", name)
		}
		if !address.IsValid() || address.IsUnspecified() || address.IsLoopback() {
			return fmt.Errorf("peer %s has no address that can be told apart: %v", name, address)
		}
		if other := names[address.Unmap()]; other != "" {
			return fmt.Errorf("peers %s and %s have the same address %v", name, other, address)
		}
		names[address.Unmap()] = name
	}
	for _, port := range c.ClientPorts {
		if port < 1 || port > 65535 {
			return fmt.Errorf("%d is not a port", port)
		}
	}
	return nil
}

// validate refuses a state that these peers cannot suffer.
func (s State) validate(peers map[string]netip.Addr) error {
	for _, names := range [][]string{s.Drop, s.Refuse} {
		for _, name := range names {
			if !peers[name].IsValid() {
				return fmt.Errorf("there is no peer %q: tell the agent who the peers are first", name)
			}
		}
	}
	for name, shape := range s.Shape {
		if !peers[name].IsValid() {
			return fmt.Errorf("there is no peer %q: tell the agent who the peers are first", name)
		}
		if err := validateShape(shape); err != nil {
			return fmt.Errorf("the link from %s: %w", name, err)
		}
	}
	return nil
}

func validateShape(s harness.Shaping) error {
	switch {
	case s.Delay < 0 || s.Jitter < 0 || s.Delay > maxDelay || s.Jitter > maxDelay:
		return fmt.Errorf("delay %v and jitter %v are not both between 0 and %v", s.Delay, s.Jitter, maxDelay)
	case !(s.Loss >= 0 && s.Loss <= 1): // also not a number
		return fmt.Errorf("a loss of %v is not between 0 and 1", s.Loss)
	case s.Rate < 0:
		return fmt.Errorf("a rate of %d bytes per second is below 0", s.Rate)
	case s.Reset:
		return fmt.Errorf("a reset is not a state: ask for it by itself")
	}
	return nil
}

// queued tells whether packets have to wait in user space.
func queued(s harness.Shaping) bool { return s.Delay > 0 || s.Jitter > 0 || s.Rate > 0 }
