package history

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// randomStrikes returns strikes of all kinds, in several lanes.
func randomStrikes(rng *rand.Rand, end time.Duration) []Strike {
	var strikes []Strike
	id, at := 0, func() time.Duration { return time.Duration(rng.Int64N(int64(end) + 2)) }
	for range rng.IntN(6) {
		id += 1 + rng.IntN(2)
		s := Strike{
			ID: id, Lane: rng.IntN(3), Fault: []string{"kill:one", "pause", "stop:n3", "partition:n1|n2", "a b:\"c"}[rng.IntN(5)],
			PlannedAt: at(), PlannedFor: at(), Seed: rng.Uint64(), Detail: []string{"", "n1 :ok \"x\"\n"}[rng.IntN(2)],
			State: []StrikeState{Planned, Skipped, Injected, Healed, Broken}[rng.IntN(5)], Nodes: []string{"n1", "é"}[:rng.IntN(3)],
		}
		if s.State == Injected || s.State == Healed || s.State == Broken {
			s.Began = at()
			s.Start = s.Began + at()
			s.TookEffect, s.Evidence = rng.IntN(2) == 0, "12 kB held"
		}
		switch s.State {
		case Healed:
			s.End = s.Start + at()
		case Broken:
			s.Error = "no such process"
			s.Start *= time.Duration(rng.IntN(2))
		}
		if len(s.Nodes) == 0 {
			s.Nodes = nil
		}
		strikes = append(strikes, s)
	}
	return strikes
}

func TestFaultsAreWrittenAndReadTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 300 {
		h := randomHistory(rng, 1+rng.IntN(20))
		h.Strikes = randomStrikes(rng, h.Duration())
		for _, format := range WriteFormats() {
			if !HoldsFaults(format) || strings.HasSuffix(format, zstSuffix) {
				continue
			}
			again, text := rewritten(t, h, format)
			if diff := cmp.Diff(h.Strikes, again.Strikes); diff != "" {
				t.Fatalf("%s: %s\n%s", format, diff, text)
			}
			if diff := cmp.Diff(h.Pairs, again.Pairs); diff != "" {
				t.Fatalf("%s: %s\n%s", format, diff, text)
			}
			if len(again.Notes) != 1 {
				t.Fatalf("%s: notes %q\n%s", format, again.Notes, text)
			}
			checkNemesis(t, format, text)
		}
	}
}

// checkNemesis fails unless the file is as Jepsen would have written it: indices without a gap where there was none,
// times that do not go backwards, and two operations of the nemesis for each deed.
func checkNemesis(t *testing.T, format string, text []byte) {
	t.Helper()
	if format != FormatEDN {
		return
	}
	open := ""
	name := regexp.MustCompile(`:process :nemesis, :f (:[a-z-]+|"[^,]*)`)
	for line := range strings.Lines(string(text)) {
		m := name.FindStringSubmatch(line)
		switch {
		case m == nil:
		case open == "":
			open = m[1]
		case open != m[1]:
			t.Fatalf("%s was not done when %s began\n%s", open, m[1], text)
		default:
			open = ""
		}
	}
	if open != "" {
		t.Fatalf("%s is never done\n%s", open, text)
	}
	// Whoever knows nothing of :capsize/strike counts all operations alike, and finds nothing to correct.
	plain, _ := read(t, strings.ReplaceAll(string(text), ", :capsize/strike ", ", :other/strike "), ReadOptions{Format: FormatEDN})
	for _, note := range plain.Notes {
		if strings.Contains(note, "did not grow") || strings.Contains(note, "went backwards") {
			t.Fatalf("%s\n%s", note, text)
		}
	}
}

