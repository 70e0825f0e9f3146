package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// program is capsize as a child process, with the rigged targets and a folder of its own for temporary files.
type program struct {
	cmd    *exec.Cmd
	temp   string // its TMPDIR
	out    string // its --out
	stdout bytes.Buffer
	told   *told
	ended  chan struct{}
}

// told is what the program said on its standard error, line by line.
type told struct {
	mu    sync.Mutex
	lines []string
	more  sync.Cond
	over  bool
}

func (w *told) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		w.mu.Lock()
		w.lines = append(w.lines, lines.Text())
		w.mu.Unlock()
		w.more.Broadcast()
	}
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.more.Broadcast()
}

// await returns true when a line begins with prefix, and false when the program ended without one.
func (w *told) await(prefix string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if slices.ContainsFunc(w.lines, func(line string) bool { return strings.HasPrefix(line, prefix) }) {
			return true
		}
		if w.over {
			return false
		}
		w.more.Wait()
	}
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.lines, "\n")
}

// command is capsize with the rigged targets and its temporary files in a folder of its own.
func command(temp string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCapsize+"="+rigged, "TMPDIR="+temp, "TMP="+temp)
	return cmd
}

// launch starts capsize with an --out of its own, unless the arguments name one.
func launch(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{temp: t.TempDir(), out: filepath.Join(t.TempDir(), "runs"), told: &told{}, ended: make(chan struct{})}
	p.told.more.L = &p.told.mu
	if at := slices.Index(args, "--out"); at >= 0 {
		p.out = args[at+1]
	} else {
		args = append(args, "--out", p.out)
	}
	p.cmd = command(p.temp, args...)
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.told.read(stderr)
		_ = p.cmd.Wait() // the tests ask for the exit code
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // where the test failed half way; otherwise it is gone
		<-p.ended
	})
	return p
}

// exit waits for the end and returns the exit code, -1 where a signal ended the program.
func (p *program) exit() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// exits waits for the end and asks for one of the exit codes.
func (p *program) exits(t *testing.T, codes ...int) {
	t.Helper()
	if code := p.exit(); !slices.Contains(codes, code) {
		t.Fatalf("exit code %d, expected one of %v\nstdout: %s\nstderr: %s", code, codes, p.stdout.Bytes(), p.told)
	}
}

// results reads what was printed with --json: one object of results, and nothing else.
func (p *program) results(t *testing.T) harness.Results {
	t.Helper()
	<-p.ended
	var res harness.Results
	printed := bytes.NewReader(p.stdout.Bytes())
	decoder := json.NewDecoder(printed)
	if err := decoder.Decode(&res); err != nil || res.Schema != harness.ResultsSchema {
		t.Fatalf("no results on stdout: %v, schema %q\nstderr: %s", err, res.Schema, p.told)
	}
	if decoder.More() {
		t.Errorf("more than one object on stdout: %s", p.stdout.Bytes())
	}
	return res
}

// folder is that of the program's only run.
func (p *program) folder(t *testing.T) store.Folder {
	t.Helper()
	runs, err := store.List(p.out)
	if err != nil || len(runs) != 1 {
		t.Fatalf("the runs in %s: %v, %v; expected one\nstderr: %s", p.out, runs, err, p.told)
	}
	return runs[0]
}

// strikes are the faults as the run recorded them.
func strikes(t *testing.T, folder store.Folder) []history.Strike {
	t.Helper()
	file, err := os.Open(folder.Path(store.FaultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	seen, err := history.ReadStrikes(file, store.FaultsFile)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// leavesNothing waits until no process of the program's is left and its temporary files are gone.
func (p *program) leavesNothing(t *testing.T) {
	t.Helper()
	eventually(t, "the end of every child", func() bool { return len(processes(t, p.temp)) == 0 })
	eventually(t, "the end of the nodes' data", func() bool {
		entries, err := os.ReadDir(p.temp)
		return err == nil && len(entries) == 0
	})
}
