package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/store"
	"github.com/capsize-dev/capsize/targets/containers/containerstest"
)

// The gallery is results/gallery: for each target and setting a small plan, one run of it, and how often it came out so.
const gallery = "../../results/gallery"

var (
	gallerySeeds = flag.Int("gallery", 0, "run each plan of results/gallery with this many seeds, and keep the evidence anew")
	galleryOnly  = flag.String("gallery-only", "", "a regular expression: the plans to run")
)

// largestHistory is how large a history of the gallery may be, in bytes.
const largestHistory = 200_000

// exhibit is one folder of the gallery.
type exhibit struct {
	name string
	// shows is the kind of anomaly that the plan is there to show; "" means that there must be none.
	shows string
}

// exhibits are what each setting trades, in the order of the table.
func exhibits() []exhibit {
	return []exhibit{
		{name: "raft"},
		{name: "etcd"},
		{name: "etcd-serializable", shows: "stale read"},
		{name: "redis", shows: "lost"},
		{name: "redis-wait", shows: "read"},
		{name: "redis-min-replicas", shows: "lost"},
		{name: "nats-kv", shows: "stale read"},
		{name: "nats-kv-direct-get", shows: "stale read"},
		{name: "nats-kv-sync-always"},
		{name: "zookeeper", shows: "stale read"},
		{name: "zookeeper-sync-read"},
	}
}

// TestGallery judges what is kept again: the verdict must be the one that was kept. With -gallery it makes it anew, which
// takes Docker and most of an hour.
func TestGallery(t *testing.T) {
	if *gallerySeeds > 0 {
		makeGallery(t)
		return
	}
	for _, e := range exhibits() {
		t.Run(e.name, func(t *testing.T) {
			folder := filepath.Join(gallery, e.name)
			size, err := os.Stat(filepath.Join(folder, store.HistoryFile))
			if err != nil {
				t.Fatal(err)
			}
			if size.Size() > largestHistory {
				t.Errorf("the history has %d bytes, more than %d", size.Size(), largestHistory)
			}
			var kept harness.Results
			if err := (store.Folder{Dir: folder}).ReadJSON(store.ResultsFile, &kept); err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), e.name) // judging writes reports
			if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			now := capsize(t, "check", "--json", copied)
			if now.Verdict != kept.Verdict || len(now.Anomalies) != len(kept.Anomalies) {
				t.Errorf("judged again: %s, %d anomalies; kept: %s, %d", now.Verdict, len(now.Anomalies), kept.Verdict,
					len(kept.Anomalies))
			}
			if shown := e.shown(now); shown != (e.shows != "") {
				t.Errorf("it is to show %q: %s", e.shows, strings.Join(names(now), ", "))
			}
		})
	}
}

// shown reports whether a run shows any anomaly of the kind, or any at all where there must be none.
func (e exhibit) shown(res harness.Results) bool {
	return slices.ContainsFunc(names(res), func(name string) bool { return strings.Contains(name, e.shows) })
}

func names(res harness.Results) []string {
	var all []string
	for _, a := range res.Anomalies {
		all = append(all, a.Name)
	}
	return all
}

// makeGallery runs every plan, keeps one run of each, and writes the table.
func makeGallery(t *testing.T) {
	containerstest.Need(t, "etcd", "nats", "redis", "zookeeper")
	only := regexp.MustCompile(*galleryOnly)
	for _, e := range exhibits() {
		if only.MatchString(e.name) {
			e.make(t)
		}
	}
	writeTable(t)
}

// tally is what the runs of a plan came to, in tally.json.
type tally struct {
	Command string         `json:"command"` // with seeds 1 to Runs
	Runs    int            `json:"runs"`
	Shown   int            `json:"shown"`   // runs with the anomaly, or without any where there must be none
	Unknown int            `json:"unknown"` // runs that proved nothing
	Names   map[string]int `json:"anomalies,omitempty"`
	Version string         `json:"version"`
}

func (e exhibit) make(t *testing.T) {
	folder := filepath.Join(gallery, e.name)
	plan := filepath.Join(folder, "plan.yaml")
	sum := tally{Names: map[string]int{}, Command: "capsize run results/gallery/" + e.name + "/plan.yaml --seed N"}
	best := harness.Results{}
	for seed := 1; seed <= *gallerySeeds; seed++ {
		out := t.TempDir()
		res := capsize(t, "run", plan, "--json", "--seed", strconv.Itoa(seed), "--out", out)
		res.Dir = filepath.Join(out, res.Run)
		good := e.shown(res) == (e.shows != "") && res.Error == ""
		t.Logf("%s, seed %d: %s, %d anomalies; %s %s", e.name, seed, res.Verdict, len(res.Anomalies), res.Reason, res.Error)
		sum.Runs++
		for _, name := range names(res) {
			sum.Names[name]++
		}
		switch {
		case res.Vacuous || res.Error != "" || (len(res.Anomalies) == 0 && res.Verdict == harness.Unknown):
			sum.Unknown++
		case good:
			sum.Shown++
			if best.Dir == "" {
				best = res
			}
		}
	}
	if best.Dir == "" {
		t.Errorf("%s: no run came out as it was to", e.name)
		return
	}
	sum.Version = keepExhibit(t, best.Dir, folder)
	text, err := json.MarshalIndent(sum, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tally.json"), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// keepExhibit copies what a run recorded, and returns what ran. Where this machine keeps things is not evidence.
func keepExhibit(t *testing.T, from, to string) string {
	var info harness.RunInfo
	if err := (store.Folder{Dir: from}).ReadJSON(store.RunFile, &info); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{store.HistoryFile, store.FaultsFile, store.ResultsFile} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	info.Argv, info.Host = nil, map[string]string{"os": info.Host["os"], "arch": info.Host["arch"], "cpus": info.Host["cpus"]}
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, store.RunFile), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"etcd", "redis", "nats-server", "zookeeper"} {
		if version := info.Versions[server]; version != "" {
			return server + " " + version
		}
	}
	return "capsize's own"
}

// writeTable writes the table of the gallery's README between its marks.
func writeTable(t *testing.T) {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "    plan\tserver\tshows\tin\tunknown\tall that was found")
	for _, e := range exhibits() {
		var sum tally
		text, err := os.ReadFile(filepath.Join(gallery, e.name, "tally.json"))
		if err == nil {
			err = json.Unmarshal(text, &sum)
		}
		if err != nil {
			t.Errorf("%s: %v", e.name, err)
			continue
		}
		var found []string
		for name, n := range sum.Names {
			found = append(found, fmt.Sprintf("%s %d", name, n))
		}
		slices.Sort(found)
		shows := e.shows
		if shows == "" {
			shows = "no violation"
		}
		fmt.Fprintf(w, "    %s\t%s\t%s\t%d/%d\t%d\t%s\n", e.name, sum.Version, shows, sum.Shown, sum.Runs, sum.Unknown,
			strings.Join(found, ", "))
	}
	_ = w.Flush()
	path := filepath.Join(gallery, "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- table -->\n", "<!-- end of table -->"
	before, rest, found := strings.Cut(string(readme), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+"\n"+out.String()+"\n"+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
