package history

import (
	"errors"
	"io"
)

const anOperation = "an operation, {:type :invoke, :f :read, :value nil, :process 0}"

// readEDN reads a history.edn: operations one after the other, or in one vector or list.
func readEDN(r io.Reader, all length, name string, independent bool) (History, error) {
	return readForms(newEDNReader(r, all, name, newInterner()), independent)
}

func readForms(d *ednReader, independent bool) (History, error) {
	h := newForeign(independent)
	h.in = d.in
	p := d.operations(h)
	if d.err != nil {
		return History{}, d.err
	}
	if p != nil {
		if !errors.Is(p, io.ErrUnexpectedEOF) || h.b.history.Lines == 0 {
			return History{}, p
		}
		h.b.tornNote(d.name, p)
	}
	if h.b.history.Lines == 0 && p == nil {
		e := d.fail("%s", anOperation)
		e.Err = ErrEmpty
		return History{}, e
	}
	return h.finish(), nil
}

// tornNote says that the file ends in the middle of an operation.
func (b *Builder) tornNote(name string, p problem) {
	b.Note("%s:%d:%d: the file ends too early, and what it ends in was left out (%s)", name, p.Line, p.Column, p.Text)
}

// operations reads all forms of the file.
func (d *ednReader) operations(h *foreign) problem {
	if c, ok := d.peek(); ok && c == 0xef { // a byte order mark
		for range 3 {
			d.next()
		}
		d.begin = d.offset()
	}
	for {
		d.form0 = d.offset()
		if p := d.space(0); p != nil {
			return p
		}
		c, ok := d.peek()
		if !ok {
			return nil
		}
		end := byte(0)
		switch c {
		case '[':
			end = ']'
		case '(':
			end = ')'
		default:
			if p := d.operation(h); p != nil {
				return p
			}
			continue
		}
		d.next()
		if p := d.inside(h, end); p != nil {
			return p
		}
	}
}

// inside reads the operations of a vector or a list.
func (d *ednReader) inside(h *foreign, end byte) problem {
	for {
		d.form0 = d.offset()
		if p := d.space(1); p != nil {
			return p
		}
		c, ok := d.peek()
		if !ok {
			return d.fail("'%c' at the end of the history", end)
		}
		if c == end {
			d.next()
			return nil
		}
		if p := d.operation(h); p != nil {
			return p
		}
	}
}

// operation reads one operation: a map, or a tagged one.
func (d *ednReader) operation(h *foreign) problem {
	o := &d.op
	here := d.spot()
	d.forget()
	*o = foreignOp{place: ParseError{Name: d.name, Line: here.line, Column: here.column}}
	switch c, ok := d.peek(); {
	case ok && c == '{':
		if p := d.fields(o); p != nil {
			return p
		}
	case ok && c != '#' && c != '^':
		return d.fail("%s", anOperation)
	default:
		if p := d.wrapped(o); p != nil {
			return p
		}
	}
	if d.kv {
		o.f, o.keyed = kvFunction(o.f), byField
	}
	if o.process == nil || o.kind == nil {
		return o.bad("found a map without :process or :type, expected %s", anOperation)
	}
	p := h.add(o)
	h.b.expect(d.all, d.offset())
	return p
}

// fields reads a map into an operation.
func (d *ednReader) fields(o *foreignOp) problem {
	d.next()
	for forms := 0; ; forms += 2 {
		ended, p := d.ended('}', 1)
		if p != nil || ended {
			return p
		}
		slot := &o.unknown
		if c, _ := d.peek(); c == ':' {
			var name []byte
			if name, p = d.keywordName(); p == nil {
				slot = d.slot(o, name)
			}
		} else {
			_, p = d.form(2)
		}
		if p != nil {
			return p
		}
		if ended, p = d.ended('}', 1); p != nil {
			return p
		}
		if ended {
			return d.odd(forms + 1)
		}
		if *slot, p = d.form(2); p != nil {
			return p
		}
	}
}

// wrapped reads a map with a tag or metadata before it into an operation.
func (d *ednReader) wrapped(o *foreignOp) problem {
	v, p := d.form(1)
	if p != nil {
		return p
	}
	if tag, ok := v.(ednTagged); ok {
		v = tag.value
	}
	m, ok := v.(ednMap)
	if !ok {
		return o.bad("found a form that is no map, expected %s", anOperation)
	}
	for i := 0; i+1 < len(m); i += 2 {
		if name, ok := m[i].(ednKeyword); ok {
			*d.slot(o, []byte(name)) = m[i+1]
		}
	}
	return nil
}

// slot returns where the value of a field goes.
func (d *ednReader) slot(o *foreignOp, name []byte) *any {
	if d.kv {
		return o.slot(name, byField)
	}
	return o.slot(name, byMark)
}
