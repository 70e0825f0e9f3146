package report

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

func TestThinKeepsTheExtremes(t *testing.T) {
	heights := make([]int16, 500)
	for i := range heights {
		heights[i] = int16(i * 3)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var first []int16
	for range 20 {
		rng.Shuffle(len(heights), func(i, j int) { heights[i], heights[j] = heights[j], heights[i] })
		d := newDots(2)
		for _, h := range heights {
			d.add(0, h)
			d.add(0, h)
		}
		d.add(1, 7)
		if left := d.thin(28); left != 29 || d.all != 1001 {
			t.Fatalf("%d of %d points are left, want 29 of 1001", left, d.all)
		}
		c := d.columns[0]
		if c[0] != 0 || c[len(c)-1] != 499*3 || !slices.IsSorted(c) {
			t.Fatalf("the extremes are gone: %v", c)
		}
		if first == nil {
			first = slices.Clone(c)
		}
		if !slices.Equal(first, c) {
			t.Fatal("the points that are kept depend on the order they came in")
		}
	}
}

func TestBinsCountEveryOperation(t *testing.T) {
	h := violation(8000).History
	total := milliseconds(h.Duration())
	b := binned(h, total)
	if len(b.Done) > mostBins+1 {
		t.Errorf("%d bins", len(b.Done))
	}
	var done, due tally
	for _, d := range b.Done {
		done.OK, done.Fail, done.Info = done.OK+d.OK, done.Fail+d.Fail, done.Info+d.Info
	}
	for _, row := range b.Nodes {
		for _, d := range row {
			due.OK, due.Fail, due.Info = due.OK+d.OK, due.Fail+d.Fail, due.Info+d.Info
		}
	}
	if done != due || done.total() != 8000 {
		t.Errorf("completed %+v, due %+v", done, due)
	}
	for i := range b.P50 {
		if b.P50[i] > b.P99[i] {
			t.Errorf("bin %d: median %v above the 99th percentile %v", i, b.P50[i], b.P99[i])
		}
	}
}

// TestChartOfAwkwardHistories draws what a run can leave: one op, ops without time, ops that never returned.
func TestChartOfAwkwardHistories(t *testing.T) {
	pair := func(call, took time.Duration, outcome history.Type, end int) history.Pair {
		return history.Pair{F: "read", Node: "n1", Call: call, Due: call, Return: call + took, Outcome: outcome,
			End: end}
	}
	for name, pairs := range map[string][]history.Pair{
		"one":     {pair(time.Second, time.Millisecond, history.OK, 1)},
		"no time": {pair(0, 0, history.OK, 1)},
		"never back": {pair(time.Second, -time.Second, history.Info, -1), pair(9*time.Second, time.Millisecond,
			history.OK, 2)},
		"no node":       {{F: "read", End: 1, Outcome: history.Fail, Return: time.Second}},
		"hours":         {pair(0, time.Hour, history.OK, 1), pair(50*time.Hour, time.Nanosecond, history.OK, 2)},
		"negative wait": {{F: "read", End: 1, Outcome: history.OK, Call: 1, Return: 2, Due: time.Second}},
	} {
		c := runChart(Input{History: history.History{Pairs: pairs}})
		if c == nil {
			t.Errorf("%s: no chart", name)
			continue
		}
		for _, s := range c.Picture.Shapes {
			for _, text := range []string{s.X, s.Y, s.W, s.H, s.D} {
				if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
					t.Errorf("%s: a shape at %.80s", name, text)
				}
			}
		}
		if never := strings.Contains(strings.Join(c.Notes, " "),
			"1 operation never came back"); never != (name == "never back") {
			t.Errorf("%s: notes %v", name, c.Notes)
		}
	}
	if runChart(Input{}) != nil {
		t.Error("a chart of nothing")
	}
}

