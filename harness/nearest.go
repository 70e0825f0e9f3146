package harness

import "strings"

// Nearest returns the candidate that the word was probably meant to be: the one the fewest typing errors away, the
// first of several. It returns "" where none is near: each error may be an insertion, a deletion, a replacement or a
// swap of two neighbours (Damerau's distance), and a third of the word's letters may be wrong. Capitals are no errors,
// and a word of three letters or more that a candidate begins with counts as one error.
func Nearest(word string, among []string) string {
	word = strings.ToLower(word)
	best, least := "", len([]rune(word))/3+1
	for _, candidate := range among {
		d := typingErrors([]rune(word), []rune(strings.ToLower(candidate)))
		if len(word) >= 3 && strings.HasPrefix(strings.ToLower(candidate), word) {
			d = min(d, 1)
		}
		if d <= least && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best
}

func typingErrors(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
