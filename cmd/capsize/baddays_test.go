package main

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/harness/store"
)

func TestTwoRunsAtOnceDoNotMeet(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two Raft clusters")
	}
	t.Parallel()
	out := filepath.Join(t.TempDir(), "runs")
	var both []*program
	for range 2 {
		both = append(both, launch(t, "run", "raft", "--json", "--nodes", "3", "--nemesis", "none", "--time-limit", "2s",
			"--seed", "1", "--out", out))
	}
	var names []string
	for _, p := range both {
		p.exits(t, 0)
		p.leavesNothing(t)
		names = append(names, p.results(t).Run)
	}
	latest, err := store.Resolve(out, store.Latest)
	if names[0] == names[1] || err != nil || !slices.Contains(names, latest.ID()) {
		t.Errorf("the runs %v, the latest %s (%v)", names, latest.ID(), err)
	}
}

func TestANodeThatWillNotStart(t *testing.T) {
	t.Parallel()
	p := launch(t, "run", "broken", "--json", "--workload", "register", "--nemesis", "none", "--time-limit", "1s")
	p.exits(t, cliEnvironment)
	p.leavesNothing(t)
	res := p.results(t)
	for _, want := range []string{"the cluster did not start: start n1", "exit status 4", "the engine room is under water",
		"cannot open the log"} {
		if !strings.Contains(res.Error, want) {
			t.Errorf("the error lacks %q: %s", want, res.Error)
		}
	}
	var written harness.Results
	if err := p.folder(t).ReadJSON(store.ResultsFile, &written); err != nil || written.Error != res.Error ||
		written.Verdict != harness.Unknown {
		t.Errorf("results.json: %s, %q (%v)", written.Verdict, written.Error, err)
	}
	show := launch(t, "show", "--out", p.out)
	show.exits(t, cliEnvironment)
	for _, want := range []string{"! ERROR", "under water", "capsize doctor", "4: the environment failed"} {
		if text := strings.Join(strings.Fields(show.stdout.String()), " "); !strings.Contains(text, want) {
			t.Errorf("a person is not told %q:\n%s", want, show.stdout.String())
		}
	}
}

// cliEnvironment is the exit code of a run that failed itself.
const cliEnvironment = 4

func TestNowhereToWriteIsAnErrorOfTheEnvironment(t *testing.T) {
	t.Parallel()
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "run", "inmem", "--json", "--out", filepath.Join(taken, "runs"))
	p.exits(t, cliEnvironment)
	said := p.told.String()
	if p.stdout.Len() > 0 || !strings.Contains(said, "folder of runs") || !strings.Contains(said, "--out") {
		t.Errorf("stdout %q, stderr %s", p.stdout.Bytes(), said)
	}
}

func TestEveryCaseWithARunPrintsOneObject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		exit int
		want harness.Validity
	}{
		{"run inmem --workload register --nemesis none --time-limit 1s --seed 1", 0, harness.Valid},
		{"run inmem/lost-append --workload append --nemesis none --time-limit 3s --seed 1 --fail-fast", 1, harness.Invalid},
		{"run inmem --workload register --nemesis none --time-limit 1ms --seed 1", 3, harness.Unknown},
		{"run broken --workload register --nemesis none --time-limit 1s --seed 1", 4, harness.Unknown},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			p := launch(t, append(strings.Fields(c.args), "--json")...)
			p.exits(t, c.exit)
			res := p.results(t)
			var written harness.Results
			if err := p.folder(t).ReadJSON(store.ResultsFile, &written); err != nil {
				t.Fatal(err)
			}
			if res.Verdict != c.want || (res.Error != "") != (c.exit == cliEnvironment) ||
				written.Verdict != res.Verdict || written.Error != res.Error {
				t.Errorf("printed %s %q, written %s %q", res.Verdict, res.Error, written.Verdict, written.Error)
			}
			for _, again := range []string{"check", "show"} {
				p := launch(t, again, "latest", "--json", "--out", p.out)
				p.exits(t, c.exit)
				if res := p.results(t); res.Verdict != c.want {
					t.Errorf("%s: %s", again, res.Verdict)
				}
			}
		})
	}
}

