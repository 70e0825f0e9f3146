package levels

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// script makes a history of lines like "1 write 5", one operation after the other: a process, what it did, and the
// value. "1 swap 5 6" replaces. What ends in "…" goes on until the end of the script; what ends in "?" never returns.
// Every event takes a millisecond.
func script(lines ...string) *sheet {
	h := &sheet{Object: &linear.Object{Values: 1}}
	event := int64(0)
	tick := func() int64 { event++; return event }
	number := func(s string) int32 { return int32(s[0] - '0') }
	var later []int
	for i, line := range lines {
		f := strings.Fields(line)
		end := f[len(f)-1]
		op := linear.Op{Call: tick(), Kind: map[string]linear.Kind{
			"read": linear.Read, "write": linear.Write, "swap": linear.Swap, "failed": linear.SwapFailed,
		}[f[1]], Value: number(f[2])}
		if op.Kind == linear.Swap || op.Kind == linear.SwapFailed {
			op.From, op.Value = op.Value, number(f[3])
		}
		switch end {
		case "…":
			later = append(later, i)
		case "?":
			op.Return = linear.Never
		default:
			op.Return = tick()
		}
		h.Object.Ops = append(h.Object.Ops, op)
		h.Process = append(h.Process, int(number(f[0])))
		h.Object.Values = max(h.Object.Values, int(op.Value)+1, int(op.From)+1)
	}
	for _, i := range later {
		h.Object.Ops[i].Return = tick()
	}
	return h.timed(int64(time.Millisecond))
}

// timed sets the times by the events.
func (h *sheet) timed(each int64) *sheet {
	h.Call, h.Return = nil, nil
	for _, op := range h.Object.Ops {
		h.Call, h.Return = append(h.Call, op.Call*each), append(h.Return, op.Return*each)
	}
	return h
}

// TestExamples: each level holds where the next stronger one falls, and what is said of it.
func TestExamples(t *testing.T) {
	const back = "a client read an older value after a newer one"
	for _, e := range []struct {
		name      string
		history   []string
		strongest Level
		says      string
	}{
		{"nothing", nil, Linearizable, "linearizable"},
		{"all is well", []string{"1 write 1", "2 read 1", "2 swap 1 2", "1 read 2"}, Linearizable, "linearizable"},
		{"a failed compare-and-set", []string{"1 write 1", "2 failed 1 2"}, Linearizable,
			"linearizable, compare-and-sets that failed not considered"},
		{"a stale read", []string{"1 write 1", "1 write 2", "1 write 3", "2 read 1"}, Sequential,
			"not linearizable: reads were up to 3 ms and 2 versions stale, but it was sequential"},
		{"new, then old", []string{"1 write 1", "1 write 2 …", "2 read 2", "3 read 1"}, Sequential,
			"not linearizable: reads were up to 1 ms stale, but it was sequential and regular"},
		{"the initial value, stale", []string{"1 write 1", "2 read 0"}, Sequential,
			"not linearizable: reads were up to 1 ms and 1 version stale, but it was sequential"},
		{"real time goes back for one client", []string{"1 write 1", "2 write 2", "3 read 2", "3 read 1"}, Sequential,
			"not linearizable: reads were up to 3 ms and 1 version stale and " + back + ", but it was sequential"},
		{"a lost update", []string{"1 write 1", "2 swap 1 2", "3 swap 1 3"}, Causal,
			"not linearizable: a value was replaced twice, but it was causal and regular"},
		{"two readers disagree", []string{
			"1 write 1 …", "2 write 2 …", "3 read 1", "4 read 2", "3 read 2", "4 read 1",
		}, PRAM,
			"not linearizable: reads were up to 3 ms stale, but it was PRAM and regular"},
		{"a write of another client, lost", []string{"1 write 1", "2 write 2", "1 read 2", "1 read 1"}, None,
			"not linearizable: reads were up to 3 ms and 1 version stale and " + back +
				", but every client read its own writes"},
		{"its own write, lost", []string{"1 write 1", "1 read 0"}, None,
			"not linearizable: reads were up to 1 ms and 1 version stale and a client read a value older than its own"},
		{"reads go back", []string{"1 write 1", "1 write 2 …", "2 read 2", "2 read 1"}, None,
			"not linearizable: reads were up to 1 ms stale and " + back + ", but it was regular"},
		{"from nowhere", []string{"1 write 1", "1 read 1", "1 read 2"}, None,
			"not linearizable: a value was seen that nothing stored, but every client read its own writes and " +
				"no client read an older value after a newer one"},
		{"from the future", []string{"1 read 1", "2 write 1"}, Sequential,
			"not linearizable: a value was seen before it was stored, but it was sequential"},
		{"from one's own future", []string{"1 read 1", "1 write 1"}, None,
			"not linearizable: a value was seen before it was stored"},
		{"a write in the past of what was read", []string{"1 read 2", "1 write 1", "2 write 2"}, Sequential,
			"not linearizable: a value was seen before it was stored and " +
				"a client's write took effect before what it had read, but it was sequential"},
		{"writes swapped", []string{"1 swap 2 1", "1 write 2"}, None,
			"not linearizable: compare-and-sets contradict real time, whatever was read and " +
				"a client's writes took effect in the wrong order, but it was regular"},
		{"a ring", []string{"1 swap 1 2 …", "2 swap 2 1 …"}, PRAM,
			"not linearizable: values were swapped from each other in a ring, but it was PRAM and regular"},
		{"a swap that found an old value", []string{"1 write 1", "1 write 2", "2 swap 1 3"}, Sequential,
			"not linearizable: compare-and-sets contradict real time, whatever was read, " +
				"but it was sequential and regular"},
		{"a pending write, seen", []string{"1 write 1 ?", "2 read 1", "2 read 0"}, None,
			"not linearizable: reads were up to 1 ms stale and " + back + ", but it was regular"},
		{"nothing is bound to a pending write", []string{"1 write 1 ?", "1 write 2", "2 read 2", "2 read 1"},
			Linearizable, "linearizable"},
	} {
		h := script(e.history...)
		r := judge(t, h)
		if r.Strongest != e.strongest {
			t.Errorf("%s: %v, want %v", e.name, r.Strongest, e.strongest)
		}
		if says := r.Sentence(); says != e.says {
			t.Errorf("%s:\n%s, want\n%s", e.name, says, e.says)
		}
	}
}

