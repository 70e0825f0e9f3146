package checkers

import (
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/internal/words"
	"github.com/capsize-dev/capsize/harness/history"
)

// deed says what an operation did, in the past: "process 4 on n3 read 9".
func deed(p history.Pair) string {
	return words.Who(p) + " " + verbed(p)
}

func verbed(p history.Pair) string {
	switch function(p.F) {
	case "read":
		return "read " + words.Spell(p.Output)
	case "write":
		return "wrote " + words.Spell(p.Input)
	case "cas":
		both, _ := values.Elements(p.Input)
		switch {
		case len(both) == 2 && p.Outcome == history.Fail:
			return fmt.Sprintf("was told that the value is not %s", words.Spell(both[0]))
		case len(both) == 2:
			return fmt.Sprintf("replaced %s by %s", words.Spell(both[0]), words.Spell(both[1]))
		}
	case "append":
		return "appended " + words.Spell(p.Input)
	case "add", "remove":
		did := map[string]string{"add": "added ", "remove": "removed "}[function(p.F)] + words.Spell(p.Input)
		if p.Output == false {
			return did + " in vain"
		}
		return did
	case "contains":
		if p.Output == true {
			return "was told that " + words.Spell(p.Input) + " is in the set"
		}
		return "was told that " + words.Spell(p.Input) + " is not in the set"
	case "enqueue":
		return "enqueued " + words.Spell(p.Input)
	case "dequeue":
		switch {
		case !p.Returned():
			return "called dequeue"
		case p.Output == nil:
			return "found the queue empty"
		}
		return "dequeued " + words.Spell(p.Output)
	case "acquire":
		switch {
		case !p.Returned():
			return "called acquire"
		case p.Output == false:
			return "was told that the lock is taken"
		case p.Output == nil || p.Output == true:
			return "got the lock"
		}
		return "got the lock with token " + words.Spell(p.Output)
	case "release":
		if !p.Returned() {
			return "called release"
		}
		return "gave the lock back"
	}
	return fmt.Sprintf("called %s %s", p.F, words.Spell(p.Input))
}

// thing names an operation as a thing: "process 2's write of 12".
func thing(p history.Pair) string {
	owner := fmt.Sprintf("process %d's ", p.Process)
	switch function(p.F) {
	case "acquire", "release":
		return owner + function(p.F)
	case "read", "dequeue":
		return owner + function(p.F) + " of " + words.Spell(p.Output)
	case "cas":
		if both, _ := values.Elements(p.Input); len(both) == 2 {
			return fmt.Sprintf("%scompare-and-set of %s to %s", owner, words.Spell(both[0]), words.Spell(both[1]))
		}
	}
	return fmt.Sprintf("%s%s of %s", owner, function(p.F), words.Spell(p.Input))
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
		parts = append(parts, fmt.Sprintf("%s (%s)", deed(p), words.Lasted(p)))
	}
	return strings.Join(parts, "; ")
}
