package history

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// A bank moves money between accounts. Jepsen writes a transfer as {:from 0 :to 1 :amount 5} and what a read returned
// as {0 10, 1 20}; here they are [from to amount] and [[account balance] ...], sorted by account.

// transferOf returns a transfer's list where v is the map of one.
func transferOf(v ednMap) (ednList, bool) {
	from, ok1 := v.get("from")
	to, ok2 := v.get("to")
	amount, ok3 := v.get("amount")
	return ednList{from, to, amount}, ok1 && ok2 && ok3 && len(v) == 6
}

// balancesOf returns the entries of a read's map. An account that is a number in the name of a field is a number.
func balancesOf(v ednMap) ednSet {
	entries := make(ednSet, 0, len(v)/2)
	for i := 0; i+1 < len(v); i += 2 {
		account := v[i]
		if name, ok := account.(ednKeyword); ok {
			if n, ok := canonical(string(name)); ok {
				account = n
			}
		}
		entries = append(entries, ednList{account, v[i+1]})
	}
	return entries
}

// canonical reads a number that is written as numbers are printed.
func canonical(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}

// bank counts what looks like one in what is read: maps that reads returned are balances only where there are
// transfers.
type bank struct {
	transfers int
	reads     tally
}

// lists brings the maps of a bank into lists, also where they come with a key. Everything else stays as it is.
func (k *bank) lists(f string, v any, line int) any {
	if tuple, ok := v.(ednList); ok && len(tuple) == 2 {
		if _, ok := tuple[1].(ednMap); ok {
			return ednList{tuple[0], k.lists(f, tuple[1], line)}
		}
	}
	m, ok := v.(ednMap)
	if !ok {
		return v
	}
	switch f {
	case "transfer":
		if list, ok := transferOf(m); ok {
			k.transfers++
			return list
		}
	case "read":
		k.reads.add(line, mapsAsLists)
		return balancesOf(m)
	}
	return v
}

// isBank reports whether a history is of a bank: only there is a list of pairs a map of balances.
func isBank(h History) bool {
	return slices.ContainsFunc(h.Pairs, func(p Pair) bool { return p.F == "transfer" && listLen(p.Input) == 3 })
}

// appendBank appends the value of a bank's operation as Jepsen writes it.
func appendBank(dst []byte, e event) []byte {
	v := e.value()
	switch {
	case e.F == "transfer" && listLen(v) == 3:
		for i, name := range [...]string{"{:from ", ", :to ", ", :amount "} {
			dst = appendEDN(append(dst, name...), listAt(v, i), e.F)
		}
		return append(dst, '}')
	case e.F == "read" && isBalances(v):
		dst = append(dst, '{')
		for i := range listLen(v) {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			entry := listAt(v, i)
			dst = append(appendEDN(dst, listAt(entry, 0), e.F), ' ')
			dst = appendEDN(dst, listAt(entry, 1), e.F)
		}
		return append(dst, '}')
	}
	return appendEDN(dst, v, e.F)
}

// isBalances reports whether a list is what reading a map would give: pairs, sorted, each account once.
func isBalances(v any) bool {
	n := listLen(v)
	for i := range n {
		entry := listAt(v, i)
		if listLen(entry) != 2 || listLen(listAt(entry, 0)) >= 0 {
			return false
		}
		if i > 0 && compareValues(listAt(listAt(v, i-1), 0), listAt(entry, 0)) >= 0 {
			return false
		}
	}
	return n > 0
}

// listLen is how long a list is, and -1 for what is none.
func listLen(v any) int {
	switch v := v.(type) {
	case []int64:
		return len(v)
	case []any:
		return len(v)
	}
	return -1
}

func listAt(v any, i int) any {
	if list, ok := v.([]int64); ok {
		return list[i]
	}
	return v.([]any)[i]
}

// compareValues orders values: numbers by size, then the rest as JSON writes it, but lists element by element.
func compareValues(a, b any) int {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	x, isNumber := number(a)
	y, isToo := number(b)
	switch n, m := listLen(a), listLen(b); {
	case isNumber && isToo:
		return cmp.Compare(x, y)
	case isNumber:
		return -1
	case isToo:
		return 1
	case n >= 0 && m >= 0:
		for i := range min(n, m) {
			if c := compareValues(listAt(a, i), listAt(b, i)); c != 0 {
				return c
			}
		}
		return cmp.Compare(n, m)
	}
	return bytes.Compare(appendValue(nil, a, 0), appendValue(nil, b, 0))
}

// number returns a number's size.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
