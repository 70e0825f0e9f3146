package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The most operations and faults a counterexample is drawn with; a minimal witness is far smaller.
const (
	mostDrawnOps    = 24
	mostDrawnFaults = 8
)

// layout is a counterexample in columns and rows: where each operation and each fault goes. It is the same for the text
// and for the SVG, whose column is as wide as a character of its labels.
type layout struct {
	Width    int // columns of the plot
	LabelW   int // columns of the labels on its left
	Lanes    []lane
	Ticks    []tick
	Linear   bool // false where short gaps were widened
	Left     int  // operations of the witness that are not drawn
	Rows     int
	decimals int
}

// lane is what one process did, or the faults, in as many rows as its labels need.
type lane struct {
	Label string
	Fault bool
	First int // row
	Rows  int
	Items []item
}

// item is a bar with its label.
type item struct {
	Row        int
	From, To   float64 // columns
	Open       bool    // it never returned: nobody knows when, or whether, it happened
	Before     bool    // of a fault: it began before the picture
	Text       string
	TextAt     int // column
	Inside     bool
	Impossible bool
	MarkAt     int // column of the mark of the impossible one
	MarkRow    int
	Outcome    history.Type
	Op         *harness.OpResult
	Fault      *harness.FaultResult
}

type tick struct {
	At   float64 // column
	Text string
}

const impossible = "<- impossible"

// layOut places a counterexample in a plot of the given number of columns.
func layOut(a harness.AnomalyResult, faults []harness.FaultResult, columns int) layout {
	ops, left := drawnOps(a)
	faults = faultsOf(a, faults)
	if len(faults) > mostDrawnFaults {
		faults = faults[:mostDrawnFaults]
	}
	l := layout{Left: left, LabelW: 6}
	for _, op := range ops {
		l.LabelW = max(l.LabelW, cells(laneLabel(op)))
	}
	l.LabelW = min(l.LabelW, 20)
	l.Width = max(columns-l.LabelW-2, 20)
	scale, from, to := scaleOf(ops, faults, float64(l.Width-1-roomOf(a, ops, l.Width)))
	l.Linear, l.decimals = scale.Linear, decimalsFor(to-from)
	l.placeFaults(faults, scale, from, to)
	l.placeOps(a, ops, scale)
	l.placeTicks(ops, scale)
	return l
}

// drawnOps are the operations that are drawn: all of a small witness, of a large one those nearest to the impossible
// one.
func drawnOps(a harness.AnomalyResult) (ops []harness.OpResult, left int) {
	if len(a.Ops) <= mostDrawnOps {
		return a.Ops, 0
	}
	at := len(a.Ops) - 1
	for i, op := range a.Ops {
		if op.Index == a.Impossible {
			at = i
		}
	}
	from := max(0, min(at-mostDrawnOps*3/4, len(a.Ops)-mostDrawnOps))
	return a.Ops[from : from+mostDrawnOps], len(a.Ops) - mostDrawnOps
}

// roomOf is the space kept free on the right, so that the label of the impossible operation, which is often the last,
// stands behind it.
func roomOf(a harness.AnomalyResult, ops []harness.OpResult, width int) int {
	for _, op := range ops {
		if op.Index == a.Impossible {
			return min(width*2/5, cells(opText(op)+outcomeNote(op))+len(impossible)+3)
		}
	}
	return 0
}

func laneLabel(op harness.OpResult) string {
	label := fmt.Sprintf("p%d", op.Process)
	if op.Node != "" {
		label += " " + clean(op.Node, 14)
	}
	return label
}

// scaleOf spans the operations with a small margin. The events of the operations, and the ends of the faults between
// them, stay apart. An info does not end: its return does not stretch the picture.
func scaleOf(ops []harness.OpResult, faults []harness.FaultResult, width float64) (s scale, from, to float64) {
	from, to = extent(harness.AnomalyResult{Ops: ops})
	margin := (to - from) * 0.04
	if margin == 0 {
		margin = 1
	}
	from, to = from-margin, to+margin
	events := []float64{from, to}
	for _, op := range ops {
		events = append(events, op.CallMS)
		if op.ReturnMS != nil && *op.ReturnMS < to {
			events = append(events, *op.ReturnMS)
		}
	}
	for _, f := range faults {
		if f.StartMS > from {
			events = append(events, min(f.StartMS, to))
		}
		if f.EndMS != nil && *f.EndMS < to {
			events = append(events, max(*f.EndMS, from))
		}
	}
	step := min(3, width/float64(2*len(events)))
	return newScale(events, width, step), from, to
}

func (l *layout) placeFaults(faults []harness.FaultResult, s scale, from, to float64) {
	if len(faults) == 0 {
		return
	}
	band := lane{Label: "faults", Fault: true, First: l.Rows}
	grid := newGrid(l.Width)
	for i := range faults {
		f := &faults[i]
		it := item{Fault: f, From: s.position(f.StartMS), To: float64(l.Width - 1), Before: f.StartMS < from,
			Open: f.EndMS == nil || *f.EndMS > to, Text: fmt.Sprintf("#%d %s", f.ID, faultText(*f))}
		if !it.Open {
			it.To = s.position(*f.EndMS)
		}
		grid.place(&it)
		band.Items = append(band.Items, it)
	}
	band.close(l, grid)
}

