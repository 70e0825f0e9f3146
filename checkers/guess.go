package checkers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/capsize-dev/capsize/checkers/internal/values"
	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness/history"
)

// GuessModel returns the name of the model that fits the functions and values of a history, and a few words why. The
// error says what speaks against every model.
func GuessModel(h history.History) (name, why string, err error) {
	used := map[string]bool{}
	var answers answers
	for _, p := range h.Pairs {
		f := function(p.F)
		used[f] = true
		if p.Outcome == history.OK {
			answers.note(f, &p)
		}
	}
	if len(used) == 1 && used["txn"] {
		name, why := txn.Guess(h)
		return name, why, nil
	}
	if len(used) == 0 {
		return "", "", errors.New("the history is empty: name the model with --model")
	}
	var names []string
	for f := range used {
		names = append(names, f)
	}
	slices.Sort(names)
	return guess(names, used, answers)
}

// answers are what successful operations returned: reads lists or single values, acquires whole numbers, and who told a
// revision and who did not.
type answers struct{ lists, scalars, tokens, versions, plain int }

func (a *answers) note(f string, p *history.Pair) {
	_, revision := revisionOf(p)
	switch {
	case f == "acquire" && revision:
		a.tokens++
	case f == "read" && p.Output == nil:
	case f == "read":
		if _, isList := values.Elements(p.Output); isList {
			a.lists++
		} else {
			a.scalars++
		}
	}
	switch {
	case f == "read" && p.Output == nil:
	case f == "read" && revision:
		a.versions++
	case !revision:
		a.plain++
	}
}

func guess(names []string, used map[string]bool, told answers) (name, why string, err error) {
	only := func(allowed ...string) bool {
		return !slices.ContainsFunc(names, func(f string) bool { return !slices.Contains(allowed, f) })
	}
	calls := "it calls " + strings.Join(names, ", ")
	switch {
	case used["transfer"] && only("read", "transfer"):
		return "bank", calls, nil
	case used["txn"] && !only("txn"):
		return "", "", fmt.Errorf("the history calls txn and others (%s): no model has both", strings.Join(names, ", "))
	case (used["cas"] || used["write"]) && only("read", "write", "cas") && told.versions > 0 && told.plain == 0:
		return VersionedRegister().Name(), calls + ", and all answers carry a revision", nil
	case used["cas"] && only("read", "write", "cas"):
		return CASRegister().Name(), calls, nil
	case used["write"] && only("read", "write"):
		return Register().Name(), calls, nil
	case used["append"] && only("read", "append"):
		return Append().Name(), calls, nil
	case used["enqueue"] && only("enqueue", "dequeue"):
		return Queue().Name(), calls + " (--model unordered-queue where the order does not matter)", nil
	case used["acquire"] && only("acquire", "release") && told.tokens > 0:
		return FencedLock().Name(), calls + " and acquires return numbers", nil
	case used["acquire"] && only("acquire", "release"):
		return Lock().Name(), calls, nil
	case (used["contains"] || used["remove"]) && only("add", "remove", "contains"):
		return MemberSet().Name(), calls, nil
	case used["add"] && only("read", "add") && told.scalars == 0:
		return setInfo().Name, calls + " and reads return lists", nil
	case used["add"] && only("read", "add") && told.lists == 0:
		return Counter().Name(), calls + " and reads return single values", nil
	case used["add"] && only("read", "add"):
		return "", "", errors.New("some reads return lists, as of a set, and some single values, as of a counter: " +
			"name the model with --model set or --model counter")
	case only("read") && told.lists > 0:
		return "", "", errors.New("the history has only reads of lists: name the model with --model append or --model set")
	case only("read"):
		return Register().Name(), calls + " of single values", nil
	}
	var known []string
	for _, m := range Models() {
		known = append(known, fmt.Sprintf("%s (%s)", m.Name, strings.Join(m.Functions, ", ")))
	}
	return "", "", fmt.Errorf("the history calls %s, which fits no model: there are %s",
		strings.Join(names, ", "), strings.Join(known, ", "))
}
