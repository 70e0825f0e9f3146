// Package tidy tests the rules of the house that a compiler does not: who may import whom, and what every package owes
// its reader.
package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/capsize-dev/capsize"

// rule says that only some packages may import something, and why.
type rule struct {
	imports string   // a path, or the beginning of one
	only    []string // the folders that may
	why     string
}

var rules = []rule{
	{"github.com/testcontainers/", []string{"targets/containers"}, "everything else asks a cluster for powers"},
	{"github.com/moby/", []string{"targets/containers"}, "everything else asks a cluster for powers"},
	{"github.com/docker/", nil, "its clients moved to github.com/moby"},
	{"github.com/spf13/", []string{"cmd/cli"}, "the harness is a library: only the command line knows flags"},
	{"charm.land/", []string{"cmd/cli"}, "only the command line draws on a terminal"},
	{"github.com/anishathalye/porcupine", []string{"checkers"}, "engines are an inner affair of the checkers"},
	{"github.com/hashicorp/", []string{"targets/raft"}, "the embedded target is one target among others"},
	{module + "/cmd/", []string{"cmd"}, "nothing below depends on the command line"},
	{module + "/targets", []string{"cmd", "targets"}, "targets plug into the harness, not the other way round"},
	{module + "/nemesis", []string{"cmd"}, "faults plug into the harness; a fault knows no workload"},
	{module + "/workloads", []string{"cmd"}, "workloads plug into the harness; a target knows none of them"},
	{module + "/checkers", []string{"cmd", "workloads"}, "checkers plug into workloads; the harness knows none of them"},
	{"math/rand", nil, "randomness is math/rand/v2 with a generator passed in"},
	{"log", nil, "logs are log/slog; log.Fatal would exit with the code of a violation"},
}

func TestImportsFollowTheFlowOfData(t *testing.T) {
	seen := make(map[string]bool)
	eachFile(t, func(folder, path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return // tests may look everywhere
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rules {
				if !r.covers(imported) {
					continue
				}
				seen[r.imports] = true
				if !r.allows(folder) && !strings.HasPrefix(module+"/"+folder, strings.TrimSuffix(r.imports, "/")) {
					t.Errorf("%s imports %s: %s", path, imported, r.why)
				}
			}
		}
	})
	for _, used := range []string{"github.com/anishathalye/porcupine", "github.com/spf13/", module + "/targets"} {
		if !seen[used] {
			t.Errorf("nothing imports %s: this test looks in the wrong place", used)
		}
	}
}

func (r rule) covers(imported string) bool {
	return imported == r.imports || (strings.Contains(r.imports, "/") && r.imports != "math/rand" && strings.HasPrefix(imported, r.imports))
}

func (r rule) allows(folder string) bool {
	for _, f := range r.only {
		if folder == f || strings.HasPrefix(folder, f+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageHasATour(t *testing.T) {
	toured, packages := make(map[string]bool), make(map[string]bool)
	eachFile(t, func(folder, path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") && !strings.Contains(folder, "internal/") {
			return
		}
		packages[folder] = true
		if file.Doc != nil {
			toured[folder] = true
		}
	})
	for folder := range packages {
		if !toured[folder] {
			t.Errorf("%s has no package comment: say what it is for, its nouns, what it promises", folder)
		}
	}
	if len(packages) < 10 {
		t.Errorf("only %d packages were found: this test looks in the wrong place", len(packages))
	}
}

// eachFile parses every Go file of the module.
func eachFile(t *testing.T, visit func(folder, path string, file *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "results" ||
			(strings.HasPrefix(entry.Name(), ".") && path != root)) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(filepath.Dir(relative)), filepath.ToSlash(relative), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
