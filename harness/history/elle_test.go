package history

import (
	"errors"
	"strings"
	"testing"
)

const (
	elleInvoke = `{"index":0,"time":123,"type":"invoke","process":0,"f":"txn","value":[["append","x",1],["r","y",null]]}` + "\n"
	elleOK     = `{"index":1,"time":456,"type":"ok","process":0,"f":"txn","value":[["append","x",1],["r","y",[3,4]]]}` + "\n"
)

func TestReadElle(t *testing.T) {
	want := []Pair{
		{End: 1, F: "txn", Input: []any{[]any{"append", "x", int64(1)}, []any{"r", "y", nil}}, Outcome: OK,
			Output: []any{[]any{"append", "x", int64(1)}, []any{"r", "y", []int64{3, 4}}}, Call: 123, Due: 123, Return: 456},
	}
	for _, text := range []string{
		elleInvoke + elleOK,
		"[" + elleInvoke + "," + elleOK + "]",
		"\xef\xbb\xbf \n[ " + strings.ReplaceAll(elleInvoke, ",", ",\n ") + "\t,\r\n" + elleOK + "]\n",
		elleInvoke + strings.ReplaceAll(elleOK, `"f":"txn",`, ""),
		strings.ReplaceAll(elleInvoke+elleOK, `"type":"`, `"other":{"a":["}"]},"type":":`),
	} {
		h, format := read(t, text, ReadOptions{})
		if format != FormatElle {
			t.Errorf("guessed %s\n%s", format, text)
		}
		same(t, want, h.Pairs)
		same(t, []string{"guessed the format elle by the contents"}, h.Notes)
	}
}

func TestReadElleOfEverything(t *testing.T) {
	h, _ := read(t, `{"type":"invoke","process":0,"f":"write","value":{"b":2,"a":[1.5,true,{}]},"key":"k","due":0}
{"type":"info","process":"nemesis","f":"kill","value":"n1"}
{"type":"fail","process":0,"f":"write","value":null,"error":["conflict",{"code":9}],"unmet":true}
{"type":"invoke","process":"reader","f":"read","value":[99999999999999999999,1e999,-0]}
`, ReadOptions{Format: FormatElle})
	same(t, []Pair{
		{End: 2, F: "write", Key: "k", Outcome: Fail, Unmet: true, Error: `["conflict",[["code",9]]]`, Return: 2,
			Input: []any{[]any{"a", []any{1.5, true, []int64{}}}, []any{"b", int64(2)}}},
		{Index: 3, End: -1, Process: firstNamed, F: "read", Call: 3, Due: 3, Input: []any{"99999999999999999999", "1e999", int64(0)}},
	}, h.Pairs)
	keyed, _ := read(t, `{"type":"invoke","process":0,"f":"read","value":[7,null]}`, ReadOptions{Independent: true, Format: FormatElle})
	same(t, "7", keyed.Pairs[0].Key)
	same(t, any(nil), keyed.Pairs[0].Input)
}

