package raft

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	hraft "github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// Serve runs one node until ctx ends. It is a local.Service, and needs nothing of the local runtime but its flags:
// they can as well name addresses of containers.
func Serve(ctx context.Context, args []string, ready func(address string)) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	// Five nodes share a machine. Their live heaps are small, so collecting garbage rarely costs little memory.
	debug.SetGCPercent(400)
	n, err := openNode(o, hclog.New(&hclog.LoggerOptions{Name: o.Node, Level: hclog.Info, Output: os.Stderr}))
	if err != nil {
		return err
	}
	defer n.close()
	ready(n.listener.Addr().String())
	<-ctx.Done()
	return nil
}

// openNode starts a node on the data it left, or on none.
func openNode(o options, log hclog.Logger) (*node, error) {
	disk, err := openStores(o, log)
	if err != nil {
		return nil, fmt.Errorf("open the data in %s: %w", o.Data, err)
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, errors.Join(err, disk.bolt.Close())
	}
	n := &node{
		options: o, log: log, disk: disk, listener: listener, state: newState(), lines: map[string]*line{},
		dialled: make(chan net.Conn), leaderKnown: make(chan struct{}), over: make(chan struct{}),
		conns: map[net.Conn]bool{},
	}
	for name, address := range o.Peers {
		n.lines[name] = newLine(name, func(timeout time.Duration) (net.Conn, error) {
			return dial(address, kindAPI, o.Cluster, timeout)
		})
	}
	if err := n.startRaft(); err != nil {
		return nil, errors.Join(err, listener.Close(), disk.bolt.Close())
	}
	n.confirmer = newConfirmer(n)
	n.proposer = newProposer(n)
	n.island = newIsland(n)
	n.running.Go(n.accept)
	n.running.Go(n.watchLeader)
	n.running.Go(n.confirmer.run)
	n.running.Go(n.proposer.run)
	if o.bugs.splitBrain {
		n.running.Go(n.island.run)
	}
	return n, nil
}

// stores are what a node keeps on disk.
type stores struct {
	bolt      *raftboltdb.BoltStore
	log       hraft.LogStore
	terms     *terms
	snapshots hraft.SnapshotStore
}

