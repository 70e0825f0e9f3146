package history

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// randomHistory returns a history of anything that lines can hold.
func randomHistory(rng *rand.Rand, ops int) History {
	var b Builder
	open := map[int]Op{}
	keyed, index, now := rng.IntN(3) > 0, 0, time.Duration(0)
	for range 2 * ops {
		index += 1 + rng.IntN(3)
		now += time.Duration(rng.IntN(1000))
		op := randomOp(rng)
		op.Process, op.Type = rng.IntN(10), Invoke
		if rng.IntN(2) == 0 {
			op.F = []string{"read", "write", "txn", "transfer"}[rng.IntN(4)]
		}
		if op.F == "txn" {
			op.Value = []any{[]any{"append", int64(1), randomValue(rng, 0)}, []any{"r", "x", nil}, randomValue(rng, 2)}
		}
		if !keyed {
			op.Key = ""
		}
		if call, ok := open[op.Process]; ok {
			op.F, op.Key, op.Node, op.Final, op.Due = call.F, call.Key, call.Node, call.Final, call.Due
			op.Type = []Type{OK, Fail, Info}[rng.IntN(3)]
			op.Unmet = op.Type == Fail && rng.IntN(2) == 0
			delete(open, op.Process)
		} else {
			open[op.Process] = op
		}
		op.Index, op.Time = index, now
		if err := b.Add(op); err != nil {
			panic(err)
		}
	}
	return b.History()
}

// rewritten writes a history and reads it again, guessing the format.
func rewritten(t testing.TB, h History, format string) (History, []byte) {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, h, format); err != nil {
		t.Fatal(err)
	}
	again, guessed, err := Read(bytes.NewReader(text.Bytes()), "again", ReadOptions{})
	if err != nil {
		t.Fatalf("%s: %v\n%s", format, err, text.Bytes())
	}
	if guessed != strings.TrimSuffix(format, zstSuffix) {
		t.Fatalf("%s was guessed to be %s\n%s", format, guessed, text.Bytes())
	}
	return again, text.Bytes()
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 60 {
		h := randomHistory(rng, 40)
		for _, format := range WriteFormats() {
			if strings.HasPrefix(format, FormatPorcupine) || strings.HasSuffix(format, zstSuffix) && i >= 10 {
				continue // compressing takes a large table each time
			}
			again, text := rewritten(t, h, format)
			if diff := cmp.Diff(h.Pairs, again.Pairs); diff != "" {
				t.Fatalf("%s: %s\n%s", format, diff, text)
			}
			if again.Lines != h.Lines || len(again.Notes) > 1 || len(again.Notes) == 1 && !strings.HasPrefix(again.Notes[0], "guessed the format") {
				t.Fatalf("%s: %d lines became %d, with notes %q", format, h.Lines, again.Lines, again.Notes)
			}
		}
	}
}

// kvHistory is what porcupine's form can hold.
func kvHistory(rng *rand.Rand, ops int) History {
	h := randomHistory(rng, ops)
	text := func() any {
		if rng.IntN(4) == 0 {
			return nil
		}
		return randomText(rng)
	}
	later := map[int]bool{}
	for i := len(h.Pairs) - 1; i >= 0; i-- {
		p := &h.Pairs[i]
		p.F, p.Input = []string{"read", "write", "append"}[rng.IntN(3)], text()
		if p.Outcome == Fail || later[p.Process] {
			p.Outcome = OK
		}
		later[p.Process] = true
		if p.Outcome == OK {
			p.Output = text()
		}
	}
	return h
}

