package history

import "fmt"

// value reads the field v. A list of integers is left in d.ints until the key is known.
func (d *decoder) value(op *Op) problem {
	op.Value, d.list = nil, false
	if d.i < len(d.b) && d.b[d.i] == '[' {
		list, ints, p := d.elements(1)
		if p != nil {
			return p
		}
		if ints {
			d.list = true
			return nil
		}
		op.Value = list
		return nil
	}
	v, p := d.scalar()
	op.Value = v
	return p
}

// scalar reads a value that is no list.
func (d *decoder) scalar() (any, problem) {
	if d.i >= len(d.b) {
		return nil, d.fail(d.i, "a value")
	}
	switch c := d.b[d.i]; {
	case c == '"':
		text, p := d.string("a string")
		if p != nil {
			return nil, p
		}
		return d.in.text(text), nil
	case c == 'n':
		return nil, d.word("null", "a value")
	case c == 't' || c == 'f':
		var v bool
		p := d.bool(&v)
		return v, p
	case c == '-' || c >= '0' && c <= '9':
		n, f, whole, p := d.number()
		if p != nil {
			return nil, p
		}
		if whole {
			return d.in.integer(n), nil
		}
		return f, nil
	}
	return nil, d.fail(d.i, "a value: null, true, false, a number, a string or a list of these")
}

// elements reads a list. Where all of it are integers it leaves them in d.ints and returns ints; otherwise it returns
// the list.
func (d *decoder) elements(depth int) (list []any, ints bool, p problem) {
	if depth > MaxDepth {
		return nil, false, d.fail(d.i, fmt.Sprintf("lists in lists at most %d deep", MaxDepth))
	}
	d.i++
	d.ints, ints = d.ints[:0], true
	if d.peek() == ']' {
		d.i++
		return nil, true, nil
	}
	for {
		d.space()
		if ints {
			if n, ok := d.plain(); ok {
				d.ints = append(d.ints, n)
			} else {
				ints = false
				for _, n := range d.ints {
					list = append(list, d.in.integer(n))
				}
			}
		}
		if !ints {
			v, p := d.element(depth)
			if p != nil {
				return nil, false, p
			}
			list = append(list, v)
		}
		switch d.peek() {
		case ',':
			d.i++
		case ']':
			d.i++
			return list, ints, nil
		default:
			return nil, false, d.fail(d.i, "',' or ']'")
		}
	}
}

// element reads an element of a list that is not of integers only.
func (d *decoder) element(depth int) (any, problem) {
	if d.i >= len(d.b) || d.b[d.i] != '[' {
		return d.scalar()
	}
	list, ints, p := d.elements(depth + 1)
	if p != nil {
		return nil, p
	}
	if ints {
		return d.in.ints(d.ints), nil
	}
	return list, nil
}

// plain reads an integer of an ordinary size. Where there is anything else it stays where it is.
func (d *decoder) plain() (int64, bool) {
	at := d.i
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	n, _, whole, p := d.number()
	if p != nil || !whole {
		d.i = at
		return 0, false
	}
	return n, true
}

// skip reads a value of any kind and forgets it.
func (d *decoder) skip(depth int) problem {
	if depth > MaxDepth {
		return d.fail(d.i, fmt.Sprintf("values nested at most %d deep", MaxDepth))
	}
	switch d.peek() {
	case '[':
		return d.skipMany(']', depth, false)
	case '{':
		return d.skipMany('}', depth, true)
	case '"':
		_, p := d.string("a string")
		return p
	case 'n':
		return d.word("null", "a value")
	case 't', 'f':
		var v bool
		return d.bool(&v)
	}
	end := d.i
	for end < len(d.b) && isWord(d.b[end]) {
		end++
	}
	if !isFloat(d.b[d.i:end]) {
		return d.fail(d.i, "a value")
	}
	d.i = end
	return nil
}

// skipMany skips a list, or an object where named.
func (d *decoder) skipMany(end byte, depth int, named bool) problem {
	return d.many(end, func() problem {
		if named {
			if _, p := d.string("a field's name in quotes"); p != nil {
				return p
			}
			if p := d.take(':', "':'"); p != nil {
				return p
			}
		}
		return d.skip(depth + 1)
	})
}

// many reads what stands between two brackets, separated by commas.
func (d *decoder) many(end byte, element func() problem) problem {
	d.i++
	if d.peek() == end {
		d.i++
		return nil
	}
	for {
		if p := element(); p != nil {
			return p
		}
		switch d.peek() {
		case ',':
			d.i++
		case end:
			d.i++
			return nil
		default:
			return d.fail(d.i, fmt.Sprintf("',' or '%c'", end))
		}
	}
}
