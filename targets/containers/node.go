package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets/containers/agent"
)

// Node is one member of a [Cluster]: a sandbox that holds its address, and the containers of its processes. Its methods
// may be called at any time and in any order; what is so already is not done again.
type Node struct {
	name      string
	cluster   *Cluster
	sandbox   string         // the id of its container
	address   netip.Addr     // in the cluster's network
	published map[int]string // where its ports are on this machine
	agent     *agent.Client
	erasures  atomic.Int64

	acting sync.Mutex // one action at a time
	down   atomic.Bool
	ended  bool // by the cluster's Stop; guarded by acting

	mu        sync.Mutex // guards what follows
	processes []process
	kept      map[string]io.Closer
}

// process is the container of a [Process].
type process struct{ name, id string }

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Cluster returns the cluster the node belongs to.
func (n *Node) Cluster() *Cluster { return n.cluster }

// Address returns where a client port of the node is published: 127.0.0.1:32768. It stays the same over kills.
func (n *Node) Address(port int) string { return n.published[port] }

// Dial makes a client with the function of the [Spec].
func (n *Node) Dial(ctx context.Context) (harness.Client, error) { return n.cluster.spec.Dial(ctx, n) }

// DialPort connects to a client port of the node. Its error wraps harness.ErrNotApplied: nothing was sent. It refuses to
// connect while the node is down, because a published port accepts connections all the same.
func (n *Node) DialPort(ctx context.Context, port int) (net.Conn, error) {
	address := n.published[port]
	switch {
	case address == "":
		return nil, fmt.Errorf("%w: port %d of %s is not published", harness.ErrNotApplied, port, n.name)
	case n.down.Load():
		return nil, fmt.Errorf("%w: %s is down", harness.ErrNotApplied, n.name)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: connect to %s: %w", harness.ErrNotApplied, n.name, err)
	}
	return conn, nil
}

// Keep returns what open returned when it was first asked under this name, and closes it when the cluster stops. It is
// for the connections on which a target asks its own questions: who leads, how far a replica is.
func (n *Node) Keep(name string, open func() (io.Closer, error)) (io.Closer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if kept := n.kept[name]; kept != nil {
		return kept, nil
	}
	opened, err := open()
	if err != nil {
		return nil, err
	}
	if n.kept == nil {
		n.kept = map[string]io.Closer{}
	}
	n.kept[name] = opened
	return opened, nil
}

// forget closes what was kept.
func (n *Node) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, kept := range n.kept {
		_ = kept.Close()
	}
	n.kept = nil
}

func (n *Node) volume() string { return n.cluster.id + "-" + n.name }

// containers returns the ids of the node's processes, the server first.
func (n *Node) containers() []process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.processes)
}

func (n *Node) setProcess(name, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.processes = append(slices.DeleteFunc(n.processes, func(p process) bool { return p.name == name }),
		process{name, id})
}

// each does something to every process at once.
func (n *Node) each(do func(id string) error) error {
	return together(n.containers(), func(p process) error {
		if err := do(p.id); err != nil {
			return fmt.Errorf("%s of %s: %w", p.name, n.name, err)
		}
		return nil
	})
}

// together does something to all at once, and joins what went wrong.
func together[T any](all []T, do func(T) error) error {
	return harness.AtOnce(len(all), func(i int) error { return do(all[i]) })
}

// state of a container.
func (n *Node) state(ctx context.Context, id string) (*container.State, error) {
	seen, err := n.cluster.room.docker.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	return seen.Container.State, nil
}

// Kill ends every process with SIGKILL, also a frozen one, and returns when they are gone.
func (n *Node) Kill(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.end(ctx, "KILL")
}

// terminateLimit is how long a process may take to end that was asked to; then it is killed.
const terminateLimit = 10 * time.Second

// Terminate asks every process to end (SIGTERM), and kills those that have not within ten seconds.
func (n *Node) Terminate(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	asking, cancel := context.WithTimeout(ctx, terminateLimit)
	defer cancel()
	if err := n.end(asking, "TERM"); err == nil || ctx.Err() != nil {
		return err
	}
	return n.end(ctx, "KILL")
}

// end sends a signal to every process that runs, and waits until it has ended. The engine signals no frozen process, so
// such a one is resumed first, and lives on for some milliseconds.
func (n *Node) end(ctx context.Context, signal string) error {
	n.down.Store(true)
	docker := n.cluster.room.docker
	return n.each(func(id string) error {
		now, err := n.state(ctx, id)
		if err != nil || !now.Running {
			return err
		}
		if now.Paused {
			if _, err := docker.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{}); err != nil {
				return err
			}
		}
		if _, err := docker.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal}); err != nil {
			if now, again := n.state(ctx, id); again != nil || now.Running {
				return err
			}
		}
		_, err = n.cluster.ended(ctx, id)
		return err
	})
}

