package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
	"github.com/capsize-dev/capsize/workloads"
)

// advised is a target that recommends a run of its own.
type advised struct{ harness.Target }

func (advised) Name() string { return "advised" }
func (advised) About() harness.About {
	return harness.About{Recommended: harness.Recommendation{
		Workload: "append", Nemesis: "kill:one", Nodes: 3, Concurrency: "4n", Rate: 100, Keys: 7,
		TimeLimit: time.Minute, OpTimeout: time.Second, Interval: 2 * time.Second, Duration: time.Second,
	}}
}

func newApp() *app {
	return &app{stdout: io.Discard, stderr: io.Discard,
		catalogue: Catalogue{Targets: []harness.Target{advised{}}, Workloads: workloads.All()}}
}

// typed makes a plan of what was typed after capsize run, as the command does.
func typed(t *testing.T, words ...string) (plan, error) {
	t.Helper()
	var p plan
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	p.bind(flags)
	if err := flags.Parse(words); err != nil {
		return p, err
	}
	p.remember(flags)
	switch args := flags.Args(); {
	case len(args) == 1 && isPlanFile(args[0]):
		file, err := readPlan(args[0])
		if err != nil {
			return p, err
		}
		p = p.under(file)
	case len(args) == 1:
		p.Target = args[0]
	}
	return p, nil
}

func resolved(t *testing.T, words ...string) (harness.Test, plan) {
	t.Helper()
	p, err := typed(t, words...)
	if err != nil {
		t.Fatal(err)
	}
	test, p, err := newApp().resolve(p)
	if err != nil {
		t.Fatal(err)
	}
	return test, p
}

// split reads the words of a printed command as a shell does, as far as quoted goes.
func split(command string) []string {
	var words []string
	var word strings.Builder
	inside, any := false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			inside, any = !inside, true
		case c == '\\' && !inside:
			i++
			word.WriteByte(command[i])
		case c == ' ' && !inside:
			if any || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteByte(c)
		}
	}
	return append(words, word.String())
}

var samePlan = cmp.Options{cmpopts.IgnoreFields(plan{}, "typed"), cmp.AllowUnexported(plan{})}

func TestThePrintedCommandIsTheSamePlan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a $HOME")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "plan one.yaml")
	schedule := filepath.Join(dir, "faults.jsonl")
	inline := "target: advised\nnodes: 9\nseed: 4\nrate: 50\nschedule:\n- {at: 1s, for: 2s, fault: \"kill:one\"}\n"
	plain := filepath.Join(dir, "plain.yaml")
	for path, text := range map[string]string{file: inline, schedule: inline[strings.Index(inline, "- {"):],
		plain: "target: advised\nfail_fast: true\nnemesis: pause\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range [][]string{
		{"advised", "--seed", "1"},
		{"advised", "--seed", "18446744073709551615", "--workload", "set"},
		{"advised", "--nodes", "5", "--concurrency", "2n"}, // harness's defaults, but not what the target recommends
		{"advised", "--nemesis", "kill:one + pause:leader", "--interval", "90s", "--duration", "1500ms"},
		{"advised", "--nemesis", "none", "--rate", "0", "--keys", "0"},
		{"advised", "--rate", "12.5", "--time-limit", "1h", "--op-timeout", "250ms", "--fail-fast"},
		{"advised", "--schedule", schedule},
		{file},
		{file, "--nodes", "3", "--rate", "0"},
		{file, "--nemesis", "pause"},
		{plain, "--fail-fast=false"},
		{plain},
	} {
		test, p := resolved(t, words...)
		again := split(test.Repro)
		if again[0] != "capsize" || again[1] != "run" {
			t.Fatalf("%q", again)
		}
		test2, p2 := resolved(t, again[2:]...)
		if d := cmp.Diff(p, p2, samePlan, cmpopts.IgnoreFields(plan{}, "file")); d != "" {
			t.Errorf("%q is printed as %s, which is another plan:\n%s", words, test.Repro, d)
		}
		if test2.Repro != test.Repro || test2.Plan != test.Plan {
			t.Errorf("%s prints itself as %s; %q, %q", test.Repro, test2.Repro, test.Plan, test2.Plan)
		}
	}
}

func TestWhatIsTypedGoesFirst(t *testing.T) {
	test, _ := resolved(t, "advised")
	if test.Nodes != 3 || test.Concurrency != 12 || test.Rate != 100 || test.Keys != 7 ||
		test.Workload.Name != "append" ||
		test.TimeLimit != time.Minute || test.OpTimeout != time.Second || test.Plan != "kill:one" {
		t.Errorf("recommended: %+v", test)
	}
	test, _ = resolved(t, "advised", "--nodes", "7", "--rate", "0", "--nemesis", "none")
	if test.Nodes != 7 || test.Concurrency != 28 || test.Rate != 0 || test.Plan != "none" || len(test.Nemesis) != 0 {
		t.Errorf("typed: %+v", test)
	}
	seeds := map[uint64]bool{}
	for range 3 {
		test, _ = resolved(t, "advised")
		seeds[test.Seed] = true
	}
	if len(seeds) == 1 {
		t.Error("a seed that nobody gave is drawn")
	}
}

