package history

import "io"

// The key-value histories that porcupine is tested with are EDN, an operation a line, with the key in a field of its
// own and without times. Every completion is ok; what never returned has none.
//
//	{:process 4, :type :invoke, :f :get, :key "7", :value nil}
//	{:process 4, :type :ok, :f :get, :key "7", :value "x 4 0 y"}

// kvFunctions are the words for functions: ours and porcupine's.
var kvFunctions = [...]struct{ ours, theirs string }{{"read", "get"}, {"write", "put"}, {"append", "append"}}

func readKV(r io.Reader, all length, name string) (History, error) {
	d := newEDNReader(r, all, name, newInterner())
	d.kv = true
	return readForms(d, false)
}

// kvFunction returns our word for a function.
func kvFunction(f any) any {
	for _, k := range kvFunctions {
		if f == ednKeyword(k.theirs) {
			return ednKeyword(k.ours)
		}
	}
	return f
}

// isKV reports whether a file that is EDN begins with an operation in porcupine's form.
func isKV(head []byte) bool {
	d := &ednReader{in: new(interner), buf: head, line: 1}
	v, p := d.form(1)
	m, ok := v.(ednMap)
	if p != nil || !ok {
		return false
	}
	_, keyed := m.get("key")
	_, timed := m.get("time")
	f, _ := m.get("f")
	return keyed && !timed && (f == ednKeyword("append") || kvFunction(f) != f)
}

// refuseKV refuses every operation that porcupine's form has no room for.
func refuseKV(h History) error {
	lost := make(map[int]bool) // processes with an operation that never returned
	for i := range h.Pairs {
		p := &h.Pairs[i]
		switch {
		case lost[p.Process]:
			return p.cannot(FormatPorcupine, FormatEDN, "its process %d goes on after an info, which never returns "+
				"there", p.Process)
		case p.F != "read" && p.F != "write" && p.F != "append":
			return p.cannot(FormatPorcupine, FormatEDN, "it knows read, write and append only")
		case p.Outcome == Fail:
			return p.cannot(FormatPorcupine, FormatEDN, "it failed, and there an operation is ok or never returns")
		}
		output := p.Output
		if p.Outcome != OK {
			lost[p.Process], output = true, nil // an info is written as if it had never returned
		}
		for _, v := range []any{p.Input, output} {
			if _, ok := v.(string); !ok && v != nil {
				return p.cannot(FormatPorcupine, FormatEDN, "its value %s is no text",
					excerpt(appendValue(nil, v, 0)))
			}
		}
	}
	return refuseForeign(FormatPorcupine)(h)
}

// kvLine returns what writes one operation in porcupine's form.
func kvLine(History) func([]byte, event) []byte {
	return func(dst []byte, e event) []byte {
		if e.end && e.Outcome != OK {
			return dst // it never returned
		}
		dst = append(dst, "{:process "...)
		dst = appendEDN(dst, int64(e.Process), "")
		dst = append(dst, ", :type :"...)
		dst = append(dst, e.kind().String()...)
		for _, k := range kvFunctions {
			if k.ours == e.F {
				dst = append(append(dst, ", :f :"...), k.theirs...)
			}
		}
		dst = appendEDNString(append(dst, ", :key "...), e.Key)
		dst = append(dst, ", :value "...)
		return append(appendEDN(dst, e.value(), e.F), "}\n"...)
	}
}
