package history

import (
	"regexp"
	"strings"
	"testing"
)

func TestLogAsJepsenWritesIt(t *testing.T) {
	h := History{Lines: 7, Pairs: []Pair{
		{Index: 0, End: 1, F: "write", Input: int64(3), Output: int64(3), Outcome: OK, Call: 5, Due: 5, Return: 9, Node: "n1", Revision: 4},
		{Index: 2, End: 3, Process: 1, F: "cas", Key: "x", Input: []int64{1, 2}, Output: []int64{1, 2}, Outcome: Fail, Unmet: true, Call: 9, Due: 9, Return: 9, Error: "3 :invoke :read"},
		{Index: 4, End: 7, Process: 1, F: "compare&set", Outcome: Info, Final: true, Call: 12, Due: 12, Return: 14, Output: "timeout"},
		{Index: 8, End: -1, Process: 1, F: "read", Call: 20, Due: 20},
	}, Strikes: []Strike{{Fault: "kill:one", State: Injected, Began: 6, Start: 7, Detail: "n1"}}}
	again, text := rewritten(t, h, FormatLog)
	same(t, h.Pairs, again.Pairs)
	same(t, h.Strikes, again.Strikes)
	same(t, []string{"guessed the format log by the contents"}, again.Notes)
	same(t, `INFO  capsize - {:index 0, :time 5, :node "n1"}
INFO  jepsen.util - 0	:invoke	:write	3
INFO  capsize - {:index 1, :time 6, :capsize/strike 0}
INFO  jepsen.util - :nemesis	:info	:kill	"kill:one"
INFO  capsize - {:index 2, :time 7, :capsize/strike "S"}
INFO  jepsen.util - :nemesis	:info	:kill	"n1"
INFO  capsize - {:index 3, :time 9, :node "n1", :capsize/rev 4}
INFO  jepsen.util - 0	:ok	:write	3
INFO  capsize - {:index 4, :time 9, :capsize/key "x"}
INFO  jepsen.util - 1	:invoke	:cas	["x" [1 2]]
INFO  capsize - {:index 5, :time 9, :capsize/key "x", :error "3 :invoke :read", :capsize/unmet true}
INFO  jepsen.util - 1	:fail	:cas	["x" [1 2]]	"3 :invoke :read"
INFO  capsize - {:index 6, :time 12, :final? true}
INFO  jepsen.util - 1	:invoke	"compare&set"	nil
INFO  capsize - {:index 9, :time 14}
INFO  jepsen.util - 1	:info	"compare&set"	"timeout"
INFO  capsize - {:index 10, :time 20}
INFO  jepsen.util - 1	:invoke	:read	nil
`, string(regexp.MustCompile(`strike "(\\"|[^"])*"`).ReplaceAll(text, []byte(`strike "S"`))))
}

// Every cut of a log reads: what is lost is the operation it was cut in.
func TestEveryCutOfALogIsReadable(t *testing.T) {
	h := History{Lines: 4, Pairs: []Pair{
		{Index: 0, End: 1, F: "write", Input: int64(34), Output: int64(34), Outcome: OK, Call: 5, Due: 5, Return: 9, Node: "n1"},
		{Index: 2, End: 3, F: "write", Input: "a\"b", Outcome: Fail, Call: 10, Due: 10, Return: 19, Error: "no"},
	}}
	_, text := rewritten(t, h, FormatLog)
	first := strings.Index(string(text), "34\n") + 3
	for cut := first; cut < len(text); cut++ {
		again, _, err := Read(strings.NewReader(string(text[:cut])), "h", ReadOptions{})
		if err != nil {
			t.Fatalf("%q: %v", text[:cut], err)
		}
		for i, p := range again.Pairs {
			if want := h.Pairs[i]; p.Index != want.Index || p.Call != want.Call || p.End >= 0 && p.End != want.End {
				t.Fatalf("%q: %+v", text[:cut], p)
			}
		}
		if notes := strings.Join(again.Notes, "\n"); text[cut-1] != '\n' && text[cut-1] != '}' && !strings.Contains(notes, "torn") && !strings.Contains(notes, "not operations") {
			t.Errorf("%q: notes %q", text[:cut], again.Notes)
		}
	}
}

// The line with the rest of an operation is checked as everything is.
func TestBrokenRestOfALogLine(t *testing.T) {
	for text, want := range map[string]string{
		"INFO  capsize - {:index 0, :time}\n3 :invoke :read nil\n":           "h:1:34: found a map with 3 forms, expected a value for each key",
		"INFO  capsize - {:index 0, :time 1x}\n3 :invoke :read nil\n":        `h:1:34: found "1x", expected a number`,
		"INFO  capsize - {:capsize/rev 1.5, :time 1}\n3 :invoke :read nil\n": "h:2:10: found a revision that is no integer, expected one of 64 bits",
		"INFO  capsize - {:time 1}\n3 :info :read (\n":                       "h:2:16: found the end of the line, expected ')'",
	} {
		_, _, err := Read(strings.NewReader(text), "h", ReadOptions{Format: FormatLog})
		if err == nil || err.Error() != want {
			t.Errorf("%q\n got %v\nwant %s", text, err, want)
		}
	}
}
