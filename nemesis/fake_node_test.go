package nemesis_test

import (
	"context"
	"errors"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// node is a node of it.
type node struct {
	name     string
	state    harness.VitalState
	pid      int
	starts   int
	wipes    int
	how      string
	byItself bool
	free     int64 // bytes of the disk
	left     harness.Squeeze
	pressed  harness.Pressure

	numb    bool          // what is done to it is said to be done, and is not
	failure error         // of Kill, Terminate, Pause, FillDisk, Squeeze
	unwiped error         // of Wipe
	keeps   error         // of CanWipe
	slow    time.Duration // how long Kill and Restart take
	stuck   error         // of Restart, Resume, FreeDisk, Release
	mute    error         // of Vitals
	narrow  error         // of CanSqueeze
}

var (
	_ harness.Killer     = (*node)(nil)
	_ harness.Terminator = (*node)(nil)
	_ harness.Wiper      = (*node)(nil)
	_ harness.Pauser     = (*node)(nil)
	_ harness.DiskFiller = (*node)(nil)
	_ harness.Squeezer   = (*node)(nil)
	_ harness.Vitals     = (*node)(nil)
)

// work presses against the limits there are.
func (n *node) work() {
	if n.left.CPUs > 0 {
		n.pressed.Periods++
		n.pressed.Throttled += 100 * time.Millisecond
	}
	n.pressed.Limit = n.left.Memory
	if n.left.Memory > 0 && n.left.Memory < memory {
		n.pressed.Memory = n.left.Memory
		n.pressed.Failures++
	}
}

func (n *node) Name() string { return n.name }
func (n *node) Dial(context.Context) (harness.Client, error) {
	return nil, errors.New("nobody is there")
}

func (n *node) Kill(context.Context) error {
	time.Sleep(n.slow)
	if n.failure == nil && !n.numb {
		n.state, n.pid = harness.Dead, 0
	}
	return n.failure
}

func (n *node) Terminate(ctx context.Context) error {
	n.how = "exit code 0"
	return n.Kill(ctx)
}

func (n *node) CanWipe() error { return n.keeps }

func (n *node) Wipe(context.Context) error {
	if n.state != harness.Dead && !n.numb {
		return errors.New("not dead")
	}
	if n.unwiped == nil {
		n.wipes++
	}
	return n.unwiped
}

// crash ends the node by itself.
func (n *node) crash(how string) { n.state, n.pid, n.how, n.byItself = harness.Dead, 0, how, true }

func (n *node) FillDisk(context.Context) error {
	if n.failure == nil && !n.numb {
		n.free = 0
	}
	return n.failure
}

func (n *node) FreeDisk(context.Context) error {
	if n.stuck == nil {
		n.free = disk
	}
	return n.stuck
}

func (n *node) DiskSpace(context.Context) (int64, error) { return n.free, nil }

func (n *node) CanSqueeze(harness.Squeeze) error { return n.narrow }

func (n *node) Squeeze(_ context.Context, s harness.Squeeze) error {
	if n.failure == nil && !n.numb {
		n.left = s
	}
	return n.failure
}

func (n *node) Release(context.Context) error {
	if n.stuck == nil {
		n.left = harness.Squeeze{}
	}
	return n.stuck
}

func (n *node) Pressure(context.Context) (harness.Pressure, error) { return n.pressed, nil }

func (n *node) Restart(context.Context) error {
	if n.stuck != nil {
		return n.stuck
	}
	if n.state == harness.Running {
		return errors.New("already running")
	}
	time.Sleep(n.slow)
	n.starts++
	n.state, n.pid, n.how, n.byItself = harness.Running, 1000+n.starts, "", false
	return nil
}

func (n *node) Pause(context.Context) error {
	if n.failure == nil && !n.numb {
		n.state = harness.Paused
	}
	return n.failure
}

func (n *node) Resume(context.Context) error {
	if n.stuck != nil {
		return n.stuck
	}
	if n.state != harness.Paused {
		return errors.New("not paused")
	}
	n.state = harness.Running
	return nil
}

func (n *node) Vitals(context.Context) (harness.Vital, error) {
	v := harness.Vital{State: n.state, PID: n.pid}
	if n.state == harness.Dead {
		v.How, v.ByItself = n.how, n.byItself
	}
	return v, n.mute
}
