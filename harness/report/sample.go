package report

import (
	"slices"

	"github.com/capsize-dev/capsize/harness/history"
)

// mostBins is how finely the run is cut for rates and quantiles.
const mostBins = 160

// bins is a history cut into equal spans of time. Operations are counted where they were due, and once more, as
// completions, where they ended.
type bins struct {
	Width    float64            // ms
	Done     []tally            // completions
	P50, P99 []float64          // ms, of the ok ones that were due in the bin; negative where there were none
	Nodes    map[string][]tally // by node, of the ones that were due
}

// tally counts outcomes.
type tally struct{ OK, Fail, Info int }

func (t tally) total() int { return t.OK + t.Fail + t.Info }

func (t *tally) add(outcome history.Type) {
	switch outcome {
	case history.OK:
		t.OK++
	case history.Fail:
		t.Fail++
	default:
		t.Info++
	}
}

// binned cuts a history that lasts total milliseconds.
func binned(h history.History, total float64) bins {
	b := bins{Width: max(roundStep(total/mostBins), 10), Nodes: map[string][]tally{}}
	n := int(total/b.Width) + 1
	b.Done, b.P50, b.P99 = make([]tally, n), make([]float64, n), make([]float64, n)
	latencies := make([][]float64, n)
	bin := func(ms float64) int { return min(n-1, max(0, int(ms/b.Width))) }
	for i := range h.Pairs {
		p := &h.Pairs[i]
		due := bin(milliseconds(p.Due))
		if b.Nodes[p.Node] == nil {
			b.Nodes[p.Node] = make([]tally, n)
		}
		b.Nodes[p.Node][due].add(p.Outcome)
		if p.End >= 0 {
			b.Done[bin(milliseconds(p.Return))].add(p.Outcome)
		}
		if p.Outcome == history.OK {
			latencies[due] = append(latencies[due], milliseconds(p.Latency()))
		}
	}
	for i, l := range latencies {
		slices.Sort(l)
		b.P50[i], b.P99[i] = quantile(l, 0.5), quantile(l, 0.99)
	}
	return b
}

// quantile of sorted values by nearest rank; -1 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return -1
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// dots are the points of one outcome in a raster: the distinct heights in each column.
type dots struct {
	columns [][]int16
	all     int // points before any was left out
}

func newDots(width int) *dots { return &dots{columns: make([][]int16, width)} }

func (d *dots) add(column int, height int16) {
	column = min(max(column, 0), len(d.columns)-1)
	d.columns[column] = append(d.columns[column], height)
	d.all++
}

// thin keeps at most most different heights in each column: the lowest, the highest and evenly spread ranks between
// them, which are the quantiles. It returns how many points are left and is the same for the same points in any order.
func (d *dots) thin(most int) (left int) {
	for i, c := range d.columns {
		slices.Sort(c)
		c = slices.Compact(c)
		if len(c) > most {
			kept := make([]int16, most)
			for k := range kept {
				kept[k] = c[k*(len(c)-1)/(most-1)]
			}
			c = slices.Compact(kept)
		}
		d.columns[i] = c
		left += len(c)
	}
	return left
}
