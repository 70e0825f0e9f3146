package local

import (
	"os/exec"
	"runtime"
	"syscall"
)

// spawner starts processes that the kernel kills when this process dies. Linux ties that to the thread which forked,
// not to the process, so all forks are made by one goroutine that keeps its thread for as long as the cluster lives.
type spawner struct {
	starts chan func()
	gone   chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{starts: make(chan func()), gone: make(chan struct{})}
	go func() {
		defer close(s.gone)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for start := range s.starts {
			start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = detached()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error, 1)
	s.starts <- func() { started <- cmd.Start() }
	return <-started
}

// close ends the thread. The kernel then kills every child that is still alive.
func (s *spawner) close() {
	close(s.starts)
	<-s.gone
}
