package raft

import (
	"fmt"
	"net"
	"time"

	hraft "github.com/hashicorp/raft"
)

// stream carries the library's messages over the node's one port. An address is a node's name: where a name is found,
// and by which proxy, is known to the membership only, so the log of a cluster never holds an address that can
// change.
type stream struct{ *node }

// Dial connects to another node.
func (s stream) Dial(name hraft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	address, known := s.Peers[string(name)]
	if !known {
		return nil, fmt.Errorf("there is no peer %q", name)
	}
	return dial(address, kindRaft, s.Cluster, timeout)
}

// Accept returns a connection that another node's Dial made.
func (s stream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.dialled:
		return conn, nil
	case <-s.over:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the port is the node's.
func (stream) Close() error { return nil }

// Addr is the node's own name.
func (s stream) Addr() net.Addr { return nodeAddr(s.Node) }

type nodeAddr string

func (nodeAddr) Network() string  { return "capsize" }
func (a nodeAddr) String() string { return string(a) }
