package report

import (
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

func explained(t *testing.T, in Input, options TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Explain(&b, in, meaning, options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestExplainShowsEveryViolation: each with its meaning, its picture, the faults, the nodes, and what its key kept.
func TestExplainShowsEveryViolation(t *testing.T) {
	in := violation(400)
	second := in.Results.Anomalies[0]
	second.Name, second.Key, second.Count, second.Kept, second.Faults = "lost write", "r9", 1, "", nil
	in.Results.Anomalies = append(in.Results.Anomalies, second)
	text := strings.Join(strings.Fields(explained(t, in, TextOptions{})), " ")
	for _, want := range []string{
		"✗ 2 violations, one of each name", "1. stale read on key r7 a read returned an old state although a newer one",
		"#3 partition:leader", "p1 n3", "<- impossible", "why Process 4 read 12 at 11.682 s.", "answered n2, n5, n3",
		"also 2 more like it",
		"kept not linearizable: reads were up to 311 ms and 1 version stale, but it was sequential",
		"2. lost write on key r9", "exit 1: a violation was found",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "kept"); n != 1 {
		t.Errorf("what was kept is told %d times, and known of one key:\n%s", n, text)
	}
	for _, width := range []int{60, 80, 101} {
		for line := range strings.Lines(explained(t, in, TextOptions{Width: width})) {
			if n := cells(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d columns where %d were asked for: %s", n, width, line)
			}
		}
	}
}

// TestExplainWithoutAViolation: it says so, and whether there may be one all the same.
func TestExplainWithoutAViolation(t *testing.T) {
	check := func(v ...harness.Validity) (checks []harness.Check) {
		for _, v := range v {
			checks = append(checks, harness.Check{Name: "linearizable", Verdict: v, Reason: "told why"})
		}
		return checks
	}
	some := []harness.AnomalyResult{{Name: "stale read", Impossible: -1}}
	for name, c := range map[string]struct {
		res  harness.Results
		exit int
		says string
		open bool // it says why
	}{
		"valid": {harness.Results{Verdict: harness.Valid, Checks: check(harness.Valid)}, 0,
			"✓ no violation was found\n", false},
		"vacuous": {harness.Results{Verdict: harness.Unknown, Vacuous: true, Checks: check(harness.Valid)}, 0,
			"✓ no violation was found\n",
			false},
		"undecided": {harness.Results{Verdict: harness.Unknown, Reason: "out of time", Checks: check(harness.Valid,
			harness.Unknown)}, 3, "? no violation was found, but not everything was decided\n", true},
		"unchecked": {harness.Results{}, 3, "? no violation was found, but not everything was decided\n", false},
		"not promised": {harness.Results{Verdict: harness.Valid, Claim: harness.NoLevel, Anomalies: some,
			Checks: check(harness.Invalid)}, 0, "✓ 1 violation, but not of what is claimed: none\n", false},
		"not promised, vacuous": {harness.Results{Verdict: harness.Unknown, Vacuous: true, Claim: harness.NoLevel,
			Anomalies: some, Checks: check(harness.Invalid)}, 0,
			"✓ 1 violation, but not of what is claimed: none\n", false},
		"perhaps promised": {harness.Results{Verdict: harness.Unknown, Claim: harness.Sequential, Anomalies: some,
			Checks: check(harness.Invalid)}, 3, "? 1 violation, perhaps not of what is claimed: sequential\n", false},
		"violated": {harness.Results{Verdict: harness.Invalid, Anomalies: some, Checks: check(harness.Invalid,
			harness.Unknown)}, 1, "✗ 1 violation\n", true},
	} {
		text := explained(t, Input{Results: c.res}, TextOptions{})
		if !strings.HasPrefix(text, c.says) || Explained(c.res).Exit != c.exit ||
			strings.Contains(text, "open        told why") != c.open {
			t.Errorf("%s: exit %d:\n%s", name, Explained(c.res).Exit, text)
		}
	}
}
