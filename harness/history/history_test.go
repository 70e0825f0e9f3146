package history

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuilderRefusesAndStaysAsItWas(t *testing.T) {
	var b Builder
	add := func(op Op) {
		t.Helper()
		if err := b.Add(op); err != nil {
			t.Fatal(err)
		}
	}
	add(Op{Index: 3, Time: 10, Process: 1, Type: Invoke, F: "write", Key: "x", Value: int64(1), Node: "n1", Due: 4, Final: true})
	for want, op := range map[string]Op{
		"index 3 follows index 3: indices must grow":                             {Index: 3, Time: 20, Process: 2, Type: Invoke, F: "read"},
		"time 9 ns is before the line above (10 ns)":                             {Index: 4, Time: 9, Process: 2, Type: Invoke, F: "read"},
		"process 1 invokes read while its write is still open (line of index 3)": {Index: 4, Time: 20, Process: 1, Type: Invoke, F: "read"},
		"process 2 completes read (info) without having invoked it":              {Index: 4, Time: 20, Process: 2, Type: Info, F: "read"},
		"process 1 invoked write but completes read":                             {Index: 4, Time: 20, Process: 1, Type: OK, F: "read"},
	} {
		if err := b.Add(op); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	add(Op{Index: 4, Time: 10, Process: 1, Type: Fail, F: "write", Value: "v", Error: "no", Revision: 8, Hung: true})
	add(Op{Index: 7, Time: 30, Process: 1, Type: Invoke, F: "read", Key: "y"})
	b.Note("%d of %s", 1, "them")
	want := History{
		Pairs: []Pair{
			{Index: 3, End: 4, Process: 1, F: "write", Key: "x", Node: "n1", Input: int64(1), Output: "v", Outcome: Fail, Call: 10, Return: 10, Due: 4, Revision: 8, Error: "no", Final: true, Hung: true},
			{Index: 7, End: -1, Process: 1, F: "read", Key: "y", Outcome: Info, Call: 30, Due: 30},
		},
		Lines: 3,
		Notes: []string{"1 of them"},
	}
	if diff := cmp.Diff(want, b.History()); diff != "" {
		t.Error(diff)
	}
	h := b.History()
	if h.Duration() != 30 || !cmp.Equal(h.Keys(), []string{"x", "y"}) {
		t.Errorf("duration %v, keys %v", h.Duration(), h.Keys())
	}
	if p := h.Pairs[0]; p.Latency() != 6 || !p.Precedes(h.Pairs[1]) || h.Pairs[1].Latency() != 0 || h.Pairs[1].Precedes(p) {
		t.Error("latency or order")
	}
}

func TestByKeyKeepsTheOrderAndCopies(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var h History
	for i := range 500 {
		h.Pairs = append(h.Pairs, Pair{Index: i, Key: string(rune('a' + rng.IntN(7)))})
	}
	groups := h.ByKey()
	total := 0
	for key, group := range groups {
		total += len(group)
		for i, p := range group {
			if p.Key != key || i > 0 && p.Index <= group[i-1].Index {
				t.Fatalf("group %s holds %+v", key, p)
			}
			group[i].F = "changed"
		}
		_ = append(group, Pair{F: "foreign"})
	}
	if total != len(h.Pairs) || len(groups) != 7 {
		t.Errorf("%d pairs in %d groups", total, len(groups))
	}
	for _, group := range groups {
		if group[0].F != "changed" {
			t.Error("appending to one group changed another")
		}
	}
	if h.Pairs[0].F != "" {
		t.Error("a group shares its memory with the history")
	}
}

func TestTypesAreWords(t *testing.T) {
	for _, typ := range []Type{Info, Invoke, OK, Fail} {
		text, err := typ.MarshalText()
		var back Type
		if err != nil || back.UnmarshalText(text) != nil || back != typ {
			t.Errorf("%v became %s became %v", typ, text, back)
		}
	}
	var typ Type
	if err := typ.UnmarshalText([]byte("done")); err == nil || !strings.Contains(err.Error(), "expected invoke, ok, fail or info") {
		t.Error(err)
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{nil, nil}, {7, int64(7)}, {int32(-7), int64(-7)}, {uint32(7), int64(7)}, {[]int{1}, []int64{1}}, {[]int64(nil), []int64{}},
		{[]any{}, []int64{}}, {[]any{1, int64(2)}, []int64{1, 2}}, {[]any{1, "a", []any{2}}, []any{int64(1), "a", []int64{2}}},
	} {
		got, err := Normalize(c.in)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%#v became %#v, want %#v (%v)", c.in, got, c.want, err)
		}
	}
	for _, bad := range []any{struct{}{}, map[string]int{}, []any{1, []any{uint8(1)}}} {
		if v, err := Normalize(bad); err == nil {
			t.Errorf("%#v became %#v", bad, v)
		}
	}
}

func TestStrikeOverlaps(t *testing.T) {
	s := Strike{State: Healed, Began: 10, Start: 12, End: 20}
	for _, c := range []struct {
		from, to time.Duration
		want     bool
	}{{0, 9, false}, {0, 10, true}, {15, 16, true}, {20, 30, true}, {21, 30, false}} {
		if got := s.Overlaps(c.from, c.to); got != c.want {
			t.Errorf("%v to %v: %v", c.from, c.to, got)
		}
	}
	if s.State = Injected; !(Strike{State: Injected, Began: 10}).Overlaps(100, 200) || (Strike{State: Skipped}).Overlaps(0, 1) {
		t.Error("a strike that was never healed lasts, and one that was skipped never was")
	}
}

// A follower sees what a reader of the whole file sees, wherever the writer's pieces end.
func TestFollowerSeesWhatIsThere(t *testing.T) {
	text := sampleLines(300, 5)
	want, err := ReadJSONL(bytes.NewReader(text), "h")
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	f := Follow(&file, "h")
	rng := rand.New(rand.NewPCG(6, 6))
	lines := 0
	for len(text) > 0 {
		n := min(1+rng.IntN(400), len(text))
		file.Write(text[:n])
		lines += bytes.Count(text[:n], []byte("\n"))
		text = text[n:]
		h, err := f.Read()
		if err != nil || h.Lines != lines {
			t.Fatalf("%d lines, want %d, %v", h.Lines, lines, err)
		}
	}
	got, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	file.WriteString("broken\n")
	if _, err := f.Read(); err == nil || !strings.HasPrefix(err.Error(), "h:") {
		t.Error(err)
	}
}
