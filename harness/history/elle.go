package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Elle's JSON is what Jepsen records, in JSON: an object for each operation, one a line or all in one array.
//
//	{"index":0,"time":12,"type":"invoke","process":3,"f":"txn","value":[["append","x",1],["r","y",null]]}
//
// An operation without "f" is a transaction. A "key" in a field of its own is what the operation is about, and "rev",
// "due", "hung" and "unmet" mean what they mean in history.jsonl.

const anObject = `an operation, {"index":0,"type":"invoke","process":0,"f":"txn","value":[["r","x",null]]}`

// isElle reports whether the first object of a file has the field names of Elle's JSON. Own lines have shorter ones.
func isElle(head []byte) bool {
	d := decoder{in: new(interner), b: head}
	if d.take('{', "") != nil {
		return false
	}
	theirs := false
	for {
		name, p := d.string("")
		if p != nil {
			return theirs
		}
		switch string(name) {
		case "process", "index", "value":
			theirs = true
		case "p", "i", "t", "v", "k":
			return false
		}
		if d.take(':', "") != nil || d.skip(0) != nil || d.take(',', "") != nil {
			return theirs
		}
	}
}

// readElle reads objects, of lines or of one array.
func readElle(r io.Reader, all length, name string, independent bool) (History, error) {
	h := newForeign(independent)
	in := &objects{window: newEDNReader(r, all, name, h.in)}
	d := decoder{in: h.in, words: boxes{}}
	in.begin()
	var (
		p problem
		o foreignOp
	)
	for p == nil {
		var text []byte
		if text, p = in.next(); p != nil || text == nil {
			break
		}
		o = foreignOp{place: in.place}
		if p = d.object(text, &o); p == nil {
			p = h.add(&o)
			h.b.expect(all, in.window.offset())
			continue
		}
		in.locate(p, text)
	}
	if in.window.err != nil {
		return History{}, in.window.err
	}
	if p != nil {
		if !errors.Is(p, io.ErrUnexpectedEOF) || h.b.history.Lines == 0 {
			return History{}, p
		}
		h.b.tornNote(name, p)
	}
	if h.b.history.Lines == 0 && p == nil {
		e := in.window.fail("%s", anObject)
		e.Err = ErrEmpty
		return History{}, e
	}
	return h.finish(), nil
}

// objects cuts a file into the objects it holds, at its top or in one array.
type objects struct {
	window *ednReader
	array  bool
	first  bool
	place  ParseError // of the object handed out last
}

// begin skips what stands before the first object.
func (s *objects) begin() {
	if c, ok := s.window.peek(); ok && c == 0xef { // a byte order mark
		for range 3 {
			s.window.next()
		}
		s.window.begin = s.window.offset()
	}
	if c := s.space(); c == '[' {
		s.window.next()
		s.array, s.first = true, true
	}
}

