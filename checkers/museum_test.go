package checkers

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

var update = flag.Bool("update", false, "write the verdicts of the museum anew")

// TestMuseum judges the histories of testdata. Each file is some prose, the name of a model, a history and the verdict.
//
// A line of a history is a process, a type, a function and what may follow: @key, unmet, the value, final, and a reason
// after a colon. Values are nil, false, true, whole numbers, words, and lists in brackets, also of lists. Lines are 10 ms apart;
// process p talks to node np.
//
//	0 invoke cas @x [1 2] final
//	0 fail cas @x unmet : the value was not 1
func TestMuseum(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("the museum has %d histories (%v)", len(files), err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			for _, a := range exhibit(t, file).Anomalies {
				shown[a.Name] = true
			}
		})
	}
	for _, term := range Vocabulary() {
		if !shown[term.Name] {
			t.Errorf("no history of the museum shows a %s", term.Name)
		}
	}
}

func exhibit(t *testing.T, file string) harness.Verdict {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]*txtar.File{}
	for i := range archive.Files {
		parts[archive.Files[i].Name] = &archive.Files[i]
	}
	if len(archive.Comment) == 0 || parts["model"] == nil || parts["history"] == nil || parts["verdict"] == nil {
		t.Fatal("a history of the museum is prose, model, history and verdict")
	}
	c, err := ForModel(strings.TrimSpace(string(parts["model"].Data)), harness.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	h := parseHistory(t, string(parts["history"].Data))
	v, err := c.Check(context.Background(), h)
	got := describe(v, err)
	if want := string(parts["verdict"].Data); got != want && !*update {
		t.Fatalf("the verdict differs (go test ./checkers -run Museum -update writes it anew)\n%s", cmp.Diff(want, got))
	}
	parts["verdict"].Data = []byte(got)
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func describe(v harness.Verdict, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	out := fmt.Sprintf("%s: %s\n", v.Validity, v.Reason)
	for _, a := range v.Anomalies {
		var ops []string
		for _, p := range a.Witness {
			ops = append(ops, strconv.Itoa(p.Index))
		}
		out += fmt.Sprintf("%s (%d)", a.Name, a.Count)
		if a.Key != "" {
			out += " of " + a.Key
		}
		out += fmt.Sprintf(": operations %s, impossible at %d\n\t%s\n", strings.Join(ops, " "), a.Impossible, a.Explanation)
	}
	return out
}

func parseHistory(t testing.TB, text string) history.History {
	t.Helper()
	var b history.Builder
	lines := 0
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		op, err := parseLine(line)
		op.Index, op.Time = lines, time.Duration(lines)*10*time.Millisecond
		lines++
		if err == nil {
			err = b.Add(op)
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return b.History()
}

func parseLine(line string) (history.Op, error) {
	line, reason, _ := strings.Cut(line, ":")
	words := strings.Fields(line)
	if len(words) < 3 {
		return history.Op{}, fmt.Errorf("expected process, type and function")
	}
	op := history.Op{F: words[2], Error: strings.TrimSpace(reason)}
	process, err := strconv.Atoi(words[0])
	if err != nil {
		return op, err
	}
	op.Process, op.Node = process, "n"+words[0]
	if err := op.Type.UnmarshalText([]byte(words[1])); err != nil {
		return op, err
	}
	rest := words[3:]
	if len(rest) > 0 && rest[0][0] == '@' {
		op.Key, rest = rest[0][1:], rest[1:]
	}
	if len(rest) > 0 && rest[0] == "unmet" {
		op.Unmet, rest = true, rest[1:]
	}
	if len(rest) > 0 && rest[len(rest)-1] == "final" {
		op.Final, rest = true, rest[:len(rest)-1]
	}
	op.Value, err = history.Normalize(parseValue(strings.Join(rest, " ")))
	return op, err
}

func parseValue(s string) any {
	v, _ := parseFrom(strings.Fields(strings.NewReplacer("[", " [ ", "]", " ] ").Replace(s)))
	return v
}

// parseFrom reads one value and returns what is left.
func parseFrom(words []string) (any, []string) {
	if len(words) == 0 {
		return nil, nil
	}
	word, rest := words[0], words[1:]
	if word == "[" {
		list := []any{}
		for len(rest) > 0 && rest[0] != "]" {
			var e any
			e, rest = parseFrom(rest)
			list = append(list, e)
		}
		return list, rest[min(1, len(rest)):]
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n, rest
	}
	switch word {
	case "nil":
		return nil, rest
	case "false", "true":
		return word == "true", rest
	}
	return word, rest
}