// TestChartShowsWhichFaultsTookEffect tells a band from a hollow bar.
func TestChartShowsWhichFaultsTookEffect(t *testing.T) {
	count := func(in Input) (bands, hollow int) {
		for _, s := range runChart(in).Picture.Shapes {
			switch s.Class {
			case "band":
				bands++
			case "bandhollow":
				hollow++
			}
		}
		return bands, hollow
	}
	if bands, hollow := count(fixtureOf(400)); bands != 3 || hollow != 0 {
		t.Errorf("a run with three faults has %d bands and %d hollow bars", bands, hollow)
	}
	if bands, hollow := count(vacuous(400)); bands != 2 || hollow != 1 {
		t.Errorf("a run with a fault without effect has %d bands and %d hollow bars", bands, hollow)
	}
}

func TestAroundOfTakesTheNearest(t *testing.T) {
	in := violation(4000)
	a := in.Results.Anomalies[0]
	for i := range in.History.Pairs {
		in.History.Pairs[i].Key = "r7"
	}
	rows, note := aroundOf(a, in.History, map[int]bool{}, map[string]bool{})
	if len(rows) != mostKeyOps || note != "the nearest 80 of 4,000 other operations on this key" {
		t.Fatalf("%d rows: %s", len(rows), note)
	}
	for i, row := range rows {
		if !strings.HasPrefix(row.Called, "11.") || row.ID == "" || i > 0 && row.Index <= rows[i-1].Index {
			t.Errorf("row %d: %+v", i, row)
		}
	}
}

func TestPageHasEachAnchorOnce(t *testing.T) {
	in := violation(4000)
	in.Results.Anomalies = append(in.Results.Anomalies, in.Results.Anomalies[0])
	page := renderAll(t, in)["html"]
	for _, id := range []string{"op-9300", "op-9344", "op-9412", "key-r7", "fault-3"} {
		if n := strings.Count(page, `id="`+id+`"`); n != 1 {
			t.Errorf("the anchor %s is there %d times", id, n)
		}
	}
	if got := len(pageOf(in).Anomalies); got != 2 {
		t.Errorf("%d anomalies are shown", got)
	}
	in.Results.Anomalies = slices.Repeat(in.Results.Anomalies[:1], 9)
	if p := pageOf(in); len(p.Anomalies) != mostAnomalies || p.MoreAnoms != 4 {
		t.Errorf("%d anomalies are shown and %d left out", len(p.Anomalies), p.MoreAnoms)
	}
}

func TestWindowRows(t *testing.T) {
	w := harness.Window{Name: "kill:one", Fault: 4, StartMS: 2000, EndMS: 5000, Groups: []harness.Group{
		{By: "all", Ops: harness.OpCounts{Total: 10, OK: 5}, OKShare: 0.5, FirstSuccessMS: new(12.0)},
		{By: "node", Name: "n2", OKShare: 0, Ops: harness.OpCounts{Total: 4}}, {By: "node", Name: "n1", OKShare: 0.9,
			Ops: harness.OpCounts{Total: 6}},
		{By: "node", Name: "n3"},
	}}
	rows := windowRows([]harness.Window{w}, "all", "node")
	if len(rows) != 4 || !rows[0].First || rows[1].First || rows[0].Name != "#4 kill:one" || rows[0].OK != "50%" &&
		rows[0].OK != "50.0%" || rows[0].Back1 != "12 ms" || rows[0].Back != "not seen" || rows[3].OK != "–" {
		t.Errorf("%+v", rows)
	}
	if got := shareOf(w); got != "n2 0%" {
		t.Errorf("the nodes that did badly: %s", got)
	}
	w.Groups = append(w.Groups, harness.Group{By: "side", Name: "n1 n3", OKShare: 1, Ops: harness.OpCounts{Total: 6}},
		harness.Group{By: "side", Name: "n2", OKShare: 0, Ops: harness.OpCounts{Total: 4}})
	if got := shareOf(w); got != "n2 0% | n1 n3 100%" {
		t.Errorf("the sides, the worst first: %s", got)
	}
	calm := windowRows([]harness.Window{{Name: "calm", Fault: -1, Groups: w.Groups}}, "all")
	if calm[0].Name != "calm" || calm[0].Back != "–" {
		t.Errorf("outside of a fault nothing recovers: %+v", calm[0])
	}
}
