package history

import (
	"bytes"
	"errors"
	"io"
)

// Follower reads a history.jsonl while it is being written.
type Follower struct {
	r       io.Reader
	name    string
	rest    []byte // of a line that is not whole yet
	line    int
	decoder decoder
	builder Builder
}

// Follow makes a follower of a file from its present position on; name is what errors call the file.
func Follow(r io.Reader, name string) *Follower {
	return &Follower{r: r, name: name, decoder: decoder{in: newInterner()}}
}

// Read takes the lines that became whole since the last call, and returns the history so far. The history shares its
// memory with the follower: it is valid until the next call.
func (f *Follower) Read() (History, error) {
	if err := f.Each(f.builder.Add); err != nil {
		return History{}, err
	}
	return f.builder.History(), nil
}

// Each hands over the lines that became whole since the last call, one by one, and remembers none of them. An error ends
// it; what it is told of a line is that line's error.
func (f *Follower) Each(take func(Op) error) error {
	chunk := make([]byte, 256<<10)
	for {
		n, err := f.r.Read(chunk)
		if addErr := f.take(chunk[:n], take); addErr != nil {
			return addErr
		}
		if errors.Is(err, io.EOF) || (n == 0 && err == nil) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f *Follower) take(chunk []byte, take func(Op) error) error {
	f.rest = append(f.rest, chunk...)
	for {
		line, rest, whole := bytes.Cut(f.rest, []byte("\n"))
		if !whole {
			f.rest = append([]byte(nil), f.rest...) // the lines before it are not kept
			return nil
		}
		f.line++
		op, problem := f.decoder.line(line)
		if problem != nil {
			problem.Name, problem.Line = f.name, f.line
			return problem
		}
		if err := take(op); err != nil {
			return &ParseError{Name: f.name, Line: f.line, Column: 1, Text: err.Error(), Err: err}
		}
		f.rest = rest
	}
}
