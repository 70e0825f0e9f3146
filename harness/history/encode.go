package history

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep a value may be nested.
const MaxDepth = 64

// AppendJSON appends op as one line of history.jsonl, newline included, and returns the longer slice.
//
// Strings survive exactly: a byte that is not UTF-8 is written as the lone surrogate \udc80 to \udcff, as Python's
// surrogateescape does, and read back as that byte. Values that JSON has no form for are written as strings: NaN, the
// infinities, a value that is not in normal form, and what is nested deeper than [MaxDepth].
func AppendJSON(dst []byte, op Op) []byte {
	return appendTail(appendHead(dst, op.Index, int64(op.Time)), &op)
}

// appendHead appends the part of a line that a [Recorder] only knows under its lock.
func appendHead(dst []byte, index int, nanos int64) []byte {
	dst = append(dst, `{"i":`...)
	dst = strconv.AppendInt(dst, int64(index), 10)
	dst = append(dst, `,"t":`...)
	return strconv.AppendInt(dst, nanos, 10)
}

// appendTail appends the rest of a line, newline included.
func appendTail(dst []byte, op *Op) []byte {
	dst = append(dst, `,"p":`...)
	dst = strconv.AppendInt(dst, int64(op.Process), 10)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, op.Type.String()...)
	dst = append(dst, `","f":`...)
	dst = appendString(dst, op.F)
	dst = appendText(dst, `,"k":`, op.Key)
	if op.Value != nil {
		dst = append(dst, `,"v":`...)
		dst = appendValue(dst, op.Value, 0)
	}
	dst = appendText(dst, `,"node":`, op.Node)
	return appendRest(appendText(dst, `,"err":`, op.Error), op)
}

// appendRest appends the fields that most lines are without, and ends the line.
func appendRest(dst []byte, op *Op) []byte {
	if op.Revision != 0 {
		dst = append(dst, `,"rev":`...)
		dst = strconv.AppendInt(dst, op.Revision, 10)
	}
	if op.Due != 0 {
		dst = append(dst, `,"due":`...)
		dst = strconv.AppendInt(dst, int64(op.Due), 10)
	}
	if op.Final {
		dst = append(dst, `,"final":true`...)
	}
	if op.Hung {
		dst = append(dst, `,"hung":true`...)
	}
	if op.Unmet {
		dst = append(dst, `,"unmet":true`...)
	}
	return append(dst, '}', '\n')
}

func appendText(dst []byte, field, text string) []byte {
	if text == "" {
		return dst
	}
	return appendString(append(dst, field...), text)
}

func appendValue(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case float64:
		return appendFloat(dst, v)
	case string:
		return appendString(dst, v)
	case []int64:
		if depth < MaxDepth {
			return appendInts(dst, v)
		}
	case []any:
		if depth < MaxDepth {
			return appendList(dst, v, depth)
		}
	default:
		return appendOther(dst, v)
	}
	return append(dst, `"(nested too deep)"`...)
}

func appendInts(dst []byte, list []int64) []byte {
	dst = append(dst, '[')
	for i, n := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return append(dst, ']')
}

func appendList(dst []byte, list []any, depth int) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, e, depth+1)
	}
	return append(dst, ']')
}

// appendOther writes a value that is not in normal form. Losing the line would be worse.
func appendOther(dst []byte, v any) []byte {
	if n, err := Normalize(v); err == nil {
		return appendValue(dst, n, 0)
	}
	return appendString(dst, fmt.Sprint(v))
}

// appendFloat writes a float so that it cannot be read back as an integer.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	for _, c := range dst[from:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

const hex = "0123456789abcdef"

// appendString writes a JSON string. Control characters, DEL, quotes, backslashes and the two separators that
// JavaScript reads as line ends are escaped, and so is every byte that is not UTF-8.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // where the text not yet written begins
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, c)
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[plain:i]...)
			dst = append(dst, `\udc`...)
			dst = append(dst, hex[c>>4], hex[c&15])
			plain = i + 1
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, s[plain:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&15])
			plain = i + size
		}
		i += size
	}
	return append(append(dst, s[plain:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
