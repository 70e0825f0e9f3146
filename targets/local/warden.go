package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Warden is the harness's end of the pipe to the process that cleans up after it. A warden knows the process ids that
// are alive, the folders that are to go, and the services that are to run in the end; when its pipe ends, however this
// process does, it kills, removes and runs them.
type Warden struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// StartWarden starts the process that cleans up after this one. The program must call [Main] first thing.
func StartWarden() (*Warden, error) {
	if Tethered() {
		return nil, errors.New("start the warden: this process is itself a node, but its main or TestMain does not call " +
			"local.Main first thing")
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program to run as the warden: %w", err)
	}
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
	return &Warden{cmd: cmd, stdin: stdin}, nil
}

// Tethered reports whether this process was started by the runtime of another one.
func Tethered() bool { return os.Getenv(tether) != "" }

// Finally has the warden run a service of [Main] with these arguments when this process has ended, unless it is
// dismissed before.
func (w *Warden) Finally(service string, args ...string) {
	line, err := json.Marshal(append([]string{service}, args...))
	if err != nil {
		panic(err) // strings
	}
	w.tell("finally", string(line))
}

// tell sends one fact. A warden that is gone is not an error: the other two ways of ending with the harness remain.
func (w *Warden) tell(word, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintf(w.stdin, "%s %s\n", word, what)
}

func (w *Warden) born(pid int) { w.tell("born", strconv.Itoa(pid)) }
func (w *Warden) died(pid int) { w.tell("died", strconv.Itoa(pid)) }

// Dismiss ends the warden, which first kills and removes what is left of what it knows; it runs nothing.
func (w *Warden) Dismiss() error {
	w.tell("dismissed", "")
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.stdin.Close()
	return w.cmd.Wait()
}

// finallyLimit is how long a service may take that cleans up after a process that is gone.
const finallyLimit = 2 * time.Minute

// keepWatch is the warden's own process.
func keepWatch(from io.Reader, services map[string]Service) int {
	// what ends the harness from a terminal must not end its warden first
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	alive := map[int]bool{}
	folders, lasts := []string{}, [][]string{}
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
		case "finally":
			var last []string
			if json.Unmarshal([]byte(what), &last) == nil && len(last) > 0 {
				lasts = append(lasts, last)
			}
		case "dismissed":
			lasts = nil
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
	ctx, cancel := context.WithTimeout(context.Background(), finallyLimit)
	defer cancel()
	for _, last := range lasts {
		if serve := services[last[0]]; serve == nil || serve(ctx, last[1:], func(string) {}) != nil {
			code = exitEnvironment
		}
	}
	return code
}
