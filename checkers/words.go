package checkers

import (
	"fmt"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// at spells a time of the run.
func at(t time.Duration) string { return fmt.Sprintf("%.3f s", t.Seconds()) }

// span spells a length of time as precisely as it is worth.
func span(d time.Duration) string {
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

// after says how long after something returned something else was called.
func after(first, then history.Pair) string {
	if d := then.Call - first.Return; d > 0 {
		return span(d) + " after"
	}
	return "right after"
}

// spell writes a value as it stands in a history, a long list by its beginning.
func spell(v any) string {
	const enough = 12
	all, isList := elements(v)
	if s, isText := v.(string); isText {
		return fmt.Sprintf("%.60q", s)
	}
	if v == nil || !isList {
		if v == nil {
			return "nothing"
		}
		return fmt.Sprint(v)
	}
	var parts []string
	for i, e := range all {
		if i == enough {
			parts = append(parts, fmt.Sprintf("… %d more", len(all)-enough))
			break
		}
		parts = append(parts, spell(e))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// who names the process and the node.
func who(p history.Pair) string {
	if p.Node == "" {
		return fmt.Sprintf("process %d", p.Process)
	}
	return fmt.Sprintf("process %d on %s", p.Process, p.Node)
}

// deed says what an operation did, in the past: "process 4 on n3 read 9".
func deed(p history.Pair) string {
	return who(p) + " " + verbed(p)
}

func verbed(p history.Pair) string {
	switch function(p.F) {
	case "read":
		return "read " + spell(p.Output)
	case "write":
		return "wrote " + spell(p.Input)
	case "cas":
		if both, _ := elements(p.Input); len(both) == 2 {
			return fmt.Sprintf("replaced %s by %s", spell(both[0]), spell(both[1]))
		}
	case "append":
		return "appended " + spell(p.Input)
	case "add", "remove":
		did := map[string]string{"add": "added ", "remove": "removed "}[function(p.F)] + spell(p.Input)
		if p.Output == false {
			return did + " in vain"
		}
		return did
	case "contains":
		if p.Output == true {
			return "was told that " + spell(p.Input) + " is in the set"
		}
		return "was told that " + spell(p.Input) + " is not in the set"
	case "enqueue":
		return "enqueued " + spell(p.Input)
	case "dequeue":
		switch {
		case !p.Returned():
			return "called dequeue"
		case p.Output == nil:
			return "found the queue empty"
		}
		return "dequeued " + spell(p.Output)
	case "acquire":
		switch {
		case !p.Returned():
			return "called acquire"
		case p.Output == false:
			return "was told that the lock is taken"
		case p.Output == nil || p.Output == true:
			return "got the lock"
		}
		return "got the lock with token " + spell(p.Output)
	case "release":
		if !p.Returned() {
			return "called release"
		}
		return "gave the lock back"
	}
	return fmt.Sprintf("called %s %s", p.F, spell(p.Input))
}

// thing names an operation as a thing: "process 2's write of 12".
func thing(p history.Pair) string {
	owner := fmt.Sprintf("process %d's ", p.Process)
	switch function(p.F) {
	case "acquire", "release":
		return owner + function(p.F)
	case "read", "dequeue":
		return owner + function(p.F) + " of " + spell(p.Output)
	case "cas":
		if both, _ := elements(p.Input); len(both) == 2 {
			return fmt.Sprintf("%scompare-and-set of %s to %s", owner, spell(both[0]), spell(both[1]))
		}
	}
	return fmt.Sprintf("%s%s of %s", owner, function(p.F), spell(p.Input))
}

// lasted says when an operation was under way.
func lasted(p history.Pair) string {
	if !p.Returned() {
		return fmt.Sprintf("called at %s, never returned", at(p.Call))
	}
	return fmt.Sprintf("%s to %s", at(p.Call), at(p.Return))
}

// roll lists operations with their times, the first few of many.
func roll(pairs []history.Pair) string {
	const enough = 8
	var parts []string
	for i, p := range pairs {
		if i == enough {
			parts = append(parts, fmt.Sprintf("and %d more", len(pairs)-enough))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", deed(p), lasted(p)))
	}
	return strings.Join(parts, "; ")
}

// count spells a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
