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
//
// The rest of an operation may be in a line before it: see logRest.
func readLog(in *lines, independent bool) (History, error) {
	h := newForeign(independent)
	l := logReader{d: ednReader{name: in.name, in: h.in, words: boxes{}, texts: boxes{}}}
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
		kind, p := l.read(line, in.number)
		if kind == logOperation && p == nil {
			p = h.add(&l.d.op)
		}
		if p != nil && !whole && h.b.history.Lines > 0 {
			h.b.Note("%s:%d: the last line is torn and was left out (%s)", in.name, in.number, p.Text)
			break
		}
		switch {
		case p != nil:
			return History{}, p
		case kind == logOther && len(bytes.TrimSpace(line)) > 0:
			skipped++
		case kind == logOperation && !whole:
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

// logKind is what a line of a log is.
type logKind uint8

const (
	logOther     logKind = iota
	logOperation         // which is in d.op then
	logFields            // the rest of the next operation, as capsize writes it
)

// logReader reads the lines of a log.
type logReader struct {
	d    ednReader
	rest foreignOp // of the next operation
	told bool      // there is a rest
}

// read tells what a line is, and reads it.
func (l *logReader) read(line []byte, number int) (logKind, problem) {
	d := &l.d
	d.buf, d.i, d.line = line, 0, number
	if bytes.HasPrefix(line, []byte(logRest)) {
		d.forget()
		d.i = len(logRest) - 1
		l.rest, l.told = foreignOp{}, true
		return logFields, d.fields(&l.rest)
	}
	return l.operation(line)
}

// operation finds the operation of a line: a process, a type and a function, in this order and next to each other.
func (l *logReader) operation(line []byte) (logKind, problem) {
	process, kind, at := findType(line)
	if at < 0 {
		return logOther, nil
	}
	d := &l.d
	if !l.told {
		d.forget()
	}
	d.i = at
	f, p := d.form(0)
	if _, ok := f.(ednKeyword); p != nil || !ok && !l.told {
		return logOther, nil
	}
	o, told := &d.op, l.told
	*o, l.rest, l.told = l.rest, foreignOp{}, false
	o.place = ParseError{Name: d.name, Line: d.line, Column: at + 1}
	o.kind, o.f = ednKeyword(kind), f
	if n, err := strconv.ParseInt(string(process), 10, 64); err == nil {
		o.process = n
	} else {
		o.process = ednKeyword("nemesis")
	}
	rest := bytes.TrimSpace(line[d.i:])
	if len(rest) == 0 {
		return logOperation, nil
	}
	v, p := d.form(0)
	tail := bytes.TrimSpace(line[min(d.i, len(line)):])
	_, word := v.(ednKeyword)
	switch ends := kind == "info" || kind == "fail"; {
	case told: // the error is in the line before
		o.value = v
		return logOperation, p
	case p != nil && ends, ends && word && len(tail) == 0: // an error in the place of the value
		o.err = string(bytes.TrimPrefix(rest, []byte(":")))
	case p != nil:
		return logOperation, p
	default:
		o.value = v
		if len(tail) > 0 {
			o.err = string(bytes.TrimPrefix(tail, []byte(":")))
		}
	}
	return logOperation, nil
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