// Restart starts every process that is down, in the order of the [Spec], and returns when they run, which is before they
// serve.
func (n *Node) Restart(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.start(ctx)
}

func (n *Node) start(ctx context.Context) error {
	if n.ended {
		return fmt.Errorf("start %s: the cluster was stopped", n.name)
	}
	for _, p := range n.containers() {
		now, err := n.state(ctx, p.id)
		if err != nil {
			return fmt.Errorf("start %s of %s: %w", p.name, n.name, err)
		}
		if now.Running {
			continue
		}
		if _, err := n.cluster.room.docker.ContainerStart(ctx, p.id, client.ContainerStartOptions{}); err != nil {
			return fmt.Errorf("start %s of %s: %w", p.name, n.name, err)
		}
	}
	n.down.Store(false)
	return nil
}

// Pause freezes every process.
func (n *Node) Pause(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.each(func(id string) error {
		_, err := n.cluster.room.docker.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		if err == nil {
			return nil
		}
		if now, again := n.state(ctx, id); again == nil && (now.Paused || !now.Running) {
			return nil
		}
		return err
	})
}

// Resume lets every process go on.
func (n *Node) Resume(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.each(func(id string) error {
		_, err := n.cluster.room.docker.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		if err == nil {
			return nil
		}
		if now, again := n.state(ctx, id); again == nil && !now.Paused {
			return nil
		}
		return err
	})
}

// Vitals tells whether the server, the first of the node's processes, runs, is frozen or is gone, and how it ended.
func (n *Node) Vitals(ctx context.Context) (harness.Vital, error) {
	processes := n.containers()
	if len(processes) == 0 {
		return harness.Vital{State: harness.Dead}, nil
	}
	now, err := n.state(ctx, processes[0].id)
	switch {
	case err != nil:
		return harness.Vital{}, err
	case !now.Running:
		return harness.Vital{State: harness.Dead, How: howEnded(now), ByItself: !n.down.Load()}, nil
	case now.Paused:
		return harness.Vital{State: harness.Paused, PID: now.Pid}, nil
	}
	return harness.Vital{State: harness.Running, PID: now.Pid}, nil
}

// howEnded says in a few words how a container ended.
func howEnded(s *container.State) string {
	switch {
	case s.OOMKilled:
		return "killed by the kernel: out of memory"
	case s.Error != "":
		return s.Error
	case s.ExitCode > 128 && s.ExitCode < 128+65:
		return fmt.Sprintf("exit code %d (signal %d)", s.ExitCode, s.ExitCode-128)
	}
	return fmt.Sprintf("exit code %d", s.ExitCode)
}

// CanWipe refuses what the server itself refuses.
func (n *Node) CanWipe() error {
	if n.cluster.spec.Keeps != "" {
		return errors.New(n.cluster.spec.Keeps)
	}
	return nil
}

// Wipe empties the disk of a node that is down. Its containers are made anew, so that what they wrote beside their
// disk is gone too.
func (n *Node) Wipe(ctx context.Context) error {
	if err := n.CanWipe(); err != nil {
		return fmt.Errorf("wipe %s: %w", n.name, err)
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.wipe(ctx, false)
}

func (n *Node) wipe(ctx context.Context, joining bool) error {
	if !n.down.Load() {
		return fmt.Errorf("wipe %s: it is not down", n.name)
	}
	c := n.cluster
	c.saveLogs(ctx, n)
	if err := n.each(func(id string) error { return c.remove(ctx, id) }); err != nil {
		return fmt.Errorf("wipe %s: %w", n.name, err)
	}
	n.mu.Lock()
	n.processes = nil
	n.mu.Unlock()
	if c.spec.Data != "" {
		if err := c.erase(ctx, n); err != nil {
			return fmt.Errorf("wipe the disk of %s: %w", n.name, err)
		}
	}
	if err := c.makeProcesses(ctx, n, joining); err != nil {
		return fmt.Errorf("wipe %s: %w", n.name, err)
	}
	return nil
}

// FillDisk fills the disk to the last byte. The cluster must have been started with a limit of it.
func (n *Node) FillDisk(ctx context.Context) error {
	if err := n.limited(); err != nil {
		return err
	}
	return n.agent.FillDisk(ctx, dataFolder)
}

// FreeDisk undoes FillDisk.
func (n *Node) FreeDisk(ctx context.Context) error {
	if err := n.limited(); err != nil {
		return err
	}
	return n.agent.FreeDisk(ctx, dataFolder)
}

// DiskSpace returns how many bytes of the disk are free.
func (n *Node) DiskSpace(ctx context.Context) (int64, error) {
	if err := n.limited(); err != nil {
		return 0, err
	}
	return n.agent.DiskSpace(ctx, dataFolder)
}

func (n *Node) limited() error {
	if n.cluster.diskLimit == 0 {
		return fmt.Errorf("the disk of %s has no limit: the cluster was not started for a fault that fills it", n.name)
	}
	return nil
}
