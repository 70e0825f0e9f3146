package report

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/capsize-dev/capsize/harness"
)

// Outcome is how a run ended, in the forms people and machines read it: never by colour alone.
type Outcome struct {
	Glyph   string // ✓ ✗ ? !
	Word    string // VALID, VIOLATION, UNKNOWN, ERROR
	Class   string // the word in lower case, for style sheets
	Exit    int    // the exit code of the command
	Meaning string // of the exit code, in a few words
}

// OutcomeOf reads the outcome off the results. A violation outranks everything, then an error of the environment, then
// an interrupt, then unknown.
func OutcomeOf(r harness.Results) Outcome {
	o := Outcome{Glyph: "?", Word: "UNKNOWN", Class: "unknown", Exit: 3, Meaning: "nothing was proved, either way"}
	switch r.Verdict {
	case harness.Invalid:
		return Outcome{Glyph: "✗", Word: "VIOLATION", Class: "violation", Exit: 1, Meaning: "a violation was found"}
	case harness.Valid:
		o = Outcome{Glyph: "✓", Word: "VALID", Class: "valid", Meaning: "every check was valid"}
		if len(r.Anomalies) > 0 {
			o.Meaning = "nothing that the target claims was broken"
		}
	}
	switch {
	case r.Error != "":
		return Outcome{Glyph: "!", Word: "ERROR", Class: "error", Exit: 4,
			Meaning: "the environment failed, not the target"}
	case r.Interrupted:
		o.Exit, o.Meaning = 130, "interrupted; what was recorded was checked"
	}
	return o
}

// count writes a number with thousands separators.
func count(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// counted writes a number with its noun, in the plural where it is one.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// span writes a length of time given in milliseconds with two significant digits where it is short.
func span(ms float64) string {
	switch {
	case ms == 0:
		return "0 ms"
	case ms < 0.01:
		return fmt.Sprintf("%.1f µs", ms*1000)
	case ms < 1:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms < 100_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.0f s", ms/1000)
}

// spanOr writes a length of time that may not exist.
func spanOr(ms *float64, otherwise string) string {
	if ms == nil {
		return otherwise
	}
	return span(*ms)
}

// moment writes a point in time as seconds since the start, with the given number of decimals.
func moment(ms float64, decimals int) string {
	return strconv.FormatFloat(ms/1000, 'f', decimals, 64) + " s"
}

// decimalsFor says how many decimals of a second keep the moments of a span (in milliseconds) apart.
func decimalsFor(span float64) int {
	switch {
	case span < 2:
		return 6
	case span < 50:
		return 4
	case span < 20_000:
		return 3
	}
	return 2
}

// percent writes a share. It says 0% and 100% only where that is exact.
func percent(share float64) string {
	p := share * 100
	switch {
	case p <= 0:
		return "0%"
	case p >= 100:
		return "100%"
	case p < 0.1:
		return "<0.1%"
	case p < 10:
		return fmt.Sprintf("%.1f%%", p)
	}
	return strconv.FormatFloat(math.Floor(p*10)/10, 'f', 1, 64) + "%"
}

// milliseconds is a duration in the unit of the results.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
