package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// randomText draws from what has gone wrong in encoders before.
func randomText(rng *rand.Rand) string {
	hostile := []string{
		"", "x", "read", "ключ", "\x00", "\x1f", "\x7f", "\xff", "\xc3\x28", "a\xe2\x82", "\u2028\u2029", "\ufffd", "</script>",
		"\"", "\\", "\\u0041", "\n\r\t", "😀", "\xed\xa0\x80", "\xed\xb2\x80", strings.Repeat("k", 2000),
	}
	var b strings.Builder
	for range rng.IntN(4) {
		b.WriteString(hostile[rng.IntN(len(hostile))])
	}
	return b.String()
}

func randomInt(rng *rand.Rand) int64 {
	switch rng.IntN(4) {
	case 0:
		return []int64{math.MinInt64, math.MaxInt64, 0, -1, 255, 256}[rng.IntN(6)]
	case 1:
		return int64(rng.Uint64())
	}
	return rng.Int64N(1000) - 500
}

func randomValue(rng *rand.Rand, depth int) any {
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch rng.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return rng.IntN(2) == 0
	case 2:
		return randomInt(rng)
	case 3:
		return []float64{0, 1, -1.5, 1e300, 5e-324, math.MaxFloat64, 1e21, 0.1, math.Copysign(0, -1)}[rng.IntN(9)]
	case 4:
		return randomText(rng)
	case 5:
		list := make([]int64, rng.IntN(12))
		for i := range list {
			list[i] = randomInt(rng)
		}
		return list
	}
	list := make([]any, rng.IntN(5))
	for i := range list {
		list[i] = randomValue(rng, depth-1)
	}
	v, err := Normalize(list)
	if err != nil {
		panic(err)
	}
	return v
}

func randomOp(rng *rand.Rand) Op {
	return Op{
		Index: rng.IntN(1 << 40), Time: time.Duration(rng.Int64N(math.MaxInt64)), Process: rng.IntN(100), Type: Type(rng.IntN(4)),
		F: randomText(rng), Key: randomText(rng), Value: randomValue(rng, 4), Node: randomText(rng), Error: randomText(rng),
		Revision: randomInt(rng), Due: time.Duration(rng.Int64N(3)), Final: rng.IntN(2) == 0, Hung: rng.IntN(2) == 0,
	}
}

func TestEncodedOpsDecodeToThemselves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		op := randomOp(rng)
		line := AppendJSON(nil, op)
		if !utf8.Valid(line) || !json.Valid(line) || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("not one line of JSON: %q", line)
		}
		got, err := ParseJSON(line)
		if err != nil {
			t.Fatalf("%v\n%q", err, line)
		}
		if diff := cmp.Diff(op, got); diff != "" {
			t.Fatalf("%s\n%q", diff, line)
		}
	}
}

