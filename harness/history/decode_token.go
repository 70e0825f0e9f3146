package history

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// number reads an integer, or a float where whole is false. It leaves the place as it is where there is no number.
func (d *decoder) number() (n int64, f float64, whole bool, p problem) {
	at, negative := d.i, false
	if d.i < len(d.b) && d.b[d.i] == '-' {
		negative = true
		d.i++
	}
	digits := d.i
	var u uint64
	for d.i < len(d.b) && d.b[d.i]-'0' <= 9 {
		u = u*10 + uint64(d.b[d.i]-'0')
		d.i++
	}
	length := d.i - digits
	if length == 0 || length > 1 && d.b[digits] == '0' {
		d.i = at
		return 0, 0, false, d.fail(at, "a number")
	}
	if d.i < len(d.b) && isWord(d.b[d.i]) {
		return d.float(at)
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if length > 19 || u > limit {
		return 0, 0, false, d.fail(at, "an integer that fits into 64 bits")
	}
	if negative {
		return -int64(u), 0, true, nil
	}
	return int64(u), 0, true, nil
}

func (d *decoder) float(at int) (int64, float64, bool, problem) {
	end := at
	for end < len(d.b) && isWord(d.b[end]) {
		end++
	}
	if !isFloat(d.b[at:end]) {
		return 0, 0, false, d.fail(at, "a number")
	}
	f, err := strconv.ParseFloat(string(d.b[at:end]), 64)
	if err != nil {
		return 0, 0, false, d.fail(at, "a number that fits into 64 bits")
	}
	d.i = end
	return 0, f, false, nil
}

// isFloat reports whether a word is a number as JSON writes them; strconv takes more.
func isFloat(word []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(word) && word[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(word) && word[i] == '-' {
		i++
	}
	if !digits() {
		return false
	}
	if i < len(word) && word[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(word) && (word[i] == 'e' || word[i] == 'E') {
		if i++; i < len(word) && (word[i] == '-' || word[i] == '+') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(word)
}

// string reads a string. What it returns is valid until the next call.
func (d *decoder) string(expected string) ([]byte, problem) {
	d.space()
	if d.i >= len(d.b) || d.b[d.i] != '"' {
		return nil, d.fail(d.i, expected)
	}
	start := d.i + 1
	for i := start; i < len(d.b); i++ {
		switch c := d.b[i]; {
		case c == '"':
			d.i = i + 1
			return d.b[start:i], nil
		case c == '\\':
			return d.escaped(start, i)
		case c < ' ':
			return nil, d.fail(i, "the rest of the string (control characters are written as \\u00xx)")
		}
	}
	return nil, d.fail(len(d.b), `'"' at the end of the string`)
}

// escaped reads on in a string at its first backslash.
func (d *decoder) escaped(start, i int) ([]byte, problem) {
	d.text = append(d.text[:0], d.b[start:i]...)
	for i < len(d.b) {
		c := d.b[i]
		switch {
		case c == '"':
			d.i = i + 1
			return d.text, nil
		case c < ' ':
			return nil, d.fail(i, "the rest of the string (control characters are written as \\u00xx)")
		case c != '\\':
			d.text = append(d.text, c)
			i++
			continue
		}
		next, ok := d.escape(i)
		if !ok {
			return nil, d.fail(min(i+1, len(d.b)), `an escape: \" \\ \/ \b \f \n \r \t or \uXXXX`)
		}
		i = next
	}
	return nil, d.fail(len(d.b), `'"' at the end of the string`)
}

// escape appends what the escape at i stands for, and returns the place behind it.
func (d *decoder) escape(i int) (next int, ok bool) {
	if i+1 >= len(d.b) {
		return i, false
	}
	c := d.b[i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return d.unicode(i)
	default:
		return i, false
	}
	d.text = append(d.text, c)
	return i + 2, true
}

// unicode appends what \uXXXX at i stands for: a character, the two halves of one, or a byte that was not UTF-8.
func (d *decoder) unicode(i int) (next int, ok bool) {
	r, ok := hex4(d.b, i+2)
	if !ok {
		return i, false
	}
	i += 6
	switch {
	case r >= 0xd800 && r < 0xdc00: // the first half of a pair
		if low, ok := hex4(d.b, i+2); ok && d.b[i] == '\\' && d.b[i+1] == 'u' && low >= 0xdc00 && low < 0xe000 {
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			i += 6
		}
	case r >= 0xdc80 && r <= 0xdcff:
		d.text = append(d.text, byte(r))
		return i, true
	}
	d.text = utf8.AppendRune(d.text, r)
	return i, true
}

func hex4(b []byte, at int) (rune, bool) {
	if at+4 > len(b) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[at:at+4]), 16, 16)
	return rune(n), err == nil && b[at] != '+' && b[at] != '-' && b[at] != '_'
}
