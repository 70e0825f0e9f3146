package nemesis_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/nemesis"
)

// example is a schedule of two lanes.
func example() [][]harness.Strike {
	return [][]harness.Strike{
		{
			{At: 1500 * time.Millisecond, For: 3 * time.Second, Fault: nemesis.Partition(nemesis.Leader), Seed: 7},
			{At: 6 * time.Second, For: time.Nanosecond, Fault: nemesis.Partition("n1,n2|n3")},
		},
		nil,
		{{At: 2 * time.Second, For: 5 * time.Second, Fault: nemesis.Kill(nemesis.Only("n1", "n2")), Seed: 1<<64 - 1}},
	}
}

const written = `# by hand
- {at: 6s, for: 1ns, fault: "partition:n1,n2|n3"}
- at: 1.5s
  for: 3s
  fault: partition:leader
  seed: 7
- {at: 2s, for: 5s, fault: "kill:n1+n2", lane: 2, seed: 18446744073709551615}
`

const writtenJSON = `[{"at": "6s", "for": "1ns", "fault": "partition:n1,n2|n3"},
 {"at": "1.5s", "for": "3s", "fault": "partition:leader", "seed": 7},
 {"at": "2s", "for": "5s", "fault": "kill:n1+n2", "lane": 2, "seed": 18446744073709551615}]`

// recorded is the same schedule as a run wrote it down, with a torn last line.
const recorded = strike0 + `,"state":"planned"}
{"id":1,"lane":0,"fault":"partition:n1,n2|n3","planned_at_ns":6000000000,"planned_for_ns":1,"seed":0,"state":"planned"}
{"id":2,"lane":2,"fault":"kill:n1+n2","planned_at_ns":2000000000,"planned_for_ns":5000000000,` +
	`"seed":18446744073709551615,"state":"planned"}
` + strike0 + `,"state":"healed","took_effect":true}
{"id":1,"lane":0,"fau`

const strike0 = `{"id":0,"lane":0,"fault":"partition:leader","planned_at_ns":1500000000,"planned_for_ns":3000000000,"seed":7`

