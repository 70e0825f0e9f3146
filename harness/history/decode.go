package history

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// ParseJSON reads one line of history.jsonl. Fields it does not know are ignored, a missing i or t is 0. An error is a
// [*ParseError] without a file's name.
func ParseJSON(line []byte) (Op, error) {
	d := decoder{in: new(interner)}
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
	// Only Elle's JSON needs these.
	words boxes // of strings
	forms       // of the lists being read
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
	case 'u':
		return d.bool(&op.Unmet)
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
	case "unmet":
		return 'u'
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
