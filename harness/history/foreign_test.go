package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, text string, opts ReadOptions) (History, string) {
	t.Helper()
	h, format, err := Read(strings.NewReader(text), "h", opts)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return h, format
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadJepsenEDN(t *testing.T) {
	h, format := read(t, `{:type :invoke, :f :write, :value 3, :process 0, :time 100, :index 0}
{:type :invoke, :f :read, :value nil, :process 1, :time 110, :index 1}
{:type :ok, :f :write, :value 3, :process 0, :time 105, :index 2, :node "n1"} ; before the line above
#jepsen.history.Op{:index 5, :time 120, :type :ok, :process 1, :f :read, :value 3, :final? true}
{:type :invoke, :f :cas, :value [3 4], :process 0, :time 130, :index 6}
{:type :info, :f :cas, :value [3 4], :process 0, :time 140, :index 7, :error [:timed-out "5 s"]}
{:type :info, :f :cas, :value [3 4], :process 0, :time 141, :index 8}
{:type :invoke :f :cas :value (3 4) :process 10 :time 150 :index 9}
{:type :fail, :value nil, :process 10, :time 160, :index 10, :error :conflict}
{:type :invoke, :f :read, :value nil, :process "reader", :time 170, :index 11}
`, ReadOptions{})
	if format != FormatEDN {
		t.Errorf("format %s", format)
	}
	same(t, []Pair{
		{Index: 0, End: 2, F: "write", Input: int64(3), Output: int64(3), Outcome: OK, Call: 100, Return: 110, Due: 100},
		{Index: 1, End: 5, Process: 1, F: "read", Output: int64(3), Outcome: OK, Call: 110, Return: 120, Due: 110},
		{Index: 6, End: 7, F: "cas", Input: []int64{3, 4}, Output: []int64{3, 4}, Call: 130, Return: 140, Due: 130, Error: `["timed-out","5 s"]`},
		{Index: 9, End: 10, Process: 10, F: "cas", Input: []int64{3, 4}, Outcome: Fail, Call: 150, Return: 160, Due: 150, Error: "conflict"},
		{Index: 11, End: -1, Process: firstNamed, F: "read", Call: 170, Due: 170},
	}, h.Pairs)
	same(t, []string{
		"guessed the format edn by the contents",
		"1 times that went backwards were moved up: the order of the file is the order of events (first in line 3)",
		"1 infos without an invocation were skipped (first in line 7)",
		"1 processes without a number got one, from 1073741824 (first in line 10)",
	}, h.Notes)
}

func TestReadKnossosEDN(t *testing.T) {
	for _, brackets := range []string{"[]", "()", "  "} {
		h, _ := read(t, "; as in Knossos' own data\n"+brackets[:1]+`{:process 4, :type :invoke, :f :write, :value 2}
 {:process 4, :type :ok, :f :write, :value 2}
 #_{:process 4, :type :nonsense} #_ #_ 1 2
 {:process 14  :type :invoke, :f :read, :value 4 :index -1}`+brackets[1:], ReadOptions{Format: FormatEDN})
		same(t, []Pair{
			{Index: 0, End: 1, Process: 4, F: "write", Input: int64(2), Output: int64(2), Outcome: OK, Return: 1},
			{Index: 2, End: -1, Process: 14, F: "read", Input: int64(4), Call: 2, Due: 2},
		}, h.Pairs)
		same(t, []string{"3 operations without a time were taken in the order of the file, 1 ns apart (first in line 2)"}, h.Notes)
	}
}

func TestEDNValues(t *testing.T) {
	for text, want := range map[string]any{
		"nil": nil, "true": true, "-7": int64(-7), "+7": int64(7), "12N": int64(12), "1.5M": 1.5, "1e3": 1000.0, "2.": 2.0, "-0.5E-1": -0.05,
		"1/4": 0.25, "99999999999999999999N": "99999999999999999999", "99999999999999999999": "99999999999999999999",
		"1e999": "1e999", "##NaN": "NaN", "##-Inf": "-Inf", ":a/b": "a/b", "::x": "x", ":33%": "33%", "sym": "sym", "+": "+", "-": "-",
		`"a\n\t\"\\\u00e9\101\ud83d\ude00é"`: "a\n\t\"\\éA😀é", `"\ud83d"`: "\xed\xa0\xbd", "\"two\nlines\"": "two\nlines",
		`\a`: "a", `\newline`: "\n", `\u00e9`: "é", `\o101`: "A", `\(`: "(", `\é`: "é", `\space`: " ",
		"[]": []int64{}, "()": []int64{}, "#{3 1 2}": []int64{1, 2, 3}, `#{"b" nil "a"}`: []any{"a", "b", nil},
		"[1 [2 :a] nil]": []any{int64(1), []any{int64(2), "a"}, nil}, "{:b 2, :a [1]}": []any{[]any{"a", []int64{1}}, []any{"b", int64(2)}},
		`#inst "2026-01-01"`: "2026-01-01", "#foo.Bar{:a 1}": []any{[]any{"a", int64(1)}}, `#"re.*"`: "re.*", "#'a.b/c": "a.b/c", "'x": "x",
		"^{:doc 1} [1]": []int64{1}, "#<Object java.lang.Object@1f<x>>": "#<Object java.lang.Object@1f<x>>", "#_1 2": int64(2),
		`#object[clojure.core$fn 0x3f "f@3f"]`: nil, "#:ns{:a 1 :_/b 2 :c/d 3 \"e\" 4}": []any{[]any{"b", int64(2)}, []any{"c/d", int64(3)}, []any{"e", int64(4)}, []any{"ns/a", int64(1)}},
		"#::{:a 1}": []any{[]any{"a", int64(1)}}, "##Inf": "Inf", "{1 2, 10 3, 9 4}": []any{[]int64{1, 2}, []int64{9, 4}, []int64{10, 3}},
		"#{2.5 10 9}": []any{2.5, int64(9), int64(10)}, "[[:append 3 1] [:r 3 [1]]]": []any{[]any{"append", int64(3), int64(1)}, []any{"r", int64(3), []int64{1}}},

		"[:append 1 2]": []any{"append", int64(1), int64(2)}, "[#_x]": []int64{}, "[1;c\n2]": []int64{1, 2},
	} {
		if want == nil && text != "nil" {
			continue
		}
		h, _ := read(t, "{:type :invoke :f :f :process 0 :value "+text+"}", ReadOptions{})
		if diff := cmp.Diff(want, h.Pairs[0].Input); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	h, _ := read(t, `{:type :invoke :f :f :process 0 :value [1/3 9999999999999999999 #a 1 {:b 1} #b 2]}`, ReadOptions{Format: FormatEDN})
	same(t, []string{
		"1 operations without a time were taken in the order of the file, 1 ns apart (first in line 1)",
		"1 ratios were read as floats (first in line 1)",
		"1 numbers beyond 64 bits were read as strings (first in line 1)",
		"1 tags like #a were dropped (first in line 1)",
		"1 maps were read as lists of [key value], sorted (first in line 1)",
		"1 tags like #b were dropped (first in line 1)",
	}, h.Notes)
}

func TestEDNErrors(t *testing.T) {
	good := "{:type :invoke, :f :read, :process 0}\n"
	const like = "expected an operation, {:type :invoke, :f :read, :value nil, :process 0}"
	for text, want := range map[string]string{
		"":                             "h:1:1: found the end of the file, " + like,
		"[]":                           "h:1:3: found the end of the file, " + like,
		"[\n 5]":                       `h:2:2: found "5", ` + like,
		"{:valid? true}":               "h:1:1: found a map without :process or :type, " + like,
		"#a 5 1":                       "h:1:1: found a form that is no map, " + like,
		"{:type :invoke, :f :read":     "h:1:25: found the end of the file, expected '}'",
		good + "{:type :ok, :f ]}\n{}": "h:2:16: found ']', expected '}'",
		good + "{:type}\n":             "h:2:8: found a map with 1 forms, expected a value for each key",
		good + "{:type :done, :process 0, :f :read}\n": "h:2:1: found an operation of type done, expected :invoke, :ok, :fail or :info",
		good + good:                       "h:2:1: process 0 invokes read while its read is still open (line of index 0)",
		"{:process 3 :type :ok :f :read}": "h:1:1: process 3 completes read (ok) without having invoked it",
		"{:process 3 :type :invoke}":      "h:1:1: found an operation without :f, expected the name of a function",
		good + "{:process 1 :type :invoke :f :w :value " + strings.Repeat("[", 80): "h:2:106: found a list, expected forms nested at most 64 deep",
		good + strings.Repeat("#_ ", 10_000):                                       "h:2:205: found '#', expected forms nested at most 64 deep",
		good + "{:process 1 :type :invoke :f :w :value 1x2}":                       `h:2:40: found "1x2", expected a number`,
		good + `{:process 1 :type :invoke :f :w :value "\q"}`:                      `h:2:41: found an unknown escape, expected \t \r \n \\ \" \b \f \uXXXX or octal digits`,
		good + "{:process 1 :type :invoke :f :w :value \x00}":                      "h:2:40: found a NUL byte (is this a text file?), expected a form",
		good + `{:process 1 :type :invoke :f :w :value \foo}`:                      `h:2:40: found "\\foo", expected a character`,
		good + "{:process 1 :type :invoke :f :w :value ##Foo}":                     "h:2:40: found ##Foo, expected ##NaN, ##Inf or ##-Inf",
		good + "{:process 1 :type :invoke :f :w :value : }":                        "h:2:41: found ' ', expected the name of a keyword",
	} {
		h, _, err := Read(strings.NewReader(text), "h", ReadOptions{Format: FormatEDN})
		if err == nil {
			t.Errorf("%q was taken: %+v", text, h)
		} else if err.Error() != want {
			t.Errorf("%q\n got %s\nwant %s", text, err, want)
		}
	}
}

func TestEveryCutOfEDNIsReadable(t *testing.T) {
	for _, text := range []string{
		"{:type :invoke, :f :write, :process 0, :value \"a\\n\"}\n{:type :ok, :f :write, :process 0, :value [1 ##NaN \\a 1.5 #x 2]}\n",
		"[{:type :invoke, :f :write, :process 0, :value \"a\\n\"}\n{:type :ok, :f :write, :process 0, :value [1 ##NaN \\a 1.5 #x 2]}]",
	} {
		first := strings.IndexByte(text, '}') + 1
		for cut := first; cut < len(text); cut++ {
			h, _, err := Read(strings.NewReader(text[:cut]), "h", ReadOptions{Format: FormatEDN})
			if err != nil {
				t.Fatalf("%q: %v", text[:cut], err)
			}
			noted := strings.Contains(strings.Join(h.Notes, ""), "the file ends too early")
			torn := strings.TrimSpace(text[first:cut]) != "" && !strings.HasSuffix(strings.TrimSpace(text[:cut]), "}") || text[0] == '['
			if noted != torn {
				t.Errorf("%q: notes %q", text[:cut], h.Notes)
			}
		}
	}
}

func TestReadLogs(t *testing.T) {
	h, format := read(t, "INFO  jepsen.core - Running test\r\n"+
		"INFO  jepsen.util - 0\t:invoke\t:write\t4\n"+
		"INFO [2023-01-30 20:00:09,733] jepsen worker 3 - jepsen.util 3\t:invoke\t:read\tnil\n"+
		"INFO [2023-01-30 20:00:10,213] jepsen nemesis - jepsen.util :nemesis\t:info\t:start\tnil\n"+
		"WARN the worker said :ok and 3 :ok things\n"+
		"3 :ok :read 4\n"+
		"INFO  jepsen.util - 0\t:info\t:write\t:timed-out\n"+
		"10   :invoke :cas   [1 2]   \n"+
		"10   :fail   :cas   [1 2]\t[:conflict \"no\"]\n"+
		"11 :invoke :read\n"+
		"11 :fail :read java.net.SocketTimeoutException: Read timed out\n"+
		"12 :invoke :write 7", ReadOptions{})
	if format != FormatLog {
		t.Errorf("format %s", format)
	}
	same(t, []Pair{
		{Index: 0, End: 4, F: "write", Input: int64(4), Outcome: Info, Return: 4, Error: "timed-out"},
		{Index: 1, End: 3, Process: 3, F: "read", Output: int64(4), Outcome: OK, Call: 1, Return: 3, Due: 1},
		{Index: 5, End: 6, Process: 10, F: "cas", Input: []int64{1, 2}, Output: []int64{1, 2}, Outcome: Fail, Call: 5, Return: 6, Due: 5, Error: `[:conflict "no"]`},
		{Index: 7, End: 8, Process: 11, F: "read", Output: "java.net.SocketTimeoutException:", Outcome: Fail, Call: 7, Return: 8, Due: 7, Error: "Read timed out"},
		{Index: 9, End: -1, Process: 12, F: "write", Input: int64(7), Call: 9, Due: 9},
	}, h.Pairs)
	same(t, []string{
		"guessed the format log by the contents",
		"h:12: the last line has no newline: if it was torn, its value may be cut short",
		"2 of 12 lines are not operations and were skipped",
		"10 operations without a time were taken in the order of the file, 1 ns apart (first in line 2)",
	}, h.Notes)
	same(t, 1, len(h.Strikes))
}

func TestLogErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "h:1:1: the file is empty, expected a line for each operation",
		"hello\nworld\n":          `h:2:1: found 2 lines and no operation in them, expected some like "3 :invoke :read nil"`,
		"3 :ok :read 4\n":         "h:1:6: process 3 completes read (ok) without having invoked it",
		"3 :invoke :w [1\nx\n":    "h:1:16: found the end of the line, expected ']'",
		"INFO - 3 :invoke :w )\n": "h:1:21: found ')', expected a form",
	} {
		_, _, err := Read(strings.NewReader(text), "h", ReadOptions{Format: FormatLog})
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if err.Error() != want {
			t.Errorf("%q\n got %s\nwant %s", text, err, want)
		}
	}
	h, _ := read(t, "3 :invoke :w 1\n3 :ok :w [1", ReadOptions{})
	if len(h.Pairs) != 1 || h.Pairs[0].End != -1 || !strings.Contains(strings.Join(h.Notes, "\n"), "h:2: the last line is torn") {
		t.Errorf("torn: %+v", h)
	}
}

