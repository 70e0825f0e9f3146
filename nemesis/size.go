package nemesis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

// units are the words for numbers of bytes, the longest first where one ends another.
var units = []struct {
	name  string
	bytes float64
}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}}

// parseSize reads a number of bytes: 64MB, 1.5kB, 512B. It reports whether that is one.
func parseSize(text string) (bytes int64, ok bool) {
	for _, u := range units {
		number, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0) || n*u.bytes > math.MaxInt64/2 {
			return 0, false
		}
		return int64(math.Round(n * u.bytes)), true
	}
	return 0, false
}

// exactSize writes a number of bytes so that [parseSize] reads it back.
func exactSize(bytes int64) string {
	for _, u := range units[:3] {
		if whole := int64(u.bytes); bytes >= whole && bytes%whole == 0 {
			return strconv.FormatInt(bytes/whole, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}
