//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

// pausedSoon is a schedule of one long pause.
func pausedSoon(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "schedule.yaml")
	if err := os.WriteFile(path, []byte("- {at: 300ms, for: 1m, fault: 'pause:one'}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// paused waits until the run's one fault is on.
func (p *program) paused(t *testing.T) {
	t.Helper()
	if !p.told.await("  load") {
		t.Fatalf("the load never began:\n%s", p.told)
	}
	eventually(t, "a paused node", func() bool {
		seen := strikes(t, p.folder(t))
		return len(seen) == 1 && seen[0].State == history.Injected
	})
}

func TestNothingOutlivesAKilledRunAndItsRecordIsJudged(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Raft cluster")
	}
	t.Parallel()
	p := launch(t, "run", "raft", "--nodes", "3", "--schedule", pausedSoon(t), "--time-limit", "2m", "--seed", "1")
	p.paused(t)
	folder := p.folder(t)
	path := folder.Path(store.HistoryFile)
	moment := int64(rand.N(200_000))
	eventually(t, fmt.Sprintf("%d bytes of history", moment), func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() > moment
	})
	if n := len(processes(t, p.temp)); n < 4 {
		t.Fatalf("%d processes before the end: nothing that could be left behind", n)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exits(t, -1)
	p.leavesNothing(t)

	recorded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p.judgedAsKilled(t, 3)
	if err := os.WriteFile(path, recorded[:len(recorded)-3], 0o644); err != nil { // a line torn for certain
		t.Fatal(err)
	}
	if res := p.judgedAsKilled(t, 3); !strings.Contains(strings.Join(res.Notes, " "), "torn") {
		t.Errorf("nothing is said about the torn line: %q", res.Notes)
	}
	whole := recorded[:bytes.LastIndexByte(recorded, '\n')+1]
	if err := os.WriteFile(path, append(whole, staleRead(t, whole)...), 0o644); err != nil {
		t.Fatal(err)
	}
	if res := p.judgedAsKilled(t, 1); res.Verdict != harness.Invalid || !strings.Contains(res.Reason, "on key stale") {
		t.Errorf("a violation before the end: %s, %s", res.Verdict, res.Reason)
	}
}

// judgedAsKilled checks the latest run and asks that it is known not to have ended.
func (p *program) judgedAsKilled(t *testing.T, code int) harness.Results {
	t.Helper()
	check := launch(t, "check", "latest", "--json", "--out", p.out)
	check.exits(t, code)
	res := check.results(t)
	if !res.Unfinished || res.Ops.OK == 0 || len(res.Nodes) != 3 {
		t.Errorf("unfinished %t, %d ok, nodes %v", res.Unfinished, res.Ops.OK, res.Nodes)
	}
	if code == 3 && (res.Verdict != harness.Unknown || !strings.Contains(res.Reason, "the run did not end")) {
		t.Errorf("%s: %s", res.Verdict, res.Reason)
	}
	return res
}

// staleRead are lines that continue a history with a violation.
func staleRead(t *testing.T, recorded []byte) []byte {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(recorded), []byte("\n"))
	var last struct {
		I int   `json:"i"`
		T int64 `json:"t"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatal(err)
	}
	var more []byte
	for i, rest := range []string{
		`"invoke","f":"write","k":"stale","v":1`, `"ok","f":"write","k":"stale","v":1`,
		`"invoke","f":"write","k":"stale","v":2`, `"ok","f":"write","k":"stale","v":2`,
		`"invoke","f":"read","k":"stale"`, `"ok","f":"read","k":"stale","v":1`,
	} {
		more = fmt.Appendf(more, `{"i":%d,"t":%d,"p":99999,"type":%s}`+"\n", last.I+1+i, last.T+int64(1+i), rest)
	}
	return more
}

func TestCtrlCInEveryPhase(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Raft clusters")
	}
	for _, phase := range []harness.Phase{
		harness.PhaseStart, harness.PhaseLoad, harness.PhaseHeal, harness.PhaseFinal, harness.PhaseStop, harness.PhaseCheck,
	} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			p := launch(t, "run", "raft", "--json", "--nodes", "3", "--schedule", pausedSoon(t), "--time-limit", "1500ms",
				"--seed", "1")
			if !p.told.await("  " + string(phase)) {
				t.Fatalf("no phase %q:\n%s", phase, p.told)
			}
			if phase == harness.PhaseLoad {
				p.paused(t)
			}
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			p.exits(t, 130, 0, 3)
			p.leavesNothing(t)
			p.wroteEverything(t)
			res := p.results(t)
			early := phase == harness.PhaseStart || phase == harness.PhaseLoad
			if p.exit() != 130 && early {
				t.Errorf("exit code %d though the load did not end: %s", p.exit(), res.Reason)
			}
			if res.Interrupted != (p.exit() == 130) || res.Interrupted && res.Verdict != harness.Unknown {
				t.Errorf("exit code %d, interrupted %t, %s", p.exit(), res.Interrupted, res.Verdict)
			}
			for _, s := range strikes(t, p.folder(t)) {
				if s.State == history.Injected || s.State == history.Broken {
					t.Errorf("a fault was left on: %+v", s)
				}
			}
		})
	}
}

// wroteEverything asks for the files of a run that was judged, and that they say what was printed.
func (p *program) wroteEverything(t *testing.T) {
	t.Helper()
	folder := p.folder(t)
	for _, file := range []string{store.RunFile, store.ResultsFile, store.ReportFile, "report.md", "junit.xml"} {
		if info, err := os.Stat(folder.Path(file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	written, err := os.ReadFile(folder.Path(store.ResultsFile))
	if err != nil || !bytes.Equal(bytes.TrimSpace(written), bytes.TrimSpace(p.stdout.Bytes())) {
		t.Errorf("%s (%v) is not what was printed", store.ResultsFile, err)
	}
}

func TestASecondCtrlCEndsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Raft cluster")
	}
	t.Parallel()
	p := launch(t, "run", "wedged", "--nodes", "3", "--nemesis", "none", "--time-limit", "2m", "--seed", "1")
	if !p.told.await("  load") {
		t.Fatalf("the load never began:\n%s", p.told)
	}
	interrupt := func() bool { return p.cmd.Process.Signal(os.Interrupt) != nil }
	interrupt()
	if !p.told.await("  stop") || !p.told.await("! interrupted") {
		t.Fatalf("the first Ctrl-C was not heard:\n%s", p.told)
	}
	eventually(t, "the end", interrupt) // the one that comes while the first is still dealt with may be lost
	p.exits(t, -1)
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("ended by %v", p.cmd.ProcessState)
	}
	p.leavesNothing(t)
}

func TestAnInterruptedCheckReplacesNothing(t *testing.T) {
	t.Parallel()
	run := launch(t, "run", "inmem", "--workload", "register", "--nemesis", "none", "--time-limit", "1s", "--seed", "1")
	run.exits(t, 0)
	folder := run.folder(t)
	var info harness.RunInfo
	if err := folder.ReadJSON(store.RunFile, &info); err != nil {
		t.Fatal(err)
	}
	info.Workload = "endless"
	if err := folder.WriteJSON(store.RunFile, info); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(folder.Path(store.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	check := launch(t, "check", "latest", "--json", "--out", run.out)
	if !check.told.await("checking") {
		t.Fatalf("nothing is checked:\n%s", check.told)
	}
	if err := check.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	check.exits(t, 130)
	res := check.results(t)
	if !res.Interrupted || res.Verdict != harness.Unknown || !strings.Contains(res.Reason, "while it was judged") {
		t.Errorf("interrupted %t, %s: %s", res.Interrupted, res.Verdict, res.Reason)
	}
	if after, err := os.ReadFile(folder.Path(store.ResultsFile)); err != nil || !bytes.Equal(after, before) {
		t.Errorf("results.json was replaced (%v)", err)
	}
}
