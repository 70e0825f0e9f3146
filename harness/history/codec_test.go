package history

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
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
