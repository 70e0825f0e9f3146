// Package words says what operations did, and when, in the sentences of the checkers.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/harness/history"
)

// At spells a time of the run.
func At(t time.Duration) string { return fmt.Sprintf("%.3f s", t.Seconds()) }

// Span spells a length of time as precisely as it is worth.
func Span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// After says how long after something returned something else was called.
func After(first, then history.Pair) string {
	if d := then.Call - first.Return; d > 0 {
		return Span(d) + " after"
	}
	return "right after"
}

// Spell writes a value as it stands in a history, a long list by its beginning.
func Spell(v any) string {
	const enough = 12
	if s, isText := v.(string); isText {
		return fmt.Sprintf("%.60q", s)
	}
	if v == nil {
		return "nothing"
	}
	if n, isWhole := v.(int64); isWhole {
		return strconv.FormatInt(n, 10)
	}
	all, isList := values.Elements(v)
	if !isList {
		return fmt.Sprint(v)
	}
	var parts []string
	for i, e := range all {
		if i == enough {
			parts = append(parts, fmt.Sprintf("… %d more", len(all)-enough))
			break
		}
		parts = append(parts, Spell(e))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// Who names the process and the node.
func Who(p history.Pair) string {
	if p.Node == "" {
		return fmt.Sprintf("process %d", p.Process)
	}
	return fmt.Sprintf("process %d on %s", p.Process, p.Node)
}

// Lasted says when an operation was under way.
func Lasted(p history.Pair) string {
	if !p.Returned() {
		return fmt.Sprintf("called at %s, never returned", At(p.Call))
	}
	return fmt.Sprintf("%s to %s", At(p.Call), At(p.Return))
}

// Count spells a number with its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Upper begins a sentence.
func Upper(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
