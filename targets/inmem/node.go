package inmem

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// node is one member: what is left of it after a kill, and (in protocol) what is not.
type node struct {
	cluster *cluster
	id      int
	name    string
	rng     *rand.Rand // of the times of its elections
	log     nodeLog
	vital   harness.VitalState
	how     string        // a dead one ended
	starts  int           // its lives so far
	access  access        // of its clients
	frozen  []func(*node) // what reached it while it was paused
	open    map[uint64]*call
	disk    disk
	protocol
}

// nodeLog is what a node writes about its life. It is read from other goroutines.
type nodeLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *nodeLog) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text.Bytes())
}

// note writes a line of the node's log.
func (n *node) note(format string, args ...any) {
	const most = 1 << 20
	at := n.cluster.began.Add(n.cluster.now).UTC().Format("2006-01-02T15:04:05.000000Z07:00")
	n.log.mu.Lock()
	defer n.log.mu.Unlock()
	if n.log.text.Len() < most {
		fmt.Fprintf(&n.log.text, "%s %s term=%d %s\n", at, n.name, n.disk.term, fmt.Sprintf(format, args...))
	}
}

func (n *node) Name() string { return n.name }

// start begins a life on the disk there is.
func (n *node) start() {
	n.starts++
	n.vital = harness.Running
	n.open = make(map[uint64]*call)
	if n.disk.term == 0 {
		n.disk = disk{votedFor: nobody}
	}
	n.protocol = protocol{leader: nobody, state: newState()}
	n.note("starts with %d log entries", len(n.disk.log))
	n.heard = n.cluster.now - n.cluster.options.Election // it has heard from nobody: it may vote at once
	n.arm(n.patience())
}

// receive has the node react to something: now, after its pause, or never. What was meant for an earlier life is the
// caller's affair.
func (n *node) receive(react func(*node)) {
	switch n.vital {
	case harness.Running:
		react(n)
	case harness.Paused:
		n.frozen = append(n.frozen, react)
	}
}

// Kill ends the node's life. Its clients' connections break.
func (n *node) Kill(ctx context.Context) error {
	return n.become(ctx, "kill", func() error {
		if n.vital == harness.Dead {
			return fmt.Errorf("kill %s: it is dead already", n.name)
		}
		n.end("killed", "connection reset")
		if n.cluster.options.Bug == Forget {
			n.disk = disk{}
		}
		return nil
	})
}

// Terminate has the node end by itself: one that leads steps down before. No bug loses its disk then.
func (n *node) Terminate(ctx context.Context) error {
	return n.become(ctx, "terminate", func() error {
		if n.vital != harness.Running {
			return fmt.Errorf("terminate %s: it is %s", n.name, n.vital)
		}
		if n.role == leading {
			n.follow(n.disk.term, nobody)
		}
		n.end("terminated", "connection closed")
		return nil
	})
}

// end is the end of a life.
func (n *node) end(how, connections string) {
	n.note("%s", how)
	n.vital, n.how = harness.Dead, how
	n.frozen = nil
	for _, id := range slices.Sorted(maps.Keys(n.open)) {
		n.finish(n.open[id], reply{unknown: connections})
	}
	n.protocol = protocol{leader: nobody}
}

// CanWipe is always nil.
func (n *node) CanWipe() error { return nil }

// Wipe empties the disk of a dead node. It comes back without its log, its term and its vote.
func (n *node) Wipe(ctx context.Context) error {
	return n.become(ctx, "wipe", func() error {
		if n.vital != harness.Dead {
			return fmt.Errorf("wipe %s: it is %s", n.name, n.vital)
		}
		n.note("its disk is emptied")
		n.disk = disk{}
		return nil
	})
}

// Restart begins a new life on the disk the last one left.
func (n *node) Restart(ctx context.Context) error {
	return n.become(ctx, "restart", func() error {
		if n.vital != harness.Dead {
			return fmt.Errorf("restart %s: it is %s", n.name, n.vital)
		}
		n.start()
		return nil
	})
}

// Pause freezes the node. What reaches it waits.
func (n *node) Pause(ctx context.Context) error {
	return n.become(ctx, "pause", func() error {
		if n.vital != harness.Running {
			return fmt.Errorf("pause %s: it is %s", n.name, n.vital)
		}
		n.vital = harness.Paused
		return nil
	})
}

