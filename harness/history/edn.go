package history

import (
	"fmt"
	"io"
	"strings"
)

// What the EDN reader returns: nil, bool, int64, float64 and string as they are, and these.
type (
	ednKeyword string // without its colon
	ednSymbol  string
	ednLossy   struct { // what normal form has no exact value for
		value any
		what  string
	}
	ednList   []any // a vector or a list
	ednSet    []any
	ednMap    []any // key, value, key, value, ...
	ednTagged struct {
		tag   string
		value any
	}
)

// get returns a map's value for a keyword, nil where there is none.
func (m ednMap) get(key string) (any, bool) {
	for i := len(m) - 2; i >= 0; i -= 2 {
		if k, ok := m[i].(ednKeyword); ok && string(k) == key {
			return m[i+1], true
		}
	}
	return nil, false
}

// ednReader reads EDN (github.com/edn-format/edn) and what Clojure prints beyond it: metadata, regular expressions,
// objects that cannot be read back, namespaced maps. It works on a window of the file and counts lines and columns.
type ednReader struct {
	r     io.Reader // nil where the window is all there is
	all   length
	name  string
	in    *interner
	buf   []byte
	i     int // the next byte
	base  int64
	line  int
	begin int64 // offset of the line's first byte
	form0 int64 // offset of the form's first byte
	eof   bool
	err   error
	text  []byte
	forms           // of the lists being read
	words boxes     // of keywords
	texts boxes     // of strings
	op    foreignOp // being read
	kv    bool      // the operations are in the form of porcupine's tests
}

// maxForms is how deep forms may be nested: the value of an operation and of its key is some deep itself.
const maxForms = MaxDepth + 3

func newEDNReader(r io.Reader, all length, name string, in *interner) *ednReader {
	return &ednReader{r: r, all: all, name: name, in: in, buf: make([]byte, 0, 64<<10), line: 1,
		words: boxes{}, texts: boxes{}}
}

// space skips what separates forms: space, commas, comments and discarded forms.
func (d *ednReader) space(depth int) problem {
	for {
		c, ok := d.peek()
		switch {
		case !ok:
			return nil
		case c == ';':
			for ok && c != '\n' {
				c, ok = d.next()
			}
		case c == ' ' || c == ',':
			d.i++
		case c < ' ' && c != 0:
			d.next()
		case c == '#' && d.follows('_'):
			if depth > maxForms { // what is discarded may be behind another discard
				return d.fail("forms nested at most %d deep", MaxDepth)
			}
			d.next()
			d.next()
			if _, p := d.form(depth + 1); p != nil {
				return p
			}
		default:
			return nil
		}
	}
}

// form reads a form.
func (d *ednReader) form(depth int) (any, problem) {
	if p := d.space(depth); p != nil {
		return nil, p
	}
	if depth > maxForms {
		return nil, d.fail("forms nested at most %d deep", MaxDepth)
	}
	if d.offset()-d.form0 > MaxLine {
		return nil, d.fail("an operation of at most %d MB", MaxLine>>20)
	}
	c, ok := d.peek()
	if !ok {
		return nil, d.fail("a form")
	}
	switch c {
	case '(':
		list, p := d.many(')', depth)
		return ednList(list), p
	case '[':
		list, p := d.many(']', depth)
		return ednList(list), p
	case '{':
		return d.mapping(depth)
	case '"':
		return d.string()
	case '\\':
		return d.char()
	case '#':
		return d.dispatch(depth)
	case '^': // metadata goes before its form
		d.next()
		if _, p := d.form(depth + 1); p != nil {
			return nil, p
		}
		return d.form(depth + 1)
	case '\'':
		d.next()
		return d.form(depth + 1)
	}
	return d.atom()
}

// many reads forms up to a closing bracket.
func (d *ednReader) many(end byte, depth int) ([]any, problem) {
	d.next()
	from := d.depth()
	for {
		ended, p := d.ended(end, depth)
		if p != nil {
			return nil, p
		}
		if ended {
			return d.pop(from), nil
		}
		v, p := d.form(depth + 1)
		if p != nil {
			return nil, p
		}
		d.push(v)
	}
}