func ednOps(values ...string) string {
	var b strings.Builder
	for i, v := range values {
		f, value, _ := strings.Cut(v, " ")
		fmt.Fprintf(&b, "{:type :invoke, :f :%s, :value %s, :process %d}\n", f, value, i)
	}
	return b.String()
}

func TestIndependentKeys(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"reads":            {ednOps("read [7 nil]", "write [7 3]", "cas [8 [1 2]]"), true},
		"cas only":         {ednOps("cas [7 [1 2]]", "write [7 3]"), true},
		"tuples":           {ednOps("write #jepsen.independent.Tuple [7 3]", "write #jepsen.independent.Tuple{:key 8, :value 1}"), true},
		"map entries":      {ednOps("write #clojure.lang.MapEntry[7 3]"), true},
		"named keys":       {ednOps(`read ["x" nil]`, "write [:y 1]"), true},
		"plain register":   {ednOps("read nil", "write 3", "cas [1 2]"), false},
		"plain cas":        {ednOps("cas [1 2]", "cas [2 3]"), false},
		"transfers":        {ednOps("transfer [1 2]"), false},
		"transactions":     {ednOps("txn [[:r 1 nil] [:append 2 3]]"), false},
		"cas among others": {ednOps("read [7 nil]", "cas [1 2]"), false},
		"one is no pair":   {ednOps("read [7 nil]", "write 3"), false},
	} {
		h, _ := read(t, c.text, ReadOptions{})
		note := strings.Contains(strings.Join(h.Notes, "\n"), "guessed that the values are [key value]")
		if got := h.Pairs[0].Key != ""; got != c.want || note != c.want {
			t.Errorf("%s: keys %v, note %v", name, got, note)
		}
	}

	text := `{:type :invoke, :f :read, :value [7 nil], :process 0}
{:type :ok, :f :read, :value [7 3], :process 0}
{:type :invoke, :f :cas, :value ["x" [1 2]], :process 1}
{:type :info, :f :cas, :value nil, :process 1}
{:type :invoke, :f :write, :value [9 1], :process 2}
{:type :fail, :f :write, :value :late, :process 2}
`
	want := []Pair{
		{Index: 0, End: 1, F: "read", Key: "7", Output: int64(3), Outcome: OK, Return: 1},
		{Index: 2, End: 3, Process: 1, F: "cas", Key: "x", Input: []int64{1, 2}, Outcome: Info, Call: 2, Return: 3, Due: 2},
		{Index: 4, End: 5, Process: 2, F: "write", Key: "9", Input: int64(1), Output: "late", Outcome: Fail, Call: 4, Return: 5, Due: 4},
	}
	guessed, _ := read(t, text, ReadOptions{})
	told, _ := read(t, text, ReadOptions{Independent: true})
	same(t, want, guessed.Pairs)
	same(t, want, told.Pairs)
	if notes := strings.Join(told.Notes, "\n"); strings.Contains(notes, "independent") {
		t.Errorf("guessed although it was told: %s", notes)
	}
	log, _ := read(t, "0 :invoke :read [7 nil]\n0 :ok :read [7 3]\n", ReadOptions{})
	same(t, "7", log.Pairs[0].Key)

	_, _, err := Read(strings.NewReader(ednOps("read [7 nil]", "write 3")), "h", ReadOptions{Independent: true})
	if err == nil || err.Error() != "h:2:1: found the value 3, expected [key value] (the keys were said to be independent)" {
		t.Error(err)
	}
}

