package history

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// atom reads a number, a keyword, a symbol, true, false or nil.
func (d *ednReader) atom() (any, problem) {
	mark := d.spot()
	c, _ := d.peek()
	if delimiters[c] {
		return nil, d.fail("a form")
	}
	if c == ':' {
		name, p := d.keywordName()
		if p != nil {
			return nil, p
		}
		return d.keyword(name), nil
	}
	word := d.token()
	digit := c
	if (c == '-' || c == '+') && len(word) > 1 {
		digit = word[1]
	}
	if digit >= '0' && digit <= '9' {
		if v, ok := d.number(word); ok {
			return v, nil
		}
		return nil, d.at(mark, "found %s, expected a number", excerpt(word))
	}
	switch string(word) {
	case "nil":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return ednSymbol(d.in.text(word)), nil
}

// keywordName reads a keyword and returns it without its colon. It is valid until the next call.
func (d *ednReader) keywordName() ([]byte, problem) {
	word := d.token()
	if len(word) == 1 {
		return nil, d.fail("the name of a keyword")
	}
	return bytes.TrimLeft(word, ":"), nil
}

// number reads 12, -3N, 4.5, 1e3, 2.50M and 1/3.
func (d *ednReader) number(word []byte) (any, bool) {
	if n, ok := shortInteger(word); ok {
		return d.in.integer(n), true
	}
	digits := bytes.TrimPrefix(word, []byte("+"))
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return d.in.integer(n), true
	}
	if top, bottom, ok := bytes.Cut(digits, []byte("/")); ok {
		a, errA := strconv.ParseInt(string(top), 10, 64)
		b, errB := strconv.ParseUint(string(bottom), 10, 63)
		if errA != nil || errB != nil || b == 0 {
			return ednLossy{string(digits), "numbers beyond 64 bits were"}, isInteger(top) && isInteger(bottom)
		}
		return ednLossy{float64(a) / float64(b), "ratios were"}, true
	}
	if big, ok := bytes.CutSuffix(digits, []byte("N")); ok || isInteger(digits) {
		if n, err := strconv.ParseInt(string(big), 10, 64); err == nil {
			return d.in.integer(n), true
		}
		return ednLossy{string(big), "numbers beyond 64 bits were"}, isInteger(big)
	}
	decimal := bytes.TrimSuffix(digits, []byte("M"))
	plain := bytes.Replace(decimal, []byte(".e"), []byte(".0e"), 1)
	if bytes.HasSuffix(plain, []byte(".")) {
		plain = append(plain, '0')
	}
	if !isFloat(plain) {
		return nil, false
	}
	f, err := strconv.ParseFloat(string(plain), 64)
	if err != nil || math.IsInf(f, 0) {
		return ednLossy{string(decimal), "numbers beyond 64 bits were"}, true
	}
	return f, true
}

// shortInteger reads an integer that cannot overflow.
func shortInteger(word []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(word, []byte("-"))
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(word) {
		n = -n
	}
	return n, true
}

func isInteger(word []byte) bool {
	word = bytes.TrimPrefix(word, []byte("-"))
	for _, c := range word {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(word) > 0
}

// string reads a string.
func (d *ednReader) string() (any, problem) {
	d.next()
	d.text = d.text[:0]
	for {
		if !d.more() {
			return nil, d.fail(`'"' at the end of the string`)
		}
		end := d.i
		for end < len(d.buf) && d.buf[end] != '"' && d.buf[end] != '\\' && d.buf[end] != '\n' {
			end++
		}
		part := d.buf[d.i:end]
		d.i = end
		if end < len(d.buf) && d.buf[end] == '"' && len(d.text) == 0 {
			d.i++
			return d.texts.text(part), nil
		}
		if len(d.text)+len(part) > MaxLine {
			return nil, d.fail("an operation of at most %d MB", MaxLine>>20)
		}
		d.text = append(d.text, part...)
		if end == len(d.buf) {
			continue
		}
		mark := d.spot()
		switch c, _ := d.next(); c {
		case '"':
			return d.texts.text(d.text), nil
		case '\n':
			d.text = append(d.text, c)
		default:
			if !d.escape() {
				return nil, d.at(mark, `found an unknown escape, expected \t \r \n \\ \" \b \f \uXXXX or octal digits`)
			}
		}
	}
}

// escape reads what follows a backslash in a string.
func (d *ednReader) escape() bool {
	c, ok := d.next()
	if !ok {
		return false
	}
	switch c {
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'n':
		c = '\n'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case '\\', '"', '\'':
	case 'u':
		r, ok := d.hex()
		d.text = appendHalf(d.text, r)
		return ok
	default:
		if c < '0' || c > '7' {
			return false
		}
		r := rune(c - '0')
		for range 2 {
			if c, ok := d.peek(); ok && c >= '0' && c <= '7' {
				r = r*8 + rune(c-'0')
				d.next()
			}
		}
		d.text = utf8.AppendRune(d.text, r)
		return true
	}
	d.text = append(d.text, c)
	return true
}

// hex reads four hexadecimal digits.
func (d *ednReader) hex() (rune, bool) {
	var four [4]byte
	for i := range four {
		four[i], _ = d.next()
	}
	return hex4(four[:], 0)
}

// appendHalf appends a UTF-16 unit. A second half joins the first half before it.
func appendHalf(text []byte, r rune) []byte {
	if r < 0xd800 || r > 0xdfff {
		return utf8.AppendRune(text, r)
	}
	if n := len(text); r >= 0xdc00 && n >= 3 && text[n-3] == 0xed && text[n-2] >= 0xa0 && text[n-2] < 0xb0 {
		high := 0xd000 | rune(text[n-2]&0x3f)<<6 | rune(text[n-1]&0x3f)
		return utf8.AppendRune(text[:n-3], 0x10000+(high-0xd800)<<10+(r-0xdc00))
	}
	return append(text, 0xed, byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
}

// char reads a character, as a string.
func (d *ednReader) char() (any, problem) {
	mark := d.spot()
	d.next()
	first, ok := d.next()
	if !ok {
		return nil, d.fail("a character")
	}
	word := append([]byte{first}, d.token()...)
	switch name := string(word); name {
	case "newline":
		return "\n", nil
	case "return":
		return "\r", nil
	case "space":
		return " ", nil
	case "tab":
		return "\t", nil
	case "backspace":
		return "\b", nil
	case "formfeed":
		return "\f", nil
	}
	if r, ok := hex4(word, 1); ok && first == 'u' && len(word) == 5 {
		return string(appendHalf(nil, r)), nil
	}
	if n, err := strconv.ParseUint(string(word[1:]), 8, 9); err == nil && first == 'o' {
		return string(rune(n)), nil
	}
	if utf8.RuneCount(word) == 1 {
		return d.in.text(word), nil
	}
	return nil, d.at(mark, "found %s, expected a character", excerpt(append([]byte{'\\'}, word...)))
}
