package report

import "strconv"

// Colours of outcomes are Jepsen's; those of the rest follow the page. A picture carries its colours as attributes, so
// that it is readable where style sheets are forbidden (CI servers that show artifacts do that); the style sheet only
// overrides them.
const (
	fillOK   = "#6DB6FE"
	fillInfo = "#FFAA26"
	fillFail = "#FEB5DA"
	edgeOK   = "#2F7FC8"
	edgeInfo = "#B36B00"
	edgeFail = "#C2558F"
	inkOnBar = "#0B1F33"
	inkBad   = "#C0272D"
	ink      = "currentColor"
)

// picture is an SVG of shapes. The template that draws it escapes every attribute and text in its context.
type picture struct {
	Width, Height int
	Label         string // what a screen reader says
	Shapes        []shape
}

// shape is a rectangle, path, or text. Numbers are strings already, so that the bytes do not depend on a formatter.
type shape struct {
	Kind                 string // rect, path, text
	Class                string
	X, Y, W, H, R        string
	D                    string
	Fill, Stroke         string
	StrokeWidth, Dash    string
	Opacity              string
	Text, Title, Href    string
	Anchor, Size, Weight string
	Mono, Round          bool
}

// num writes a coordinate with one decimal at most.
func num(v float64) string {
	text := strconv.FormatFloat(v, 'f', 1, 64)
	if text == "-0.0" {
		return "0"
	}
	if n := len(text); text[n-2:] == ".0" {
		return text[:n-2]
	}
	return text
}

func (p *picture) add(s shape) { p.Shapes = append(p.Shapes, s) }

// rect adds a rectangle; of a negligible one at least a hair stays visible.
func (p *picture) rect(x, y, w, h float64, s shape) {
	s.Kind, s.X, s.Y, s.W, s.H = "rect", num(x), num(y), num(max(w, 0.5)), num(h)
	p.add(s)
}

func (p *picture) path(d string, s shape) {
	if d == "" {
		return
	}
	s.Kind, s.D = "path", d
	if s.Fill == "" {
		s.Fill = "none"
	}
	p.add(s)
}

func (p *picture) text(x, y float64, text string, s shape) {
	s.Kind, s.X, s.Y, s.Text = "text", num(x), num(y), text
	if s.Fill == "" {
		s.Fill = ink
	}
	if s.Size == "" {
		s.Size = "12"
	}
	p.add(s)
}

// hair is a thin straight line.
func (p *picture) hair(x1, y1, x2, y2 float64, s shape) {
	if s.Stroke == "" {
		s.Stroke = ink
	}
	p.path("M"+num(x1)+" "+num(y1)+"L"+num(x2)+" "+num(y2), s)
}
