package local

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/capsize-dev/capsize/harness"
)

// Node is one member of a [Cluster]: a name, a folder and, most of the time, a process. Its methods may be called at
// any time and in any order; what is so already is not done again.
type Node struct {
	name    string
	cluster *Cluster
	log     string   // the file of its output
	args    []string // of its service

	acting  sync.Mutex // one action at a time
	current atomic.Pointer[process]
	stopped bool // by the cluster's Stop: it never starts again; guarded by acting
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Dial makes a client with the function of the [Spec].
func (n *Node) Dial(ctx context.Context) (harness.Client, error) { return n.cluster.spec.Dial(ctx, n) }

// Address returns where clients reach the node now; it changes at each restart. The error wraps
// harness.ErrNotApplied: nothing can be sent to a node that is down.
func (n *Node) Address() (string, error) {
	if p := n.process(); p != nil {
		if address := p.address.Load(); address != nil {
			return *address, nil
		}
		return "", fmt.Errorf("%w: %s is starting", harness.ErrNotApplied, n.name)
	}
	return "", fmt.Errorf("%w: %s is down", harness.ErrNotApplied, n.name)
}

// process returns the running (or frozen) process, nil where there is none.
func (n *Node) process() *process {
	if p := n.current.Load(); p != nil && p.alive() && !p.killed.Load() {
		return p
	}
	return nil
}

// Kill ends the process with SIGKILL, also a frozen one, and returns when it is gone.
func (n *Node) Kill(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.kill(ctx)
}

func (n *Node) kill(ctx context.Context) error {
	p := n.current.Load()
	if p == nil {
		return nil
	}
	if err := p.kill(ctx); err != nil {
		return fmt.Errorf("kill %s: %w", n.name, err)
	}
	return nil
}

// Restart starts the process again where it is down, and returns when it runs, which is before it serves.
func (n *Node) Restart(context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	if n.stopped {
		return fmt.Errorf("restart %s: the cluster was stopped", n.name)
	}
	if n.process() != nil {
		return nil
	}
	return n.start()
}

func (n *Node) start() error {
	p, err := startProcess(n.cluster.spawner, n.cluster.executable, n.args, n.log)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.cluster.warden.born(p.pid)
	n.current.Store(p)
	go func() {
		<-p.exited
		n.cluster.warden.died(p.pid)
		if !p.killed.Load() {
			n.cluster.log.Warn("a node ended by itself", "node", n.name, "how", p.cmd.ProcessState.String())
		}
	}()
	return nil
}

// Vitals tells whether the process runs, is frozen or is gone.
func (n *Node) Vitals(context.Context) (harness.Vital, error) {
	p := n.process()
	switch {
	case p == nil:
		return harness.Vital{State: harness.Dead}, nil
	case isStopped(p):
		return harness.Vital{State: harness.Paused, PID: p.pid}, nil
	default:
		return harness.Vital{State: harness.Running, PID: p.pid}, nil
	}
}
