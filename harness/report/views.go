package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// anomalyOf shows a violation. seen holds the anchors that are already in the page.
func anomalyOf(i int, a harness.AnomalyResult, in Input, seen map[string]bool) anomalyView {
	v := anomalyView{
		Number: i + 1, Name: clean(a.Name, 80), Key: clean(a.Key, 80), Check: clean(a.Check, 60),
		Explanation: sentence(a.Explanation), Picture: witnessPicture(a, in.Results.Faults),
		Drawing: Drawing(a, in.Results.Faults, 100), Open: i == 0,
		Kept: keyKept(in.Results, a),
	}
	if a.Key != "" && !seen[anchor("key", a.Key)] {
		v.KeyID = anchor("key", a.Key)
		seen[v.KeyID] = true
	}
	if a.Count > 1 {
		v.Count = count(a.Count) + " of this kind in all"
	}
	if v.Picture != nil {
		l := layOut(a, in.Results.Faults, witnessColumns)
		v.Note = l.note()
	}
	witness := map[int]bool{}
	for _, op := range a.Ops[:min(len(a.Ops), mostKeyOps)] {
		witness[op.Index] = true
		v.Ops = append(v.Ops, rowOfOp(op, op.Index == a.Impossible, seen))
	}
	v.Around, v.AroundNote = aroundOf(a, in.History, witness, seen)
	return v
}

// aroundOf are the other operations on the anomaly's key that are nearest to it.
func aroundOf(a harness.AnomalyResult, h history.History, witness map[int]bool, seen map[string]bool) (
	rows []opRow, note string,
) {
	from, to := extent(a)
	middle := (from + to) / 2
	var near []history.Pair
	for i := range h.Pairs {
		if p := &h.Pairs[i]; p.Key == a.Key && !witness[p.Index] {
			near = append(near, *p)
		}
	}
	all := len(near)
	distance := func(p history.Pair) float64 { return math.Abs(milliseconds(p.Call) - middle) }
	slices.SortStableFunc(near, func(p, q history.Pair) int { return int(math.Copysign(1, distance(p)-distance(q))) })
	near = near[:min(len(near), mostKeyOps)]
	slices.SortFunc(near, func(p, q history.Pair) int { return p.Index - q.Index })
	for _, p := range near {
		rows = append(rows, rowOfOp(opOf(p), false, seen))
	}
	if all > len(near) {
		return rows, fmt.Sprintf("the nearest %s of %s other operations on this key", count(len(near)), count(all))
	}
	return rows, fmt.Sprintf("all %s other operations on this key", count(all))
}

func rowOfOp(op harness.OpResult, impossible bool, seen map[string]bool) opRow {
	row := opRow{
		Index: op.Index, Process: op.Process, Node: clean(op.Node, 40), Text: opText(op), Outcome: op.Outcome.String(),
		Called: moment(op.CallMS, 6), Took: "–", Revision: "–", Error: clean(op.Error, 200), Impossible: impossible,
	}
	if id := fmt.Sprintf("op-%d", op.Index); !seen[id] {
		row.ID, seen[id] = id, true
	}
	if op.ReturnMS != nil {
		row.Took = span(*op.ReturnMS - op.CallMS)
	}
	if op.Revision != 0 {
		row.Revision = fmt.Sprint(op.Revision)
	}
	return row
}
