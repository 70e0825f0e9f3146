package history

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