func TestUnderFillsOnlyWhatIsOpen(t *testing.T) {
	seed := uint64(7)
	line := []nemesis.Line{{Fault: "kill:one"}}
	full := plan{Target: "t", Workload: "w", Nemesis: "n", Nodes: 1, Concurrency: "1", Rate: 1, Keys: 1, TimeLimit: 1,
		OpTimeout: 1,
		Interval:  1, Duration: 1, Seed: &seed, FailFast: true, Runtime: "local", file: "f"}
	if d := cmp.Diff(plan{}.under(full), full, samePlan); d != "" {
		t.Errorf("an empty plan takes all:\n%s", d)
	}
	if d := cmp.Diff(full.under(plan{Target: "x", Nodes: 9, Schedule: line, scheduleFile: "s"}), full,
		samePlan); d != "" {
		t.Errorf("a full one takes nothing:\n%s", d)
	}
	for name, p := range map[string]plan{"a schedule": {Schedule: line}, "a file": {scheduleFile: "s"}} {
		if got := p.under(full); got.Nemesis != "" {
			t.Errorf("%s says when faults strike, but took nemesis %q", name, got.Nemesis)
		}
	}
}

func TestPlansThatMakeNoSense(t *testing.T) {
	for want, words := range map[string][]string{
		"no target \"advisde\" (did you mean advised?)": {"advisde"},
		"no workload \"apend\" (did you mean append?)":  {"advised", "--workload", "apend"},
		"at least 1 node":                                   {"advised", "--nodes", "-1"},
		"--concurrency is a number":                         {"advised", "--concurrency", "many"},
		"cannot be negative":                                {"advised", "--time-limit", "-1s"},
		"no runtime \"docker\"":                             {"advised", "--runtime", "docker"},
		"--schedule and --nemesis both":                     {"advised", "--schedule", "x", "--nemesis", "kill"},
		"the schedule /nowhere/x cannot be read: no such":   {"advised", "--schedule", "/nowhere/x"},
		"the plan /nowhere/x.yaml cannot be read: no such":  {"/nowhere/x.yaml"},
		"a seed is a number from 0 to 18446744073709551615": {"advised", "--seed", "-1"},
	} {
		p, err := typed(t, words...)
		if err == nil {
			_, _, err = newApp().resolve(p)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", words, err, want)
		}
	}
}

func TestParseConcurrency(t *testing.T) {
	for text, want := range map[string]int{"10": 10, "2n": 10, "n": 5, "1": 1, "100000": 100000} {
		if got, err := parseConcurrency(text, 5); err != nil || got != want {
			t.Errorf("%q is %d, %v; expected %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "0n", "-2n", "2m", "nn", "2.5n", "100001", " 2n", "0x10"} {
		if got, err := parseConcurrency(text, 5); err == nil {
			t.Errorf("%q was taken for %d", text, got)
		}
	}
}

func TestDurationsAsPeopleWriteThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", time.Hour: "1h",
		20 * time.Hour:   "20h",
		61 * time.Minute: "1h1m", 3601 * time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s",
		250 * time.Microsecond: "250µs",
	} {
		got := short(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%s is written %q (expected %q), read back as %s, %v", d, got, want, back, err)
		}
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"kill:one": "kill:one", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "a;b": "'a;b'",
		"partition,kill": "partition,kill",
	} {
		if got := quoted(word); got != want || len(split(got)) != 1 || split(got)[0] != word {
			t.Errorf("%q is quoted %s, which a shell reads as %q", word, got, split(got))
		}
	}
}

func TestVariablesOfTheEnvironment(t *testing.T) {
	t.Setenv("CAPSIZE_OP_TIMEOUT", "250ms")
	t.Setenv("CAPSIZE_RATE", "0")
	t.Setenv("CAPSIZE_NODES", "9")
	c := newApp().runCommand()
	if err := c.ParseFlags([]string{"--nodes", "4"}); err != nil {
		t.Fatal(err)
	}
	if err := fromEnvironment(c); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{"op-timeout": "250ms", "nodes": "4", "rate": "0", "keys": "0"} {
		if got := c.Flags().Lookup(flag).Value.String(); got != want {
			t.Errorf("--%s is %s, expected %s", flag, got, want)
		}
	}
	if !c.Flags().Changed("rate") || c.Flags().Changed("keys") {
		t.Error("a zero of the environment is as good as one that was typed")
	}
	t.Setenv("CAPSIZE_KEYS", "lots")
	if err := fromEnvironment(c); err == nil || !strings.Contains(err.Error(), `CAPSIZE_KEYS="lots"`) {
		t.Errorf("%v", err)
	}
}

func TestHelpFitsAScreen(t *testing.T) {
	root := newApp().root()
	for _, c := range append(root.Commands(), root) {
		var text strings.Builder
		c.SetOut(&text)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > helpWidth {
				t.Errorf("%s --help has a line of %d columns: %s", c.CommandPath(), n, line)
			}
		}
	}
}

func TestFolded(t *testing.T) {
	text := "one two three\nfour\n\n  kept as it is, however long\n\naveryverylongword b"
	want := "one two\nthree four\n\n  kept as it is, however long\n\naveryverylongword\nb"
	if got := folded(text, 10); got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}