// TestWitness looks at what is shown: as few operations as can be.
func TestWitness(t *testing.T) {
	stale := []string{"1 write 1", "1 write 2", "2 write 3", "3 read 3", "2 read 1", "1 read 2"}
	r := judge(t, script(stale...))
	for what, w := range map[string]struct{ got, want []int32 }{
		"staleness":     {r.Staleness.Witness, []int32{0, 1, 4}},
		"read":          {[]int32{r.Staleness.Read, r.Staleness.Newer}, []int32{4, 1}},
		"values":        {r.Staleness.Values[:], []int32{1, 2}},
		"most versions": {[]int32{r.Versions.Read, int32(r.Versions.Max), int32(r.Versions.Stale)}, []int32{4, 2, 2}},
		"regular":       {r.Regular.Witness, []int32{0, 1, 4}},
		"own writes":    {r.Sessions[ReadYourWrites].Witness, []int32{0, 2, 4}},
		"linearizable":  {r.Levels[Linearizable].Witness, []int32{0, 1, 4}},
	} {
		if !slices.Equal(w.got, w.want) {
			t.Errorf("%s: %v, want %v", what, w.got, w.want)
		}
	}
}

// TestUnfit refuses what is not a history of a register with unique values.
func TestUnfit(t *testing.T) {
	twice := script("1 write 1", "2 write 1")
	initial := script("1 write 0")
	busy := script("1 write 1 …", "1 write 2")
	list := script("1 write 1")
	list.Object.Ops[0].Kind = linear.Append
	for what, h := range map[string]*sheet{"twice": twice, "initial": initial, "busy": busy, "list": list} {
		if _, err := h.judge(); !errors.Is(err, linear.ErrUnfit) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestUnits(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1 ns": 1, "999 ns": 999, "1 µs": 1000, "1.23 µs": 1234, "12.3 ms": 12_345_678,
		"412 ms": 412 * time.Millisecond, "1.5 s": 1500 * time.Millisecond, "119 s": 119 * time.Second,
		"2.5 min": 150 * time.Second, "90 min": 90 * time.Minute,
	} {
		if got := units(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}