// space skips space and returns what comes then, 0 at the end.
func (s *objects) space() byte {
	for {
		c, ok := s.window.peek()
		if !ok {
			return 0
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.window.next()
	}
}

// next returns the text of the next object, nil behind the last one. It is valid until the next call.
func (s *objects) next() ([]byte, problem) {
	c := s.space()
	if s.array {
		switch {
		case c == ']':
			s.window.next()
			if c := s.space(); c != 0 {
				return nil, s.window.fail("the end of the file behind the array")
			}
			return nil, nil
		case s.first:
			s.first = false
		case c != ',':
			return nil, s.window.fail("',' or ']'")
		default:
			s.window.next()
			c = s.space()
		}
	}
	if c == 0 && !s.array && !s.window.more() {
		return nil, nil
	}
	s.place = *s.window.mark()
	if c != '{' {
		return nil, s.window.fail("%s", anObject)
	}
	return s.object()
}

// marks are the bytes that tell where an object ends.
var marks = [256]bool{'"': true, '\\': true, '{': true, '}': true}

// object returns the text up to the brace that ends the object.
func (s *objects) object() ([]byte, problem) {
	w := s.window
	w.text = w.text[:0]
	depth, quoted, escaped := 0, false, false
	for w.more() {
		part := w.buf[w.i:]
		for i, c := range part {
			switch {
			case escaped:
				escaped = false
			case !marks[c]:
			case c == '"':
				quoted = !quoted
			case quoted:
				escaped = c == '\\'
			case c == '{':
				depth++
			case c == '}':
				if depth--; depth == 0 {
					return s.take(part[:i+1]), nil
				}
			}
		}
		if s.take(part); len(w.text) > MaxLine {
			return nil, w.fail("an operation of at most %d MB", MaxLine>>20)
		}
	}
	return nil, w.fail("'}' at the end of the operation that begins in line %d", s.place.Line)
}

// take moves on behind a part of the window, and returns the object so far with it.
func (s *objects) take(part []byte) []byte {
	w := s.window
	w.i += len(part)
	if n := bytes.Count(part, []byte("\n")); n > 0 {
		w.line += n
		w.begin = w.offset() - int64(len(part)-bytes.LastIndexByte(part, '\n')-1)
	}
	if len(w.text) == 0 && part[len(part)-1] == '}' {
		return part
	}
	w.text = append(w.text, part...)
	return w.text
}

// locate turns a place in an object into one in the file.
func (s *objects) locate(p problem, text []byte) {
	at := min(max(p.Column-1, 0), len(text))
	p.Name, p.Line = s.place.Name, s.place.Line+bytes.Count(text[:at], []byte("\n"))
	if last := bytes.LastIndexByte(text[:at], '\n'); last >= 0 {
		p.Column = at - last
	} else {
		p.Column = s.place.Column + at
	}
}

// object reads an operation of Elle's JSON.
func (d *decoder) object(text []byte, o *foreignOp) problem {
	d.b, d.i = text, 0
	d.forget()
	o.f = ednKeyword("txn")
	own := ""
	p := d.many('}', func() problem {
		name, p := d.string("a field's name in quotes")
		if p != nil {
			return p
		}
		if string(name) == "i" {
			own = " (these are fields of capsize's own form, which has one operation a line: " +
				"jq -c '.[]' makes that of it)"
		}
		slot := o.slot(name, byField)
		if p := d.take(':', "':'"); p != nil {
			return p
		}
		*slot, p = d.any(1)
		return p
	})
	if p != nil {
		return p
	}
	if o.process == nil || o.kind == nil {
		return &ParseError{Column: 1, Text: `found an object without "process" or "type", expected ` + anObject + own}
	}
	return nil
}

// any reads a value of JSON, an object as a map of keywords.
func (d *decoder) any(depth int) (any, problem) {
	if depth > maxForms {
		return nil, d.fail(d.i, fmt.Sprintf("values nested at most %d deep", MaxDepth))
	}
	switch d.peek() {
	case '{':
		return d.anyMap(depth)
	case '[':
		from := d.depth()
		p := d.many(']', func() problem {
			v, p := d.any(depth + 1)
			d.push(v)
			return p
		})
		return ednList(d.pop(from)), p
	case '"':
		text, p := d.string("a string")
		if p != nil {
			return nil, p
		}
		return d.words.text(text), nil
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return d.anyNumber()
	}
	return d.scalar()
}

func (d *decoder) anyMap(depth int) (any, problem) {
	var m ednMap
	p := d.many('}', func() problem {
		text, p := d.string("a field's name in quotes")
		if p != nil {
			return p
		}
		name := d.in.text(text)
		if p := d.take(':', "':'"); p != nil {
			return p
		}
		v, p := d.any(depth + 1)
		m = append(m, ednKeyword(name), v)
		return p
	})
	return m, p
}

// anyNumber reads a number, also one that is too big for 64 bits.
func (d *decoder) anyNumber() (any, problem) {
	at := d.i
	n, f, whole, p := d.number()
	switch {
	case p == nil && whole:
		return d.in.integer(n), nil
	case p == nil:
		return f, nil
	}
	end := at
	for end < len(d.b) && isWord(d.b[end]) {
		end++
	}
	word := d.b[at:end]
	if digits := bytes.TrimPrefix(word, []byte("-")); !isFloat(word) || isInteger(digits) && digits[0] == '0' {
		return nil, p
	}
	d.i = end
	return ednLossy{string(word), "numbers beyond 64 bits were"}, nil
}

// elleLine returns what writes one operation of Elle's JSON.
func elleLine(h History) func([]byte, event) []byte {
	marked := seemsKeyed(h)
	return func(dst []byte, e event) []byte {
		op := e.op()
		dst = strconv.AppendInt(append(dst, `{"index":`...), int64(op.Index), 10)
		dst = strconv.AppendInt(append(dst, `,"time":`...), int64(op.Time), 10)
		dst = append(append(append(dst, `,"type":"`...), op.Type.String()...), '"')
		dst = strconv.AppendInt(append(dst, `,"process":`...), int64(op.Process), 10)
		dst = appendString(append(dst, `,"f":`...), op.F)
		dst = appendText(dst, `,"key":`, op.Key)
		if marked {
			dst = append(dst, `,"key":null`...)
		}
		dst = appendValue(append(dst, `,"value":`...), op.Value, 0)
		dst = appendText(dst, `,"node":`, op.Node)
		return appendRest(appendText(dst, `,"error":`, op.Error), &op)
	}
}
