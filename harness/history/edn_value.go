package history

import (
	"fmt"
	"slices"
	"strings"
)

// tally counts what a reader guessed or gave up, to say it once for all lines.
type tally struct {
	in    *interner
	order []string
	count map[string]int
	first map[string]int
}

// mapsAsLists is the kind for the maps of values.
const mapsAsLists = "%d maps were read as lists of [key value], sorted"

// add counts one more of a kind.
func (t *tally) add(line int, kind string) {
	if t.count == nil {
		t.count, t.first = make(map[string]int), make(map[string]int)
	}
	if t.count[kind]++; t.count[kind] == 1 {
		t.order, t.first[kind] = append(t.order, kind), line
	}
}

// notes says it: a kind is a sentence in which %d is the count.
func (t *tally) notes(b *Builder) {
	for _, kind := range t.order {
		b.Note(kind+" (first in line %d)", t.count[kind], t.first[kind])
	}
}

// normal brings what the EDN reader read into the normal form of [Op.Value], and counts what that loses.
func (t *tally) normal(v any, depth, line int) (any, bool) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, true
	case ednKeyword:
		return string(v), true
	case ednSymbol:
		return string(v), true
	case ednLossy:
		to := "strings"
		if _, ok := v.value.(float64); ok {
			to = "floats"
		}
		t.add(line, "%d "+v.what+" read as "+to)
		return v.value, true
	}
	if depth == MaxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case ednList:
		return t.normalList(v, depth+1, line)
	case ednSet:
		list, ok := t.normalList(v, depth+1, line)
		return sorted(list), ok
	case ednMap:
		t.add(line, mapsAsLists)
		entries := make(ednSet, 0, len(v)/2)
		for i := 0; i+1 < len(v); i += 2 {
			entries = append(entries, ednList{v[i], v[i+1]})
		}
		return t.normal(entries, depth, line)
	case ednTagged:
		if !isTuple(v) {
			t.add(line, "%d tags like #"+strings.ReplaceAll(shorten(v.tag, 40), "%", "%%")+" were dropped")
		}
		return t.normal(untag(v), depth+1, line)
	}
	return nil, false
}

func (t *tally) normalList(list []any, depth, line int) (any, bool) {
	ints := 0
	for _, e := range list {
		if _, ok := e.(int64); ok {
			ints++
		}
	}
	if ints == len(list) {
		out := t.in.room(ints)
		for i, e := range list {
			out[i], _ = e.(int64)
		}
		return out, true
	}
	out := make([]any, len(list))
	for i, e := range list {
		n, ok := t.normal(e, depth, line)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// sorted puts a list that has no order of its own into one.
func sorted(list any) any {
	switch list := list.(type) {
	case []int64:
		slices.Sort(list)
	case []any:
		slices.SortStableFunc(list, compareValues)
	}
	return list
}

// isTuple reports whether a tag marks a [key value] of jepsen.independent.
func isTuple(v ednTagged) bool {
	return strings.HasPrefix(v.tag, "jepsen.independent") || strings.HasSuffix(v.tag, "MapEntry")
}

// untag returns what a tag is about. A tuple may be printed as a vector, or as a record of :key and :value.
func untag(v ednTagged) any {
	if m, ok := v.value.(ednMap); ok && isTuple(v) {
		key, _ := m.get("key")
		value, _ := m.get("value")
		return ednList{key, value}
	}
	return v.value
}

// splitKey takes [key value] apart.
func splitKey(v any) (key string, rest any, ok bool) {
	switch v := v.(type) {
	case []int64:
		if len(v) == 2 {
			return textOf(v[0]), v[1], true
		}
	case []any:
		if len(v) != 2 {
			return "", nil, false
		}
		switch v[0].(type) {
		case nil, []any, []int64:
			return "", nil, false
		}
		return textOf(v[0]), v[1], true
	}
	return "", nil, false
}

// textOf writes a value where a name is wanted: a string as it is, everything else as JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return string(appendValue(nil, v, 0))
}

// shorten cuts a text that is too long to be shown, and has it show bytes that are none.
func shorten(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	return strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… (%d bytes)", len(text))
}
