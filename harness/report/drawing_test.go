package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// randomAnomaly makes a witness with times from microseconds to minutes, as awkward as they come.
func randomAnomaly(rng *rand.Rand) (harness.AnomalyResult, []harness.FaultResult) {
	a := harness.AnomalyResult{Name: "stale read", Key: "k", Impossible: -1}
	free := map[int]float64{}
	now := rng.Float64() * 60_000
	for i := range 1 + rng.IntN(12) {
		process := rng.IntN(5)
		now += []float64{0, 0.001, 0.3, 40, 9000}[rng.IntN(5)] * rng.Float64()
		op := harness.OpResult{Index: i * 2, Process: process, Node: fmt.Sprintf("n%d", process%3), F: "write",
			Input: int64(i), CallMS: max(now, free[process]), Outcome: history.Type(rng.IntN(4))}
		if op.Outcome == history.Invoke {
			op.Outcome = history.OK
		}
		if op.Outcome != history.Info || rng.IntN(2) == 0 {
			op.ReturnMS = new(op.CallMS + []float64{0, 0.002, 1.5, 700}[rng.IntN(4)]*rng.Float64())
			free[process] = *op.ReturnMS
		}
		a.Ops = append(a.Ops, op)
	}
	if rng.IntN(2) == 0 {
		a.Impossible = a.Ops[rng.IntN(len(a.Ops))].Index
	}
	var faults []harness.FaultResult
	for i := range rng.IntN(4) {
		f := harness.FaultResult{ID: i, Fault: "kill:one", Detail: "n1", StartMS: now * rng.Float64() * 1.2}
		if rng.IntN(3) > 0 {
			f.EndMS = new(f.StartMS + rng.Float64()*4000)
		}
		faults, a.Faults = append(faults, f), append(a.Faults, i)
	}
	return a, faults
}

// TestDrawingShowsEveryOperation draws random witnesses: no line is too wide, each operation has a bar and its label,
// nothing is drawn over anything else, the impossible one is marked, and what came first stands further left.
func TestDrawingShowsEveryOperation(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	for i := range 2000 {
		a, faults := randomAnomaly(rng)
		width := 60 + rng.IntN(80)
		text := Drawing(a, faults, width)
		for line := range strings.Lines(text) {
			if n := cells(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("case %d: %d columns of %d:\n%s", i, n, width, text)
			}
		}
		if n := strings.Count(text, "├"); n != len(a.Ops) {
			t.Fatalf("case %d: %d bars for %d operations:\n%s", i, n, len(a.Ops), text)
		}
		for _, op := range a.Ops {
			if !strings.Contains(text, opText(op)+outcomeNote(op)) {
				t.Fatalf("case %d: %s is not there:\n%s", i, opText(op), text)
			}
		}
		if got := strings.Count(text, " impossible"); (a.Impossible >= 0) != (got == 1) {
			t.Fatalf("case %d: %d marks for operation %d:\n%s", i, got, a.Impossible, text)
		}
		checkOrder(t, layOut(a, faults, width), text)
	}
}

func checkOrder(t *testing.T, l layout, text string) {
	t.Helper()
	var items []item
	for _, n := range l.Lanes {
		if !n.Fault {
			items = append(items, n.Items...)
		}
	}
	for _, p := range items {
		for _, q := range items {
			if p.Open || p.Op.ReturnMS == nil || *p.Op.ReturnMS > q.Op.CallMS {
				continue
			}
			// A bar is at least two columns wide; beyond that the order must be visible.
			if p.To > q.From+1 {
				t.Fatalf("op %d returned before op %d was called, but ends at %.1f and begins at %.1f:\n%s", p.Op.Index,
					q.Op.Index, p.To, q.From, text)
			}
		}
	}
}

func TestDrawingIsLinearWhereItCanBe(t *testing.T) {
	op := func(i int, from, to float64) harness.OpResult {
		return harness.OpResult{Index: i, Process: i, F: "read", Outcome: history.OK, CallMS: from, ReturnMS: &to}
	}
	wide := harness.AnomalyResult{Impossible: -1, Ops: []harness.OpResult{op(0, 0, 300), op(1, 350, 700), op(2, 800,
		1000)}}
	if l := layOut(wide, nil, 100); !l.Linear || l.note() != "" {
		t.Errorf("well-spaced times are not to scale: %s", l.note())
	}
	narrow := harness.AnomalyResult{Impossible: -1, Ops: []harness.OpResult{op(0, 0, 0.2), op(1, 0.4, 0.5), op(2, 800,
		1000)}}
	if l := layOut(narrow, nil, 100); l.Linear || !strings.Contains(l.note(), "not to scale") {
		t.Error("a picture out of scale does not say so")
	}
}

