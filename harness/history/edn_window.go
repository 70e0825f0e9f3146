package history

import (
	"errors"
	"fmt"
	"io"
)

// The EDN reader looks at its file through a window, and counts lines and columns as it goes.

func (d *ednReader) offset() int64 { return d.base + int64(d.i) }

// more makes sure that there is a next byte.
func (d *ednReader) more() bool { return d.i < len(d.buf) || d.fill() }

// fill reads the next window behind a window that was read to its end.
func (d *ednReader) fill() bool {
	if d.eof || d.r == nil {
		d.eof = true
		return false
	}
	d.base += int64(d.i)
	n, err := readSome(d.r, d.buf[:cap(d.buf)])
	d.buf, d.i = d.buf[:n], 0
	if err != nil {
		d.eof = true
		if !errors.Is(err, io.EOF) {
			d.err = fmt.Errorf("read %s: %w", d.name, err)
		}
	}
	return n > 0
}

// peek returns the next byte, and false at the end.
func (d *ednReader) peek() (byte, bool) {
	if d.i < len(d.buf) || d.fill() {
		return d.buf[d.i], true
	}
	return 0, false
}

// next takes a byte.
func (d *ednReader) next() (byte, bool) {
	if !d.more() {
		return 0, false
	}
	c := d.buf[d.i]
	d.i++
	if c == '\n' {
		d.line++
		d.begin = d.offset()
	}
	return c, true
}

// follows reports whether c comes after the next byte.
func (d *ednReader) follows(c byte) bool {
	if !d.more() {
		return false
	}
	if d.i+1 == len(d.buf) && !d.eof && d.r != nil { // the window ends between the two
		last := d.buf[d.i]
		d.base += int64(d.i)
		room := d.buf[:cap(d.buf)]
		n, err := readSome(d.r, room[1:])
		room[0] = last
		d.buf, d.i = room[:n+1], 0
		if err != nil {
			d.eof = true
			if !errors.Is(err, io.EOF) {
				d.err = fmt.Errorf("read %s: %w", d.name, err)
			}
		}
	}
	return d.i+1 < len(d.buf) && d.buf[d.i+1] == c
}

// fail says what comes next, and what was expected.
func (d *ednReader) fail(expected string, args ...any) problem {
	p := d.mark()
	what := "the end of the file"
	if d.r == nil {
		what = "the end of the line"
	}
	if d.more() {
		what = found(d.buf[d.i:], 0)
	} else {
		p.Err = io.ErrUnexpectedEOF
	}
	p.Text = fmt.Sprintf("found %s, expected %s", what, fmt.Sprintf(expected, args...))
	return p
}

// spot is a place of the file, to be remembered for a message.
type spot struct{ line, column int }

func (d *ednReader) spot() spot { return spot{d.line, int(d.offset()-d.begin) + 1} }

// mark is an error about the next byte, without a text.
func (d *ednReader) mark() problem {
	here := d.spot()
	return &ParseError{Name: d.name, Line: here.line, Column: here.column}
}

// at is an error about something that was read already. At the end of the file it may have been torn.
func (d *ednReader) at(where spot, text string, args ...any) problem {
	p := &ParseError{Name: d.name, Line: where.line, Column: where.column, Text: fmt.Sprintf(text, args...)}
	if !d.more() {
		p.Err = io.ErrUnexpectedEOF
	}
	return p
}