func TestNemesisBecomesStrikes(t *testing.T) {
	op := func(f string, at int, value string) string {
		return fmt.Sprintf("{:type :info, :process :nemesis, :f :%s, :time %d, :value %s}\n", f, at, value)
	}
	deed := func(f string, at int, value string) string { return op(f, at, "nil") + op(f, at+5, value) }
	client := "{:type :invoke, :f :read, :process 0, :time 1000}\n"
	for name, c := range map[string]struct {
		text string
		want []string
		note string
	}{
		"old partition": {deed("start", 10, `"Cut off n1"`) + deed("stop", 50, `"fully connected"`), []string{"nemesis 10-15-55 healed Cut off n1"}, ""},
		"partition":     {deed("start-partition", 10, "[:isolated {}]") + deed("stop-partition", 50, "1"), []string{`partition 10-15-55 healed ["isolated",[]]`}, ""},
		"suffix":        {deed("partition-start", 10, "1") + deed("partition-stop", 50, "1"), []string{"partition 10-15-55 healed 1"}, ""},
		"kill":          {deed("start", 1, "1") + deed("kill", 10, ":a") + deed("start", 50, "1") + deed("start", 70, "1"), []string{"kill 10-15-55 healed a"}, "2 deeds of the nemesis were skipped: by their names they neither hurt nor heal what was hurt (start)"},
		"overlap":       {deed("kill", 10, "1") + deed("pause", 20, "2") + deed("resume", 30, "3") + deed("start", 40, "4"), []string{"kill 10-15-45 healed 1", "pause 20-25-35 healed 2"}, ""},
		"never healed":  {op("pause", 10, "nil") + op("pause", 12, "nil") + op("start-packet", 20, "nil"), []string{"pause 10-12-0 injected ", "packet 20-20-0 injected  (no effect)"}, ""},
		"unknown":       {deed("check-clock-offsets", 10, "1"), nil, "1 deeds of the nemesis were skipped: by their names they neither hurt nor heal what was hurt (check-clock-offsets)"},
		"none":          {"", nil, ""},
	} {
		h, _ := read(t, c.text+client, ReadOptions{})
		var got []string
		for i, s := range h.Strikes {
			line := fmt.Sprintf("%s %d-%d-%d %s %s", s.Fault, s.Began, s.Start, s.End, s.State, s.Detail)
			if !s.TookEffect || s.Evidence == "" {
				line += " (no effect)"
			}
			if got = append(got, line); s.ID != i || !s.Struck() {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if notes := strings.Join(h.Notes[1:], "\n"); notes != c.note {
			t.Errorf("%s: notes %s", name, notes)
		}
	}
}

func TestFormatIsGuessed(t *testing.T) {
	for text, want := range map[string]string{
		lineInvoke: FormatJSONL, "\xef\xbb\xbf\n " + lineInvoke: FormatJSONL,
		ednOps("read nil"): FormatEDN, "[" + ednOps("read nil") + "]": FormatEDN, "; c\n(" + ednOps("read nil") + ")": FormatEDN,
		"#jepsen.history.Op" + ednOps("read nil"): FormatEDN, "\xef\xbb\xbf" + ednOps("read nil"): FormatEDN,
		"0 :invoke :read nil\n": FormatLog, "# a comment\n[main] x\nINFO - 0 :invoke :read\n": FormatLog,
	} {
		if _, got := read(t, text, ReadOptions{}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                      "h:1:1: the file is empty, expected a line for each operation",
		" \n":                   "h:1:1: the file holds nothing but blank lines (1), expected a line for each operation",
		"\n[{\"type\":\"ok\"}]": `h:2:2: found an object without "process" or "type", expected ` + anObject,
		"<html>": `h:1:1: found '<', expected a history: JSON lines, Jepsen's EDN, or a log with lines like "3 :invoke :read nil" ` +
			"(say which with the format: jsonl, edn, elle, porcupine, log)",
		"a\x00": "h:1:2: found a NUL byte, expected text: this is a binary file",
	} {
		_, _, err := Read(strings.NewReader(text), "h", ReadOptions{})
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if err.Error() != want {
			t.Errorf("%q\n got %s\nwant %s", text, err, want)
		}
		if empty := strings.TrimSpace(text) == ""; errors.Is(err, ErrEmpty) != empty {
			t.Errorf("%q: empty is %v", text, !empty)
		}
	}
	_, _, err := Read(strings.NewReader("x"), "h", ReadOptions{Format: "xml"})
	if err == nil || err.Error() != `unknown format "xml" (expected jsonl, edn, elle, porcupine, log, or none to guess)` {
		t.Error(err)
	}
	for _, f := range Formats() {
		if f.Name == "" || f.Doc == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.edn")
	if _, _, err := ReadFile(path, ReadOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(ednOps("read nil")), 0o600); err != nil {
		t.Fatal(err)
	}
	h, format, err := ReadFile(path, ReadOptions{})
	if err != nil || format != FormatEDN || len(h.Pairs) != 1 {
		t.Errorf("%v %s %v", h, format, err)
	}
	var p *ParseError
	if err := os.WriteFile(path, []byte("{:type}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadFile(path, ReadOptions{}); !errors.As(err, &p) || p.Name != path || p.Line != 1 {
		t.Error(err)
	}
	if _, _, err := ReadFile(filepath.Dir(path), ReadOptions{}); err == nil {
		t.Error("a folder was read")
	}
}

// A form may lie across the end of the reader's window at any byte.
func TestEDNAcrossWindows(t *testing.T) {
	text := ednOps("write [1 #{2} #_3 \"a\\n\" :k \\b #t 4]")
	for one := range 3 {
		r := strings.NewReader(text)
		h, err := readEDN(readerFunc(func(p []byte) (int, error) { return r.Read(p[:min(len(p), one+1)]) }), known(0), "h", false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, any([]any{int64(1), []int64{2}, "a\n", "k", "b", int64(4)}), h.Pairs[0].Input)
	}
}
