package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

func TestStampOf(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	origin := time.Date(2026, 11, 23, 14, 37, 11, 0, zone)
	stamp := regexp.MustCompile(stampPattern)
	for line, want := range map[string]float64{
		"2026-11-23T12:37:12.500Z [INFO]  raft: entering follower state":    1500,
		"2026-11-23T12:37:12.500+0000 [WARN]  raft: heartbeat timeout":      1500,
		"2026-11-23T14:37:12.5+02:00 x":                                     1500,
		"time=2026-11-23T12:37:12.500Z level=INFO msg=hello":                1500,
		`{"level":"warn","ts":"2026-11-23T12:37:12.500123Z","msg":"slow"}`:  1500.123,
		"2026/11/23 14:37:12.500000 a line of Go's log, in local time":      1500,
		"2026-11-23 12:37:12.500 UTC [41] LOG:  checkpoint starting":        1500,
		"2026-11-23 12:37:13,250 UTC - INFO  [main:QuorumPeer@123] - hello": 2250,
		"2026-11-23T12:37:11Z exactly at the beginning":                     0,
		"2026-11-23T12:37:10Z before the load":                              -1000,
	} {
		at, ok := stampOf([]byte(line), origin, stamp)
		if got := milliseconds(at.Sub(origin)); !ok || got != want {
			t.Errorf("%s: got %v ms (%v), want %v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "goroutine 1 [running]:", "2026-13-45T99:99:99Z", strings.Repeat("x",
		100) + "2026-11-23T12:37:12Z"} {
		if at, ok := stampOf([]byte(line), origin, stamp); ok {
			t.Errorf("%q has the time %v", line, at)
		}
	}
}

func TestTroubleLogsAroundAnAnomaly(t *testing.T) {
	in := violation(400)
	logs, about := troubleLogs(in)
	if len(logs) != 5 || !strings.Contains(about, "Two seconds") {
		t.Fatalf("%d logs: %s", len(logs), about)
	}
	for _, log := range logs {
		// The witness spans 11.541 s to 11.993 s: with two seconds on each side, the lines of 10.0 s to 13.5 s.
		n := len(log.Lines)
		if n != 8 || !strings.HasPrefix(log.Lines[0].At, "10.00") || !strings.HasPrefix(log.Lines[n-1].At, "13.50") {
			t.Errorf("%s: %v", log.Node, log.Lines)
		}
		if log.Open != (log.Node == "n3") {
			t.Errorf("%s is open: %v, though n3 gave the impossible answer", log.Node, log.Open)
		}
	}
}

func TestTroubleLogsAroundAFaultWithoutEffect(t *testing.T) {
	in := vacuous(400)
	logs, _ := troubleLogs(in)
	for i, log := range logs { // two seconds around 11 s and around 14 s; n1 writes at whole halves, the others later
		want := 14
		if i == 0 {
			want = 15
		}
		if len(log.Lines) != want {
			t.Errorf("%s: %d lines, want %d", log.Node, len(log.Lines), want)
		}
	}
}

func TestLogsOfOtherRuns(t *testing.T) {
	if logs, about := troubleLogs(fixtureOf(400)); logs != nil || !strings.Contains(about, "no trouble") {
		t.Errorf("a valid run shows %d logs: %s", len(logs), about)
	}
	logs, about := troubleLogs(broken(400))
	if len(logs) != 5 || len(logs[0].Lines) != tailLines || !strings.Contains(about, "last 40 lines") {
		t.Errorf("a broken run shows %d logs: %s", len(logs), about)
	}
	for _, log := range logs {
		if log.Open != (log.Node == "n2") {
			t.Errorf("%s is open: %v, though the error names n2", log.Node, log.Open)
		}
	}
	if logs, about := troubleLogs(Input{}); logs != nil || !strings.Contains(about, "No node left a log") {
		t.Errorf("no logs at all: %v, %s", logs, about)
	}
}

func TestLogsAreBounded(t *testing.T) {
	in := violation(400)
	var many strings.Builder
	for i := range 50_000 {
		at := fixtureOrigin().Add(11*time.Second + time.Duration(i)*20*time.Microsecond)
		fmt.Fprintf(&many, "%s line %d %s\n", at.Format("2006-01-02T15:04:05.000000Z07:00"), i, strings.Repeat("y",
			2000))
	}
	in.Logs = map[string][]byte{"n1": []byte(many.String()), "n2": []byte("no time\n\tat all\n"), "n3": nil,
		"n4": []byte("2026-11-23T12:37:22.9Z panic: boom\n\ngoroutine 1 [running]:\n")}
	logs, _ := troubleLogs(in)
	if n := len(logs[0].Lines); n != mostLogLines || !strings.Contains(logs[0].Note, "49,800 more lines left out") {
		t.Errorf("%d lines: %s", n, logs[0].Note)
	}
	// The nearest to the middle of the witness, 11.767 s, are line 38,363 and those around it.
	if first := logs[0].Lines[0].Text; !strings.Contains(first, "line 382") || cells(first) > longestLine+20 {
		t.Errorf("the first line is %.80s", first)
	}
	if len(logs[1].Lines) != 2 || !strings.Contains(logs[1].Note, "no time") {
		t.Errorf("lines without a time: %+v", logs[1])
	}
	if len(logs[2].Lines) != 0 {
		t.Errorf("an empty log: %+v", logs[2])
	}
	if len(logs[3].Lines) != 3 {
		t.Errorf("lines below one with a time belong to it: %+v", logs[3])
	}
}

func TestTroubleOf(t *testing.T) {
	r := harness.Results{Faults: []harness.FaultResult{
		{State: "healed", TookEffect: true, StartMS: 1000, EndMS: new(2000.0)},
		{State: "skipped", StartMS: 3000},
		{State: "broken", TookEffect: true, Error: "no such process", StartMS: 5000},
	}}
	if got := troubleOf(r); len(got) != 1 || got[0] != (interval{3000, 7000}) {
		t.Errorf("trouble at %v, want around the broken fault only", got)
	}
}
