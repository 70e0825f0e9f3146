package report

import (
	"fmt"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The measures of the drawn counterexample: a column is as wide as a character of its labels.
const (
	witnessColumns = 98
	columnPx       = 8.0
	rowPx          = 30.0
	witnessTop     = 26.0
)

// witnessPicture draws a counterexample as SVG: the same layout as [Drawing], with the faults as bands behind the
// lanes.
func witnessPicture(a harness.AnomalyResult, faults []harness.FaultResult) *picture {
	if len(a.Ops) == 0 {
		return nil
	}
	l := layOut(a, faults, witnessColumns)
	left := float64(l.LabelW+2) * columnPx
	bottom := witnessTop + float64(l.Rows)*rowPx
	p := &picture{Width: int(left + float64(l.Width)*columnPx + 8), Height: int(bottom + 6),
		Label: fmt.Sprintf("%s on key %s: %d operations on real time", clean(a.Name, 60), clean(a.Key, 40), len(a.Ops))}
	w := witnessDrawer{p: p, left: left, right: left + float64(l.Width)*columnPx, bottom: bottom}
	w.bands(l)
	for _, t := range l.Ticks {
		x := w.x(t.At)
		p.hair(x, 18, x, bottom, shape{Class: "grid", Opacity: "0.18", Dash: "2 3"})
		p.text(x, 13, t.Text, shape{Class: "soft", Size: "12", Mono: true})
	}
	for i, n := range l.Lanes {
		y := witnessTop + float64(n.First)*rowPx
		if i > 0 {
			p.hair(0, y, w.right, y, shape{Class: "grid", Opacity: "0.15"})
		}
		p.text(0, y+20, n.Label, shape{Class: "soft", Size: "13", Mono: true})
		for j := range n.Items {
			if n.Fault {
				w.faultLabel(&n.Items[j])
			} else {
				w.bar(&n.Items[j])
			}
		}
	}
	return p
}

type witnessDrawer struct {
	p                   *picture
	left, right, bottom float64
}

func (w witnessDrawer) x(column float64) float64 { return w.left + column*columnPx }

func (w witnessDrawer) y(row int) float64 { return witnessTop + float64(row)*rowPx }

func (w witnessDrawer) bands(l layout) {
	for _, n := range l.Lanes {
		if !n.Fault {
			continue
		}
		for i := range n.Items {
			it := &n.Items[i]
			x, to := w.x(it.From), w.x(it.To)
			if it.Open {
				to = w.right
			}
			w.p.rect(x, witnessTop, to-x, w.bottom-witnessTop, shape{Class: "band", Fill: "#8A94A3", Opacity: "0.14"})
			w.p.rect(x, w.y(it.Row)+6, to-x, 18, shape{Class: "bandhead", Fill: "#8A94A3", Opacity: "0.28", R: "2",
				Title: it.Text})
		}
	}
}

func (w witnessDrawer) faultLabel(it *item) {
	w.p.text(w.x(float64(it.TextAt)), w.y(it.Row)+20, it.Text, shape{Size: "13", Mono: true,
		Href: fmt.Sprintf("#fault-%d", it.Fault.ID)})
}

func (w witnessDrawer) bar(it *item) {
	x, y := w.x(it.From), w.y(it.Row)
	width := max((it.To-it.From)*columnPx, 4)
	s := shape{Class: "ok", Fill: fillOK, Stroke: edgeOK, R: "3", Title: opTitle(*it.Op), StrokeWidth: "1"}
	switch it.Outcome {
	case history.Info:
		s.Class, s.Fill, s.Stroke, s.Dash = "info", fillInfo, edgeInfo, "4 3"
	case history.Fail:
		s.Class, s.Fill, s.Stroke = "fail", fillFail, edgeFail
	}
	if it.Impossible {
		s.Class, s.Stroke, s.StrokeWidth = s.Class+" bad", inkBad, "2.5"
	}
	w.p.rect(x, y+6, width, 18, s)
	fill := ink
	if it.Inside {
		fill = inkOnBar
	}
	w.p.text(w.x(float64(it.TextAt)), y+19.5, it.Text, shape{Size: "13", Mono: true, Fill: fill,
		Href: fmt.Sprintf("#op-%d", it.Op.Index)})
	if it.Impossible {
		w.p.text(w.x(float64(it.MarkAt)), w.y(it.MarkRow)+19.5, "← impossible",
			shape{Class: "badtext", Size: "13", Mono: true, Fill: inkBad, Weight: "bold"})
	}
}

// opTitle is what hovering over an operation tells.
func opTitle(op harness.OpResult) string {
	text := fmt.Sprintf("op %d, process %d on %s: %s%s; called %s", op.Index, op.Process, clean(op.Node, 40),
		opText(op),
		outcomeNote(op), moment(op.CallMS, 6))
	if op.ReturnMS != nil {
		text += fmt.Sprintf(", took %s", span(*op.ReturnMS-op.CallMS))
	}
	if op.Revision != 0 {
		text += fmt.Sprintf(", revision %d", op.Revision)
	}
	if op.Error != "" {
		text += ": " + clean(op.Error, 200)
	}
	return text
}
