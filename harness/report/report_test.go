package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

func TestOutcomeOf(t *testing.T) {
	tests := []struct {
		name string
		r    harness.Results
		word string
		exit int
	}{
		{"valid", harness.Results{Verdict: harness.Valid}, "VALID", 0},
		{"violation", harness.Results{Verdict: harness.Invalid}, "VIOLATION", 1},
		{"nobody filled it in", harness.Results{}, "UNKNOWN", 3},
		{"environment", harness.Results{Error: "no disk"}, "ERROR", 4},
		{"interrupted", harness.Results{Verdict: harness.Valid, Interrupted: true}, "VALID", 130},
		{"interrupted, undecided", harness.Results{Interrupted: true}, "UNKNOWN", 130},
		{"an error outranks an interrupt", harness.Results{Interrupted: true, Error: "x"}, "ERROR", 4},
		{"an error outranks valid", harness.Results{Verdict: harness.Valid, Error: "x"}, "ERROR", 4},
		{"a violation outranks all", harness.Results{Verdict: harness.Invalid, Interrupted: true, Error: "x"},
			"VIOLATION", 1},
	}
	for _, test := range tests {
		if o := OutcomeOf(test.r); o.Word != test.word || o.Exit != test.exit || o.Glyph == "" || o.Meaning == "" {
			t.Errorf("%s: got %+v, want %s and exit %d", test.name, o, test.word, test.exit)
		}
	}
}

func TestWriteFiles(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time they replace the first
		if err := WriteFiles(dir, fixtureOf(400)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "junit.xml report.html report.md" {
		t.Errorf("the folder holds %s", got)
	}
	if err := WriteFiles(filepath.Join(dir, "nowhere"), fixtureOf(400)); !errors.Is(err, os.ErrNotExist) ||
		strings.Count(err.Error(), "write ") != 3 {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestWriteFilesKeepsTheOldFileWhenARendererFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := map[string]func(io.Writer, Input) error{
		"a panic":  func(io.Writer, Input) error { panic("no such lane") },
		"an error": func(io.Writer, Input) error { return errors.New("no such lane") },
		"an index": func(_ io.Writer, in Input) error { _ = in.Results.Anomalies[len(in.History.Pairs)]; return nil },
	}
	for name, render := range broken {
		err := writeFile(path, Input{}, render)
		if err == nil || !strings.Contains(err.Error(), "render report.html") {
			t.Errorf("%s came back as %v", name, err)
		}
		if text, _ := os.ReadFile(path); string(text) != "old" {
			t.Errorf("%s: the old report was changed to %q", name, text)
		}
	}
}

// TestZeroInput renders what nobody filled in: it must say unknown and break nothing.
func TestZeroInput(t *testing.T) {
	for name, text := range renderAll(t, Input{}) {
		if !strings.Contains(strings.ToLower(text), "unknown") {
			t.Errorf("%s of nothing does not say unknown:\n%s", name, text)
		}
	}
}

func renderAll(t *testing.T, in Input) map[string]string {
	t.Helper()
	all := map[string]string{}
	forms := map[string]func(io.Writer, Input) error{"html": HTML, "markdown": Markdown, "junit": JUnit,
		"text": func(w io.Writer, in Input) error { return Text(w, in, TextOptions{}) }}
	for name, render := range forms {
		var b strings.Builder
		if err := render(&b, in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = b.String()
	}
	return all
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		percent(0.99999): "99.9%", percent(1): "100%", percent(0): "0%", percent(0.0004): "<0.1%",
		percent(0.0312):      "3.1%",
		shortPercent(0.9999): "99%", shortPercent(1): "100%", shortPercent(0.001): "1%",
		span(0): "0 ms", span(0.0042): "4.2 µs", span(0.93): "0.93 ms", span(14.2): "14 ms", span(1210): "1.21 s",
		span(132_400): "132 s", count(31882): "31,882", count(999): "999", count(1234567): "1,234,567",
		count(-1500):      "-1,500",
		counted(1, "key"): "1 key", counted(0, "op"): "0 ops", moment(41207, 3): "41.207 s",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
