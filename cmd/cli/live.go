package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/capsize-dev/capsize/harness"
)

// liveView redraws a block in place on a terminal: the phases that are over, a line each, and the one that goes on. It
// reads no keys, so the terminal stays as it was and Ctrl-C stays a signal.
type liveView struct {
	program *tea.Program
	ended   chan struct{}
}

func newLiveView(w io.Writer, title string, width int) *liveView {
	v := &liveView{ended: make(chan struct{})}
	v.program = tea.NewProgram(block{title: title, width: width}, tea.WithOutput(w), tea.WithInput(nil),
		tea.WithoutSignalHandler())
	go func() {
		defer close(v.ended)
		_, _ = v.program.Run() // a view that cannot draw must not stop the run
	}()
	return v
}

func (v *liveView) Show(s harness.Status) { v.program.Send(s) }

// interrupted is the message that somebody pressed Ctrl-C.
type interrupted struct{}

func (v *liveView) Interrupted() { v.program.Send(interrupted{}) }

func (v *liveView) Close() {
	v.program.Quit()
	<-v.ended
}

// block is what is drawn: bubbletea's model.
type block struct {
	title  string
	width  int
	now    harness.Status
	over   []string // lines of the phases that are over
	rates  []float64
	looked time.Duration
}

func (b block) Init() tea.Cmd { return nil }

func (b block) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case harness.Status:
		return b.next(msg), nil
	case interrupted:
		b.over = append(b.over, "  "+faultStyle.Render("! "+shorten(interruptedText, b.width-4)))
	case tea.WindowSizeMsg:
		b.width = min(max(msg.Width, 40), 100)
	}
	return b, nil
}

// next takes a new status; a phase that ended becomes a line.
func (b block) next(s harness.Status) block {
	if s.Phase != b.now.Phase {
		if b.now.Phase != "" {
			b.over = append(b.over, b.line("✓", okStyle, b.now.Phase, summary(b.now), b.now.Elapsed))
		}
		b.looked = 0
	}
	if s.Phase == harness.PhaseLoad && s.Elapsed-b.looked >= time.Second {
		b.looked = s.Elapsed
		b.rates = append(b.rates, s.Rate)
	}
	b.now = s
	return b
}

// summary is what a phase came to.
func summary(s harness.Status) string {
	switch s.Phase {
	case harness.PhaseLoad:
		return fmt.Sprintf("%d calls", s.Ops.Total)
	case harness.PhaseCheck:
		if s.ToCheck > 0 {
			return fmt.Sprintf("%d keys", s.ToCheck)
		}
	}
	return s.PhaseDetail
}

var (
	okStyle    = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	busyStyle  = lipgloss.NewStyle().Foreground(lipgloss.Color("4"))
	faultStyle = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	faintStyle = lipgloss.NewStyle().Faint(true)
)

// line is one phase: a glyph, its name, a text, and how long it took at the right edge.
func (b block) line(glyph string, style lipgloss.Style, phase harness.Phase, text string, took time.Duration) string {
	end := fmt.Sprintf("%6.1f s", took.Seconds())
	room := max(b.width-len(end)-18, 10)
	return fmt.Sprintf("  %s %-12s %-*s %s", style.Render(glyph), phase, room, shorten(text, room), end)
}

func (b block) View() tea.View {
	lines := append([]string{faintStyle.Render(shorten(b.title, b.width))}, b.over...)
	if b.now.Phase != "" && b.now.Phase != harness.PhaseDone {
		lines = append(lines, b.line("▸", busyStyle, b.now.Phase, b.text(), b.now.Elapsed))
		lines = append(lines, b.details()...)
	}
	return tea.NewView(strings.Join(lines, "\n") + "\n")
}

func (b block) text() string {
	s := b.now
	switch {
	case s.Phase == harness.PhaseCheck && s.ToCheck > 0:
		return b.bar(float64(s.Checked)/float64(s.ToCheck)) + fmt.Sprintf(" %d of %d keys", s.Checked, s.ToCheck)
	case s.Phase == harness.PhaseLoad && s.Limit > 0:
		return b.bar(s.Elapsed.Seconds()/s.Limit.Seconds()) + fmt.Sprintf(" of %.0f s", s.Limit.Seconds())
	}
	return s.PhaseDetail
}

// details are the lines below the phase that goes on, while there is a cluster to look at.
func (b block) details() []string {
	s := b.now
	if len(s.Nodes) == 0 {
		return nil
	}
	indent := strings.Repeat(" ", 17)
	room := max(b.width-len(indent), 20)
	lines := []string{indent + shorten(opsText(s), room), indent + nodesText(s.Nodes, room)}
	fault := faintStyle.Render("no fault is on")
	if len(s.Faults) > 0 {
		fault = faultStyle.Render(shorten("fault: "+faultsText(s), room))
	}
	latency := shorten(fmt.Sprintf("p50 %.1f ms  p99 %.1f ms", s.Latency.P50, s.Latency.P99), room-2)
	return append(lines, indent+fault, indent+latency+"  "+sparkline(b.rates, room-len([]rune(latency))-2))
}

// nodesText shows each node with a glyph and, where there is something to say, a word.
func nodesText(nodes []harness.NodeStatus, room int) string {
	var words []string
	used := 0
	for _, n := range nodes {
		word, style := nodeWord(n)
		used += len([]rune(word)) + 2
		if used > room {
			words = append(words, "…")
			break
		}
		words = append(words, style.Render(word))
	}
	return strings.Join(words, "  ")
}

func nodeWord(n harness.NodeStatus) (string, lipgloss.Style) {
	switch {
	case n.State == harness.Dead:
		return "✕ " + n.Name + " dead", faultStyle
	case n.State == harness.Paused:
		return "‖ " + n.Name + " paused", faultStyle
	case len(n.Faults) > 0 && n.Leader:
		return "◌ " + n.Name + " leader, hurt", faultStyle
	case len(n.Faults) > 0:
		kind, _, _ := strings.Cut(n.Faults[0], ":")
		if kind == "partition" {
			kind = "cut off"
		}
		return "◌ " + n.Name + " " + kind, faultStyle
	case n.Leader:
		return "◉ " + n.Name + " leader", okStyle
	}
	return "● " + n.Name, okStyle
}

// bar leaves room for the words behind it, also on a narrow screen.
func (b block) bar(share float64) string { return bar(share, min(20, max(b.width-35, 4))) }

func bar(share float64, width int) string {
	full := min(max(int(share*float64(width)), 0), width)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// sparkline draws the last values as blocks of eight heights.
func sparkline(values []float64, width int) string {
	values = values[max(0, len(values)-max(width, 0)):]
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	var line strings.Builder
	for _, v := range values {
		height := 0
		if top > 0 {
			height = min(int(v/top*7.999), 7)
		}
		line.WriteRune([]rune("▁▂▃▄▅▆▇█")[height])
	}
	return line.String()
}
