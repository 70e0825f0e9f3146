//go:build unix

package local

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

var _ harness.Pauser = (*Node)(nil)

func TestPausedNodeIsSilentAndGoesOn(t *testing.T) {
	c := start(t, 1)
	n := c.Members()[0]
	client := dialNode(t, n)
	for range 2 {
		if err := n.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if v := vital(t, n); v.State != harness.Paused || v.PID == 0 {
		t.Errorf("vitals of a paused node: %+v", v)
	}
	expectSilence(t, client, "asleep?")
	for range 2 {
		if err := n.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := client.answer(inTime); err != nil || got != "n1 asleep?" {
		t.Errorf("what was asked during the pause: %q (%v)", got, err)
	}
	if v := vital(t, n); v.State != harness.Running {
		t.Errorf("vitals of a resumed node: %+v", v)
	}
}

func TestPausesAndKillsMayOverlap(t *testing.T) {
	c := start(t, 1)
	n := c.Members()[0]
	ctx := t.Context()
	if err := errors.Join(n.Pause(ctx), n.Kill(ctx), n.Pause(ctx), n.Resume(ctx)); err != nil {
		t.Fatal(err)
	}
	if v := vital(t, n); v.State != harness.Dead {
		t.Errorf("killed while paused, then resumed: %+v", v)
	}
	if err := errors.Join(n.Restart(ctx), n.Resume(ctx), n.Pause(ctx), n.Restart(ctx)); err != nil {
		t.Fatal(err)
	}
	if v := vital(t, n); v.State != harness.Paused {
		t.Errorf("paused after the restart: %+v", v)
	}
	pid := vital(t, n).PID
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if running(pid) {
		t.Errorf("process %d outlived Stop", pid)
	}
}

func TestNothingOutlivesAKilledHarness(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHarness+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	folder := ""
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "up"; {
		word, what, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "pid":
			pid, _ := strconv.Atoi(what)
			pids = append(pids, pid)
		case "folder":
			folder = what
		default:
			t.Error(lines.Text())
		}
	}
	for _, pid := range pids {
		if !running(pid) {
			t.Errorf("process %d did not run to begin with", pid)
		}
	}
	if _, err := os.Stat(folder); err != nil || len(pids) != 3 {
		t.Errorf("folder: %v, processes: %v", err, pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitFor(t, "the end of everything", func() error {
		for _, pid := range pids {
			if running(pid) {
				return fmt.Errorf("process %d still runs", pid)
			}
		}
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", folder, err)
		}
		return nil
	})
}

// running reports whether the process exists and is more than a corpse that nobody has collected.
func running(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
