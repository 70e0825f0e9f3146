package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

func textOf(t *testing.T, in Input, options TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, in, options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextHasNoEscapeByteUnlessAsked(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, in := range fixtures(400) {
		plain, coloured := textOf(t, in, TextOptions{}), textOf(t, in, TextOptions{Color: true})
		if strings.ContainsRune(plain, 0x1b) {
			t.Errorf("%s: an escape byte in plain text", name)
		}
		if !escape.MatchString(coloured) {
			t.Errorf("%s: no colour where it was asked for", name)
		}
		if escape.ReplaceAllString(coloured, "") != plain {
			t.Errorf("%s: colour changes the text", name)
		}
	}
}

func TestTextFitsItsWidth(t *testing.T) {
	for name, in := range fixtures(400) {
		in.Folder = "results/runs/k3f9"
		for _, width := range []int{60, 72, 80, 101, 160} {
			for line := range strings.Lines(textOf(t, in, TextOptions{Width: width})) {
				if n := cells(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: %d columns where %d were asked for: %s", name, n, width, line)
				}
			}
		}
	}
}

// TestTextSaysWhatARunMustSay holds the rules of the terminal against each verdict.
func TestTextSaysWhatARunMustSay(t *testing.T) {
	want := map[string][]string{
		"valid": {"✓ VALID", "linearizable: valid on 400 ops", "2 partitions", "all took effect", "not proof",
			"exit        0"},
		"violation": {"✗ VIOLATION", "stale read on key r7", "<- impossible", "#3 partition:leader", "2 more like it",
			"exit        1"},
		"unknown": {"? UNKNOWN", "2 of 3 took effect", "4 of 5; missing", "--timeout 10m", "had no effect",
			"exit        3"},
		"error": {"! ERROR", "node n2 was not ready", "no operation was recorded", "capsize doctor", "exit        4"},
	}
	for name, in := range fixtures(400) {
		text := textOf(t, in, TextOptions{Width: 100})
		for _, s := range append(want[name], "report      "+in.Folder+"/report.html", "again       capsize run raft") {
			if !strings.Contains(text, s) {
				t.Errorf("%s does not say %q:\n%s", name, s, text)
			}
		}
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if !strings.Contains(lines[len(lines)-1], "exit ") {
			t.Errorf("%s does not end with the exit code: %s", name, lines[len(lines)-1])
		}
	}
}

func TestTextOfManyFaultsIsBounded(t *testing.T) {
	in := fixtureOf(400)
	w := in.Results.Windows[1]
	for i := range 300 {
		w.Fault = i + 10
		in.Results.Windows = append(in.Results.Windows, w)
	}
	text := textOf(t, in, TextOptions{})
	if n := strings.Count(text, "\n"); n > 60 || !strings.Contains(text, "291 more windows in the report") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// TestPastedCommandsStayWhole takes a printed command as a shell would and finds the words that went in.
func TestPastedCommandsStayWhole(t *testing.T) {
	in := fixtureOf(400)
	in.Results.Repro = "capsize run raft/local-reads --nemesis " + strings.Repeat("partition:majorities-ring,", 9) +
		"kill:one --workload register --seed 8821 --out /a/folder/with/" + strings.Repeat("long-", 20) + "name"
	for _, width := range []int{60, 80, 120} {
		text := textOf(t, in, TextOptions{Width: width})
		_, after, _ := strings.Cut(text, "  again")
		command, _, _ := strings.Cut(after, "\n  check")
		command = strings.ReplaceAll(command, "\\\n", " ")
		if got := strings.Join(strings.Fields(command), " "); got != in.Results.Repro {
			t.Errorf("width %d: the command became\n%s", width, got)
		}
	}
}

func TestUnknownAlwaysHasANextStep(t *testing.T) {
	cases := map[string]func(*harness.Results){
		"nothing known":  func(*harness.Results) {},
		"indeterminate":  func(r *harness.Results) { r.Ops = harness.OpCounts{Total: 100, OK: 60, Info: 40} },
		"keys undecided": func(r *harness.Results) { r.Checks = []harness.Check{{Undecided: []string{"a"}}} },
		"no effect": func(r *harness.Results) {
			r.Faults = []harness.FaultResult{{State: "healed",
				Fault: "kill"}}
		},
	}
	seen := map[string]bool{}
	for name, change := range cases {
		var in Input
		change(&in.Results)
		steps := nextSteps(in)
		if len(steps) != 1 || seen[steps[0].Text] {
			t.Errorf("%s: %v", name, steps)
			continue
		}
		seen[steps[0].Text] = true
	}
	if steps := nextSteps(Input{Results: harness.Results{Verdict: harness.Valid}}); steps != nil {
		t.Errorf("a valid run needs no next step, got %v", steps)
	}
}

func TestSkippedFaultsAreNotCounted(t *testing.T) {
	in := fixtureOf(400)
	in.Results.Faults = append(in.Results.Faults, harness.FaultResult{ID: 9, Fault: "kill:one", State: "skipped"})
	if text := faultsText(in.Results); !strings.HasPrefix(text, "1 kill, 2 partitions, all took effect") {
		t.Error(text)
	}
	in.Results.Faults[0].TookEffect = false
	if text := faultsText(in.Results); !strings.Contains(text, "2 of 3 took effect") {
		t.Error(text)
	}
}

func ExampleDrawing() {
	in := violation(400)
	fmt.Print(Drawing(in.Results.Anomalies[0], in.Results.Faults, 76))
	// Output:
	// key r7       11.541 s     11.681 s        11.992 s
	// faults  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ #3 partition:leader n3 | n1 n2 n4 n5 ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
	// p12 n2       ├────────┤ write 12
	// p4 n5                     ├───┤ read -> 12
	// p1 n3                                     ├──┤ read -> 9 <- impossible
	// (short gaps are widened: lengths are not to scale, the order is)
}
