package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Input is everything a report is made of. The zero value of each field is allowed: a report of less says less.
type Input struct {
	Info    harness.RunInfo // zero where a foreign history was checked
	Results harness.Results
	History history.History
	// Logs is the text of each node's log, bounded by whoever read it. Lines that begin with a date and a time are
	// placed on the run's clock by Info.Origin.
	Logs map[string][]byte
	// Folder is where the run was written, as people should type it; "" where it was not.
	Folder string
}

// WriteFiles writes report.html, report.md and junit.xml into dir. Each file appears whole or not at all, and a file
// that cannot be made does not keep the others from being made. A panic of a renderer comes back as an error: what was
// judged does not depend on what could be drawn.
func WriteFiles(dir string, in Input) error {
	return errors.Join(
		writeFile(filepath.Join(dir, "report.html"), in, HTML),
		writeFile(filepath.Join(dir, "report.md"), in, Markdown),
		writeFile(filepath.Join(dir, "junit.xml"), in, JUnit),
	)
}

func writeFile(path string, in Input, render func(io.Writer, Input) error) error {
	name := filepath.Base(path)
	var content bytes.Buffer
	if err := guarded(&content, in, render); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	if err := replaceFile(path, content.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// guarded turns a panic of a renderer into an error.
func guarded(w io.Writer, in Input, render func(io.Writer, Input) error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the renderer panicked: %v (the verdict stands; please report this)", reason)
		}
	}()
	return render(w, in)
}

// replaceFile writes a file beside the old one and puts it in its place in one step.
func replaceFile(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
