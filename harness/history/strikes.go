package history

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
)

// FaultRecorder appends strikes to faults.jsonl, a line at every change of their state. It may be used by several
// goroutines.
type FaultRecorder struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewFaultRecorder records to w.
func NewFaultRecorder(w io.Writer) *FaultRecorder { return &FaultRecorder{w: w} }

// Record writes the strike as it is now, in one call of the writer: nothing waits in a buffer. Whoever reads the file
// believes the last line of each id. The first error is final, as it is for a [Recorder].
func (r *FaultRecorder) Record(s Strike) error {
	line := append(appendStrike(nil, s), '\n')
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	n, err := r.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		r.err = fmt.Errorf("write the faults: %w", err)
	}
	return r.err
}

// Err returns the first error of the writer.
func (r *FaultRecorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// ReadStrikes reads faults.jsonl; name is what errors call the file. It returns the last state of each strike, in the
// order of their ids. A torn last line costs that line only: the state before it counts. An empty file holds no
// strikes, which is no error.
func ReadStrikes(r io.Reader, name string) ([]Strike, error) {
	in := newLines(r, name)
	last := make(map[int]Strike)
	for {
		line, whole, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if in.number == 1 {
			if line, err = firstLine(in, line); err != nil {
				return nil, err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		s, p := parseStrike(line)
		if p != nil {
			if !whole {
				break
			}
			p.Name, p.Line = in.name, in.number
			return nil, p
		}
		last[s.ID] = s
	}
	return byID(last), nil
}

// ReadStrikesFile reads faults.jsonl. Where there is no such file there were no strikes.
func ReadStrikesFile(path string) ([]Strike, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the faults: %w", err)
	}
	defer func() { _ = file.Close() }()
	return ReadStrikes(file, path)
}

// byID returns strikes in the order of their ids.
func byID(last map[int]Strike) []Strike {
	return slices.SortedFunc(maps.Values(last), func(a, b Strike) int { return cmp.Compare(a.ID, b.ID) })
}

// appendStrike appends the line of a strike, without its newline.
func appendStrike(dst []byte, s Strike) []byte {
	line, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a strike is text and numbers: %v", err))
	}
	return append(dst, line...)
}

func parseStrike(line []byte) (s Strike, p problem) {
	d := decoder{b: line}
	if d.peek() != '{' {
		return s, d.fail(d.i, "a fault, {\"id\":0,...}")
	}
	if p := d.skip(0); p != nil { // for its messages, and for its limits
		return s, p
	}
	if d.space(); d.i < len(line) {
		return s, d.fail(d.i, "the end of the line")
	}
	err := json.Unmarshal(line, &s)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return s, &ParseError{Column: max(int(wrong.Offset), 1), Text: fmt.Sprintf("found a %s as %s, expected %s",
			wrong.Value, wrong.Field, jsonKind(wrong))}
	case err != nil:
		return s, &ParseError{Column: 1, Text: err.Error()}
	}
	switch s.State {
	case Planned, Skipped, Injected, Healed, Broken:
		return s, nil
	}
	return s, &ParseError{Column: 1, Text: fmt.Sprintf("found the state %s of a fault, "+
		"expected planned, skipped, injected, healed or broken", excerpt([]byte(s.State)))}
}

// jsonKind says in words what encoding/json would have taken.
func jsonKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "slice":
		return "a list"
	case "struct":
		return "an object"
	case "bool":
		return "true or false"
	case "string":
		return "a string"
	default:
		return "an integer"
	}
}
