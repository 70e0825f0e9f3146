package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// markdownLimit is how long the Markdown may be, in bytes. CI services cut or refuse a longer summary.
const markdownLimit = 200_000

// How many rows the Markdown shows.
const (
	mostMarkdownFaults  = 100
	mostMarkdownWindows = 300
)

// Markdown writes a summary for CI services, of at most 200,000 bytes: the verdict, the counterexample as text, and the
// tables of faults, availability and evidence.
func Markdown(w io.Writer, in Input) error {
	m := markdown{limit: markdownLimit}
	r, o := in.Results, OutcomeOf(in.Results)
	m.block("# " + o.Glyph + " " + o.Word + ": " + escaped(headline(in)))
	if text := title(in); text != "" {
		m.block(escaped(text))
	}
	m.anomaly(in)
	m.list(whyParts(in), facts(in))
	for _, s := range nextSteps(in) {
		m.block("**next:** " + escaped(s.Text))
		if s.Command != "" {
			m.fence(s.Command)
		}
	}
	for _, c := range commands(in) {
		m.block("**" + c.Label + ":**")
		m.fence(c.Text)
	}
	m.windows(in)
	m.faults(in)
	if len(r.Coverage) > 0 {
		m.heading("Strength of the evidence")
		rows := [][]string{}
		for _, c := range r.Coverage {
			mark := "✗"
			if c.Met {
				mark = "✓"
			}
			rows = append(rows, []string{mark, sentence(c.Rule), sentence(c.Detail)})
		}
		m.table([]string{"", "condition", "known by"}, ":-: --- ---", rows)
	}
	_, err := w.Write(m.out.Bytes())
	return err
}

// markdown collects blocks as long as there is room; a block is written whole or not at all.
type markdown struct {
	out   bytes.Buffer
	limit int
	full  bool
}

const cutNote = "\n*The rest did not fit; it is in report.html.*\n"

func (m *markdown) block(text string) {
	if m.full || m.out.Len()+len(text)+2+len(cutNote) > m.limit {
		if !m.full {
			m.out.WriteString(cutNote)
		}
		m.full = true
		return
	}
	if m.out.Len() > 0 {
		m.out.WriteByte('\n')
	}
	m.out.WriteString(text + "\n")
}

func (m *markdown) heading(text string) { m.block("## " + text) }

// fence writes preformatted text between more backticks than it holds in a row.
func (m *markdown) fence(text string) {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	m.block(marks + "text\n" + strings.TrimRight(text, "\n") + "\n" + marks)
}

func (m *markdown) list(lists ...[]fact) {
	var b strings.Builder
	for _, list := range lists {
		for _, f := range list {
			fmt.Fprintf(&b, "- **%s** %s\n", f.Label, escaped(f.Text))
		}
	}
	m.block(strings.TrimRight(b.String(), "\n"))
}

func (m *markdown) anomaly(in Input) {
	if len(in.Results.Anomalies) > 0 {
		m.fence(Drawing(in.Results.Anomalies[0], in.Results.Faults, 96))
	}
}

func (m *markdown) windows(in Input) {
	rows := windowRows(in.Results.Windows, "all", "side")
	if len(rows) == 0 {
		return
	}
	m.heading("Availability and recovery")
	cells := [][]string{}
	for _, r := range rows[:min(len(rows), mostMarkdownWindows)] {
		name, group := "", r.Group
		if r.First {
			name = r.Name + " at " + r.From
		}
		if r.By == "side" {
			group = "side " + group
		}
		cells = append(cells, []string{name, group, r.Ops, r.OK, r.Gap, r.P99, r.Back1, r.Back})
	}
	m.table([]string{"while", "who", "ops", "ok", "longest gap", "p99", "first ok after the heal", "back"},
		"--- --- --: --: --: --: --: --:", cells)
}

func (m *markdown) faults(in Input) {
	rows, more := faultRows(in.Results.Faults)
	if len(rows) == 0 {
		return
	}
	m.heading("Faults and their evidence")
	cells := [][]string{}
	for _, r := range rows[:min(len(rows), mostMarkdownFaults)] {
		cells = append(cells, []string{fmt.Sprint(r.ID), r.Name, r.Detail, r.From, r.For, r.Effect, r.Evidence, r.Ops})
	}
	m.table([]string{"#", "fault", "on whom", "from", "for", "took effect", "evidence", "ops met"},
		"--: --- --- --: --: --- --- --:", cells)
	if more += len(rows) - len(cells); more > 0 {
		m.block(counted(more, "more fault") + " in report.html")
	}
}

func (m *markdown) table(head []string, align string, rows [][]string) {
	var b strings.Builder
	b.WriteString("| " + strings.Join(head, " | ") + " |\n| " + strings.Join(strings.Fields(align), " | ") + " |")
	for _, row := range rows {
		b.WriteString("\n|")
		for _, cell := range row {
			b.WriteString(" " + escaped(cell) + " |")
		}
	}
	m.block(b.String())
}

// escaped takes the meaning of Markdown and HTML from a cleaned text. An @ is kept from naming somebody.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '@':
			b.WriteString("&#64;")
		case '\\', '`', '*', '_', '[', ']', '#', '|', '~', '!':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
