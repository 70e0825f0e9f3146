package report

import (
	"math"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// Drawing draws a counterexample as text of at most width columns: real time runs to the right, one lane a process
// with its node, the faults that were on above them, and the operation at which no order is left is marked. Pass all
// faults of the run; those the anomaly names are drawn.
//
//	key r7         41.207 s            41.517 s
//	faults  ▒▒▒ #3 kill n1 ▒▒▒
//	p2 n1     ├── write 12 ──┤
//	p1 n2                             ├─┤ read -> 9  <- impossible
func Drawing(a harness.AnomalyResult, faults []harness.FaultResult, width int) string {
	return draw(a, faults, width, style{})
}

func draw(a harness.AnomalyResult, faults []harness.FaultResult, width int, st style) string {
	if len(a.Ops) == 0 {
		return "(the witness names no operation)\n"
	}
	l := layOut(a, faults, max(width, 40))
	rows := make([]textRow, l.Rows)
	for i := range rows {
		rows[i] = newTextRow(l.Width)
	}
	for _, n := range l.Lanes {
		for i := range n.Items {
			drawItem(rows, &n.Items[i], st)
		}
	}
	var b strings.Builder
	name := "time"
	if a.Key != "" {
		name = "key " + clean(a.Key, 40)
	}
	ticks := newTextRow(l.Width)
	for _, t := range l.Ticks {
		ticks.put(int(math.Round(t.At)), t.Text, st.dim)
	}
	if cells(name) > l.LabelW {
		b.WriteString(clip(name, width) + "\n")
		name = ""
	}
	b.WriteString(strings.TrimRight(pad(name, l.LabelW)+"  "+ticks.String(), " ") + "\n")
	for _, n := range l.Lanes {
		for i := range n.Rows {
			label := ""
			if i == 0 {
				label = n.Label
			}
			b.WriteString(strings.TrimRight(pad(label, l.LabelW)+"  "+rows[n.First+i].String(), " ") + "\n")
		}
	}
	if note := l.note(); note != "" {
		for _, line := range wrap("("+note+")", width) {
			b.WriteString(st.dim(line) + "\n")
		}
	}
	return b.String()
}

// drawItem draws a bar and its label: ├─ ok ─┤, ├┄ never returned ┄>, ▒ fault ▒.
func drawItem(rows []textRow, it *item, st style) {
	row := rows[it.Row]
	from := int(math.Round(it.From))
	to := min(max(int(math.Round(it.To)), from+1), len(row)-1)
	from = min(from, to-1)
	paint := st.outcome(it.Outcome)
	for at := from; at <= to; at++ {
		glyph := "─"
		switch {
		case it.Fault != nil:
			glyph, paint = "▒", st.fault
		case at == from:
			glyph = "├"
		case at == to && it.Open:
			glyph = ">"
		case at == to:
			glyph = "┤"
		case it.Open:
			glyph = "┄"
		}
		row.put(at, glyph, paint)
	}
	text := it.Text
	if it.Inside {
		text = " " + text + " "
		row.put(it.TextAt-1, text, st.plain)
	} else {
		row.put(it.TextAt, text, st.plain)
	}
	if it.Impossible {
		mark := impossible
		if it.MarkRow != it.Row {
			mark = "^" + strings.TrimPrefix(impossible, "<-")
		}
		rows[it.MarkRow].put(it.MarkAt, mark, st.bad)
	}
}

// textRow is a line of columns; a wide character takes its own and leaves the next one empty.
type textRow []string

func newTextRow(width int) textRow {
	row := make(textRow, width)
	for i := range row {
		row[i] = " "
	}
	return row
}

// put writes a text at a column, painted; what would stand outside of the line is left out.
func (row textRow) put(at int, text string, paint func(string) string) {
	for _, r := range text {
		n := runeCells(r)
		if at >= 0 && at+n <= len(row) {
			row[at] = paint(string(r))
			if n == 2 {
				row[at+1] = ""
			}
		}
		at += n
	}
}

// String returns the line without the spaces at its end.
func (row textRow) String() string { return strings.TrimRight(strings.Join(row, ""), " ") }
