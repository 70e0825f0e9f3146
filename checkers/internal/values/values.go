// Package values compares the values of histories, which are in the normal form of history.Op.
package values

import (
	"math"
	"strconv"
)

// Elements returns a list's elements, or false where the value is not a list. The absent list is empty.
func Elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case []any:
		return v, true
	case []int64:
		list := make([]any, len(v))
		for i, n := range v {
			list[i] = n
		}
		return list, true
	}
	return nil, false
}

// Identity returns a comparable stand-in for a value in the normal form of history.Op.
func Identity(v any) any {
	switch v := v.(type) {
	case float64:
		if v == 0 {
			v = 0 // not -0
		}
		return math.Float64bits(v)
	case []int64, []any:
		return encoded(encode(nil, v))
	}
	return v
}

// encoded is its own type so that a list is never taken for the string that spells it.
type encoded string

func encode(to []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(to, 'n')
	case bool:
		return strconv.AppendBool(to, v)
	case int64:
		return append(strconv.AppendInt(append(to, 'i'), v, 10), ';')
	case float64:
		return append(strconv.AppendUint(append(to, 'f'), math.Float64bits(v), 16), ';')
	case string:
		return strconv.AppendQuote(to, v)
	case []int64:
		to = append(to, '[')
		for _, e := range v {
			to = encode(to, e)
		}
		return append(to, ']')
	case []any:
		to = append(to, '[')
		for _, e := range v {
			to = encode(to, e)
		}
		return append(to, ']')
	}
	return to
}