func TestNemesisAsJepsenWritesIt(t *testing.T) {
	h := History{
		Pairs: []Pair{{Index: 0, End: 1, F: "read", Outcome: OK, Call: 5, Due: 5, Return: 90}, {Index: 2, End: -1, F: "read", Call: 90, Due: 90}},
		Lines: 3,
		Strikes: []Strike{
			{ID: 0, Fault: "partition:leader", State: Healed, Began: 10, Start: 15, PlannedFor: 30, End: 50, Detail: "n5 | n1", TookEffect: true, Evidence: "1 kB held"},
			{ID: 1, Lane: 1, Fault: "kill:one", State: Injected, Began: 20, Start: 30, Detail: "n2"},
			{ID: 2, Fault: "pause:one", State: Skipped, PlannedAt: 60, Detail: "nobody"},
			{ID: 3, Fault: "slow", State: Planned, PlannedAt: 200},
		},
	}
	want := `{:index 0, :time 5, :type :invoke, :process 0, :f :read, :value nil}
{:index 1, :time 10, :type :info, :process :nemesis, :f :start-partition, :value "partition:leader", :capsize/strike 0}
{:index 2, :time 15, :type :info, :process :nemesis, :f :start-partition, :value "n5 | n1", :capsize/strike "S"}
{:index 3, :time 20, :type :info, :process :nemesis, :f :kill, :value "kill:one", :capsize/strike 1}
{:index 4, :time 30, :type :info, :process :nemesis, :f :kill, :value "n2", :capsize/strike "S"}
{:index 5, :time 45, :type :info, :process :nemesis, :f :stop-partition, :value "partition:leader", :capsize/strike 0}
{:index 6, :time 50, :type :info, :process :nemesis, :f :stop-partition, :value "1 kB held", :capsize/strike 0}
{:index 7, :time 60, :type :info, :process :nemesis, :f :skip-pause, :value "pause:one", :capsize/strike 2}
{:index 8, :time 60, :type :info, :process :nemesis, :f :skip-pause, :value "nobody", :capsize/strike "S"}
{:index 9, :time 90, :type :ok, :process 0, :f :read, :value nil}
{:index 10, :time 90, :type :invoke, :process 0, :f :read, :value nil}
{:index 11, :time 90, :type :info, :process :nemesis, :f :skip-slow, :value "slow", :capsize/strike 3}
{:index 12, :time 90, :type :info, :process :nemesis, :f :skip-slow, :value nil, :capsize/strike "S"}
`
	again, text := rewritten(t, h, FormatEDN)
	lines := regexp.MustCompile(`strike "(\\"|[^"])*"`).ReplaceAll(text, []byte(`strike "S"`))
	same(t, want, string(lines))
	same(t, h.Pairs, again.Pairs)
	same(t, h.Strikes, again.Strikes)

	// Where the field is lost, the names tell what struck and when.
	bare := regexp.MustCompile(`, :capsize/strike ("S"|\d)`).ReplaceAll(lines, nil)
	plain, _ := read(t, string(bare), ReadOptions{})
	var got []Strike
	for _, s := range plain.Strikes {
		got = append(got, Strike{ID: s.ID, Fault: s.Fault, State: s.State, Began: s.Began, Start: s.Start, End: s.End, PlannedFor: s.PlannedFor, Detail: s.Detail})
	}
	same(t, []Strike{
		{ID: 0, Fault: "partition", State: Healed, Began: 10, Start: 15, End: 50, PlannedFor: 30, Detail: "n5 | n1"},
		{ID: 1, Fault: "kill", State: Injected, Began: 20, Start: 30, PlannedFor: 60, Detail: "n2"},
	}, got)

	// What others add to such a file stands behind it.
	mixed, _ := read(t, string(text)+"{:type :info, :process :nemesis, :f :pause, :time 300}\n", ReadOptions{})
	if n := len(mixed.Strikes); n != 5 || mixed.Strikes[4].ID != 4 || mixed.Strikes[4].Fault != "pause" {
		t.Errorf("%+v", mixed.Strikes)
	}
	for _, format := range []string{FormatJSONL, FormatElle, FormatPorcupine} {
		var out bytes.Buffer
		if err := Write(&out, h, format); err != nil || HoldsFaults(format) || bytes.Contains(out.Bytes(), []byte("partition")) {
			t.Errorf("%s: %v\n%s", format, err, out.Bytes())
		}
	}
}

func TestBrokenStrikes(t *testing.T) {
	for strike, want := range map[string]string{
		"[]":                                 "h:1:1: found a strike that is no text, expected a line of faults.jsonl or an id",
		`"{\"id\":1"`:                        "h:1:1: found a strike that cannot be read (found the end of the line, expected ',' or '}')",
		`"{\"id\":1,\"state\":\"resting\"}"`: "h:1:1: found a strike that cannot be read (found the state \"resting\" of a fault, expected planned, skipped, injected, healed or broken)",
	} {
		_, _, err := Read(strings.NewReader("{:type :info, :process :nemesis, :f :kill, :capsize/strike "+strike+"}"), "h", ReadOptions{Format: FormatEDN})
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", strike, err, want)
		}
	}
}
