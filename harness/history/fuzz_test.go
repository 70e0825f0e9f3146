package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// checkHistory fails unless h is what a reader may return: pairs in order, values in normal form, and lines that give
// the same pairs when they are written and read again.
func checkHistory(t *testing.T, h History) {
	t.Helper()
	var last, ends int
	for i, p := range h.Pairs {
		if i > 0 && p.Index <= last || p.End >= 0 && (p.End <= p.Index || p.Return < p.Call) {
			t.Fatalf("pair %d is out of order: %+v", i, p)
		}
		last = p.Index
		if p.End >= 0 {
			ends++
		}
		for _, v := range []any{p.Input, p.Output} {
			n, err := Normalize(v)
			if err != nil || !cmp.Equal(n, v) {
				t.Fatalf("pair %d: %#v is not in normal form (%v)", i, v, err)
			}
		}
	}
	if h.Lines != len(h.Pairs)+ends {
		t.Fatalf("%d lines for %d pairs and %d ends", h.Lines, len(h.Pairs), ends)
	}
	var text bytes.Buffer
	if err := WriteJSONL(&text, h); err != nil {
		t.Fatal(err)
	}
	again, err := ReadJSONL(bytes.NewReader(text.Bytes()), "again")
	if err != nil {
		t.Fatalf("%v\n%s", err, text.Bytes())
	}
	if diff := cmp.Diff(h.Pairs, again.Pairs); diff != "" {
		t.Fatalf("%s\n%s", diff, text.Bytes())
	}
	checkForms(t, h)
}

// checkForms fails unless every form that holds the history gives it back.
func checkForms(t *testing.T, h History) {
	t.Helper()
	for _, format := range []string{FormatEDN, FormatLog, FormatElle, FormatPorcupine} {
		var text bytes.Buffer
		err := Write(&text, h, format)
		if cannot := (*CannotHold)(nil); errors.As(err, &cannot) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := Read(bytes.NewReader(text.Bytes()), "again", ReadOptions{Format: format})
		if err != nil {
			t.Fatalf("%v\n%s", err, text.Bytes())
		}
		if format == FormatPorcupine {
			if len(again.Pairs) != len(h.Pairs) {
				t.Fatalf("%d pairs became %d\n%s", len(h.Pairs), len(again.Pairs), text.Bytes())
			}
			continue
		}
		if diff := cmp.Diff(h.Pairs, again.Pairs); diff != "" {
			t.Fatalf("%s\n%s", diff, text.Bytes())
		}
		if !HoldsFaults(format) {
			continue
		}
		if diff := cmp.Diff(h.Strikes, again.Strikes); diff != "" {
			t.Fatalf("%s\n%s", diff, text.Bytes())
		}
	}
}