// openStores opens the log, the vote and the snapshots. Every write to the log and the vote is synced to disk before
// it counts.
func openStores(o options, log hclog.Logger) (*stores, error) {
	if o.bugs.forgetful {
		for _, name := range []string{"raft.db", "snapshots"} {
			if err := os.RemoveAll(filepath.Join(o.Data, name)); err != nil {
				return nil, err
			}
		}
	}
	bolt, err := raftboltdb.New(raftboltdb.Options{
		Path: filepath.Join(o.Data, "raft.db"),
		// the free list is made again at the start instead of being written with every entry
		BoltOptions: &bbolt.Options{Timeout: 5 * time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		return nil, err
	}
	cache, err := hraft.NewLogCache(logCacheEntries, bolt)
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	snapshots, err := hraft.NewFileSnapshotStoreWithLogger(o.Data, snapshotsKept, log.Named("snapshot"))
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	highest, err := newTerms(bolt)
	if err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return &stores{bolt: bolt, log: cache, terms: highest, snapshots: snapshots}, nil
}

// startRaft starts the library. All nodes begin with the same configuration, so any of them may be the first to lead;
// where there is a log already, its configuration stands.
func (n *node) startRaft() error {
	config := hraft.DefaultConfig()
	config.LocalID = hraft.ServerID(n.Node)
	config.HeartbeatTimeout, config.ElectionTimeout = heartbeatTimeout, electionTimeout
	config.LeaderLeaseTimeout, config.CommitTimeout = leaseTimeout, commitTimeout
	config.SnapshotInterval, config.SnapshotThreshold = snapshotInterval, snapshotThreshold
	config.TrailingLogs = trailingLogs
	config.BatchApplyCh = true // a group reaches the leader's loop together
	config.Logger = n.log.Named("raft")
	n.transport = hraft.NewNetworkTransportWithConfig(&hraft.NetworkTransportConfig{
		Stream: stream{n}, MaxPool: 3, Timeout: rpcTimeout, Logger: n.log.Named("net"),
	})
	exists, err := hraft.HasExistingState(n.disk.log, n.disk.terms, n.disk.snapshots)
	if err == nil && !exists && !n.join {
		err = hraft.BootstrapCluster(config, n.disk.log, n.disk.terms, n.disk.snapshots, n.transport, n.voters())
	}
	if err == nil {
		n.raft, err = hraft.NewRaft(config, n.state, n.disk.log, n.disk.terms, n.disk.snapshots, n.transport)
	}
	if err != nil {
		return fmt.Errorf("start raft: %w", errors.Join(err, n.transport.Close()))
	}
	return nil
}

// voters is the first configuration. A member's address is its name; where that is, the dialler knows.
func (n *node) voters() hraft.Configuration {
	names := []string{n.Node}
	for name := range n.Peers {
		names = append(names, name)
	}
	slices.Sort(names)
	var c hraft.Configuration
	for _, name := range names {
		c.Servers = append(c.Servers, hraft.Server{ID: hraft.ServerID(name), Address: hraft.ServerAddress(name)})
	}
	return c
}

// watchLeader wakes those who wait for a leader, and answers those who still wait for a former one: behind a cut its
// answer might not come for as long as the cut lasts.
func (n *node) watchLeader() {
	seen := make(chan hraft.Observation, 16)
	observer := hraft.NewObserver(seen, false, func(o *hraft.Observation) bool {
		_, is := o.Data.(hraft.LeaderObservation)
		return is
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)
	for {
		select {
		case <-seen:
			leader := n.leader()
			n.leaveAllBut(leader)
			if leader == "" {
				continue
			}
			n.mu.Lock()
			close(n.leaderKnown)
			n.leaderKnown = make(chan struct{})
			n.mu.Unlock()
		case <-n.over:
			return
		}
	}
}

// leaveAllBut gives up on what was sent on to nodes that this node no longer takes for the leader.
func (n *node) leaveAllBut(leader string) {
	for name, line := range n.lines {
		if name != leader {
			line.giveUp(fmt.Errorf("%s lost its leader %s while it waited for the answer", n.Node, name))
		}
	}
}

// accept serves connections until the node closes.
func (n *node) accept() {
	for {
		conn, err := n.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			n.log.Warn("accept", "error", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !n.keep(conn) {
			_ = conn.Close()
			return
		}
		n.running.Go(func() { n.attend(conn) })
	}
}

// attend finds out what a connection is for.
func (n *node) attend(conn net.Conn) {
	kind, err := greet(conn, n.Cluster)
	if err != nil {
		n.drop(conn)
		return
	}
	if kind == kindRaft {
		n.release(conn) // the transport closes it
		select {
		case n.dialled <- conn:
		case <-n.over:
			_ = conn.Close()
		}
		return
	}
	defer n.drop(conn)
	var writing sync.Mutex
	from := bufio.NewReader(conn)
	var buffer []byte
	slots := make(chan struct{}, maxOpen)
	for {
		var req request
		if err := readFrame(from, &buffer, &req); err != nil {
			return
		}
		slots <- struct{}{}
		n.running.Go(func() {
			defer func() { <-slots }()
			message, err := frame(n.answer(req))
			if err != nil {
				n.log.Error("answer", "op", req.Op, "error", err)
				return
			}
			writing.Lock()
			defer writing.Unlock()
			_ = conn.SetWriteDeadline(time.Now().Add(writeLimit))
			if _, err := conn.Write(message); err != nil {
				_ = conn.Close()
			}
		})
	}
}

// keep notes a connection that close has to end. It reports false when the node is closing.
func (n *node) keep(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		return false
	}
	n.conns[conn] = true
	return true
}

func (n *node) release(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
}

func (n *node) drop(conn net.Conn) {
	n.release(conn)
	_ = conn.Close()
}

// close ends the node and gives its files back.
func (n *node) close() {
	close(n.over)
	_ = n.listener.Close()
	n.mu.Lock()
	for conn := range n.conns {
		_ = conn.Close()
	}
	n.conns = nil
	n.mu.Unlock()
	for _, l := range n.lines {
		l.close()
	}
	if err := n.raft.Shutdown().Error(); err != nil {
		n.log.Error("shut down", "error", err)
	}
	_ = n.transport.Close()
	n.transport.CloseStreams()
	n.running.Wait()
	_ = n.disk.bolt.Close()
}