// The encoder and the decoder could be wrong in the same way, so the standard library is asked too.
func TestEncodedOpsMeanTheSameToEncodingJSON(t *testing.T) {
	op := Op{Index: 412, Time: 18234512, Process: 3, Type: Invoke, F: "cas", Key: "x\u2028\"\\\n\x01<>&😀",
		Value: []any{int64(3), 2.0, "ä", nil, true, []int64{5}}, Node: "n2", Error: "é", Revision: -7, Due: 9, Final: true, Hung: true}
	var got map[string]any
	dec := json.NewDecoder(bytes.NewReader(AppendJSON(nil, op)))
	dec.UseNumber()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	n := func(s string) json.Number { return json.Number(s) }
	want := map[string]any{"i": n("412"), "t": n("18234512"), "p": n("3"), "type": "invoke", "f": "cas", "k": op.Key,
		"v": []any{n("3"), n("2.0"), "ä", nil, true, []any{n("5")}}, "node": "n2", "err": "é", "rev": n("-7"),
		"due": n("9"), "final": true, "hung": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestLineOfTheDesign(t *testing.T) {
	op := Op{Index: 412, Time: 18234512, Process: 3, Type: Invoke, F: "cas", Key: "x", Value: []int64{3, 5}, Node: "n2"}
	want := `{"i":412,"t":18234512,"p":3,"type":"invoke","f":"cas","k":"x","v":[3,5],"node":"n2"}` + "\n"
	if got := string(AppendJSON(nil, op)); got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestValuesThatJSONCannotHold(t *testing.T) {
	deep := any([]int64{1})
	for range MaxDepth {
		deep = []any{deep}
	}
	loop := []any{nil}
	loop[0] = loop
	for _, v := range []any{math.NaN(), math.Inf(1), math.Inf(-1), deep, loop, struct{ X int }{4}, 7, []int{1, 2}, []any(nil)} {
		op, err := ParseJSON(AppendJSON(nil, Op{F: "f", Value: v}))
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		if _, err := Normalize(op.Value); err != nil {
			t.Errorf("%T: not in normal form: %v", v, err)
		}
	}
	if _, err := Normalize(loop); err == nil {
		t.Error("a list within itself has a normal form")
	}
}

func TestDecoderTakesWhatOthersWrite(t *testing.T) {
	for line, want := range map[string]Op{
		` { "type" : "ok" , "p" : 1 , "f" : "read" , "v" : [ 1 , 2 ] } `:                            {Process: 1, Type: OK, F: "read", Value: []int64{1, 2}},
		`{"p":1,"type":"ok","f":"r","v":[1,2.5,[ ],[[3]]],"k":null}`:                                {Process: 1, Type: OK, F: "r", Value: []any{int64(1), 2.5, []int64{}, []any{[]int64{3}}}},
		`{"p":1,"type":"ok","f":"r","v":1e2,"x":{"y":[{}, {"z":[null,true,-1.5e-3,"\n"]}]},"w":[]}`: {Process: 1, Type: OK, F: "r", Value: 100.0},
		`{"p":1,"type":"info","f":"\u0041\ud83d\ude00\ud800x\/","v":null}`:                          {Process: 1, F: "A😀\ufffdx/"},
		`{"v":[1],"v":3,"p":0,"type":"fail","f":"w"}`:                                               {Type: Fail, F: "w", Value: int64(3)},
		`{"v":3,"v":[1],"p":0,"type":"fail","f":"w","final":true,"final":false}`:                    {Type: Fail, F: "w", Value: []int64{1}},
		`{"p":0,"type":"ok","f":"w","v":-9223372036854775808,"hung":false}`:                         {Type: OK, F: "w", Value: int64(math.MinInt64)},
	} {
		got, err := ParseJSON([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

func TestLinesThatAreRefused(t *testing.T) {
	op := func(rest string) string { return `{"i":0,"t":0,"p":0,"type":"invoke","f":"read"` + rest }
	for _, c := range [...]struct{ line, want string }{
		{`hello`, `1: found "hello", expected an operation, {"i":0,"t":0,"p":0,"type":"invoke","f":"read"}`},
		{`{}`, `1: found an operation without "type", expected one with it`},
		{`{"type":"ok","p":1}`, `1: found an operation without "f", expected one with it`},
		{`{"type":"ok","f":"read"}`, `1: found an operation without "p" (the process), expected one with it`},
		{op(`,"v":99999999999999999999}`), `51: found "99999999999999999999", expected an integer that fits into 64 bits`},
		{op(`,"v":1e999}`), `51: found "1e999", expected a number that fits into 64 bits`},
		{op(`,"v":{"a":1}}`), `51: found an object, expected a value: null, true, false, a number, a string or a list of these`},
		{op(`,"v":` + strings.Repeat("[", 100)), `115: found a list, expected lists in lists at most 64 deep`},
		{op(`,"x":` + strings.Repeat("[", 100)), `116: found a list, expected values nested at most 64 deep`},
		{op(`,"v":[1,2`), `55: found the end of the line, expected ',' or ']'`},
		{op(`,"v":[1 2]}`), `54: found "2", expected ',' or ']'`},
		{op(`,"k":5}`), `51: found "5", expected a string`},
		{op(`,"k":"abc`), `55: found the end of the line, expected '"' at the end of the string`},
		{op(`,"k":"a\qb"}`), `54: found "qb", expected an escape: \" \\ \/ \b \f \n \r \t or \uXXXX`},
		{op(`,"k":"a` + "\x00" + `b"}`), `53: found a NUL byte (is this a text file?), expected the rest of the string (control characters are written as \u00xx)`},
		{op(`,"node":{}}`), `54: found an object, expected a string`},
		{op(`,"final":1}`), `55: found "1", expected true or false`},
		{op(`,"rev":1.5}`), `53: found "1.5", expected a revision, an integer`},
		{op(`,"due":-4}`), `53: found "-4", expected a time of at least 0 nanoseconds`},
		{op(`,"v":01}`), `51: found "01", expected a number`},
		{op(`,"v":truely}`), `51: found "truely", expected true or false`},
		{op(`,v:1}`), `47: found "v", expected a field's name in quotes`},
		{op(`,"v" 1}`), `51: found "1", expected ':'`},
		{op(`} x`), `48: found "x", expected the end of the line`},
		{`{"i":-1}`, `6: found "-1", expected an index of at least 0`},
		{`{"i":"1"}`, `6: found the string "1", expected an index`},
		{`{"type":"done"}`, `9: found the string "done", expected a type: invoke, ok, fail or info`},
		{"\xff\xfe", `1: found the byte 0xff (is this a text file?), expected an operation, {"i":0,"t":0,"p":0,"type":"invoke","f":"read"}`},
	} {
		_, err := ParseJSON([]byte(c.line))
		if err == nil {
			t.Errorf("%q was taken", c.line)
			continue
		}
		if got, want := err.Error(), ":1:"+c.want; got != want {
			t.Errorf("%q\n got %s\nwant %s", c.line, got, want)
		}
	}
}

const (
	lineInvoke = `{"i":0,"t":5,"p":0,"type":"invoke","f":"write","k":"x","v":1,"node":"n1"}` + "\n"
	lineOK     = `{"i":1,"t":9,"p":0,"type":"ok","f":"write","k":"x","v":1,"node":"n1","rev":3}` + "\n"
)

func TestReadJSONLErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {"", "h.jsonl:1:1: the file is empty, expected a line for each operation"},
		"blank":        {"\n\n \n", "h.jsonl:3:1: the file holds nothing but blank lines (3), expected a line for each operation"},
		"binary":       {"\x7fELF\x02\x01\x01\x00\x00", "h.jsonl:1:8: found a NUL byte, expected text: this is a binary file"},
		"gzip":         {"\x1f\x8b\x08", "h.jsonl:1:1: found a gzip file: unpack it first"},
		"utf16":        {"\xff\xfe{\x00", "h.jsonl:1:1: found UTF-16 text: convert it to UTF-8"},
		"torn only":    {`{"i":0,"t":`, "h.jsonl:1:12: found the end of the line, expected a time in nanoseconds"},
		"broken line":  {lineInvoke + "{\"i\":1,\n" + lineOK, "h.jsonl:2:8: found the end of the line, expected a field's name in quotes"},
		"nul later":    {lineInvoke + "\x00\x00\n" + lineOK, `h.jsonl:2:1: found a NUL byte (is this a text file?), expected an operation, {"i":0,"t":0,"p":0,"type":"invoke","f":"read"}`},
		"not invoked":  {lineOK, "h.jsonl:1:1: process 0 completes write (ok) without having invoked it"},
		"twice":        {lineInvoke + strings.Replace(lineInvoke, `"i":0`, `"i":1`, 1), "h.jsonl:2:1: process 0 invokes write while its write is still open (line of index 0)"},
		"other f":      {lineInvoke + strings.Replace(lineOK, `"write"`, `"read"`, 1), "h.jsonl:2:1: process 0 invoked write but completes read"},
		"time back":    {lineInvoke + strings.Replace(lineOK, `"t":9`, `"t":4`, 1), "h.jsonl:2:1: time 4 ns is before the line above (5 ns)"},
		"index back":   {lineInvoke + strings.Replace(lineOK, `"i":1`, `"i":0`, 1), "h.jsonl:2:1: index 0 follows index 0: indices must grow"},
		"broken, last": {lineInvoke + "{\"i\":1\n", "h.jsonl:2:7: found the end of the line, expected ',' or '}'"},
	} {
		_, err := ReadJSONL(strings.NewReader(c.text), "h.jsonl")
		if err == nil {
			t.Errorf("%s: was taken", name)
			continue
		}
		if got := err.Error(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// endless is a line that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReadersThatMisbehave(t *testing.T) {
	_, err := ReadJSONL(endless{}, "h")
	if err == nil || !strings.Contains(err.Error(), "h:1:67108865: the line is longer than 64 MB") {
		t.Errorf("endless line: %v", err)
	}
	broken := io.MultiReader(strings.NewReader(lineInvoke), readerFunc(func([]byte) (int, error) { return 0, os.ErrPermission }))
	if _, err := ReadJSONL(broken, "h"); err == nil || err.Error() != "read h: permission denied" {
		t.Errorf("broken reader: %v", err)
	}
	if _, err := ReadJSONL(readerFunc(func([]byte) (int, error) { return 0, nil }), "h"); err == nil {
		t.Error("a reader that returns nothing for ever was read")
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A harness may be killed at any byte. Every cut of a file must be readable, except where nothing is left.
func TestEveryCutIsReadable(t *testing.T) {
	text := lineInvoke + lineOK + strings.NewReplacer(`"i":0`, `"i":2`, `"t":5`, `"t":10`).Replace(lineInvoke)
	first := strings.IndexByte(text, '\n')
	for cut := first; cut <= len(text); cut++ {
		h, err := ReadJSONL(strings.NewReader(text[:cut]), "h")
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		complete := strings.Count(text[:cut], "\n")
		if cut < len(text) && text[cut] == '\n' {
			complete++ // all there but the newline
		}
		if h.Lines != complete {
			t.Errorf("cut at %d: %d lines, want %d", cut, h.Lines, complete)
		}
		torn := cut < len(text) && text[cut] != '\n' && text[cut-1] != '\n'
		if got := len(h.Notes) == 1 && strings.HasPrefix(h.Notes[0], fmt.Sprintf("h:%d: the last line is torn", complete+1)); got != torn {
			t.Errorf("cut at %d: notes %q", cut, h.Notes)
		}
	}
}

func TestReadJSONLPairs(t *testing.T) {
	text := "\xef\xbb\xbf" + strings.ReplaceAll(lineInvoke+"\n"+lineOK, "\n", "\r\n") +
		`{"p":4,"type":"invoke","f":"read","k":"x","final":true}` + "\n"
	h, err := ReadJSONL(strings.NewReader(text), "h")
	if err != nil {
		t.Fatal(err)
	}
	want := History{
		Pairs: []Pair{
			{Index: 0, End: 1, F: "write", Key: "x", Node: "n1", Input: int64(1), Output: int64(1), Outcome: OK, Call: 5, Return: 9, Due: 5, Revision: 3},
			{Index: 2, End: -1, Process: 4, F: "read", Key: "x", Call: 10, Due: 10, Final: true},
		},
		Lines: 3,
		Notes: []string{"1 lines without i or t were taken in the order of the file, 1 ns apart"},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
}

func TestWriteJSONLGivesTheLinesBack(t *testing.T) {
	text := sampleLines(3000, 7)
	h, err := ReadJSONL(bytes.NewReader(text), "h")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteJSONL(&out, h); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), text) {
		t.Error("the lines differ")
	}
	if err := WriteJSONL(failing{}, h); err == nil {
		t.Error("a writer that fails was written to")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

// Lists read of one key share memory, and must not see each other's future or a rival's.
func TestSharedListsStayApart(t *testing.T) {
	in := newInterner()
	list := func(from, to int64) (l []int64) {
		for ; from < to; from++ {
			l = append(l, from)
		}
		return l
	}
	reads := [][]int64{list(0, 6), list(0, 5), list(0, 9), append(list(0, 6), 70, 71), list(0, 12), list(0, 9), list(3, 20), {}, {1}, list(0, 9)}
	var got [][]int64
	for _, l := range reads {
		v, ok := in.listOf("k", l).([]int64)
		if !ok {
			t.Fatal("not a list of integers")
		}
		got = append(got, v)
	}
	if diff := cmp.Diff(reads, got); diff != "" {
		t.Error(diff)
	}
	if &got[1][0] != &got[0][0] || &got[8][0] == &got[2][0] {
		t.Error("beginnings share no memory, or strangers do")
	}
	for i := range got {
		if len(got[i]) > 0 {
			_ = append(got[i], -1)
		}
	}
	if diff := cmp.Diff(reads, got); diff != "" {
		t.Error("appending to one list changed another: " + diff)
	}
}

// sampleLines is a history as a run records it: 5 clients, rotating keys, register operations.
func sampleLines(ops int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []byte
	now, index, value := time.Duration(0), 0, int64(0)
	open := make([]Op, 5)
	for done := 0; done < ops; {
		p := rng.IntN(len(open))
		now += time.Duration(rng.IntN(100_000))
		op := open[p]
		if op.F == "" {
			value++
			op = Op{Process: p, Type: Invoke, F: "read", Key: fmt.Sprintf("k%d", done/300), Node: fmt.Sprintf("n%d", p)}
			switch rng.IntN(3) {
			case 0:
				op.F, op.Value = "write", value
			case 1:
				op.F, op.Value = "cas", []int64{value - 1, value}
			}
			open[p] = op
		} else {
			op.Type, op.Revision = OK, int64(index)
			if op.F == "read" {
				op.Value = value
			}
			open[p] = Op{}
			done++
		}
		op.Index, op.Time = index, now
		index++
		out = AppendJSON(out, op)
	}
	return out
}

func TestReadFileOfLinesFromDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, sampleLines(5000, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := ReadJSONL(f, path)
	if err != nil || len(h.Pairs) < 5000 {
		t.Fatalf("%d operations, %v", len(h.Pairs), err)
	}
	if c := cap(h.Pairs); c > len(h.Pairs)*5/4 {
		t.Errorf("room for %d operations, of which %d are used: the size of the file was not heeded", c, len(h.Pairs))
	}
}