func TestReadSchedule(t *testing.T) {
	for name, text := range map[string]string{
		"yaml": written, "json": writtenJSON, "recorded": recorded, "byte order mark": "\xef\xbb\xbf" + writtenJSON,
	} {
		got, err := nemesis.ReadSchedule(strings.NewReader(text), "plan.yaml")
		if err != nil || !reflect.DeepEqual(got, example()) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestWriteScheduleIsReadBack(t *testing.T) {
	var out bytes.Buffer
	if err := nemesis.WriteSchedule(&out, example()); err != nil {
		t.Fatal(err)
	}
	want := `- {at: 1.5s, for: 3s, fault: "partition:leader", seed: 7}` + "\n"
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("written as\n%s", out.String())
	}
	got, err := nemesis.ReadSchedule(&out, "out")
	if err != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("read back as %+v, %v", got, err)
	}
	full := errors.New("disk full")
	if err := nemesis.WriteSchedule(brokenWriter{full}, example()); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestReadScheduleSaysWhere(t *testing.T) {
	const planned = `{"id":0,"state":"planned","planned_at_ns":1,`
	for text, want := range map[string]string{
		"":                                     "f is empty: expected a run's faults.jsonl or a list",
		" \n":                                  "f is empty",
		"hello":                                "f:1:1: expected a run's faults.jsonl or a list",
		"at: 5s":                               "f:1:1: expected",
		"# nothing\n":                          "f is empty",
		"- 5s":                                 "f:1:3: expected a strike such as",
		"- [1]":                                "f:1:3: expected a strike such as",
		"- at: 5s\n  for: 3s":                  `f:1:3: the strike has no "fault"`,
		"- {for: 3s, fault: kill}":             `no "at"`,
		"- {at: 5s, fault: kill}":              `no "for"`,
		"- at: 5s\n  for: soon\n  fault: kill": `f:2:8: for: "soon" is not a time such as 3s`,
		"- at: 5\n  for: 3s\n  fault: kill":    `f:1:7: at: "5" is not a time such as 5s`,
		"- at: 5s\n  for: 3s\n  fault: kil":    `f:3:10: unknown fault "kil": did you mean "kill"?`,
		"- at: 5s\n  for: 3s\n  falt: kill":    `f:3:3: unknown field "falt": did you mean "fault"?`,
		"- at: 5s\n  for: 3s\n  node: kill":    `f:3:3: unknown field "node"`,
		"- {at: 5s, for: 3s, fault: kill, lane: x}":  `lane: "x" is not a number`,
		"- {at: 5s, for: 3s, fault: kill, lane: 64}": `lane 64 is none`,
		"- {at: 5s, for: 3s, fault: kill, lane: -1}": `lane -1 is none`,
		"- {at: 5s, for: 3s, fault: kill, seed: -1}": `seed: "-1" is not a number`,
		"- {at: -5s, for: 3s, fault: kill}":          `before the start`,
		"- {at: 5s, for: 0s, fault: kill}":           `no length`,
		"- {at: 5s, for: 3s, fault: [kill]}":         `fault: expected a single value`,
		"- {at: 5s, for: 3s, fault: kill, at: 6s}":   `f:1:`,
		"- {at: 5s\n": "f:2:",
		"- {at: 5s, for: 3s, fault: kill}\n- {at: 7s, for: 1s, fault: pause}": `f:2:3: pause at 7s ` +
			`strikes while kill (at 5s for 3s) is still on: give one of them another lane than 0`,
		planned + `"fault":"kil","planned_for_ns":1}`:                               `f: strike 0: unknown fault "kil"`,
		planned + `"fault":"kill","planned_for_ns":0}`:                              `f: strike 0: for 0s is no length`,
		"- {at: 5s, for: 3s, fault: kill}\n---\n- {at: 5s, for: 3s, fault: kill}\n": "a second document",
		`{"id":0,"lane":0,"fau`:                                                     "f holds no whole line",
		`{"id":0,"fault":}` + "\n":                                                  "f:1:",
	} {
		_, err := nemesis.ReadSchedule(strings.NewReader(text), "f")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
	if got, err := nemesis.ReadSchedule(strings.NewReader("[]"), "f"); err != nil || got == nil || len(got) > 0 {
		t.Errorf("a list of no strikes: got %+v, %v", got, err)
	}
	broken := errors.New("broken pipe")
	if _, err := nemesis.ReadSchedule(iotest.ErrReader(broken), "f"); !errors.Is(err, broken) {
		t.Errorf("a file that cannot be read: %v", err)
	}
	if _, err := nemesis.ReadSchedule(endless{}, "f"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file without end: %v", err)
	}
}

// endless is a file of blanks that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

var _ io.Reader = endless{}

func TestRecordedOverlapsAreKept(t *testing.T) {
	text := `{"id":0,"lane":0,"fault":"kill:one","planned_at_ns":5,"planned_for_ns":9,"seed":1,"state":"planned"}
{"id":1,"lane":0,"fault":"pause:one","planned_at_ns":6,"planned_for_ns":9,"seed":2,"state":"skipped"}
`
	got, err := nemesis.ReadSchedule(strings.NewReader(text), "faults.jsonl")
	if err != nil || len(got) != 1 || len(got[0]) != 2 || got[0][1].Seed != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestScheduleOf(t *testing.T) {
	got, err := nemesis.ScheduleOf([]nemesis.Line{
		{At: 6 * time.Second, For: 1, Fault: "partition:n1,n2|n3"},
		{At: 1500 * time.Millisecond, For: 3 * time.Second, Fault: "partition:leader", Seed: 7},
		{At: 2 * time.Second, For: 5 * time.Second, Fault: "kill:n1+n2", Lane: 2, Seed: 1<<64 - 1},
	})
	if err != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = nemesis.ScheduleOf([]nemesis.Line{{At: 1, For: 1, Fault: "kill"}, {At: 9, For: 1, Fault: "kil"}})
	if err == nil || !strings.Contains(err.Error(), `strike 2 of the schedule: unknown fault "kil"`) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadSchedule(f *testing.F) {
	for _, text := range []string{written, writtenJSON, recorded, "", "- {at: 5s", "{", "- &a [*a]", "- *a", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := nemesis.ReadSchedule(strings.NewReader(text), "f")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := nemesis.WriteSchedule(&out, schedule); err != nil {
			t.Fatal(err)
		}
		again, err := nemesis.ReadSchedule(&out, "f")
		if overlap := err != nil && strings.Contains(err.Error(), "still on"); overlap || len(schedule) == 0 {
			return // recorded faults may overlap, written ones may not; and nothing is not written
		}
		if err != nil || !reflect.DeepEqual(again, schedule) {
			t.Errorf("%q was read as %+v, written, and read back as %+v, %v", text, schedule, again, err)
		}
	})
}