// Resume thaws the node, which reacts at once to what has been waiting, in the order in which it came.
func (n *node) Resume(ctx context.Context) error {
	return n.become(ctx, "resume", func() error {
		if n.vital != harness.Paused {
			return fmt.Errorf("resume %s: it is %s", n.name, n.vital)
		}
		n.vital = harness.Running
		waiting := n.frozen
		n.frozen = nil
		for _, react := range waiting {
			react(n)
		}
		return nil
	})
}

func (n *node) become(ctx context.Context, what string, do func() error) error {
	if err := n.cluster.control(ctx, do); err != nil {
		return fmt.Errorf("%s %s: %w", what, n.name, err)
	}
	return nil
}

// Vitals counts a node's lives in place of process ids.
func (n *node) Vitals(ctx context.Context) (harness.Vital, error) {
	var vital harness.Vital
	err := n.cluster.control(ctx, func() error {
		vital.State = n.vital
		if n.vital == harness.Dead {
			vital.How = n.how
			return nil
		}
		vital.PID = 1000*(n.id+1) + n.starts
		return nil
	})
	return vital, err
}

// Dial fails on a dead node. A paused one accepts, as the kernel would for it.
func (n *node) Dial(ctx context.Context) (harness.Client, error) {
	var rng *rand.Rand
	dead, connected := false, make(chan struct{})
	err := n.cluster.control(ctx, func() error {
		n.cluster.clients++
		rng = n.cluster.stream(streamClient, n.cluster.clients)
		late := func() time.Duration { return spread(rng, n.cluster.options.Latency/4) }
		n.cross(n.cluster.alone, late, func() {
			dead = n.vital == harness.Dead
			close(connected)
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", n.name, err)
	}
	select {
	case <-connected:
	case <-ctx.Done():
		return nil, fmt.Errorf("dial %s: %w", n.name, ctx.Err())
	case <-n.cluster.stopped:
		return nil, fmt.Errorf("dial %s: %w", n.name, errStopped)
	}
	if dead {
		return nil, fmt.Errorf("dial %s: connection refused", n.name)
	}
	return n.client(rng), nil
}

// client makes a connection whose latencies are drawn from rng.
func (n *node) client(rng *rand.Rand) *Client {
	toHang := 20 + rng.IntN(60)
	late := func() time.Duration { return spread(rng, n.cluster.options.Latency/4) }
	return &Client{node: n.name, do: func(ctx context.Context, cmd command) (reply, error) {
		if toHang--; n.cluster.options.Bug == Hang && toHang < 0 {
			<-n.cluster.stopped
			return reply{unknown: "hung until the end"}, nil
		}
		c := &call{command: cmd, origin: n.id, late: late, reply: make(chan reply, 1)}
		if err := n.cluster.ask(func() { n.cluster.submit(c) }); err != nil {
			return reply{rejected: err.Error()}, nil
		}
		select {
		case r := <-c.reply:
			return r, nil
		case <-ctx.Done():
			return reply{}, &callError{n.name, cmd, "no answer", ctx.Err()}
		case <-n.cluster.stopped:
			return reply{unknown: errStopped.Error()}, nil
		}
	}}
}

// submit sends a call from its client to its node.
func (c *cluster) submit(call *call) {
	c.calls++
	call.id = c.calls
	n := c.nodes[call.origin]
	n.cross(c.after, call.late, func() {
		if n.vital == harness.Dead {
			n.tell(call, reply{rejected: "connection refused"})
			return
		}
		call.starts = n.starts
		n.open[call.id] = call
		n.receive(func(n *node) { n.route(call) })
	})
}

// finish answers a call of one of the node's clients, unless that was done, or the connection broke.
func (n *node) finish(call *call, r reply) {
	if _, open := n.open[call.id]; !open || call.starts != n.starts {
		return
	}
	delete(n.open, call.id)
	n.tell(call, r)
}

// tell sends an answer to a client.
func (n *node) tell(call *call, r reply) {
	n.cross(n.cluster.alone, call.late, func() { call.reply <- r })
}
