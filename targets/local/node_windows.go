package local

import "syscall"

// detached keeps a Ctrl-C at the console away from a child: the harness ends it when it has healed.
//
// Windows has no SIGSTOP, so a [Node] has no harness.Pauser there, and a pause is refused before the run.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
