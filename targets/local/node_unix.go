//go:build unix

package local

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// detached keeps a Ctrl-C at the terminal away from a child: the harness ends it when it has healed.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// Pause freezes the process with SIGSTOP and returns when it is frozen. Of a node that is down it does nothing.
func (n *Node) Pause(ctx context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	p := n.process()
	if p == nil {
		return nil
	}
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %s: %w", n.name, err)
	}
	p.paused.Store(true)
	for p.alive() && !isStopped(p) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("pause %s: %w", n.name, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// Resume lets a frozen process go on with SIGCONT. Of a node that runs or is down it does nothing.
func (n *Node) Resume(context.Context) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	p := n.process()
	if p == nil {
		return nil
	}
	if err := p.signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("resume %s: %w", n.name, err)
	}
	p.paused.Store(false)
	return nil
}
