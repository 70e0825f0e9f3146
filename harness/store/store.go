// Package store keeps runs: a folder each, under one folder for all of them, and two pointers beside them, latest and
// latest-failed. A folder can be read without this tool: everything in it is JSON, JSON lines or text.
//
//	results/runs/20261123T123711Z-raft-register-k3f9/
//	    run.json        the inputs
//	    history.jsonl   one op a line, written while it happens
//	    faults.jsonl    what was planned and what was seen of it
//	    results.json    the judgement
//	    report.html     report.md  junit.xml
//	    nodes/n1/...    logs
//
// The folder is its own only index: nothing is lost when a folder is moved, copied or deleted.
package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of a run.
const (
	RunFile     = "run.json"
	HistoryFile = "history.jsonl"
	FaultsFile  = "faults.jsonl"
	ResultsFile = "results.json"
	ReportFile  = "report.html"
	NodesDir    = "nodes"
)

// The pointers beside the runs, which [Resolve] understands.
const (
	Latest       = "latest"
	LatestFailed = "latest-failed"
)

// DefaultOut is where runs go unless the user says otherwise.
const DefaultOut = "results/runs"

// Folder is a run's folder.
type Folder struct{ Dir string }

// ID is the folder's name.
func (f Folder) ID() string { return filepath.Base(f.Dir) }

// Path returns the path of a file in the folder.
func (f Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.Dir}, elem...)...)
}

// Create makes a new folder under out, named after the time and the parts, and ending in a random id that keeps two
// runs of one second apart.
func Create(out string, now time.Time, parts ...string) (Folder, error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return Folder{}, fmt.Errorf("make the folder of runs: %w (--out names another)", err)
	}
	name := now.UTC().Format("20060102T150405Z")
	for _, part := range parts {
		name += "-" + fileName(part)
	}
	for range 100 {
		dir := filepath.Join(out, name+"-"+shortID())
		switch err := os.Mkdir(dir, 0o755); {
		case err == nil:
			return Folder{dir}, nil
		case !errors.Is(err, os.ErrExist):
			return Folder{}, fmt.Errorf("make the run's folder: %w", err)
		}
	}
	return Folder{}, fmt.Errorf("make the run's folder: %s-* is taken a hundred times over", filepath.Join(out, name))
}

// fileName keeps what every file system accepts, and what stays in the folder.
func fileName(part string) string {
	if strings.Trim(part, ".") == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			return r
		}
		return '-'
	}, part)
}

// shortID is four characters that are easy to type.
func shortID() string {
	var raw [3]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails: it ends the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw[:])[:4])
}

// WriteJSON writes a file of the folder whole or not at all: a reader never sees half of it.
func (f Folder) WriteJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return f.WriteFile(name, append(data, '\n'))
}

// WriteFile writes a file of the folder whole or not at all.
func (f Folder) WriteFile(name string, data []byte) error {
	temp, err := os.CreateTemp(f.Dir, name+".tmp*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.Path(name))
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// ReadJSON reads a file of the folder.
func (f Folder) ReadJSON(name string, v any) error {
	data, err := os.ReadFile(f.Path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", f.Path(name), err)
	}
	return nil
}

// NodeDir makes and returns the folder of a node.
func (f Folder) NodeDir(node string) (string, error) {
	dir := f.Path(NodesDir, fileName(node))
	return dir, os.MkdirAll(dir, 0o755)
}

// Point makes latest (and, for a run that is not valid, latest-failed) point to the folder. Where the file system has
// no symlinks a text file latest.txt holds the name instead.
func (f Folder) Point(failed bool) error {
	err := f.point(Latest)
	if failed {
		err = errors.Join(err, f.point(LatestFailed))
	}
	return err
}

func (f Folder) point(name string) error {
	link := filepath.Join(filepath.Dir(f.Dir), name)
	temp := link + "." + shortID()
	if err := os.Symlink(f.ID(), temp); err == nil {
		if err = os.Rename(temp, link); err == nil {
			return nil
		}
		_ = os.Remove(temp)
	}
	return os.WriteFile(link+".txt", []byte(f.ID()+"\n"), 0o644)
}

// List returns the runs under out, the oldest first. A folder that does not exist holds no runs.
func List(out string) ([]Folder, error) {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var runs []Folder
	for _, e := range entries {
		f := Folder{filepath.Join(out, e.Name())}
		if _, err := os.Stat(f.Path(RunFile)); e.IsDir() && err == nil {
			runs = append(runs, f)
		}
	}
	slices.SortFunc(runs, func(a, b Folder) int { return strings.Compare(a.ID(), b.ID()) })
	return runs, nil
}

// ErrNoRun is wrapped by the error of [Resolve] when nothing fits.
var ErrNoRun = errors.New("no such run")

// Resolve finds a run: by its path, by latest or latest-failed, by its name, or by an unambiguous beginning of its name
// or of its four-character id.
func Resolve(out, ref string) (Folder, error) {
	if isRun(ref) {
		return real(Folder{ref})
	}
	if f := (Folder{filepath.Join(out, ref)}); ref != "" && isRun(f.Dir) {
		return real(f)
	}
	if ref == Latest || ref == LatestFailed {
		return pointed(out, ref)
	}
	runs, err := List(out)
	if err != nil {
		return Folder{}, err
	}
	var found []Folder
	for _, f := range runs {
		id := f.ID()
		if ref != "" && (strings.HasPrefix(id, ref) || strings.HasPrefix(id[strings.LastIndexByte(id, '-')+1:], ref)) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Folder{}, fmt.Errorf("%w: %q is neither a run's folder nor the beginning of one of the %d runs in %s "+
			"(capsize ls lists them)", ErrNoRun, ref, len(runs), out)
	}
	return Folder{}, fmt.Errorf("%w: %q fits %d runs, among them %s and %s: type more of it",
		ErrNoRun, ref, len(found), found[0].ID(), found[1].ID())
}

func isRun(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, RunFile))
	return err == nil && info.Mode().IsRegular()
}

func pointed(out, name string) (Folder, error) {
	text, err := os.ReadFile(filepath.Join(out, name+".txt"))
	if f := (Folder{filepath.Join(out, strings.TrimSpace(string(text)))}); err == nil && isRun(f.Dir) {
		return f, nil
	}
	return Folder{}, fmt.Errorf("%w: there is no %s run in %s yet", ErrNoRun, name, out)
}

// real follows the pointers, so that a run is always called by its own name.
func real(f Folder) (Folder, error) {
	dir, err := filepath.EvalSymlinks(f.Dir)
	if err != nil {
		return Folder{}, err
	}
	return Folder{dir}, nil
}
