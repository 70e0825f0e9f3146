package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[a-zA-Z]")

// screen is what a block shows, without colours.
func screen(b tea.Model) string { return escapes.ReplaceAllString(b.(block).View().Content, "") }

func feed(b tea.Model, statuses ...harness.Status) tea.Model {
	for _, s := range statuses {
		b, _ = b.Update(s)
	}
	return b
}

// busy is the middle of a load in which everything happens at once.
func busy(nodes int) harness.Status {
	s := harness.Status{
		Phase: harness.PhaseLoad, Elapsed: 12300 * time.Millisecond, Limit: 30 * time.Second, Rate: 123456,
		Ops:     harness.OpCounts{Total: 1234567, OK: 1000000, Fail: 200000, Unmet: 100000, Info: 34567, Hung: 1234},
		Latency: harness.Latency{P50: 1234.5, P99: 12345.6},
		Faults: []history.Strike{{Fault: "partition:majorities-ring",
			Detail: "n1 n2 n3 | n2 n3 n4 | n3 n4 n5 | n4 n5 n1"},
			{Fault: "kill:one", Detail: "n5"}},
	}
	states := []harness.NodeStatus{
		{Leader: true, State: harness.Running}, {State: harness.Dead, Faults: []string{"kill:one"}},
		{State: harness.Paused, Leader: true}, {State: harness.Running, Faults: []string{"partition:one", "slow:one"}},
		{Leader: true, Faults: []string{"partition:leader"}}, {Faults: []string{"slow:one"}}, {},
	}
	for i := range nodes {
		n := states[i%len(states)]
		n.Name = fmt.Sprintf("n%d", i+1)
		s.Nodes = append(s.Nodes, n)
	}
	return s
}

func TestNoLineIsWiderThanTheScreen(t *testing.T) {
	for _, width := range []int{40, 80, 100} {
		var b tea.Model = block{title: strings.Repeat("a long title ", 20), width: width}
		b = feed(b, harness.Status{Phase: harness.PhaseStart, PhaseDetail: strings.Repeat("5 nodes of raft ", 9)})
		for nodes := range 20 {
			b = feed(b, busy(nodes))
		}
		load := busy(5)
		for range 200 { // a long sparkline
			load.Elapsed += time.Second
			b = feed(b, load)
		}
		check := func(when string) {
			for line := range strings.Lines(screen(b)) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
					t.Errorf("%s, a line of %d columns on %d: %q", when, n, width, line)
				}
			}
		}
		check("under load")
		b, _ = b.Update(interrupted{})
		b = feed(b, harness.Status{Phase: harness.PhaseCheck, Checked: 12345, ToCheck: 99999, Elapsed: 100 * time.Hour})
		check("while checking")
	}
}

func TestPhasesThatAreOverBecomeLines(t *testing.T) {
	var b tea.Model = block{title: "raft", width: 80}
	b = feed(b, harness.Status{Phase: harness.PhaseStart, PhaseDetail: "5 nodes of raft",
		Elapsed: 1200 * time.Millisecond})
	if text := screen(b); !strings.Contains(text, "▸ start        5 nodes of raft") || strings.Contains(text, "✓") {
		t.Errorf("a phase that goes on:\n%s", text)
	}
	b = feed(b, busy(5))
	text := screen(b)
	for _, want := range []string{"✓ start        5 nodes of raft", "1.2 s", "▸ load", " of 30 s", "123456 op/s",
		"◉ n1 leader", "✕ n2 dead", "‖ n3 paused", "◌ n4 cut off", "fault: partition:majorities-ring",
		"p50 1234.5 ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown:\n%s", want, text)
		}
	}
	calm := busy(1)
	calm.Faults = nil
	if text := screen(feed(b, calm)); !strings.Contains(text, "no fault is on") {
		t.Errorf("in calm:\n%s", text)
	}
	b, _ = b.Update(interrupted{})
	b = feed(b, harness.Status{Phase: harness.PhaseCheck, Checked: 5, ToCheck: 10},
		harness.Status{Phase: harness.PhaseDone})
	text = screen(b)
	for _, want := range []string{"✓ load         1234567 calls", "! interrupted", "✓ check        10 keys"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown:\n%s", want, text)
		}
	}
	if strings.Contains(text, "▸") || strings.Contains(text, "n1") {
		t.Errorf("at the end nothing goes on:\n%s", text)
	}
}

func TestNodeWords(t *testing.T) {
	for want, n := range map[string]harness.NodeStatus{
		"● n":              {State: harness.Running},
		"◉ n leader":       {Leader: true},
		"◌ n leader, hurt": {Leader: true, Faults: []string{"partition:leader"}},
		"◌ n slow":         {Faults: []string{"slow:one"}},
		"◌ n cut off":      {Faults: []string{"partition:bridge"}},
		"✕ n dead":         {State: harness.Dead, Leader: true},
		"‖ n paused":       {State: harness.Paused, Faults: []string{"pause:one"}},
	} {
		n.Name = "n"
		if got, _ := nodeWord(n); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 5, ""}, {[]float64{0, 0}, 5, "▁▁"}, {[]float64{0, 4, 8}, 5, "▁▄█"}, {[]float64{9, 9, 0, 8}, 2, "▁█"},
		{[]float64{1}, -3, ""},
	} {
		if got := sparkline(c.values, c.width); got != c.want {
			t.Errorf("%v: %q, expected %q", c.values, got, c.want)
		}
	}
	for share, want := range map[float64]string{0: "░░░░", 0.5: "██░░", 1: "████", 7: "████", -1: "░░░░"} {
		if got := bar(share, 4); got != want {
			t.Errorf("%v: %q, expected %q", share, got, want)
		}
	}
}

func TestThePlainViewSaysALineAPhaseAndOneEveryTenSeconds(t *testing.T) {
	var text strings.Builder
	v := &plainView{w: &text}
	v.Show(harness.Status{})
	for tenth := range 20 {
		v.Show(harness.Status{Phase: harness.PhaseStart, PhaseDetail: "5 nodes",
			Elapsed: time.Duration(tenth) * 100 * time.Millisecond})
	}
	for tenth := range 351 {
		s := busy(5)
		s.Elapsed = time.Duration(tenth) * 100 * time.Millisecond
		v.Show(s)
	}
	v.Interrupted()
	v.Show(harness.Status{Phase: harness.PhaseCheck, Checked: 1, ToCheck: 4})
	v.Show(harness.Status{Phase: harness.PhaseDone})
	v.Close()
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	var heads []string
	for _, line := range lines {
		heads = append(heads, strings.Fields(line)[0])
	}
	if got := strings.Join(heads, " "); got != "start load load load load ! check" {
		t.Errorf("%s:\n%s", got, text.String())
	}
	for i, want := range map[int]string{0: "5 nodes", 2: "10 of 30 s · 123456 op/s", 4: "kill:one n5",
		6: "1 of 4 keys"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, expected %q", i, lines[i], want)
		}
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("an escape byte")
	}
}
