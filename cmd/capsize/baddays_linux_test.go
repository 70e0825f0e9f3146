package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/capsize-dev/capsize/harness"
)

func TestAFullDiskEndsTheRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Raft cluster")
	}
	t.Parallel()
	p := launch(t, "run", "full-disk", "--json", "--workload", "register", "--nodes", "3", "--nemesis", "none",
		"--time-limit", "2m")
	p.exits(t, cliEnvironment)
	p.leavesNothing(t)
	if res := p.results(t); res.Verdict != harness.Unknown || !strings.Contains(res.Error, "no space left") {
		t.Errorf("%s, error %q", res.Verdict, res.Error)
	}
	launch(t, "check", "latest", "--json", "--out", p.out).exits(t, cliEnvironment)
}

// TestADiskThatFillsUp needs root: the runs are kept on a disk that is soon full and stays so, so that neither run.json
// nor results.json can be written any more.
func TestADiskThatFillsUp(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Raft clusters")
	}
	for target, c := range map[string]struct {
		exit  int
		want  harness.Validity
		check harness.Validity
	}{
		"raft":             {cliEnvironment, harness.Unknown, harness.Valid},
		"raft/lost-append": {1, harness.Invalid, harness.Invalid}, // a violation that was recorded stands
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			out := smallDisk(t)
			p := launch(t, "run", target, "--json", "--workload", "append", "--keys", "2", "--nodes", "3", "--nemesis", "none",
				"--time-limit", "2m", "--seed", "1", "--out", out)
			p.exits(t, c.exit)
			p.leavesNothing(t)
			if res := p.results(t); res.Verdict != c.want || !strings.Contains(res.Error, "no space left") || res.Ops.OK == 0 {
				t.Errorf("%s, error %q, %d ok", res.Verdict, res.Error, res.Ops.OK)
			}
			check := launch(t, "check", "latest", "--json", "--out", out)
			check.exits(t, 1, 3, cliEnvironment)
			if res := check.results(t); res.Verdict != c.want || res.Ops.OK == 0 || res.Checks[0].Verdict != c.check {
				t.Errorf("what was recorded: %s, %d ok, %+v; stderr: %s", res.Reason, res.Ops.OK, res.Checks, check.told)
			}
		})
	}
}

// smallDisk mounts one that holds about a second of history.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("capsize-test", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("needs to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// onTerminal runs the program with its standard error on a terminal and returns what was drawn there.
func onTerminal(t *testing.T, environment ...string) []byte {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs a terminal: %v", err)
	}
	defer func() { _ = master.Close() }()
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Skipf("needs a terminal: %v", err)
	}
	terminal, err := os.OpenFile(filepath.Join("/dev/pts", strconv.Itoa(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs a terminal: %v", err)
	}
	var drawn bytes.Buffer
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(&drawn, master) // ends with an error when the last one closes the terminal
	}()
	cmd := command(t.TempDir(), "run", "inmem", "--workload", "register", "--nemesis", "none", "--time-limit", "1s",
		"--out", t.TempDir())
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stdout, cmd.Stderr = terminal, terminal
	if err := cmd.Run(); err != nil {
		t.Errorf("%v", err)
	}
	_ = terminal.Close()
	<-over
	if !bytes.Contains(drawn.Bytes(), []byte("VALID")) {
		t.Errorf("no verdict on the terminal: %q", drawn.Bytes())
	}
	return drawn.Bytes()
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	t.Parallel()
	if !bytes.Contains(onTerminal(t, "TERM=xterm-256color", "NO_COLOR="), []byte("\x1b")) {
		t.Error("nothing is drawn on a terminal")
	}
	for _, wish := range []string{"NO_COLOR=1", "TERM=dumb"} {
		if drawn := onTerminal(t, "TERM=xterm-256color", wish); bytes.Contains(drawn, []byte("\x1b")) {
			t.Errorf("%s is not honoured: %q", wish, drawn)
		}
	}
}
