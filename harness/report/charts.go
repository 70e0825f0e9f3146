package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The measures of the charts, in pixels of their own coordinates.
const (
	chartWidth = 1000
	plotLeft   = 62.0
	plotRight  = 988.0
	plotWidth  = plotRight - plotLeft
	mostLanes  = 6   // of faults
	mostNodes  = 12  // drawn
	mostBands  = 400 // faults drawn
	mostDots   = 28  // heights in a column of the latency chart, by outcome
)

// chart is the run in real time: faults, nodes, latency and rate above each other on one axis.
type chart struct {
	Picture *picture
	Notes   []string // what was left out, and how to read it
	Bins    chartBins
}

// chartBins are the figures behind the picture, for whoever points at it.
type chartBins struct {
	Left, Right, Width float64 // of the plot, as shares of the picture
	BinMS              float64
	Rows               [][5]float64 // ok, fail, info per second; p50, p99 in ms
}

// plotter draws the panels one below the other.
type plotter struct {
	in    Input
	p     *picture
	total float64 // ms
	y     float64 // top of the next panel
	tops  float64
	bins  bins
	notes []string
}

// runChart draws the whole run; nil where nothing was recorded.
func runChart(in Input) *chart {
	if len(in.History.Pairs) == 0 {
		return nil
	}
	c := &plotter{in: in, p: &picture{Width: chartWidth, Label: "faults, nodes, latency and rate over the run"}, y: 4}
	c.total = max(milliseconds(in.History.Duration()), 1)
	c.bins = binned(in.History, c.total)
	c.faults()
	c.tops = c.y
	c.nodes()
	c.latency()
	c.rate()
	c.axis()
	c.bands()
	c.p.Height = int(c.y)
	return &chart{Picture: c.p, Notes: c.notes, Bins: c.figures()}
}

func (c *plotter) x(ms float64) float64 {
	return plotLeft + min(max(ms/c.total, 0), 1)*plotWidth
}

func (c *plotter) heading(text string) {
	c.p.text(plotLeft, c.y+13, text, shape{Size: "12", Weight: "600"})
	c.y += 20
}

// drawnFaults are the faults that have room in the picture.
func (c *plotter) drawnFaults() []harness.FaultResult {
	list := struckFaults(c.in.Results.Faults)
	return list[:min(len(list), mostBands)]
}

func (c *plotter) ends(f harness.FaultResult) (from, to float64) {
	from, to = c.x(f.StartMS), plotRight
	if f.EndMS != nil {
		to = c.x(*f.EndMS)
	}
	return from, max(to, from+1)
}

// faults draws a strip a lane, with a labelled bar for each fault; one without effect is hollow.
func (c *plotter) faults() {
	faults := c.drawnFaults()
	if len(faults) == 0 {
		return
	}
	c.heading("faults")
	lanes := 1
	for _, f := range faults {
		lane := min(max(f.Lane, 0), mostLanes-1)
		lanes = max(lanes, lane+1)
		from, to := c.ends(f)
		y := c.y + float64(lane)*22
		text := fmt.Sprintf("#%d %s", f.ID, faultText(f))
		s := shape{Class: "bandhead", Fill: "#8A94A3", Opacity: "0.35", R: "2", Title: text + ": " + effectText(f)}
		if !f.TookEffect {
			s.Class, s.Fill, s.Stroke, s.Dash = "bandhollow", "none", ink, "3 2"
		}
		c.p.rect(from, y, to-from, 18, s)
		room := int((to - from - 8) / 6)
		if room < cells(text) {
			text = fmt.Sprintf("#%d %s", f.ID, clean(f.Fault, 40))
		}
		if room < cells(text) {
			text = fmt.Sprintf("#%d", f.ID)
		}
		if room >= cells(text) {
			c.p.text(from+4, y+13, text, shape{Size: "11", Href: fmt.Sprintf("#fault-%d", f.ID)})
		}
	}
	if n := len(struckFaults(c.in.Results.Faults)) - len(faults); n > 0 {
		c.notes = append(c.notes, counted(n, "more fault")+" not drawn")
	}
	c.y += float64(lanes)*22 + 8
}

func effectText(f harness.FaultResult) string {
	if f.TookEffect {
		return "took effect, " + orElse(clean(f.Evidence, 200), "evidence not described")
	}
	return "no effect proved, " + orElse(clean(f.Evidence, 200), "no evidence")
}

// bands shade the faults behind all panels. They are added last and moved to the back.
func (c *plotter) bands() {
	back := &picture{}
	for _, f := range c.drawnFaults() {
		from, to := c.ends(f)
		if f.TookEffect {
			back.rect(from, c.tops, to-from, c.y-c.tops-22, shape{Class: "band", Fill: "#8A94A3", Opacity: "0.13"})
		}
	}
	c.p.Shapes = append(back.Shapes, c.p.Shapes...)
}

// nodes draws a strip a node: in each span the shares of ok, fail and info of the calls that were due there.
func (c *plotter) nodes() {
	names := make([]string, 0, len(c.bins.Nodes))
	for name := range c.bins.Nodes {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return
	}
	c.heading("what each node answered")
	for _, name := range names[:min(len(names), mostNodes)] {
		c.p.text(plotLeft-8, c.y+11, clip(clean(name, 40), 8),
			shape{Size: "11", Anchor: "end", Class: "soft", Title: clean(name, 80)})
		c.strip(c.bins.Nodes[name])
		c.y += 18
	}
	if n := len(names) - mostNodes; n > 0 {
		c.notes = append(c.notes, counted(n, "more node")+" not drawn")
	}
	c.y += 10
}

