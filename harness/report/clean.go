package report

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest strings that are shown; the whole of them is in the history.
const (
	longestValue    = 120
	longestSentence = 2000
	longestLine     = 400 // of a log
)

// clean makes a string of unknown origin fit to be shown on one line: control characters, characters that turn the
// direction of text or have no width, and bytes that are no UTF-8 become visible escapes, and what is longer than most
// characters is cut with the number of those left out.
func clean(s string, most int) string {
	var b strings.Builder
	shown := 0
	for at := 0; at < len(s); {
		r, size := utf8.DecodeRuneInString(s[at:])
		if shown >= most {
			left := utf8.RuneCountInString(s[at:])
			return b.String() + fmt.Sprintf("…(+%s)", count(left))
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[at])
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsControl(r) || r < 0x20:
			fmt.Fprintf(&b, `\x%02x`, r)
		case invisible(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		shown++
		at += size
	}
	return b.String()
}

// invisible reports whether a character changes what is around it without showing itself, or breaks XML.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == 0xFFFE || r == 0xFFFF
}

// cells is how many columns a cleaned string takes on a terminal.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

// runeCells is 2 for the characters that terminals draw double: East Asian wide and full-width forms and emoji. It may
// err towards 2, so that a line is never longer than it was counted.
func runeCells(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xA960 && r <= 0xA97F, r >= 0xAC00 && r <= 0xD7FF,
		r >= 0xF900 && r <= 0xFAFF, r >= 0xFE10 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFFEF, r >= 0x16FE0:
		return 2
	case r >= 0x231A && r <= 0x23FF, r >= 0x2600 && r <= 0x27BF && r != '✓' && r != '✗', r >= 0x2B00 && r <= 0x2BFF:
		return 2
	}
	return 1
}

// clip cuts a cleaned string to a number of columns and marks the cut.
func clip(s string, width int) string {
	if cells(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	n := 0
	for i, r := range s {
		if n+runeCells(r) > width-1 {
			return s[:i] + "…"
		}
		n += runeCells(r)
	}
	return s
}

// pad fills a cleaned string with spaces up to a number of columns, and clips it there.
func pad(s string, width int) string {
	s = clip(s, width)
	return s + strings.Repeat(" ", max(0, width-cells(s)))
}

// padLeft is pad with the spaces in front.
func padLeft(s string, width int) string {
	s = clip(s, width)
	return strings.Repeat(" ", max(0, width-cells(s))) + s
}

// wrap breaks a cleaned text into lines of at most width columns. A word that is longer than a line is broken.
func wrap(s string, width int) []string {
	width = max(width, 8)
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		for cells(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := strings.TrimSuffix(clip(word, width+1), "…")
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// anchor makes a name that is fit to be an id in a page. Different keys keep different names.
func anchor(prefix, name string) string {
	var b strings.Builder
	plain := len(name) <= 60
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-':
			b.WriteRune(r)
		default:
			plain = false
			b.WriteByte('_')
		}
		if b.Len() >= 60 {
			break
		}
	}
	if !plain {
		hash := fnv.New32a()
		hash.Write([]byte(name))
		fmt.Fprintf(&b, "_%08x", hash.Sum32())
	}
	return prefix + "-" + b.String()
}
