package checkers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// TestWitnessesStandAlone: of every violation in the museum the few operations that prove it, written down alone and
// read back, are judged invalid again.
func TestWitnessesStandAlone(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{}
		for _, f := range archive.Files {
			parts[f.Name] = string(f.Data)
		}
		c, err := ForModel(strings.TrimSpace(parts["model"]), harness.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := c.Check(t.Context(), parseHistory(t, parts["history"]))
		if err != nil {
			continue // not a history of its model
		}
		for _, a := range v.Anomalies {
			for _, format := range []string{history.FormatJSONL, history.FormatEDN} {
				again := check(t, c, rewritten(t, a.Witness, format))
				if again.Validity != harness.Invalid {
					t.Errorf("%s: the witness of %s alone, as %s, is %s: %s", file, a.Name, format, again.Validity,
						again.Reason)
				}
			}
		}
	}
}

// rewritten is some operations as they read after they were written down.
func rewritten(t *testing.T, pairs []history.Pair, format string) []history.Pair {
	t.Helper()
	path := filepath.Join(t.TempDir(), "witness")
	var out bytes.Buffer
	if err := history.Write(&out, history.History{Pairs: pairs}, format); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	h, _, err := history.ReadFile(path, history.ReadOptions{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	return h.Pairs
}
