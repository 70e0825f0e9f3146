package history

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// ParseJSON reads one line of history.jsonl. Fields it does not know are ignored, a missing i or t is 0. An error is a
// [*ParseError] without a file's name.
func ParseJSON(line []byte) (Op, error) {
	d := decoder{in: newInterner()}
	op, problem := d.line(line)
	if problem != nil {
		problem.Line = 1
		return Op{}, problem
	}
	return op, nil
}

// decoder reads lines of JSON. It reflects on nothing and allocates only what the operation keeps.
type decoder struct {
	in   *interner
	b    []byte
	i    int
	seen seen
	text []byte  // a string with escapes, unescaped
	ints []int64 // a list being read
	list bool    // the value is in ints
}

// seen is a set of fields.
type seen uint8

const (
	seenIndex seen = 1 << iota
	seenTime
	seenProcess
	seenType
	seenF
)

// problem is an error while reading on: nil where there is none.
type problem = *ParseError

// fail says what stands at a place, and what was expected there.
func (d *decoder) fail(at int, expected string) problem {
	return &ParseError{Column: at + 1, Text: fmt.Sprintf("found %s, expected %s", found(d.b, at), expected)}
}

func (d *decoder) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\t', '\r', '\n':
			d.i++
		default:
			return
		}
	}
}

// take skips space and one expected character.
func (d *decoder) take(c byte, expected string) problem {
	if d.i < len(d.b) && d.b[d.i] == c {
		d.i++
		return nil
	}
	d.space()
	if d.i >= len(d.b) || d.b[d.i] != c {
		return d.fail(d.i, expected)
	}
	d.i++
	return nil
}

// peek skips space and returns the next character, 0 at the end.
func (d *decoder) peek() byte {
	d.space()
	if d.i < len(d.b) {
		return d.b[d.i]
	}
	return 0
}

// line reads an operation from a line.
func (d *decoder) line(line []byte) (op Op, p problem) {
	d.b, d.i, d.seen, d.list = line, 0, 0, false
	if p := d.take('{', `an operation, {"i":0,"t":0,"p":0,"type":"invoke","f":"read"}`); p != nil {
		return op, p
	}
	if d.peek() != '}' {
		for {
			if p := d.field(&op); p != nil {
				return op, p
			}
			if c := d.peek(); c == ',' {
				d.i++
				continue
			}
			break
		}
	}
	if p := d.take('}', "',' or '}'"); p != nil {
		return op, p
	}
	if d.space(); d.i < len(d.b) {
		return op, d.fail(d.i, "the end of the line")
	}
	for _, need := range [...]struct {
		field seen
		name  string
	}{{seenType, `"type"`}, {seenF, `"f"`}, {seenProcess, `"p" (the process)`}} {
		if d.seen&need.field == 0 {
			return op, &ParseError{Column: 1, Text: "found an operation without " + need.name + ", expected one with it"}
		}
	}
	if d.list {
		op.Value = d.in.listOf(op.Key, d.ints)
	}
	return op, nil
}

// field reads "name":value into op.
func (d *decoder) field(op *Op) problem {
	name, p := d.string("a field's name in quotes")
	if p != nil {
		return p
	}
	known := fieldOf(name)
	if p := d.take(':', "':'"); p != nil {
		return p
	}
	d.space()
	switch known {
	case 'i':
		d.seen |= seenIndex
		return d.count(&op.Index, "an index")
	case 't':
		d.seen |= seenTime
		return d.duration(&op.Time)
	case 'p':
		d.seen |= seenProcess
		return d.count(&op.Process, "a process number")
	case 'y':
		d.seen |= seenType
		return d.opType(&op.Type)
	case 'f':
		d.seen |= seenF
		return d.name(&op.F)
	case 'k':
		return d.name(&op.Key)
	case 'v':
		return d.value(op)
	}
	return d.rare(known, op)
}

// rare reads the fields that most lines are without.
func (d *decoder) rare(field byte, op *Op) problem {
	switch field {
	case 'n':
		return d.name(&op.Node)
	case 'e':
		return d.name(&op.Error)
	case 'r':
		return d.integer(&op.Revision, "a revision")
	case 'd':
		return d.duration(&op.Due)
	case 'F':
		return d.bool(&op.Final)
	case 'h':
		return d.bool(&op.Hung)
	}
	return d.skip(0)
}

// fieldOf gives each field a letter; 0 stands for those it does not know.
func fieldOf(name []byte) byte {
	if len(name) == 1 {
		switch c := name[0]; c {
		case 'i', 't', 'p', 'f', 'k', 'v':
			return c
		}
		return 0
	}
	switch string(name) {
	case "type":
		return 'y'
	case "node":
		return 'n'
	case "err":
		return 'e'
	case "rev":
		return 'r'
	case "due":
		return 'd'
	case "final":
		return 'F'
	case "hung":
		return 'h'
	}
	return 0
}

func (d *decoder) opType(t *Type) problem {
	at := d.i
	word, p := d.string("a type: invoke, ok, fail or info")
	if p != nil {
		return p
	}
	if t.UnmarshalText(word) != nil {
		return d.fail(at, "a type: invoke, ok, fail or info")
	}
	return nil
}

// name reads a string, and null as the empty one.
func (d *decoder) name(s *string) problem {
	if d.i < len(d.b) && d.b[d.i] == 'n' {
		*s = ""
		return d.word("null", "a string")
	}
	text, p := d.string("a string")
	if p == nil {
		*s = d.in.text(text)
	}
	return p
}

func (d *decoder) bool(v *bool) problem {
	if d.i < len(d.b) && d.b[d.i] == 't' {
		*v = true
		return d.word("true", "true or false")
	}
	*v = false
	return d.word("false", "true or false")
}

func (d *decoder) word(word, expected string) problem {
	if !bytes.HasPrefix(d.b[d.i:], []byte(word)) {
		return d.fail(d.i, expected)
	}
	if end := d.i + len(word); end < len(d.b) && isWord(d.b[end]) {
		return d.fail(d.i, expected)
	}
	d.i += len(word)
	return nil
}

// count reads an integer that cannot be negative.
func (d *decoder) count(n *int, what string) problem {
	var wide int64
	at := d.i
	if p := d.integer(&wide, what); p != nil {
		return p
	}
	if wide < 0 || wide > math.MaxInt {
		return d.fail(at, what+" of at least 0")
	}
	*n = int(wide)
	return nil
}

func (d *decoder) duration(t *time.Duration) problem {
	var nanos int64
	at := d.i
	if p := d.integer(&nanos, "a time in nanoseconds"); p != nil {
		return p
	}
	if nanos < 0 {
		return d.fail(at, "a time of at least 0 nanoseconds")
	}
	*t = time.Duration(nanos)
	return nil
}

// integer reads an integer and refuses every other number.
func (d *decoder) integer(n *int64, what string) problem {
	at := d.i
	v, _, whole, p := d.number()
	if p != nil {
		if d.i == at {
			return d.fail(at, what)
		}
		return p
	}
	if !whole {
		return d.fail(at, what+", an integer")
	}
	*n = v
	return nil
}

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
