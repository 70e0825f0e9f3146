package local

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// warden is the harness's end of the pipe to the process that cleans up after it. A warden knows the process ids that
// are alive and the folder that is to go; when its pipe ends it kills the ones and removes the other.
type warden struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// startWarden starts the process that watches over folder.
func startWarden(executable, folder string) (*warden, error) {
	cmd := exec.Command(executable, nodeCommand, wardenName)
	cmd.Env = append(os.Environ(), tether+"=1")
	cmd.SysProcAttr = detached()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the warden: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the warden: %w", err)
	}
	w := &warden{cmd: cmd, stdin: stdin}
	w.tell("folder", folder)
	return w, nil
}

// tell sends one fact. A warden that is gone is not an error: the other two ways of ending with the harness remain.
func (w *warden) tell(word, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintf(w.stdin, "%s %s\n", word, what)
}

func (w *warden) born(pid int) { w.tell("born", strconv.Itoa(pid)) }
func (w *warden) died(pid int) { w.tell("died", strconv.Itoa(pid)) }

// dismiss ends the warden, which first kills and removes what is left of what it knows.
func (w *warden) dismiss() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.stdin.Close()
	return w.cmd.Wait()
}

// keepWatch is the warden's own process.
func keepWatch(from io.Reader) int {
	// what ends the harness from a terminal must not end its warden first
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	alive := map[int]bool{}
	folders := []string{}
	for lines := bufio.NewScanner(from); lines.Scan(); {
		word, what, _ := strings.Cut(lines.Text(), " ")
		pid, _ := strconv.Atoi(what)
		switch word {
		case "born":
			alive[pid] = true
		case "died":
			delete(alive, pid)
		case "folder":
			folders = append(folders, what)
		}
	}
	for pid := range alive {
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Kill()
		}
	}
	code := 0
	for _, folder := range folders {
		if err := removeAll(folder); err != nil {
			code = exitEnvironment
		}
	}
	return code
}
