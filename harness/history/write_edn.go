package history

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// ednForm is how the values of a history are written in EDN.
type ednForm struct {
	marked bool // an operation without a key says so
	bank   bool
}

// newEDNForm looks at all of the history.
func newEDNForm(h History) ednForm { return ednForm{marked: seemsKeyed(h), bank: isBank(h)} }

// ednLine returns what writes one operation as Jepsen does.
func ednLine(h History) func([]byte, event) []byte {
	form := newEDNForm(h)
	return func(dst []byte, e event) []byte {
		dst = appendPlace(append(dst, '{'), e.place(), e.at())
		dst = append(dst, ", :type :"...)
		dst = append(dst, e.kind().String()...)
		dst = append(dst, ", :process "...)
		dst = strconv.AppendInt(dst, int64(e.Process), 10)
		dst = append(dst, ", :f "...)
		dst = appendKeyword(dst, e.F)
		dst = append(dst, ", :value "...)
		return append(form.appendRest(form.appendValue(dst, e), e), "}\n"...)
	}
}

// appendPlace appends the two fields that an operation begins with.
func appendPlace(dst []byte, index int, at time.Duration) []byte {
	dst = strconv.AppendInt(append(dst, ":index "...), int64(index), 10)
	return strconv.AppendInt(append(dst, ", :time "...), int64(at), 10)
}

// appendValue appends the value, with the key where there is one.
func (form ednForm) appendValue(dst []byte, e event) []byte {
	if e.Key != "" {
		dst = append(appendEDNKey(append(dst, '['), e.Key), ' ')
	}
	if form.bank {
		dst = appendBank(dst, e)
	} else {
		dst = appendEDN(dst, e.value(), e.F)
	}
	if e.Key != "" {
		dst = append(dst, ']')
	}
	return dst
}

// appendRest appends the fields behind the value.
func (form ednForm) appendRest(dst []byte, e event) []byte {
	if e.Key != "" {
		dst = appendEDNString(append(dst, ", :"+ednOurs+"key "...), e.Key)
	} else if form.marked {
		dst = append(dst, ", :"+ednOurs+"key nil"...)
	}
	return appendEDNRest(dst, e.op())
}

// appendEDNRest appends the fields that most operations are without.
func appendEDNRest(dst []byte, op Op) []byte {
	if op.Node != "" {
		dst = appendEDNString(append(dst, ", :node "...), op.Node)
	}
	if op.Error != "" {
		dst = appendEDNString(append(dst, ", :error "...), op.Error)
	}
	if op.Final {
		dst = append(dst, ", :final? true"...)
	}
	if op.Revision != 0 {
		dst = strconv.AppendInt(append(dst, ", :"+ednOurs+"rev "...), op.Revision, 10)
	}
	if op.Due != 0 {
		dst = strconv.AppendInt(append(dst, ", :"+ednOurs+"due "...), int64(op.Due), 10)
	}
	if op.Hung {
		dst = append(dst, ", :"+ednOurs+"hung true"...)
	}
	if op.Unmet {
		dst = append(dst, ", :"+ednOurs+"unmet true"...)
	}
	return dst
}

// refuseForeign refuses what the readers of Jepsen's forms would number anew.
func refuseForeign(format string) func(h History) error {
	return func(h History) error {
		named := make(map[int]bool)
		most := math.MaxInt - 4*len(h.Strikes) // each is at most four operations of the nemesis
		for i := range h.Pairs {
			p := &h.Pairs[i]
			if p.Process >= firstNamed && !named[p.Process] {
				if p.Process != firstNamed+len(named) {
					return p.cannot(format, FormatJSONL, "process %d is beyond %d, where processes with names are "+
						"counted", p.Process, firstNamed-1)
				}
				named[p.Process] = true
			}
			if p.Index >= most || p.End >= most {
				return p.cannot(format, FormatJSONL, "the index %d has no successor", max(p.Index, p.End))
			}
		}
		return nil
	}
}

// cannot is an error about the operation.
func (p *Pair) cannot(format, instead, text string, args ...any) error {
	return &CannotHold{Format: format, Instead: instead, Index: p.Index, F: p.F, Text: fmt.Sprintf(text, args...)}
}

// seemsKeyed reports whether the values of a history without keys look as if they were [key value].
func seemsKeyed(h History) bool {
	var g keyGuess
	for i := range h.Pairs {
		if h.Pairs[i].Key != "" {
			return false
		}
		g.add(h.Pairs[i].F, h.Pairs[i].Input, false)
	}
	return g.independent()
}

// appendEDN appends a value. The functions of micro-operations are keywords in a transaction.
func appendEDN(dst []byte, v any, f string) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "nil"...)
	case float64:
		return appendEDNFloat(dst, v)
	case string:
		return appendEDNString(dst, v)
	case []int64:
		dst = append(dst, '[')
		for i, n := range v {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = strconv.AppendInt(dst, n, 10)
		}
		return append(dst, ']')
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ' ')
			}
			if word, ok := e.(string); ok && i == 0 && f == "" && isMicroOp(word) {
				dst = append(append(dst, ':'), word...)
				continue
			}
			dst = appendEDN(dst, e, inner(f))
		}
		return append(dst, ']')
	}
	return appendValue(dst, v, 0) // booleans, and what is not in normal form
}

// inner is what a list in a value is told of the function: "" marks the micro-operations of a transaction.
func inner(f string) string {
	if f == "txn" {
		return ""
	}
	return "value"
}

func isMicroOp(word string) bool { return word == "append" || word == "r" || word == "w" }

func appendEDNFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "##NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "##Inf"...)
	case math.IsInf(f, -1):
		return append(dst, "##-Inf"...)
	}
	return appendFloat(dst, f)
}

// appendKeyword appends a name as a keyword where it can be one, and as a string elsewhere.
func appendKeyword(dst []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '_' || c == '?' || c == '!' || c == '.')) {
			return appendEDNString(dst, name)
		}
	}
	if name == "" {
		return append(dst, `""`...)
	}
	return append(append(dst, ':'), name...)
}

// appendEDNKey appends a key as the number it is, or else as a string.
func appendEDNKey(dst []byte, key string) []byte {
	if _, ok := canonical(key); ok {
		return append(dst, key...)
	}
	return appendEDNString(dst, key)
}

// appendEDNString appends a string. Bytes that are not UTF-8 stay as they are: EDN has no other form for them.
func appendEDNString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // where the text not yet written begins
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, c)
			plain = i + 1
		}
	}
	return append(append(dst, s[plain:]...), '"')
}