// plannedStrikes are the strikes as they were planned, without what came of them.
func plannedStrikes(t *testing.T, folder store.Folder) []history.Strike {
	t.Helper()
	var plan []history.Strike
	for _, s := range strikes(t, folder) {
		plan = append(plan, history.Strike{
			Lane: s.Lane, Fault: s.Fault, PlannedAt: s.PlannedAt, PlannedFor: s.PlannedFor, Seed: s.Seed,
		})
	}
	return plan
}

func TestARunCanBeRunAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five runs")
	}
	t.Parallel()
	load := []string{"--workload", "register", "--time-limit", "2s", "--seed", "7"}
	first := launch(t, append([]string{"run", "inmem", "--nemesis", "kill:one,partition:one + pause:one",
		"--interval", "600ms", "--duration", "200ms"}, load...)...)
	first.exits(t, 0, 3)
	want := plannedStrikes(t, first.folder(t))
	if len(want) < 4 {
		t.Fatalf("only %d strikes", len(want))
	}
	pinned, faults := first.folder(t).Path("repro.yaml"), first.folder(t).Path(store.FaultsFile)
	for name, args := range map[string][]string{
		"repro.yaml":   {"run", pinned},
		"--schedule":   append([]string{"run", "inmem", "--schedule", faults}, load...),
		"another seed": {"run", pinned, "--seed", "8"}, // the choices of the faults stay
	} {
		again := launch(t, args...)
		again.exits(t, 0, 3)
		if got := plannedStrikes(t, again.folder(t)); !slices.EqualFunc(got, want, sameStrike) {
			t.Errorf("%s: planned %+v, expected %+v", name, got, want)
		}
	}
	calm := launch(t, append([]string{"run", "inmem", "--nemesis", "none"}, load...)...)
	calm.exits(t, 0)
	again := launch(t, "run", calm.folder(t).Path("repro.yaml"))
	again.exits(t, 0)
	if got := strikes(t, again.folder(t)); len(got) > 0 {
		t.Errorf("a run without faults is run again with %+v", got)
	}
}

func sameStrike(a, b history.Strike) bool {
	return a.Lane == b.Lane && a.Fault == b.Fault && a.PlannedAt == b.PlannedAt && a.PlannedFor == b.PlannedFor &&
		a.Seed == b.Seed
}

func TestAHugeLineIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "huge.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	out := bufio.NewWriterSize(file, 1<<20)
	_, _ = out.WriteString(`{"i":0,"t":1,"p":0,"type":"invoke","f":"write","k":"x","v":"`)
	chunk := strings.Repeat("x", 1<<20)
	for range 200 {
		_, _ = out.WriteString(chunk)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "check", path)
	p.exits(t, 2)
	said := p.told.String()
	if p.stdout.Len() > 0 || !strings.Contains(said, "huge.jsonl:1:") || !strings.Contains(said, "longer than 64 MB") {
		t.Errorf("stdout %q, stderr %s", p.stdout.Bytes(), said)
	}
}

func TestNoTemporaryFolder(t *testing.T) {
	t.Parallel()
	cmd := command(filepath.Join(t.TempDir(), "nowhere"), "run", "raft", "--time-limit", "1s", "--out", t.TempDir())
	said, _ := cmd.CombinedOutput() // the exit code is asked for below
	text := strings.Join(strings.Fields(string(said)), " ")
	if cmd.ProcessState.ExitCode() != cliEnvironment || !strings.Contains(text, "make a folder for the data") ||
		!strings.Contains(text, "capsize doctor") {
		t.Errorf("exit code %d: %s", cmd.ProcessState.ExitCode(), said)
	}
}
