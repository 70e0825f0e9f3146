package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// TextOptions says how the block for the terminal is drawn.
type TextOptions struct {
	Width int  // columns; 0 means 80, and fewer than 60 count as 60
	Color bool // whether escape sequences may be used; without them there is no escape byte in the text
	Part  bool // the block is a part of something that has an exit code of its own: that of the run is left out
}

// mostTextRows is how many fault windows the terminal shows; the rest is in the report.
const mostTextRows = 12

// Text writes the verdict block for the terminal: the verdict and why, what it rests on, the counterexample, what
// failure looked like, where the report is and what to type next. No line is wider than asked, whatever the history
// holds, but for a single word of a command or path that is longer than a line and must be pasted whole.
func Text(w io.Writer, in Input, options TextOptions) error {
	p := newPrinter(options)
	p.verdict(in)
	p.counterexample(in)
	p.facts(facts(in))
	p.windows(in)
	p.ending(in)
	if !options.Part {
		p.exit(OutcomeOf(in.Results))
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// printer builds the block line by line.
type printer struct {
	out   bytes.Buffer
	width int
	style style
}

func newPrinter(options TextOptions) *printer {
	p := &printer{width: max(60, options.Width), style: style{on: options.Color}}
	if options.Width == 0 {
		p.width = 80
	}
	return p
}

// labelWidth is that of the labels on the left, with the indentation.
const labelWidth = 14

func (p *printer) line(text string) { p.out.WriteString(strings.TrimRight(text, " ") + "\n") }

// labelled writes a text beside a label, wrapped and hanging.
func (p *printer) labelled(label, text string, paint func(string) string) {
	lines := wrap(text, p.width-labelWidth)
	for i, line := range lines {
		head := strings.Repeat(" ", labelWidth)
		if i == 0 {
			head = "  " + p.style.dim(label) + strings.Repeat(" ", max(1, labelWidth-2-len(label)))
		}
		p.line(head + paint(line))
	}
}

func (p *printer) verdict(in Input) {
	o := OutcomeOf(in.Results)
	head := o.Glyph + " " + o.Word
	indent := cells(head) + 3
	for i, line := range wrap(headline(in), p.width-indent) {
		if i == 0 {
			p.line(p.style.verdict(o)(head) + "   " + p.style.bold(line))
			continue
		}
		p.line(strings.Repeat(" ", indent) + p.style.bold(line))
	}
	if text := title(in); text != "" {
		p.line("  " + p.style.dim(clip(text, p.width-2)))
	}
	p.line("")
}

func (p *printer) counterexample(in Input) {
	if in.Results.Verdict == harness.Invalid && len(in.Results.Anomalies) > 0 {
		p.drawing(in.Results.Anomalies[0], in.Results.Faults)
	}
	why := whyParts(in)
	for _, f := range why {
		p.labelled(f.Label, f.Text, p.style.plain)
	}
	if len(why) > 0 {
		p.line("")
	}
}

func (p *printer) drawing(a harness.AnomalyResult, faults []harness.FaultResult) {
	for line := range strings.Lines(draw(a, faults, p.width-4, p.style)) {
		p.line("    " + strings.TrimSuffix(line, "\n"))
	}
	p.line("")
}

func (p *printer) facts(list []fact) {
	for _, f := range list {
		p.labelled(f.Label, f.Text, p.style.plain)
	}
}

// windows is the compact table of availability and recovery: a line a fault.
func (p *printer) windows(in Input) {
	row := func(name, ok, gap, first, back, share string) {
		p.line("  " + pad(name, 22) + padLeft(ok, 6) + padLeft(gap, 8) + padLeft(first, 8) + padLeft(back, 8) + "  " +
			clip(share, p.width-56))
	}
	rows, left := 0, 0
	for _, w := range in.Results.Windows {
		if w.Fault < 0 {
			continue
		}
		if rows == mostTextRows {
			left++
			continue
		}
		if rows == 0 {
			p.line("")
			row("while on", "ok", "outage", "1st ok", "back", "ok on each side")
		}
		rows++
		for _, r := range windowRows([]harness.Window{w}, "all") {
			row(r.Name, r.OK, r.Gap, dash(r.Back1), dash(r.Back), shareOf(w))
		}
	}
	if left > 0 {
		p.line("  " + p.style.dim(fmt.Sprintf("… %s in the report", counted(left, "more window"))))
	}
}

func dash(s string) string {
	if s == "not seen" {
		return "–"
	}
	return s
}

// ending is the last lines of every run: the next step, the report, the command.
func (p *printer) ending(in Input) {
	p.line("")
	for _, step := range nextSteps(in) {
		p.labelled("next", step.Text, p.style.plain)
		if step.Command != "" {
			p.pasted("", step.Command)
		}
	}
	for _, note := range in.Results.Notes {
		p.labelled("note", noteText(note), p.style.plain)
	}
	if in.Folder != "" {
		p.pasted("report", clean(in.Folder, 300)+"/report.html")
	}
	for _, c := range commands(in) {
		p.pasted(c.Label, c.Text)
	}
}

func (p *printer) exit(o Outcome) {
	p.line("  " + p.style.dim(pad("exit", labelWidth-2)) + fmt.Sprintf("%d: %s", o.Exit, o.Meaning))
}

// pasted writes something to be copied, broken between words with a backslash where it is too long, as a shell reads
// it. A word is never broken: a path that is longer than a line must still be a path.
func (p *printer) pasted(label, text string) {
	head, indent := "  "+p.style.dim(pad(label, labelWidth-2)), labelWidth
	words := strings.Fields(text)
	for _, word := range words {
		if cells(word)+2 > p.width-labelWidth {
			indent = 4
		}
	}
	if indent < labelWidth {
		p.line(head)
		head = strings.Repeat(" ", indent)
	}
	line := ""
	for _, word := range words {
		if line != "" && cells(line)+1+cells(word)+2 > p.width-indent {
			p.line(head + line + ` \`)
			head, line = strings.Repeat(" ", indent), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	p.line(head + line)
}

// style paints words where that is wanted. Colour never carries a meaning alone.
type style struct{ on bool }

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) plain(text string) string { return text }
func (s style) dim(text string) string   { return s.paint("2", text) }
func (s style) bold(text string) string  { return s.paint("1", text) }
func (s style) bad(text string) string   { return s.paint("1;31", text) }
func (s style) fault(text string) string { return s.paint("33", text) }

func (s style) outcome(t history.Type) func(string) string {
	code := map[history.Type]string{history.OK: "36", history.Fail: "35", history.Info: "33"}[t]
	return func(text string) string { return s.paint(code, text) }
}

func (s style) verdict(o Outcome) func(string) string {
	code := map[string]string{"valid": "1;32", "violation": "1;31", "unknown": "1;33", "error": "1;35"}[o.Class]
	return func(text string) string { return s.paint(code, text) }
}
