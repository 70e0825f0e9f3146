package txn

import (
	"slices"
	"strings"
)

func sorted(of []int32) []int32 {
	of = slices.Clone(of)
	slices.Sort(of)
	return of
}

func unique(of []int32) []int32 { return slices.Compact(of) }

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