// ended reports whether the bracket at the end of what is being read comes next, and takes it.
func (d *ednReader) ended(end byte, depth int) (bool, problem) {
	if p := d.space(depth); p != nil {
		return false, p
	}
	switch c, ok := d.peek(); {
	case ok && c == end:
		d.next()
		return true, nil
	case !ok || c == ')' || c == ']' || c == '}':
		return false, d.fail("'%c'", end)
	}
	return false, nil
}

func (d *ednReader) mapping(depth int) (any, problem) {
	list, p := d.many('}', depth)
	if p == nil && len(list)%2 != 0 {
		p = d.odd(len(list))
	}
	return ednMap(list), p
}

// odd is the error for a map with an odd number of forms.
func (d *ednReader) odd(forms int) problem {
	p := d.mark()
	p.Text = fmt.Sprintf("found a map with %d forms, expected a value for each key", forms)
	return p
}

// dispatch reads what begins with #.
func (d *ednReader) dispatch(depth int) (any, problem) {
	mark := d.spot()
	d.next()
	switch c, ok := d.peek(); {
	case !ok:
		return nil, d.fail("a set, a tag or a discard after #")
	case c == '{':
		list, p := d.many('}', depth)
		return ednSet(list), p
	case c == '"':
		return d.string()
	case c == '#':
		d.next()
		word := d.token()
		switch string(word) {
		case "NaN", "Inf", "-Inf":
			return ednLossy{string(word), "NaN or infinite numbers were"}, nil
		}
		return nil, d.at(mark, "found ##%s, expected ##NaN, ##Inf or ##-Inf", word)
	case c == '<':
		return d.unreadable()
	case c == '\'' || c == '=': // a variable, or what *print-dup* wraps
		d.next()
		return d.form(depth + 1)
	}
	tag := string(d.token())
	if tag == "" {
		return nil, d.fail("a set, a tag or a discard after #")
	}
	v, p := d.form(depth + 1)
	if m, ok := v.(ednMap); ok && tag[0] == ':' {
		return d.qualified(m, strings.TrimLeft(tag, ":")), p
	}
	return ednTagged{tag, v}, p
}

// qualified gives the keywords of a namespaced map their namespace: #:a{:b 1, :_/c 2} is {:a/b 1, :c 2}.
func (d *ednReader) qualified(m ednMap, space string) ednMap {
	for i := 0; i+1 < len(m); i += 2 {
		name, ok := m[i].(ednKeyword)
		bare, without := strings.CutPrefix(string(name), "_/")
		switch {
		case !ok:
		case without:
			m[i] = d.keyword([]byte(bare))
		case space != "" && !strings.Contains(string(name), "/"):
			m[i] = d.keyword([]byte(space + "/" + string(name)))
		}
	}
	return m
}

// unreadable reads an object that Clojure could not print: #<Name text>.
func (d *ednReader) unreadable() (any, problem) {
	d.text = append(d.text[:0], '#')
	for open := 0; ; {
		c, ok := d.next()
		if !ok {
			return nil, d.fail("'>'")
		}
		if p := d.keep(c); p != nil {
			return nil, p
		}
		switch c {
		case '<':
			open++
		case '>':
			if open--; open == 0 {
				return d.in.text(d.text), nil
			}
		}
	}
}

// keep appends to the text being read.
func (d *ednReader) keep(c byte) problem {
	if len(d.text) > MaxLine {
		return d.fail("an operation of at most %d MB", MaxLine>>20)
	}
	d.text = append(d.text, c)
	return nil
}

// token reads up to the next delimiter. What it returns is valid until the next call.
func (d *ednReader) token() []byte {
	d.text = d.text[:0]
	for d.more() && len(d.text) <= MaxLine {
		end := d.i
		for end < len(d.buf) && !delimiters[d.buf[end]] {
			end++
		}
		part, whole := d.buf[d.i:end], end < len(d.buf)
		d.i = end
		if whole && len(d.text) == 0 {
			return part
		}
		d.text = append(d.text, part...)
		if whole {
			break
		}
	}
	return d.text
}

// keyword returns a keyword.
func (d *ednReader) keyword(name []byte) any {
	if v, ok := d.words[string(name)]; ok {
		return v
	}
	text := string(name)
	return d.words.keep(text, ednKeyword(text))
}

// delimiters are the bytes that end a word.
var delimiters = func() (is [256]bool) {
	for c := range byte(' ') {
		is[c] = true
	}
	for _, c := range []byte("()[]{}\";,\\ ") {
		is[c] = true
	}
	return is
}()
