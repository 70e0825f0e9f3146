package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 37, 11, 0, time.UTC)

func create(t *testing.T, out string, parts ...string) Folder {
	t.Helper()
	f, err := Create(out, noon, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteJSON(RunFile, map[string]string{"id": f.ID()}); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTwoRunsOfOneSecondDoNotMeet(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	a, b := create(t, out, "raft/local-reads", "register"), create(t, out, "raft/local-reads", "register")
	if a.Dir == b.Dir {
		t.Fatalf("both in %s", a.Dir)
	}
	if !strings.HasPrefix(a.ID(), "20261123T123711Z-raft-local-reads-register-") {
		t.Errorf("the folder is called %s", a.ID())
	}
	runs, err := List(out)
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs listed, error %v", len(runs), err)
	}
}

func TestARunIsFoundByWhatAPersonTypes(t *testing.T) {
	out := t.TempDir()
	good, bad := create(t, out, "raft", "register"), create(t, out, "etcd", "set")
	if err := errors.Join(bad.Point(true), good.Point(false)); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]Folder{
		Latest: good, LatestFailed: bad, good.Dir: good, good.ID(): good, bad.ID()[len(bad.ID())-4:]: bad,
		"20261123T123711Z-e": bad, filepath.Join(out, Latest): good,
	} {
		found, err := Resolve(out, ref)
		if err != nil || found.ID() != want.ID() {
			t.Errorf("%s finds %s (%v), expected %s", ref, found.ID(), err, want.ID())
		}
	}
	for _, ref := range []string{"", "20261123", "nonesuch", "../" + good.ID() + "x"} {
		if found, err := Resolve(out, ref); !errors.Is(err, ErrNoRun) {
			t.Errorf("%q finds %s (%v)", ref, found.Dir, err)
		}
	}
}

func TestPointersWorkWithoutSymlinks(t *testing.T) {
	out := t.TempDir()
	f := create(t, out, "raft", "register")
	if err := os.WriteFile(filepath.Join(out, Latest+".txt"), []byte(f.ID()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := Resolve(out, Latest); err != nil || found.ID() != f.ID() {
		t.Errorf("found %s, %v", found.ID(), err)
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	f := create(t, t.TempDir(), "raft", "register")
	if err := f.WriteJSON(ResultsFile, func() {}); err == nil {
		t.Fatal("a function was encoded")
	}
	if err := f.WriteFile(ResultsFile, []byte("new")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v), expected run.json and results.json alone", entries, err)
	}
}

func TestAFolderThatIsNotThereHoldsNoRuns(t *testing.T) {
	runs, err := List(filepath.Join(t.TempDir(), "nowhere"))
	if err != nil || len(runs) != 0 {
		t.Errorf("%v, %v", runs, err)
	}
	if _, err := Resolve(t.TempDir(), Latest); !errors.Is(err, ErrNoRun) {
		t.Errorf("latest of nothing: %v", err)
	}
}

func TestNodeNamesStayInsideTheFolder(t *testing.T) {
	f := create(t, t.TempDir(), "raft", "register")
	for _, name := range []string{"../../etc/passwd", "..", "", "a/../../b"} {
		if dir, err := f.NodeDir(name); err != nil || filepath.Dir(dir) != f.Path(NodesDir) {
			t.Errorf("%q made %s (%v)", name, dir, err)
		}
	}
}
