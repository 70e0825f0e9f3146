package history

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ErrEmpty is wrapped by the error for a file without a single operation.
var ErrEmpty = errors.New("no operation")

// ParseError is why a file cannot be read: where, and what was found and expected there.
type ParseError struct {
	Name   string // of the file
	Line   int    // from 1
	Column int    // in bytes, from 1
	Text   string // what was found, what was expected
	Err    error  // a cause that can be asked for with errors.Is; may be nil
}

// Error reads name:line:column: text.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Text)
}

// Unwrap returns the cause, if there is one to ask for.
func (e *ParseError) Unwrap() error { return e.Err }

// found describes what stands at a place of a line, for the first half of a message.
func found(line []byte, at int) string {
	if at >= len(line) {
		return "the end of the line"
	}
	c := line[at]
	switch {
	case c == 0:
		return "a NUL byte (is this a text file?)"
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "the string " + excerpt(stringToken(line[at:]))
	case isWord(c):
		end := at
		for end < len(line) && isWord(line[end]) {
			end++
		}
		return excerpt(line[at:end])
	case c < utf8.RuneSelf:
		return strconv.QuoteRune(rune(c))
	}
	r, size := utf8.DecodeRune(line[at:])
	if r == utf8.RuneError && size <= 1 {
		return fmt.Sprintf("the byte 0x%02x (is this a text file?)", c)
	}
	return strconv.QuoteRune(r)
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.' ||
		c == '_'
}

// stringToken returns a string without its quotes, or what there is of it.
func stringToken(b []byte) []byte {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[1:i]
		}
	}
	return b[1:]
}

// excerpt quotes text for a message, without its middle where it is long.
func excerpt(text []byte) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + fmt.Sprintf(" (%d bytes in all)", len(text))
	}
	return strconv.Quote(string(text))
}
