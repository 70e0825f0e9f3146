package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
)

// process is one start of a node.
type process struct {
	cmd      *exec.Cmd
	pid      int
	log      string // the file of its output
	logStart int64  // where this start's output begins in it
	stdin    io.Closer
	paused   atomic.Bool
	killed   atomic.Bool            // by this runtime: its end is no surprise
	address  atomic.Pointer[string] // nil until the node reported it
	ready    chan struct{}          // closed when address is set
	exited   chan struct{}          // closed when the process was reaped
	stranger atomic.Bool            // its first line was not hello: it is no node
}

// startProcess runs a node's command line with its output appended to log.
func startProcess(s *spawner, executable string, args []string, log string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(executable, append([]string{nodeCommand}, args...)...)
	cmd.Env = append(os.Environ(), tether+"=1")
	if os.Getenv("GOMAXPROCS") == "" { // the nodes share this machine: threads that wait for each other only cost
		cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(max(1, runtime.NumCPU()/DefaultNodes)))
	}
	cmd.Stderr = file
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	p := &process{
		cmd: cmd, pid: cmd.Process.Pid, log: log, logStart: size, stdin: stdin,
		ready: make(chan struct{}), exited: make(chan struct{}),
	}
	go p.attend(stdout)
	return p, nil
}

// attend reads what the process reports until it ends, then reaps it.
func (p *process) attend(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for first := true; lines.Scan(); first = false {
		if first && lines.Text() != hello {
			p.stranger.Store(true)
			_ = p.cmd.Process.Kill()
		}
		if address, found := strings.CutPrefix(lines.Text(), readyPrefix); found && p.address.Load() == nil {
			p.address.Store(&address)
			close(p.ready)
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // where a line was too long
	_ = p.cmd.Wait()
	close(p.exited)
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends a signal. That the process has ended is not an error.
func (p *process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// kill ends the process as a crash would and returns when it is gone.
func (p *process) kill(ctx context.Context) error {
	p.killed.Store(true)
	if err := p.signal(os.Kill); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await returns when the node has reported its address, or why it has not.
func (p *process) await(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	default:
	}
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		if p.stranger.Load() {
			return fmt.Errorf("%s does not serve as a node: call local.Main first thing in its main or TestMain",
				p.cmd.Path)
		}
		return fmt.Errorf("it ended before it was ready (%s)%s", p.cmd.ProcessState, p.lastWords())
	case <-ctx.Done():
		return fmt.Errorf("it was not ready in time: %w%s", ctx.Err(), p.lastWords())
	}
}

// The end of a log that is worth showing with an error.
const (
	lastWordsBytes = 4096
	lastWordsLines = 8
)

// lastWords are the last lines of this start's log, in the form of the end of a sentence.
func (p *process) lastWords() string {
	file, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	text := make([]byte, min(size-p.logStart, lastWordsBytes))
	if _, err := file.ReadAt(text, size-int64(len(text))); err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return "; it logged nothing"
	}
	lines = lines[max(0, len(lines)-lastWordsLines):]
	return "; its last log lines:\n  " + strings.Join(lines, "\n  ")
}