// Both forms of JSON begin alike: the names of the fields tell them apart, wherever they stand.
func TestElleIsToldFromOwnLines(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"invoke","f":"read","p":1}`:                                           FormatJSONL,
		`{"other":[{"process":1}],"type":"invoke","f":"read","p":1,"i":0}`:             FormatJSONL,
		`{"v":"value","type":"invoke","f":"read","p":1}`:                               FormatJSONL,
		`{"type":"invoke","process":1}`:                                                FormatElle,
		`{"other":{"p":[1,"i"]},"type":"invoke","process":1}`:                          FormatElle,
		`{"value":"` + strings.Repeat("x", 100_000) + `","type":"invoke","process":1}`: FormatElle,
	} {
		if _, got := read(t, text, ReadOptions{}); got != want {
			t.Errorf("%s: %s", shorten(text, 100), got)
		}
	}
}

func TestElleErrors(t *testing.T) {
	good := `{"type":"invoke","process":0,"value":[]}` + "\n"
	for text, want := range map[string]string{
		"":                                   "h:1:1: found the end of the file, expected " + anObject,
		"[]":                                 "h:1:3: found the end of the file, expected " + anObject,
		"5":                                  `h:1:1: found "5", expected ` + anObject,
		"[\n 5]":                             `h:2:2: found "5", expected ` + anObject,
		good + "x":                           `h:2:1: found "x", expected ` + anObject,
		"[" + good + good + "]":              "h:2:1: found an object, expected ',' or ']'",
		"[" + good + "]\n{}":                 "h:3:1: found an object, expected the end of the file behind the array",
		"[" + good + ",]":                    "h:2:2: found ']', expected " + anObject,
		good + `{"type":"done","process":1}`: "h:2:1: found an operation of type done, expected :invoke, :ok, :fail or :info",
		good + `{"type":5,"process":1}`:      "h:2:1: found an operation of type 5, expected :invoke, :ok, :fail or :info",
		good + "{\"type\":\"ok\",\n\"process\":0,\n  \"value\":[1 2]}": "h:4:14: found \"2\", expected ',' or ']'",
		good + `{"type":"invoke","process":1,"value":01}`:              `h:2:38: found "01", expected a number`,
		good + `{"type":"invoke","process":1,"value":nul}`:             `h:2:38: found "nul", expected a value`,
		good + `{"type":"invoke","process":1,"value":}`:                "h:2:38: found '}', expected a value: null, true, false, a number, a string or a list of these",
		good + `{"type":"invoke","process":1,"value":"\x"}`:            `h:2:40: found "x", expected an escape: \" \\ \/ \b \f \n \r \t or \uXXXX`,
		good + `{"type":"invoke","process":1,"rev":"a"}`:               "h:2:1: found a revision that is no integer, expected one of 64 bits",
		good + `{"type":"invoke","process":1,"due":-1}`:                "h:2:1: found a due time that is no integer of at least 0, expected nanoseconds",
		good + `{"type" "invoke"}`:                                     "h:2:9: found the string \"invoke\", expected ':'",
		good + `{type:"invoke"}`:                                       "h:2:2: found \"type\", expected a field's name in quotes",
		good + `{"p":1,"i":2,"type":"ok","f":"read"}`: `h:2:1: found an object without "process" or "type", expected ` + anObject +
			" (these are fields of capsize's own form, which has one operation a line: jq -c '.[]' makes that of it)",
		good + `{"type":"ok","process":3}`: "h:2:1: process 3 completes txn (ok) without having invoked it",
		good + `{"type":"invoke","process":1,"value":` + strings.Repeat("[", 66) + strings.Repeat("]", 66) + "}": "h:2:1: found a value nested too deep, expected lists at most 64 deep",
		good + `{"type":"invoke","process":1,"value":` + strings.Repeat("[", 80) + strings.Repeat("]", 80) + "}": "h:2:105: found a list, expected values nested at most 64 deep",
	} {
		h, _, err := Read(strings.NewReader(text), "h", ReadOptions{Format: FormatElle})
		if err == nil {
			t.Errorf("%q was taken: %+v", text, h)
		} else if err.Error() != want {
			t.Errorf("%q\n got %s\nwant %s", text, err, want)
		}
		if empty := text == "" || text == "[]"; errors.Is(err, ErrEmpty) != empty {
			t.Errorf("%q: empty is %v", text, !empty)
		}
	}
}

func TestEveryCutOfElleIsReadable(t *testing.T) {
	for _, text := range []string{elleInvoke + elleOK, "[" + elleInvoke + "," + elleOK + "]"} {
		first := strings.IndexByte(text, '}') + 1
		for cut := first; cut < len(text); cut++ {
			h, _ := read(t, text[:cut], ReadOptions{})
			noted := strings.Contains(strings.Join(h.Notes, ""), "the file ends too early")
			torn := !strings.HasSuffix(strings.TrimSpace(text[:cut]), "}") || text[0] == '['
			if noted != torn || len(h.Pairs) != 1 {
				t.Errorf("%q: notes %q", text[:cut], h.Notes)
			}
		}
	}
}

// An object may lie across the end of the reader's window at any byte.
func TestElleAcrossWindows(t *testing.T) {
	text := "[" + strings.ReplaceAll(elleInvoke, `"x"`, `"a\"}\\"`) + "," + elleOK + "]"
	for one := range 3 {
		r := strings.NewReader(text)
		h, err := readElle(readerFunc(func(p []byte) (int, error) { return r.Read(p[:min(len(p), one+1)]) }), known(0), "h", false)
		if err != nil {
			t.Fatal(err)
		}
		same(t, any([]any{[]any{"append", `a"}\`, int64(1)}, []any{"r", "y", nil}}), h.Pairs[0].Input)
	}
	r := strings.NewReader("[" + elleInvoke + ",\n{\"type\":\n x}")
	_, err := readElle(readerFunc(func(p []byte) (int, error) { return r.Read(p[:1]) }), known(0), "h", false)
	if err == nil || err.Error() != `h:4:2: found "x", expected a value: null, true, false, a number, a string or a list of these` {
		t.Error(err)
	}
}
