package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/targets"
)

// seeds asks for the whole table: that many seeds for each planted bug, and the clean target under the same flags.
var seeds = flag.Int("seeds", 0, "run the whole table of planted bugs with this many seeds each")

// only restricts the table to some of the bugs.
var only = flag.String("bugs", "", "with -seeds, only the planted bugs whose names match this regular expression")

// asCapsize makes the test binary be the program.
const asCapsize = "CAPSIZE_TEST_BE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asCapsize) == rigged {
		riggedMain()
	}
	if os.Getenv(asCapsize) != "" || (len(os.Args) > 1 && os.Args[1] == "node") {
		main()
	}
	os.Exit(m.Run())
}

// capsize runs the program as a user would and returns the results it printed.
func capsize(t *testing.T, args ...string) harness.Results {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCapsize+"=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var res harness.Results
	if err := json.Unmarshal(stdout.Bytes(), &res); err != nil {
		t.Fatalf("capsize %s: %v\nstdout: %s\nstderr: %s", strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return res
}

// bugs are the planted bugs of the catalogue.
func bugs() map[string]harness.About {
	found := make(map[string]harness.About)
	for _, target := range targets.All() {
		if d, ok := target.(harness.Describer); ok && d.About().Bug != "" {
			found[target.Name()] = d.About()
		}
	}
	return found
}

// everydaySeeds are tried in turn; the first catch ends it.
var everydaySeeds = [...]int{1, 2, 3}

// TestPlantedBugs proves that capsize finds what it is for: each planted bug, with no flag but the seed. With -seeds it
// prints the table of the README instead, the clean target beside each bug.
func TestPlantedBugs(t *testing.T) {
	if len(bugs()) < 8 {
		t.Fatalf("the catalogue holds only %d planted bugs", len(bugs()))
	}
	if *seeds > 0 {
		table(t)
		return
	}
	if testing.Short() {
		t.Skip("runs clusters for minutes; go test without -short does it")
	}
	for name := range bugs() {
		t.Run(strings.TrimPrefix(name, "raft/"), func(t *testing.T) {
			var tried []string
			for _, seed := range everydaySeeds {
				res := capsize(t, "run", name, "--fail-fast", "--json", "--seed", strconv.Itoa(seed), "--out", t.TempDir())
				if res.Verdict == harness.Invalid {
					return
				}
				tried = append(tried, fmt.Sprintf("seed %d: %s, %s", seed, res.Verdict, res.Reason))
			}
			t.Errorf("%s was not caught:\n%s", name, strings.Join(tried, "\n"))
		})
	}
}

// keep copies a run that should not have come out so to where it outlives the test.
func keep(t *testing.T, out string, res harness.Results) {
	dir := filepath.Join(os.TempDir(), "capsize-unexpected", res.Run)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(out, res.Run))); err != nil {
		t.Logf("keep %s: %v", res.Run, err)
		return
	}
	t.Logf("kept in %s", dir)
}

// needed is how many of ten seeds must catch a bug.
const needed = 0.9

func table(t *testing.T) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatalf("-bugs: %v", err)
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "planted bug\tfound by\tcaught\tmedian time\tclean raft")
	for _, target := range targets.All() {
		about, planted := bugs()[target.Name()]
		if !planted || !wanted.MatchString(target.Name()) {
			continue
		}
		var times []float64
		clean := 0
		for seed := 1; seed <= *seeds; seed++ {
			res := capsize(t, "run", target.Name(), "--fail-fast", "--json", "--seed", strconv.Itoa(seed), "--out", t.TempDir())
			t.Logf("%s, seed %d: %s after %.1f s, %s", target.Name(), seed, res.Verdict, res.DurationMS/1000, res.Reason)
			if res.Verdict == harness.Invalid {
				times = append(times, res.DurationMS/1000)
			}
			out := t.TempDir()
			sound := capsize(t, cleanArgs(out, about.Recommended, seed)...)
			if sound.Verdict == harness.Valid {
				clean++
			} else {
				keep(t, out, sound)
				t.Errorf("raft as %s, seed %d: %s, %s", target.Name(), seed, sound.Verdict, sound.Reason)
			}
		}
		if float64(len(times)) < needed*float64(*seeds) {
			t.Errorf("%s was caught in %d of %d seeds", target.Name(), len(times), *seeds)
		}
		slices.Sort(times)
		fmt.Fprintf(w, "%s\t%s, %s\t%d/%d\t%s\t%d/%d valid\n", target.Name(), about.Recommended.Workload,
			about.Recommended.Nemesis, len(times), *seeds, median(times), clean, *seeds)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	fmt.Println(out.String())
}

func median(sorted []float64) string {
	if len(sorted) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f s", sorted[len(sorted)/2])
}

// cleanArgs run the sound target as a planted bug recommends.
func cleanArgs(out string, r harness.Recommendation, seed int) []string {
	args := []string{"run", "raft", "--json", "--seed", strconv.Itoa(seed), "--out", out, "--workload", r.Workload, "--nemesis", r.Nemesis}
	add := func(flag string, set bool, value any) {
		if set {
			args = append(args, flag, fmt.Sprint(value))
		}
	}
	add("--nodes", r.Nodes > 0, r.Nodes)
	add("--concurrency", r.Concurrency != "", r.Concurrency)
	add("--rate", r.Rate > 0, r.Rate)
	add("--keys", r.Keys > 0, r.Keys)
	add("--time-limit", r.TimeLimit > 0, r.TimeLimit)
	add("--op-timeout", r.OpTimeout > 0, r.OpTimeout)
	add("--interval", r.Interval > 0, r.Interval)
	add("--duration", r.Duration > 0, r.Duration)
	return args
}
