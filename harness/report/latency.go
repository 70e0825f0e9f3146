package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/capsize-dev/capsize/harness/history"
)

const latencyHeight = 210.0

// latency draws every operation where it was due, on a logarithmic axis, and the quantiles over time. Points that fall
// on one pixel are one; where a column holds too many, its lowest, highest and quantiles stand for them, which is said.
func (c *plotter) latency() {
	c.heading("latency of each operation, by when it was due")
	low, high := c.decades()
	height := func(ms float64) float64 {
		share := (math.Log10(max(ms, math.Pow(10, low))) - low) / (high - low)
		return min(max(share, 0), 1) * latencyHeight
	}
	base := c.y + latencyHeight
	for e := low; e <= high+0.5; e++ {
		c.gridline(base-(e-low)/(high-low)*latencyHeight, decadeText(e))
	}
	kinds := []*dots{newDots(int(plotWidth) + 1), newDots(int(plotWidth)/2 + 1), newDots(int(plotWidth)/2 + 1)}
	never := 0
	for i := range c.in.History.Pairs {
		p := &c.in.History.Pairs[i]
		x, y := c.x(milliseconds(p.Due))-plotLeft, height(latencyOf(p, c.total))
		if p.End < 0 {
			never++
		}
		switch p.Outcome {
		case history.OK:
			kinds[0].add(int(x), int16(math.Round(y)))
		case history.Fail:
			kinds[1].add(int(x/2), int16(math.Round(y/2)))
		default:
			kinds[2].add(int(x/2), int16(math.Round(y/2)))
		}
	}
	c.latencyNotes(kinds, never)
	c.p.path(pathOf(kinds[0], 1, base, "h0"), shape{Class: "okdot", Stroke: fillOK, StrokeWidth: "2.4", Round: true})
	c.p.path(pathOf(kinds[2], 2, base-3, "l3 3-3 3-3-3z"),
		shape{Class: "info", Fill: fillInfo, Stroke: edgeInfo, StrokeWidth: "0.5"})
	c.p.path(pathOf(kinds[1], 2, base, "m-2.5-2.5l5 5m0-5l-5 5"),
		shape{Class: "failmark", Stroke: edgeFail, StrokeWidth: "1.3"})
	c.quantiles(base, height)
	c.y = base + 14
}

// decades is the range of the axis in powers of ten.
func (c *plotter) decades() (low, high float64) {
	least, most := math.Inf(1), 1.0
	for i := range c.in.History.Pairs {
		if ms := latencyOf(&c.in.History.Pairs[i], c.total); ms > 0 {
			least, most = min(least, ms), max(most, ms)
		}
	}
	low = math.Floor(math.Log10(min(max(least, 1e-3), 0.5)))
	return low, max(math.Ceil(math.Log10(most)), low+2)
}

func decadeText(e float64) string {
	switch {
	case e >= 3:
		return num(math.Pow(10, e-3)) + " s"
	case e < 0:
		return num(math.Pow(10, e+3)) + " µs"
	}
	return num(math.Pow(10, e)) + " ms"
}

func (c *plotter) latencyNotes(kinds []*dots, never int) {
	names, limits := []string{"ok", "fail", "info"}, []int{mostDots, mostDots * 2, mostDots * 2}
	thinned := false
	var parts []string
	for i, k := range kinds {
		left := k.thin(limits[i])
		thinned = thinned || left < k.all
		if k.all > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s %s", count(left), count(k.all), names[i]))
		}
	}
	if thinned {
		c.notes = append(c.notes, "Latency points drawn: "+strings.Join(parts, ", ")+
			". Operations on one spot are one point; where a column holds too many, its lowest, its highest and "+
			"quantiles stand for them")
	}
	if never > 0 {
		c.notes = append(c.notes, counted(never, "operation")+
			" never came back and stand at the time they had waited at the end")
	}
}

// pathOf draws every dot with the same strokes. unit is how many pixels a step of the raster is.
func pathOf(d *dots, unit, base float64, strokes string) string {
	var b strings.Builder
	for x, column := range d.columns {
		for _, y := range column {
			b.WriteString("M" + num(plotLeft+float64(x)*unit) + " " + num(base-float64(y)*unit) + strokes)
		}
	}
	return b.String()
}

// quantiles draws the median as a line and the 99th percentile as a dashed one, with gaps where nothing succeeded.
func (c *plotter) quantiles(base float64, height func(float64) float64) {
	line := func(values []float64) string {
		var b strings.Builder
		verb := "M"
		for i, v := range values {
			if v < 0 {
				verb = "M"
				continue
			}
			x := c.x((float64(i) + 0.5) * c.bins.Width)
			b.WriteString(verb + num(x) + " " + num(base-height(v)))
			verb = "L"
		}
		return b.String()
	}
	c.p.path(line(c.bins.P50), shape{Class: "p50", Stroke: ink, StrokeWidth: "1.5", Opacity: "0.85"})
	c.p.path(line(c.bins.P99), shape{Class: "p99", Stroke: ink, StrokeWidth: "1.2", Opacity: "0.7", Dash: "4 3"})
}
