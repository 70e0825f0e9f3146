package history

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// readLog reads the operations in a log of Jepsen or Knossos, one a line, whatever stands before them in the line:
//
//	INFO  jepsen.util - 3	:invoke	:cas	[1 2]
//	INFO [2015-05-04 20:00:09,733] jepsen worker 3 - jepsen.util 3	:ok	:read	64
//	3 :invoke :read nil
//	4 :info :write :timed-out
func readLog(in *lines, independent bool) (History, error) {
	h := newForeign(independent)
	skipped := 0
	for {
		line, whole, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return History{}, err
		}
		if in.number == 1 {
			if line, err = firstLine(in, line); err != nil {
				return History{}, err
			}
		}
		o, ok, p := logLine(line, in.number, in.name, h.in)
		if ok && p == nil {
			p = h.add(o)
		} else if p != nil && !whole && h.b.history.Lines > 0 {
			h.b.Note("%s:%d: the last line is torn and was left out (%s)", in.name, in.number, p.Text)
			break
		}
		switch {
		case p != nil:
			return History{}, p
		case !ok && len(bytes.TrimSpace(line)) > 0:
			skipped++
		case ok && !whole:
			h.b.Note("%s:%d: the last line has no newline: if it was torn, its value may be cut short", in.name, in.number)
		}
	}
	if h.b.history.Lines == 0 {
		if skipped == 0 {
			return History{}, emptyError(in)
		}
		e := in.errorAt(in.number, 1, "found %d lines and no operation in them, expected some like \"3 :invoke :read nil\"",
			in.number)
		e.Err = ErrEmpty
		return History{}, e
	}
	if skipped > 0 {
		h.b.Note("%d of %d lines are not operations and were skipped", skipped, in.number)
	}
	return h.finish(), nil
}

// logLine finds the operation of a line: a process, a type and a function, in this order and next to each other. It
// returns false where there is none.
func logLine(line []byte, number int, name string, in *interner) (*foreignOp, bool, problem) {
	process, kind, at := findType(line)
	if at < 0 {
		return nil, false, nil
	}
	o := &foreignOp{kind: ednKeyword(kind), place: ParseError{Name: name, Line: number, Column: 1}}
	if n, err := strconv.ParseInt(string(process), 10, 64); err == nil {
		o.process = n
	} else {
		o.process = ednKeyword("nemesis")
	}
	d := &ednReader{name: name, in: in, buf: line, i: at, line: number}
	f, p := d.form(0)
	o.f = f
	if _, ok := f.(ednKeyword); p != nil || !ok {
		return nil, false, nil
	}
	o.place.Column = at + 1
	rest := bytes.TrimSpace(line[d.i:])
	if len(rest) == 0 {
		return o, true, nil
	}
	v, p := d.form(0)
	tail := bytes.TrimSpace(line[min(d.i, len(line)):])
	_, word := v.(ednKeyword)
	switch ends := kind == "info" || kind == "fail"; {
	case p != nil && ends, ends && word && len(tail) == 0: // an error in the place of the value
		o.err = string(bytes.TrimPrefix(rest, []byte(":")))
	case p != nil:
		return nil, true, p
	default:
		o.value = v
		if len(tail) > 0 {
			o.err = string(bytes.TrimPrefix(tail, []byte(":")))
		}
	}
	return o, true, nil
}

// findType finds " :invoke " or another type behind a process, and the place behind it. It is -1 where there is none.
func findType(line []byte) (process []byte, kind string, after int) {
	for from := 0; ; {
		at := bytes.IndexByte(line[from:], ':')
		if at < 0 {
			return nil, "", -1
		}
		at += from
		from = at + 1
		for _, name := range typeNames {
			after := from + len(name)
			if !bytes.HasPrefix(line[from:], []byte(name)) || after < len(line) && !isBlank(line[after]) {
				continue
			}
			before := bytes.TrimRight(line[:at], " \t")
			if len(before) == at { // no space between them
				continue
			}
			word := before[bytes.LastIndexAny(before, " \t")+1:]
			if isProcess(word) {
				return word, name, after
			}
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func isProcess(word []byte) bool {
	return isInteger(word) || string(word) == ":nemesis" || string(word) == "nemesis"
}