func TestPorcupineHoldsWhatItPromises(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 60 {
		h := kvHistory(rng, 40)
		again, text := rewritten(t, h, FormatPorcupine)
		var want []Pair
		var ends []int
		for _, p := range h.Pairs {
			kept := Pair{Process: p.Process, F: p.F, Key: p.Key, Input: p.Input, Outcome: p.Outcome}
			if p.Outcome == OK {
				kept.Output = p.Output
				ends = append(ends, p.End)
			}
			want = append(want, kept)
		}
		var got []Pair
		var order []int
		for _, p := range again.Pairs {
			if p.End >= 0 {
				order = append(order, p.End)
			}
			got = append(got, Pair{Process: p.Process, F: p.F, Key: p.Key, Input: p.Input, Output: p.Output, Outcome: p.Outcome})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		if rank(ends) != rank(order) {
			t.Fatalf("the order of the completions is another\n%s", text)
		}
	}
}

// rank names the order of some numbers.
func rank(numbers []int) string {
	sorted := slices.Sorted(slices.Values(numbers))
	var ranks []int
	for _, n := range numbers {
		at, _ := slices.BinarySearch(sorted, n)
		ranks = append(ranks, at)
	}
	return fmt.Sprint(ranks)
}

func TestWrittenForms(t *testing.T) {
	h := History{Lines: 8, Pairs: []Pair{
		{Index: 0, End: 1, F: "txn", Input: []any{[]any{"append", "x", int64(1)}, []any{"r", int64(3), nil}}, Outcome: OK,
			Output: []any{[]any{"append", "x", int64(1)}, []any{"r", int64(3), []int64{1, 2}}}, Call: 5, Due: 5, Return: 9, Node: "n1"},
		{Index: 2, End: 3, Process: 1, F: "compare&set", Key: "7", Input: []int64{1, 2}, Outcome: Fail, Unmet: true, Call: 9, Due: 3, Return: 9, Error: "no \"x\"\n"},
		{Index: 4, End: 5, Process: 1, F: "read", Key: "07", Outcome: Info, Hung: true, Final: true, Call: 9, Due: 9, Return: 12},
		{Index: 6, End: 7, Process: 11, F: "read", Outcome: OK, Output: 1.0, Revision: 4, Call: 12, Due: 12, Return: 12},
	}}
	for format, want := range map[string]string{
		FormatEDN: `{:index 0, :time 5, :type :invoke, :process 0, :f :txn, :value [[:append "x" 1] [:r 3 nil]], :node "n1"}
{:index 1, :time 9, :type :ok, :process 0, :f :txn, :value [[:append "x" 1] [:r 3 [1 2]]], :node "n1"}
{:index 2, :time 9, :type :invoke, :process 1, :f "compare&set", :value [7 [1 2]], :capsize/key "7", :capsize/due 3}
{:index 3, :time 9, :type :fail, :process 1, :f "compare&set", :value [7 nil], :capsize/key "7", :error "no \"x\"\n", :capsize/unmet true}
{:index 4, :time 9, :type :invoke, :process 1, :f :read, :value ["07" nil], :capsize/key "07", :final? true}
{:index 5, :time 12, :type :info, :process 1, :f :read, :value ["07" nil], :capsize/key "07", :capsize/hung true}
{:index 6, :time 12, :type :invoke, :process 11, :f :read, :value nil}
{:index 7, :time 12, :type :ok, :process 11, :f :read, :value 1.0, :capsize/rev 4}
`,
		FormatElle: `{"index":0,"time":5,"type":"invoke","process":0,"f":"txn","value":[["append","x",1],["r",3,null]],"node":"n1"}
{"index":1,"time":9,"type":"ok","process":0,"f":"txn","value":[["append","x",1],["r",3,[1,2]]],"node":"n1"}
{"index":2,"time":9,"type":"invoke","process":1,"f":"compare&set","key":"7","value":[1,2],"due":3}
{"index":3,"time":9,"type":"fail","process":1,"f":"compare&set","key":"7","value":null,"error":"no \"x\"\n","unmet":true}
{"index":4,"time":9,"type":"invoke","process":1,"f":"read","key":"07","value":null,"final":true}
{"index":5,"time":12,"type":"info","process":1,"f":"read","key":"07","value":null,"hung":true}
{"index":6,"time":12,"type":"invoke","process":11,"f":"read","value":null}
{"index":7,"time":12,"type":"ok","process":11,"f":"read","value":1.0,"rev":4}
`,
	} {
		again, text := rewritten(t, h, format)
		if diff := cmp.Diff(want, string(text)); diff != "" {
			t.Error(diff)
		}
		same(t, h.Pairs, again.Pairs)
	}
}

// A history without keys of which the values look as if they had some is not given any.
func TestPairsThatAreNoKeysStayPairs(t *testing.T) {
	h := History{Lines: 2, Pairs: []Pair{{End: 1, F: "read", Input: []any{int64(7), nil}, Outcome: OK, Output: []int64{7, 3}}}}
	for _, format := range []string{FormatEDN, FormatElle, FormatLog} {
		again, _ := rewritten(t, h, format)
		same(t, h.Pairs, again.Pairs)
	}
}

func TestBankIsWrittenAsMaps(t *testing.T) {
	text := `{:index 0, :time 0, :type :invoke, :process 0, :f :transfer, :value {:from 0, :to 10, :amount 5}}
{:index 1, :time 1, :type :ok, :process 0, :f :transfer, :value {:from 0, :to 10, :amount 5}}
{:index 2, :time 2, :type :invoke, :process 0, :f :read, :value nil}
{:index 3, :time 3, :type :ok, :process 0, :f :read, :value {0 10, 2 nil, 10 20}}
{:index 4, :time 4, :type :invoke, :process 0, :f :read, :value nil}
{:index 5, :time 5, :type :ok, :process 0, :f :read, :value [[1 2] [1 3]]}
{:index 6, :time 6, :type :invoke, :process 0, :f :read, :value nil}
{:index 7, :time 7, :type :ok, :process 0, :f :read, :value []}
{:index 8, :time 8, :type :invoke, :process 0, :f :transfer, :value [1 2]}
`
	h, _ := read(t, text, ReadOptions{})
	same(t, any([]int64{0, 10, 5}), h.Pairs[0].Input)
	same(t, any([]any{[]int64{0, 10}, []any{int64(2), nil}, []int64{10, 20}}), h.Pairs[1].Output)
	same(t, []string{"guessed the format edn by the contents"}, h.Notes)
	if _, again := rewritten(t, h, FormatEDN); string(again) != text {
		t.Errorf("%s", again)
	}
	json, _ := read(t, `{"type":"invoke","process":0,"f":"transfer","value":{"amount":5,"from":0,"to":10}}
{"type":"ok","process":0,"f":"transfer","value":{"from":0,"to":10,"amount":5}}
{"type":"invoke","process":0,"f":"read","value":null}
{"type":"ok","process":0,"f":"read","value":{"10":20,"2":null,"0":10}}`, ReadOptions{})
	for i := range json.Pairs {
		same(t, h.Pairs[i].Input, json.Pairs[i].Input)
		same(t, h.Pairs[i].Output, json.Pairs[i].Output)
	}
}

// Without transfers a map is no balance of accounts, and that it becomes a list is said.
func TestMapsOfOtherReads(t *testing.T) {
	h, _ := read(t, "{:type :invoke, :process 0, :f :read, :value {:y 2, :x 1}, :time 0}", ReadOptions{Format: FormatEDN})
	same(t, any([]any{[]any{"x", int64(1)}, []any{"y", int64(2)}}), h.Pairs[0].Input)
	same(t, []string{"1 maps were read as lists of [key value], sorted (first in line 1)"}, h.Notes)
	again, _ := rewritten(t, h, FormatEDN)
	same(t, h.Pairs, again.Pairs)
}

func TestBanksWithKeys(t *testing.T) {
	h, _ := read(t, `{:type :invoke, :process 0, :f :transfer, :value [7 {:from 0, :to 10, :amount 5}]}
{:type :ok, :process 0, :f :transfer, :value [7 {:from 0, :to 10, :amount 5}]}
{:type :invoke, :process 0, :f :read, :value [7 nil]}
{:type :ok, :process 0, :f :read, :value [7 {0 10, 10 20}]}`, ReadOptions{Independent: true})
	same(t, "7", h.Pairs[0].Key)
	same(t, any([]int64{0, 10, 5}), h.Pairs[0].Input)
	again, text := rewritten(t, h, FormatEDN)
	if !bytes.Contains(text, []byte(":value [7 {0 10, 10 20}], :capsize/key \"7\"}")) {
		t.Errorf("%s", text)
	}
	same(t, h.Pairs, again.Pairs)
}

func TestMarkedKeys(t *testing.T) {
	_, _, err := Read(strings.NewReader(`{:type :invoke, :process 0, :f :read, :value 5, :capsize/key "7"}`), "h", ReadOptions{})
	if err == nil || err.Error() != "h:1:1: found :capsize/key without a value [key value], expected one" {
		t.Error(err)
	}
}

func TestReadPorcupine(t *testing.T) {
	h, format := read(t, `{:process 4, :type :invoke, :f :append, :key "7", :value "x 4 0 y"}
{:process 3, :type :invoke, :f :get, :key "7", :value nil}
{:process 4, :type :ok, :f :append, :key "7", :value "x 4 0 y"}
{:process 3, :type :ok, :f :get, :key "7", :value "x 4 0 y"}
{:process 3, :type :invoke, :f :put, :key "", :value ""}
`, ReadOptions{})
	same(t, FormatPorcupine, format)
	same(t, []Pair{
		{End: 2, Process: 4, F: "append", Key: "7", Input: "x 4 0 y", Output: "x 4 0 y", Outcome: OK, Return: 2},
		{Index: 1, End: 3, Process: 3, F: "read", Key: "7", Output: "x 4 0 y", Outcome: OK, Call: 1, Return: 3, Due: 1},
		{Index: 4, End: -1, Process: 3, F: "write", Input: "", Call: 4, Due: 4},
	}, h.Pairs)
	for text, want := range map[string]string{
		"{:process 4, :type :invoke, :f :get, :key \"7\", :value nil}\n{:process 4, :type :ok, :f :put, :key \"7\"}": "h:2:1: process 4 invoked read but completes write",
		"{:process 4, :type :invoke, :f :get, :key \"7\", :value 1x}":                                                "h:1:55: found \"1x\", expected a number",
	} {
		_, _, err := Read(strings.NewReader(text), "h", ReadOptions{Format: FormatPorcupine})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWriteRefusesWhatWouldBeLost(t *testing.T) {
	for text, want := range map[string]string{
		`{"i":3,"t":0,"p":0,"type":"invoke","f":"cas","v":"x"}`: "porcupine cannot hold operation 3 (cas), edn can: it knows read, write and append only",
		`{"i":3,"t":0,"p":0,"type":"invoke","f":"write","v":5}`: `porcupine cannot hold operation 3 (write), edn can: its value "5" is no text`,
		`{"i":3,"t":0,"p":0,"type":"invoke","f":"write","v":"5"}
{"i":4,"t":0,"p":0,"type":"fail","f":"write","v":"5"}`: "porcupine cannot hold operation 3 (write), edn can: it failed, and there an operation is ok or never returns",
		`{"i":2,"t":0,"p":0,"type":"invoke","f":"read"}
{"i":3,"t":0,"p":0,"type":"info","f":"read"}
{"i":4,"t":0,"p":0,"type":"invoke","f":"read"}`: "porcupine cannot hold operation 4 (read), edn can: its process 0 goes on after an info, which never returns there",
		`{"i":3,"t":0,"p":5000000000,"type":"invoke","f":"read"}`: "FORMAT cannot hold operation 3 (read), jsonl can: process 5000000000 is beyond 1073741823, " +
			"where processes with names are counted",
		`{"i":9223372036854775807,"t":0,"p":0,"type":"invoke","f":"read"}`: "FORMAT cannot hold operation 9223372036854775807 (read), jsonl can: the index 9223372036854775807 " +
			"has no successor",
	} {
		h, _ := read(t, text, ReadOptions{})
		formats := []string{FormatPorcupine}
		if strings.HasPrefix(want, "FORMAT") {
			formats = append(formats, FormatEDN, FormatElle, FormatLog)
		}
		for _, format := range formats {
			var out bytes.Buffer
			err := Write(&out, h, format)
			var cannot *CannotHold
			if !errors.As(err, &cannot) || cannot.Format != format || cannot.Index != h.Pairs[len(h.Pairs)-1].Index || out.Len() != 0 {
				t.Errorf("%s: %v, %d bytes", format, err, out.Len())
			} else if want := strings.Replace(want, "FORMAT", format, 1); err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		}
	}
	named, _ := read(t, "{:type :invoke :f :f :process :a}{:type :invoke :f :f :process :b}", ReadOptions{})
	again, _ := rewritten(t, named, FormatEDN)
	same(t, named.Pairs, again.Pairs)
}

func TestWriteFails(t *testing.T) {
	h, _ := read(t, string(sampleLines(100, 1)), ReadOptions{})
	for _, format := range []string{FormatJSONL, FormatEDN, FormatElle, FormatLog, FormatJSONL + zstSuffix} {
		if err := Write(failing{}, h, format); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", format, err)
		}
	}
	err := Write(failing{}, h, "xml")
	if err == nil || err.Error() != `unknown format "xml" (expected jsonl, jsonl.zst, edn, edn.zst, elle, elle.zst, porcupine, porcupine.zst, log, log.zst)` {
		t.Error(err)
	}
}

func TestNotANumberIsWrittenAsJepsenDoes(t *testing.T) {
	h := History{Lines: 1, Pairs: []Pair{{End: -1, F: "w", Input: []any{math.NaN(), math.Inf(1), math.Inf(-1)}}}}
	again, text := rewritten(t, h, FormatEDN)
	if !bytes.Contains(text, []byte(":value [##NaN ##Inf ##-Inf]}")) {
		t.Errorf("%s", text)
	}
	same(t, any([]any{"NaN", "Inf", "-Inf"}), again.Pairs[0].Input)
}

// What porcupine's own tests read: each file gives as many operations as it has invocations, and is written as it was.
func TestPorcupinesOwnHistories(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine").Output()
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "test_data", "kv", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Skip("porcupine's histories are not in the module cache: go mod download")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h, format := read(t, string(text), ReadOptions{})
		if format != FormatPorcupine || len(h.Pairs) != bytes.Count(text, []byte(":type :invoke")) {
			t.Errorf("%s: %s with %d operations", file, format, len(h.Pairs))
		}
		if _, again := rewritten(t, h, FormatPorcupine); !bytes.Equal(bytes.TrimSpace(again), bytes.TrimSpace(text)) {
			t.Errorf("%s is written otherwise than it was", file)
		}
	}
}
