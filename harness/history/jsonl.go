package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// ReadJSONL reads history.jsonl; name is what errors call the file. Beyond the history itself it needs the memory of
// the longest line. A last line that has no newline and cannot be read was torn when its writer died: it is given up,
// with a note. Any other line that cannot be read is an error, and so is a file without a single operation.
//
// Values are shared between operations: nobody may change a list of the history.
func ReadJSONL(r io.Reader, name string) (History, error) {
	return readJSONL(newLines(r, name), known(sizeOf(r)))
}

func readJSONL(in *lines, all length) (History, error) {
	var (
		b         Builder
		d         = decoder{in: newInterner()}
		invented  int
		emptyLine = true
	)
	for {
		line, whole, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return History{}, err
		}
		if in.number == 1 {
			if line, err = firstLine(in, line); err != nil {
				return History{}, err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		emptyLine = false
		op, p := d.line(line)
		if p != nil {
			p.Name, p.Line = in.name, in.number
			if whole || b.history.Lines == 0 {
				return History{}, p
			}
			b.Note("%s:%d: the last line is torn and was left out (%s)", in.name, in.number, p.Text)
			break
		}
		if d.seen&(seenIndex|seenTime) != seenIndex|seenTime {
			invented++
			b.place(&op, d.seen)
		}
		if err := b.Add(op); err != nil {
			return History{}, &ParseError{Name: in.name, Line: in.number, Column: 1, Text: err.Error(), Err: err}
		}
		b.expect(all, in.consumed())
	}
	if emptyLine {
		return History{}, emptyError(in)
	}
	if invented > 0 {
		b.Note("%d lines without i or t were taken in the order of the file, 1 ns apart", invented)
	}
	return b.History(), nil
}

// place gives a line without an index or a time the next one.
func (b *Builder) place(op *Op, has seen) {
	if has&seenIndex == 0 {
		op.Index = b.next
	}
	if has&seenTime == 0 {
		op.Time = b.last + 1
	}
}

// length is how many bytes of text there are to be read, or seem to be; 0 where nobody knows.
type length func() int64

func known(size int64) length { return func() int64 { return size } }

// expect makes room for the operations to come, going by those in the bytes read so far. It looks again whenever twice
// as many were read.
func (b *Builder) expect(all length, read int64) {
	if b.history.Lines < max(b.look, 1<<10) {
		return
	}
	b.look = 2 * b.history.Lines
	pairs := float64(len(b.history.Pairs)) * float64(all()) / float64(max(read, 1))
	const most = 100e6 // a file that begins with tiny lines must not ask for the world
	want := int(min(pairs*1.02+64, most))
	if want > cap(b.history.Pairs)*5/4 {
		b.history.Pairs = slices.Grow(b.history.Pairs, want-len(b.history.Pairs))
	}
}

// firstLine drops a byte order mark, and refuses files that are no text before their contents confuse anyone.
func firstLine(in *lines, line []byte) ([]byte, error) {
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	kind := ""
	switch {
	case bytes.HasPrefix(line, []byte("\x1f\x8b")):
		kind = "a gzip file: unpack it first"
	case bytes.HasPrefix(line, []byte("\x28\xb5\x2f\xfd")):
		kind = "a zstd file in a place where text is expected: unpack it first"
	case bytes.HasPrefix(line, []byte("PK\x03\x04")):
		kind = "a zip file: unpack it first"
	case bytes.HasPrefix(line, []byte("\xff\xfe")), bytes.HasPrefix(line, []byte("\xfe\xff")):
		kind = "UTF-16 text: convert it to UTF-8"
	default:
		if at := bytes.IndexByte(line, 0); at >= 0 {
			return nil, in.errorAt(1, at+1, "found a NUL byte, expected text: this is a binary file")
		}
		return line, nil
	}
	return nil, in.errorAt(1, 1, "found %s", kind)
}

// emptyError is for a file with nothing in it.
func emptyError(in *lines) error {
	what := "the file is empty"
	if in.number > 0 {
		what = fmt.Sprintf("the file holds nothing but blank lines (%d)", in.number)
	}
	e := in.errorAt(max(in.number, 1), 1, "%s, expected a line for each operation", what)
	e.Err = ErrEmpty
	return e
}

// WriteJSONL writes the lines that h was made of, in their order. Reading them again gives h, without its Strikes and
// Notes.
func WriteJSONL(w io.Writer, h History) error { return Write(w, h, FormatJSONL) }

// begin is the line of the invocation.
func (p *Pair) begin() Op {
	due := time.Duration(0)
	if p.Due != p.Call {
		due = p.Due
	}
	return Op{
		Index: p.Index, Time: p.Call, Process: p.Process, Type: Invoke, F: p.F, Key: p.Key, Value: p.Input,
		Node: p.Node, Due: due, Final: p.Final,
	}
}

// finish is the line of the completion.
func (p *Pair) finish() Op {
	return Op{
		Index: p.End, Time: p.Return, Process: p.Process, Type: p.Outcome, F: p.F, Key: p.Key, Value: p.Output,
		Node: p.Node, Error: p.Error, Revision: p.Revision, Hung: p.Hung, Unmet: p.Unmet,
	}
}