func FuzzJSONL(f *testing.F) {
	f.Add([]byte(lineInvoke + lineOK))
	f.Add([]byte(lineInvoke + lineOK[:40]))
	f.Add([]byte("\xef\xbb\xbf{\"p\":0,\"type\":\"invoke\",\"f\":\"\\udcff\\ud83d\\ude00\",\"v\":[1,[2.5,\"x\",null,[true]],[]]}\r\n\n"))
	f.Add([]byte(`{"p":0,"type":"info","f":"r","v":-9223372036854775808,"x":{"y":[1e5]},"due":1,"final":true,"hung":false,"rev":3}`))
	f.Add([]byte(`{"i":9223372036854775807,"t":9223372036854775807,"p":0,"type":"invoke","f":""}` + "\n" + `{"p":1,"type":"invoke","f":""}`))
	f.Add([]byte(strings.Repeat("[", 100)))
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20 {
		f.Add(AppendJSON(nil, randomOp(rng)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for line := range bytes.Lines(text) {
			op, err := ParseJSON(line)
			if err != nil {
				continue
			}
			encoded := AppendJSON(nil, op)
			if !json.Valid(encoded) {
				t.Fatalf("not JSON: %s", encoded)
			}
			again, err := ParseJSON(encoded)
			if err != nil {
				t.Fatalf("%v\n%s", err, encoded)
			}
			if diff := cmp.Diff(op, again); diff != "" {
				t.Fatalf("%s\n%s", diff, encoded)
			}
		}
		if h, err := ReadJSONL(bytes.NewReader(text), "fuzz"); err == nil {
			checkHistory(t, h)
		}
	})
}

// The decoder may take a little more than encoding/json (raw bytes that are not UTF-8), but never less of a line that
// is an operation, and never other values.
func FuzzJSONLAgainstEncodingJSON(f *testing.F) {
	f.Add([]byte(lineInvoke))
	f.Add([]byte(`{"p":0,"type":"info","f":"r","v":[1.0,2e-3,-0,"\u0041"],"x":{"y":[1e5]},"final":true}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		op, err := ParseJSON(line)
		if err == nil && bytes.IndexFunc(line, func(r rune) bool { return r == '\ufffd' }) < 0 && !json.Valid(line) {
			t.Fatalf("taken although it is not JSON: %q", line)
		}
		if err != nil || !json.Valid(line) {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		var fields map[string]any
		if err := dec.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		if v, ok := fields["v"].(json.Number); ok {
			switch got := op.Value.(type) {
			case int64:
				if n, err := v.Int64(); err != nil || n != got {
					t.Fatalf("%s was read as %d", v, got)
				}
			case float64:
				if n, err := v.Float64(); err != nil || n != got {
					t.Fatalf("%s was read as %g", v, got)
				}
			default:
				t.Fatalf("%s was read as %T", v, op.Value)
			}
		}
	})
}

func FuzzEDN(f *testing.F) {
	for _, seed := range []string{
		ednOps("read [7 nil]", "write [7 3]", "cas [8 [1 2]]"), "(" + ednOps("write #{1 :a \"b\" \\c 1/2 3N 4.5M}") + ")",
		"[{:type :invoke, :f :f, :process :x, :time 5.0, :value #jepsen.independent.Tuple{:key 1 :value {2 3}}}]",
		"{:process :nemesis :type :info :f :kill :capsize/strike \"{\\\"id\\\":3,\\\"state\\\":\\\"skipped\\\"}\"} {:type :invoke :f :f :process 0 :index 1}",
		"{:process :nemesis :type :info :f :start} #_ #_ {} {} ; c\n{:process :nemesis :type :info :f :stop}",
		"#jepsen.history.Op{:type :info :process 0 :f :f}", "{:type :invoke :f :f :process 0 :value #<a<b>> :time -1 :index -1}",
		"^{:a 1} {:type :invoke :f \"\\ud83d\\ude00\\377\" :process 99999999999999999999 :value ##NaN}", strings.Repeat("[", 100),
		"{:type :invoke :f :f :process 0 :value [##NaN ##-Inf #inst \"2026\" #\"re\" #'v 'q \\newline \\u0041]}\n{:type :ok :process 0",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, independent bool) {
		h, _, err := Read(bytes.NewReader(text), "fuzz", ReadOptions{Format: FormatEDN, Independent: independent})
		if err == nil {
			checkHistory(t, h)
		}
	})
}

func FuzzLog(f *testing.F) {
	for _, seed := range []string{
		"INFO  jepsen.util - 0\t:invoke\t:write\t4\nINFO  jepsen.util - 0\t:info\t:write\t:timed-out\n",
		"3 :invoke :cas [1 2]\n:nemesis :info :kill nil\nx\n3 :fail :cas [1 2] :error \"x\"", "1 :ok :read (", "1 :invoke :read [7 nil]",
		"99999999999999999999 :invoke :f\n", "nemesis :info :pause\nnemesis :info :resume\n0 :invoke :r #{2 1}\n",
		"INFO  capsize - {:index 5, :time 7, :capsize/key \"k\", :capsize/due 3}\n0 :invoke \"a b\" [\"k\" [1 2]]\n:nemesis :info :kill",
		"INFO  capsize - {:capsize/strike \"{\\\"state\\\":\\\"healed\\\",\\\"end_ns\\\":7}\", :index 0}\n:nemesis :info :kill nil\n0 :invoke :r nil",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, independent bool) {
		h, _, err := Read(bytes.NewReader(text), "fuzz", ReadOptions{Format: FormatLog, Independent: independent})
		if err == nil {
			checkHistory(t, h)
		}
	})
}

func FuzzElle(f *testing.F) {
	for _, seed := range []string{
		elleInvoke + elleOK, "[" + elleInvoke + ",\n" + elleOK + "]", "\xef\xbb\xbf[\n{\n\"type\":\":invoke\", \"process\":\"a\"}]",
		`{"type":"invoke","process":0,"value":[1,{"a":[{}]},1e400,-99999999999999999999,"\ud83d\ude00\udc80\"}"],"key":null}`,
		`{"type":"invoke","process":0,"f":"transfer","value":{"from":0,"to":1,"amount":5}}{"type":"ok","process":0,"f":"transfer"}`,
		`{"type":"info","process":"nemesis","f":"kill"}{"type":"invoke","process":0,"f":"r","value":[7,null]}`, strings.Repeat("[", 100),
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, independent bool) {
		h, _, err := Read(bytes.NewReader(text), "fuzz", ReadOptions{Format: FormatElle, Independent: independent})
		if err == nil {
			checkHistory(t, h)
		}
	})
}

func FuzzPorcupine(f *testing.F) {
	f.Add([]byte("{:process 0, :type :invoke, :f :get, :key \"7\", :value nil}\n{:process 0, :type :ok, :f :get, :key \"7\", :value \"x 4 0 y\"}\n"))
	f.Add([]byte("{:process 0, :type :invoke, :f :append, :key 7, :value 5}{:process 0, :type :info, :f :append}{:process 1 :type :invoke :f :put :key nil}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, _, err := Read(bytes.NewReader(text), "fuzz", ReadOptions{Format: FormatPorcupine}); err == nil {
			checkHistory(t, h)
		}
	})
}

// FuzzZst reads what was compressed and then damaged: no panic, and all of it where it was not damaged.
func FuzzZst(f *testing.F) {
	f.Add([]byte(lineInvoke+lineOK), 0, byte(0))
	f.Add([]byte(lineInvoke+lineOK), 9, byte(1))
	f.Add([]byte(elleInvoke), 20, byte(255))
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, at int, flip byte) {
		packed := z.EncodeAll(text, nil)
		if len(packed) == 0 {
			return
		}
		packed[uint(at)%uint(len(packed))] ^= flip
		h, _, err := Read(bytes.NewReader(packed), "fuzz", ReadOptions{})
		if err == nil {
			checkHistory(t, h)
		}
		if plain, _, plainErr := Read(bytes.NewReader(text), "fuzz", ReadOptions{}); flip == 0 {
			if (err == nil) != (plainErr == nil) {
				t.Fatalf("packed: %v, plain: %v", err, plainErr)
			}
			if diff := cmp.Diff(plain.Pairs, h.Pairs); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// FuzzRead guesses the format: no panic, and a format with every history.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{lineInvoke, ednOps("read nil"), "0 :invoke :read", "[{\"a\":1}]", elleInvoke, "{:process 0 :type :invoke :f :put :key 1}", "", "\x1f\x8b", "#", "[", "{"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, format, err := Read(bytes.NewReader(text), "fuzz", ReadOptions{})
		if err == nil {
			if checkHistory(t, h); format == "" {
				t.Error("a history without a format")
			}
		}
	})
}

func FuzzStrikes(f *testing.F) {
	f.Add([]byte(`{"id":1,"fault":"kill:one","state":"healed","nodes":["n1"],"sides":[["a"],[]],"began_ns":4,"took_effect":true}` + "\n{\"id\":"))
	f.Add([]byte("\n{\"id\":1.5}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		strikes, err := ReadStrikes(bytes.NewReader(text), "fuzz")
		if err != nil {
			return
		}
		var out bytes.Buffer
		r := NewFaultRecorder(&out)
		for i, s := range strikes {
			if i > 0 && s.ID <= strikes[i-1].ID {
				t.Fatal("the ids do not grow")
			}
			if err := r.Record(s); err != nil {
				t.Fatal(err)
			}
		}
		again, err := ReadStrikes(&out, "again")
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != len(strikes) {
			t.Fatalf("%d strikes became %d", len(strikes), len(again))
		}
		for i := range again {
			if again[i].ID != strikes[i].ID || again[i].State != strikes[i].State || again[i].Began != strikes[i].Began {
				t.Fatalf("%+v became %+v", strikes[i], again[i])
			}
		}
	})
}
