package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// MaxLine is how long a line may be, in bytes.
const MaxLine = 64 << 20

// lines cuts a stream into lines without keeping more of it than the longest one.
type lines struct {
	r      io.Reader
	name   string
	buf    []byte
	start  int // of what was not handed out
	end    int // of what was read
	number int // of the line handed out last, from 1
	read   int64
	eof    bool
}

func newLines(r io.Reader, name string) *lines {
	return &lines{r: r, name: name, buf: make([]byte, 256<<10)}
}

// next returns the next line without its newline, and whether it had one. The line is valid until the next call.
// At the end it returns [io.EOF].
func (l *lines) next() (line []byte, whole bool, err error) {
	searched := 0
	for {
		window := l.buf[l.start:l.end]
		if n := bytes.IndexByte(window[searched:], '\n'); n >= 0 {
			n += searched
			l.start += n + 1
			l.number++
			return window[:n], true, nil
		}
		searched = len(window)
		if l.eof {
			if len(window) == 0 {
				return nil, false, io.EOF
			}
			l.start = l.end
			l.number++
			return window, false, nil
		}
		if len(window) >= MaxLine {
			return nil, false, l.errorAt(l.number+1, MaxLine+1, "the line is longer than %d MB, expected one operation",
				MaxLine>>20)
		}
		if err := l.fill(); err != nil {
			return nil, false, err
		}
	}
}

// fill reads more behind what is there, making room first.
func (l *lines) fill() error {
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, min(len(l.buf), MaxLine))...)
	}
	n, err := readSome(l.r, l.buf[l.end:])
	l.end += n
	l.read += int64(n)
	if errors.Is(err, io.EOF) {
		l.eof = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", l.name, err)
	}
	return nil
}

// consumed is how many bytes were handed out.
func (l *lines) consumed() int64 { return l.read - int64(l.end-l.start) }

func (l *lines) errorAt(line, column int, format string, args ...any) *ParseError {
	return &ParseError{Name: l.name, Line: line, Column: column, Text: fmt.Sprintf(format, args...)}
}

// readSome reads at least one byte unless there is an error, and gives up on a reader that returns nothing for ever.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// sizeOf is how many bytes a reader holds, or 0 where that is not known.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	case interface{ Len() int }:
		return int64(r.Len())
	case sized:
		return r.size
	}
	return 0
}

// sized is a reader of which the length is known.
type sized struct {
	io.Reader
	size int64
}
