package cli

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean returns " (did you mean x?)" for the name nearest to a word, or "" where none is near.
func didYouMean(word string, names []string) string {
	best, distance := "", max(2, len(word)/3)+1
	for _, name := range names {
		d := editDistance(strings.ToLower(word), strings.ToLower(name))
		if strings.HasPrefix(name, word) && word != "" {
			d = 1
		}
		if d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// editDistance is Levenshtein's: how many characters must be inserted, deleted or changed.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			change := previous[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, previous[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
