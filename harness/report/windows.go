package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/harness"
)

// windowRow is a span of the run and a share of its operations, as a row of words.
type windowRow struct {
	Window  int // position among the windows
	Fault   int // id, or -1
	Name    string
	From    string
	For     string
	Group   string // who: all, n1 n2 (side), n3, write
	By      string
	First   bool // the window's first row
	Ops     string
	OK      string
	OKWidth int // share of ok in percent, for a bar
	Gap     string
	P50     string
	P99     string
	Back1   string // first success after the heal
	Back    string // sustained
}

// windowRows are availability and recovery, one row for each group of each window whose By is wanted.
func windowRows(windows []harness.Window, wanted ...string) []windowRow {
	var rows []windowRow
	for i, w := range windows {
		first := true
		for _, g := range w.Groups {
			if !oneOf(g.By, wanted) {
				continue
			}
			rows = append(rows, rowOf(i, w, g, first))
			first = false
		}
	}
	return rows
}

func rowOf(i int, w harness.Window, g harness.Group, first bool) windowRow {
	row := windowRow{
		Window: i, Fault: w.Fault, Name: clean(w.Name, 40), First: first, By: clean(g.By, 10),
		From: moment(w.StartMS, 1), For: span(max(0, w.EndMS-w.StartMS)), Group: clean(g.Name, 60),
		Ops: count(g.Ops.Total), OK: "–", Gap: "–", P50: "–", P99: "–", Back1: "–", Back: "–",
	}
	if w.Fault >= 0 {
		row.Name = fmt.Sprintf("#%d %s", w.Fault, row.Name)
	}
	if g.By == "all" {
		row.Group = "all"
	}
	if g.Ops.Total > 0 {
		row.OK, row.OKWidth, row.Gap = percent(g.OKShare), min(100, max(0, int(g.OKShare*100+0.5))),
			span(g.LongestGapMS)
	}
	if g.Ops.OK > 0 {
		row.P50, row.P99 = span(g.P50MS), span(g.P99MS)
	}
	if w.Fault >= 0 {
		row.Back1, row.Back = spanOr(g.FirstSuccessMS, "not seen"), spanOr(g.SustainedMS, "not seen")
	}
	return row
}

func oneOf(s string, list []string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// shareOf writes the ok shares of a window by side of the cut, or where it has none, of the nodes that did badly. The
// worst come first.
func shareOf(w harness.Window) string {
	by := "node"
	for _, g := range w.Groups {
		if g.By == "side" {
			by = "side"
		}
	}
	var groups []harness.Group
	for _, g := range w.Groups {
		if g.By == by && g.Ops.Total > 0 && (by == "side" || g.OKShare < 0.5) {
			groups = append(groups, g)
		}
	}
	slices.SortStableFunc(groups, func(a, b harness.Group) int { return cmp.Compare(a.OKShare, b.OKShare) })
	parts := make([]string, len(groups))
	for i, g := range groups {
		parts[i] = clean(g.Name, 40) + " " + shortPercent(g.OKShare)
	}
	return strings.Join(parts, " | ")
}

// shortPercent has no decimals; it says 0% and 100% only where that is exact.
func shortPercent(share float64) string {
	switch {
	case share <= 0:
		return "0%"
	case share >= 1:
		return "100%"
	}
	return fmt.Sprintf("%d%%", min(99, max(1, int(share*100+0.5))))
}