const stripHeight = 14.0

func (c *plotter) strip(row []tally) {
	var paths [3]strings.Builder
	for i := 0; i < len(row); {
		j := i + 1
		for j < len(row) && sameShares(row[i], row[j]) {
			j++
		}
		from, to := c.x(float64(i)*c.bins.Width), c.x(float64(j)*c.bins.Width)
		y := c.y + stripHeight
		for k, n := range []int{row[i].OK, row[i].Fail, row[i].Info} {
			if n == 0 {
				continue
			}
			h := stripHeight * float64(n) / float64(row[i].total())
			fmt.Fprintf(&paths[k], "M%s %sH%sV%sH%sz", num(from), num(y), num(to), num(y-h), num(from))
			y -= h
		}
		i = j
	}
	c.p.rect(plotLeft, c.y, plotWidth, stripHeight, shape{Class: "void", Fill: ink, Opacity: "0.05"})
	c.p.path(paths[0].String(), shape{Class: "ok", Fill: fillOK})
	c.p.path(paths[1].String(), shape{Class: "fail", Fill: fillFail})
	c.p.path(paths[2].String(), shape{Class: "info", Fill: fillInfo})
}

func sameShares(a, b tally) bool {
	return (a.total() == 0) == (b.total() == 0) && a.OK*b.total() == b.OK*a.total() &&
		a.Fail*b.total() == b.Fail*a.total()
}

// rate draws completions per second, stacked.
func (c *plotter) rate() {
	c.heading("completions per second")
	const height = 110.0
	perSecond, top := 1000/c.bins.Width, 1.0
	for _, t := range c.bins.Done {
		top = max(top, float64(t.total())*perSecond)
	}
	step := roundStep(top / 3)
	top = math.Ceil(top/step) * step
	base := c.y + height
	for v := 0.0; v <= top+step/2; v += step {
		y := base - v/top*height
		c.gridline(y, shortNumber(v))
	}
	area := func(value func(tally) int) string {
		var d strings.Builder
		fmt.Fprintf(&d, "M%s %s", num(plotLeft), num(base))
		last := ""
		for i, t := range c.bins.Done {
			y := num(base - float64(value(t))*perSecond/top*height)
			if y != last {
				fmt.Fprintf(&d, "H%sV%s", num(c.x(float64(i)*c.bins.Width)), y)
			}
			last = y
		}
		return fmt.Sprintf("%sH%sV%sz", d.String(), num(plotRight), num(base))
	}
	c.p.path(area(tally.total), shape{Class: "info", Fill: fillInfo})
	c.p.path(area(func(t tally) int { return t.OK + t.Fail }), shape{Class: "fail", Fill: fillFail})
	c.p.path(area(func(t tally) int { return t.OK }), shape{Class: "ok", Fill: fillOK})
	c.y = base + 4
}

func (c *plotter) gridline(y float64, label string) {
	c.p.hair(plotLeft, y, plotRight, y, shape{Class: "grid", Opacity: "0.12"})
	c.p.text(plotLeft-8, y+4, label, shape{Size: "11", Anchor: "end", Class: "soft"})
}

func shortNumber(v float64) string {
	if v >= 10_000 {
		return num(v/1000) + "k"
	}
	return num(v)
}

// axis draws the seconds, and where the load ended and the final reads began.
func (c *plotter) axis() {
	step := roundStep(c.total / 10)
	for i, t := 0, 0.0; t <= c.total && i < 20; i, t = i+1, t+step {
		x := c.x(t)
		c.p.hair(x, c.tops, x, c.y, shape{Class: "grid", Opacity: "0.07"})
		c.p.text(x, c.y+14, num(t/1000)+" s", shape{Size: "11", Anchor: "middle", Class: "soft"})
	}
	if start := milliseconds(c.in.Info.FinalStart); start > 0 && start <= c.total {
		x := c.x(start)
		c.p.hair(x, c.tops, x, c.y, shape{Class: "phase", Opacity: "0.55", Dash: "2 2"})
		c.p.text(min(x, plotRight), c.tops-2, "final reads", shape{Size: "11", Anchor: "end", Class: "soft"})
	}
	c.y += 22
}

// figures are the bins for the page's script.
func (c *plotter) figures() chartBins {
	b := chartBins{Left: plotLeft / chartWidth, Right: plotRight / chartWidth, Width: c.total, BinMS: c.bins.Width}
	per := 1000 / c.bins.Width
	for i, t := range c.bins.Done {
		b.Rows = append(b.Rows, [5]float64{
			rounded(float64(t.OK) * per), rounded(float64(t.Fail) * per), rounded(float64(t.Info) * per),
			rounded(c.bins.P50[i]), rounded(c.bins.P99[i]),
		})
	}
	return b
}

func rounded(v float64) float64 { return math.Round(v*100) / 100 }

// latencyOf is the time an operation took; of one that never came back, the time it had been under way at the end.
func latencyOf(p *history.Pair, total float64) float64 {
	if p.End < 0 {
		return max(total-milliseconds(p.Due), 0)
	}
	return milliseconds(p.Latency())
}