func (l *layout) placeOps(a harness.AnomalyResult, ops []harness.OpResult, s scale) {
	var order []int
	lanes := map[int][]int{}
	for i, op := range ops {
		if lanes[op.Process] == nil {
			order = append(order, op.Process)
		}
		lanes[op.Process] = append(lanes[op.Process], i)
	}
	for _, process := range order {
		grid := newGrid(l.Width)
		row := lane{Label: laneLabel(ops[lanes[process][0]]), First: l.Rows}
		for _, i := range lanes[process] {
			op := &ops[i]
			it := item{Op: op, Outcome: op.Outcome, From: s.position(op.CallMS), To: float64(l.Width - 1),
				Open: op.Outcome == history.Info, Text: opText(*op) + outcomeNote(*op),
				Impossible: op.Index == a.Impossible}
			if !it.Open && op.ReturnMS != nil {
				it.To = s.position(*op.ReturnMS)
			}
			grid.place(&it)
			row.Items = append(row.Items, it)
		}
		row.close(l, grid)
	}
}

// close gives the lane its rows and makes the items' rows count from the top of the picture.
func (n *lane) close(l *layout, g *grid) {
	n.Rows = len(g.rows)
	for i := range n.Items {
		n.Items[i].Row += n.First
		n.Items[i].MarkRow += n.First
	}
	l.Rows += n.Rows
	l.Lanes = append(l.Lanes, *n)
}

// placeTicks puts times where operations begin or end, as many as fit.
func (l *layout) placeTicks(ops []harness.OpResult, s scale) {
	times := make([]float64, 0, 2*len(ops))
	for _, op := range ops {
		times = append(times, op.CallMS)
	}
	for _, op := range ops {
		if op.ReturnMS != nil && op.Outcome != history.Info {
			times = append(times, *op.ReturnMS)
		}
	}
	for _, t := range times {
		text := moment(t, l.decimals)
		at := s.position(t)
		free := int(at)+len(text) <= l.Width
		for _, other := range l.Ticks {
			if math.Abs(other.At-at) < float64(len(text)+2) {
				free = false
			}
		}
		if free {
			l.Ticks = append(l.Ticks, tick{at, text})
		}
	}
	slices.SortFunc(l.Ticks, func(a, b tick) int { return int(math.Copysign(1, a.At-b.At)) })
}

// grid knows which columns of a lane's rows are taken.
type grid struct {
	width int
	rows  [][]bool
}

func newGrid(width int) *grid { return &grid{width: width} }

// free reports whether columns from up to to (exclusive) of a row, and one on either side, are free.
func (g *grid) free(row, from, to int) bool {
	if from < 0 || to > g.width {
		return false
	}
	for len(g.rows) <= row {
		g.rows = append(g.rows, make([]bool, g.width))
	}
	return !slices.Contains(g.rows[row][max(0, from-1):min(g.width, to+1)], true)
}

func (g *grid) take(row, from, to int) {
	for len(g.rows) <= row {
		g.rows = append(g.rows, make([]bool, g.width))
	}
	for i := max(0, from); i < min(g.width, to); i++ {
		g.rows[row][i] = true
	}
}

// place finds the first row with room for a bar and its label: within the bar, on its right or on its left; where
// nowhere is room, a label cut to fit on a row of its own.
func (g *grid) place(it *item) {
	from, to := int(math.Round(it.From)), int(math.Round(it.To))
	to = min(max(to, from+1), g.width-1)
	from = min(from, to-1)
	it.From, it.To = math.Min(it.From, float64(from)+1), math.Max(it.To, it.From)
	size := cells(it.Text)
	for row := 0; ; row++ {
		switch {
		case !g.free(row, from, to+1):
			continue
		case to-from-1 >= size+4:
			it.Inside, it.TextAt = true, from+(to-from+1-size)/2
		case g.free(row, from, to+2+size):
			it.TextAt = to + 2
		case g.free(row, from-1-size, to+1):
			it.TextAt = from - 1 - size
		case row < len(g.rows)-1 || slices.Contains(g.rows[row], true):
			continue
		default:
			g.squeeze(it, from, to)
		}
		it.Row = row
		g.take(row, from, to+1)
		g.take(row, it.TextAt, it.TextAt+cells(it.Text))
		g.mark(it, from, to)
		return
	}
}

// squeeze cuts the label to the larger of the spaces beside the bar, or within it.
func (g *grid) squeeze(it *item, from, to int) {
	right, left, inside := g.width-to-2, from-1, to-from-5
	switch {
	case inside >= right && inside >= left:
		it.Text = clip(it.Text, inside)
		it.Inside, it.TextAt = true, from+3
	case right >= left:
		it.Text, it.TextAt = clip(it.Text, right), to+2
	default:
		it.Text = clip(it.Text, left)
		it.TextAt = from - 1 - cells(it.Text)
	}
}

// mark puts the mark of the impossible operation on the right of it, or on a row below.
func (g *grid) mark(it *item, from, to int) {
	if !it.Impossible {
		return
	}
	size := len(impossible)
	at := max(to+1, it.TextAt+cells(it.Text)) + 1
	if g.free(it.Row, at, at+size) {
		it.MarkAt, it.MarkRow = at, it.Row
	} else {
		it.MarkRow = len(g.rows)
		it.MarkAt = max(0, min(from, g.width-size))
	}
	g.take(it.MarkRow, it.MarkAt, it.MarkAt+size)
}

// note says what a reader of the picture must know: nothing is left out or out of scale in silence.
func (l *layout) note() string {
	var parts []string
	if !l.Linear {
		parts = append(parts, "short gaps are widened: lengths are not to scale, the order is")
	}
	if l.Left > 0 {
		parts = append(parts, fmt.Sprintf("%s of the witness not drawn", counted(l.Left, "more operation")))
	}
	return strings.Join(parts, "; ")
}