func TestDrawingOfALargeWitnessIsBounded(t *testing.T) {
	var a harness.AnomalyResult
	for i := range 500 {
		at := float64(i)
		a.Ops = append(a.Ops, harness.OpResult{Index: i, Process: i, F: "read", Outcome: history.OK, CallMS: at,
			ReturnMS: new(at + 0.5)})
	}
	for _, impossibleOp := range []int{0, 250, 499, -1} {
		a.Impossible = impossibleOp
		text := Drawing(a, nil, 80)
		if !strings.Contains(text, "476 more operations of the witness not drawn") || strings.Count(text, "\n") > 80 {
			t.Errorf("impossible %d:\n%s", impossibleOp, text)
		}
		if impossibleOp >= 0 && !strings.Contains(text, " impossible") {
			t.Errorf("the impossible operation %d is not drawn:\n%s", impossibleOp, text)
		}
	}
}

func TestDrawingOfNothing(t *testing.T) {
	if text := Drawing(harness.AnomalyResult{}, nil, 80); !strings.Contains(text, "names no operation") {
		t.Error(text)
	}
	if witnessPicture(harness.AnomalyResult{}, nil) != nil {
		t.Error("a picture of nothing")
	}
}

func TestScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		events := make([]float64, 2+rng.IntN(20))
		for i := range events {
			events[i] = rng.ExpFloat64() * []float64{0.01, 1, 1000}[rng.IntN(3)]
		}
		s := newScale(events, 100, 2)
		slices.Sort(events)
		for i := 1; i < len(events); i++ {
			p, q := s.position(events[i-1]), s.position(events[i])
			if p >= q && events[i-1] < events[i] || p < 0 || q > 100+1e-6 {
				t.Fatalf("times %v and %v at %v and %v", events[i-1], events[i], p, q)
			}
			if events[i-1] < events[i] && q-p < 2-1e-6 {
				t.Fatalf("times %v and %v are %v apart", events[i-1], events[i], q-p)
			}
		}
		if s.position(events[0]-5) != 0 || s.position(events[len(events)-1]+5) < 100-1e-6 {
			t.Fatal("times outside do not lie at the ends")
		}
	}
	if s := newScale(nil, 100, 2); s.position(3) < 0 {
		t.Fatal("a scale of nothing")
	}
}

func TestRoundStep(t *testing.T) {
	for x, want := range map[float64]float64{0.3: 0.5, 1: 1, 1.01: 2, 4.2: 5, 7: 10, 1000: 1000, 0: 1} {
		if got := roundStep(x); got < want*0.999999 || got > want*1.000001 {
			t.Errorf("roundStep(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestOpText(t *testing.T) {
	long := make([]int64, 57)
	for i := range long {
		long[i] = int64(i)
	}
	for want, op := range map[string]harness.OpResult{
		"write 12": {F: "write", Input: int64(12), Output: int64(12), Outcome: history.OK},
		"write 13": {F: "write", Input: 13.0, Outcome: history.Info},
		// as read back from results.json
		"read -> 9":   {F: "read", Output: int64(9), Outcome: history.OK},
		"read -> nil": {F: "read", Outcome: history.OK},
		"read":        {F: "read", Outcome: history.Info},
		"cas 3->5": {F: "cas", Input: []int64{3, 5}, Output: []int64{3, 5},
			Outcome: history.OK},
		"cas 4->6":                             {F: "cas", Input: []any{4.0, 6.0}, Outcome: history.Fail},
		"read -> [1 2]":                        {F: "read", Output: []any{1.0, 2.0}, Outcome: history.OK},
		`write "a\"b"`:                         {F: "write", Input: `a"b`, Outcome: history.OK, Output: `a"b`},
		"read -> [0 1 2 3 … 53 54 55 56] (57)": {F: "read", Output: long, Outcome: history.OK},
		"append k3 4 · r k0 -> [1 2]": {F: "txn", Outcome: history.OK,
			Input:  []any{[]any{"append", "k3", int64(4)}, []any{"r", "k0", nil}},
			Output: []any{[]any{"append", "k3", int64(4)}, []any{"r", "k0", []int64{1, 2}}}},
		`w 3 4 · r "a b"`: {F: "txn", Outcome: history.Info, Input: []any{[]any{"w", 3.0, 4.0}, []any{"r", "a b", nil}}},
		"txn 7":           {F: "txn", Outcome: history.Info, Input: 7.0},
	} {
		if got := opText(op); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
