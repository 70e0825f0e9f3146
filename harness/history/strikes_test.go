package history

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrikesAreReadAsTheyWereLast(t *testing.T) {
	one := Strike{ID: 1, Fault: "partition:majority", State: Injected, Nodes: []string{"n1"}, Sides: [][]string{{"n1"}, {"n2", "n3"}}, Began: 4, Start: 5}
	two := Strike{ID: 0, Lane: 1, Fault: "kill:one", State: Broken, Error: "no \"such\" process\n", Seed: 1<<64 - 1}
	healed := one
	healed.State, healed.End, healed.TookEffect, healed.Evidence = Healed, 9, true, "31.2 kB held"
	d := &disk{}
	r := NewFaultRecorder(d)
	for i, s := range []Strike{one, two, healed} {
		if err := r.Record(s); err != nil {
			t.Fatal(err)
		}
		if d.writes != i+1 || strings.Count(d.text(), "\n") != i+1 {
			t.Fatalf("strike %d waits in a buffer", i)
		}
	}
	read := func(text string) []Strike {
		t.Helper()
		strikes, err := ReadStrikes(strings.NewReader(text), "faults.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		return strikes
	}
	if diff := cmp.Diff([]Strike{two, healed}, read(d.text())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Strike{two, one}, read(d.text()[:len(d.text())-3])); diff != "" {
		t.Error("torn: " + diff)
	}
	if got := read(""); len(got) != 0 {
		t.Errorf("an empty file holds %v", got)
	}
}

func TestFaultRecorderOnAFullDisk(t *testing.T) {
	d := &disk{full: 20}
	r := NewFaultRecorder(d)
	for range 2 {
		if err := r.Record(Strike{State: Planned}); err == nil || !errors.Is(r.Err(), err) {
			t.Error("a full disk went unnoticed")
		}
	}
	if d.writes != 1 {
		t.Error("wrote on behind a torn line")
	}
	if err := NewFaultRecorder(failing{}).Record(Strike{}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestStrikesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"\n\nhello\n":                          "f:3:1: found \"hello\", expected a fault, {\"id\":0,...}",
		"{\"id\":1,\n":                         "f:1:9: found the end of the line, expected a field's name in quotes",
		"{\"id\":\"1\"}\n":                     "f:1:9: found a string as id, expected an integer",
		"{\"id\":1,\"nodes\":\"\"}\n":          "f:1:18: found a string as nodes, expected a list",
		"{\"id\":1,\"state\":\"x\"}\n":         "f:1:1: found the state \"x\" of a fault, expected planned, skipped, injected, healed or broken",
		"{\"id\":1,\"state\":\"healed\"} {}\n": "f:1:27: found an object, expected the end of the line",
		"{\"id\":99999999999999999999}\n":      "f:1:26: found a number 99999999999999999999 as id, expected an integer",
		"\x00\n":                               "f:1:1: found a NUL byte, expected text: this is a binary file",
	} {
		_, err := ReadStrikes(strings.NewReader(text), "f")
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if err.Error() != want {
			t.Errorf("%q\n got %s\nwant %s", text, err, want)
		}
	}
}
