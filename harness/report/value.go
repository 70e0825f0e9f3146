package report

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// valueText writes a value of an operation for people. It takes the normal form of history.Op and what encoding/json
// makes of it when it reads results.json back.
func valueText(v any) string { return clean(rawValue(v), longestValue) }

func rawValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(clean(v, longestValue))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case json.Number:
		return v.String()
	case []int64:
		return listText(len(v), func(i int) string { return strconv.FormatInt(v[i], 10) })
	case []any:
		return listText(len(v), func(i int) string { return rawValue(v[i]) })
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(text)
	}
	return fmt.Sprint(v)
}

// listText writes a list; of a long one, both ends and how many there are.
func listText(n int, element func(int) string) string {
	const ends = 4
	var parts []string
	for i := range n {
		if n > 3*ends && i >= ends && i < n-ends {
			if i == ends {
				parts = append(parts, "…")
			}
			continue
		}
		parts = append(parts, element(i))
	}
	if n > 3*ends {
		return fmt.Sprintf("[%s] (%s)", strings.Join(parts, " "), count(n))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// opText says what an operation was: write 12, read -> 9, cas 3 -> 5, append 7.
func opText(op harness.OpResult) string {
	f := clean(op.F, 20)
	if f == "cas" {
		if list, ok := pairOf(op.Input); ok {
			return "cas " + valueText(list[0]) + "->" + valueText(list[1])
		}
	}
	if text, ok := txnText(op); ok {
		return text
	}
	text := f
	if op.Input != nil {
		text += " " + valueText(op.Input)
	}
	if op.Output != nil && op.Outcome == history.OK && !reflect.DeepEqual(op.Input, op.Output) {
		text += " -> " + valueText(op.Output)
	} else if op.Input == nil && op.Outcome == history.OK {
		text += " -> nil"
	}
	return text
}

// txnText says what a transaction did: append k3 4 · r k0 -> [1 2]. Of one without an answer it says what it was asked.
func txnText(op harness.OpResult) (string, bool) {
	value := op.Input
	answered := op.Outcome == history.OK && op.Output != nil
	if answered {
		value = op.Output
	}
	steps, isList := value.([]any)
	if op.F != "txn" || !isList {
		return "", false
	}
	var parts []string
	for _, step := range steps {
		step, _ := step.([]any)
		if len(step) != 3 {
			return "", false
		}
		f, _ := step[0].(string)
		text := clean(f, 20) + " " + keyText(step[1])
		switch reads := f == "r" || f == "read"; {
		case reads && answered:
			text += " -> " + valueText(step[2])
		case !reads:
			text += " " + valueText(step[2])
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · "), true
}

// keyText writes the key of a step without the quotes that it does not need.
func keyText(v any) string {
	if s, isText := v.(string); isText && s != "" && !strings.ContainsAny(s, " \"") {
		return clean(s, longestValue)
	}
	return valueText(v)
}

// pairOf reads a list of two, which is what a compare-and-set is given.
func pairOf(v any) ([2]any, bool) {
	switch v := v.(type) {
	case []int64:
		if len(v) == 2 {
			return [2]any{v[0], v[1]}, true
		}
	case []any:
		if len(v) == 2 {
			return [2]any{v[0], v[1]}, true
		}
	}
	return [2]any{}, false
}

// outcomeNote is what is added to an operation that is not simply ok.
func outcomeNote(op harness.OpResult) string {
	if op.Outcome == history.OK {
		return ""
	}
	return " (" + op.Outcome.String() + ")"
}

// opOf is a recorded operation in the form of the results.
func opOf(p history.Pair) harness.OpResult {
	op := harness.OpResult{
		Index: p.Index, Process: p.Process, Node: p.Node, F: p.F, Key: p.Key, Input: p.Input, Output: p.Output,
		Outcome: p.Outcome, CallMS: milliseconds(p.Call), Revision: p.Revision, Error: p.Error,
	}
	if p.End >= 0 {
		at := milliseconds(p.Return)
		op.ReturnMS = &at
	}
	return op
}
