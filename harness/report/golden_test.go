package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds every form of every verdict against a file that a person has looked at.
func TestGolden(t *testing.T) {
	forms := map[string]func(io.Writer, Input) error{
		"html": HTML, "md": Markdown, "xml": JUnit,
		"txt":         func(w io.Writer, in Input) error { return Text(w, in, TextOptions{}) },
		"wide.txt":    func(w io.Writer, in Input) error { return Text(w, in, TextOptions{Width: 120, Color: true}) },
		"explain.txt": func(w io.Writer, in Input) error { return Explain(w, in, meaning, TextOptions{}) },
	}
	for name, in := range fixtures(400) {
		for form, render := range forms {
			t.Run(name+"."+form, func(t *testing.T) {
				var got, again bytes.Buffer
				if err := render(&got, in); err != nil {
					t.Fatal(err)
				}
				if err := render(&again, in); err != nil || again.String() != got.String() {
					t.Fatalf("the second rendering of the same input differs (error %v)", err)
				}
				compareGolden(t, filepath.Join("testdata", name+"."+form), got.Bytes())
			})
		}
	}
}

// meaning knows one name.
func meaning(name string) string {
	if name == "stale read" {
		return "a read returned an old state although a newer one had been acknowledged"
	}
	return ""
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./harness/report -update writes it)", err)
	}
	// A checkout on Windows may have changed the ends of the lines, of the page's parts as well.
	plain := func(b []byte) string { return strings.ReplaceAll(string(b), "\r\n", "\n") }
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Errorf("%s differs (-want +got; if the change is meant: go test ./harness/report -update):\n%s", path,
			clip(clean(diff, 6000), 6000))
	}
}
