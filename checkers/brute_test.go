package checkers

import (
	"slices"

	"github.com/capsize-dev/capsize/harness/history"
)

// brute decides by trying every order, with rules of its own: it shares nothing with the checkers but the history. A
// pending operation may be left out.
func brute(model string, pairs []history.Pair) bool {
	var ops []history.Pair
	for _, p := range pairs {
		if returned(p) || p.Outcome == history.Info && p.F != "read" && p.F != "contains" {
			ops = append(ops, p)
		}
	}
	return bruteFrom(model, ops, 0, nil)
}

// returned reports whether an operation has an answer: also a compare-and-set that was told that it came too late.
func returned(p history.Pair) bool { return p.Outcome == history.OK || p.Unmet }

func bruteFrom(model string, ops []history.Pair, done uint, state []int64) bool {
	finished := true
	for i, p := range ops {
		if done&(1<<i) == 0 && returned(p) {
			finished = false
		}
	}
	if finished {
		return true
	}
	for i, p := range ops {
		if done&(1<<i) != 0 || tooEarly(ops, done, p) {
			continue
		}
		if next, fits := bruteStep(model, p, state); fits && bruteFrom(model, ops, done|1<<i, next) {
			return true
		}
	}
	return false
}

// tooEarly reports whether something not yet placed had returned before p was called.
func tooEarly(ops []history.Pair, done uint, p history.Pair) bool {
	for i, q := range ops {
		if done&(1<<i) == 0 && returned(q) && q.End < p.Index {
			return true
		}
	}
	return false
}

// revisionIn is how often a register was written.
func revisionIn(state []int64) int64 {
	if len(state) == 0 {
		return 0
	}
	return state[1]
}

// bruteStep keeps a register as nothing or as a list of its value and its revision, a list and a set as they are.
func bruteStep(model string, p history.Pair, state []int64) (next []int64, fits bool) {
	if model == "member-set" {
		e := p.Input.(int64)
		in := slices.Contains(state, e)
		next = slices.DeleteFunc(slices.Clone(state), func(x int64) bool { return x == e })
		if p.F == "add" {
			next = append(next, e)
			slices.Sort(next)
		}
		switch {
		case p.F == "contains":
			return state, p.Output == in
		case p.Outcome == history.Info || p.Output == nil:
			return next, true
		}
		return next, p.Output == (in == (p.F == "remove"))
	}
	if model == "counter" {
		count := int64(0)
		if len(state) > 0 {
			count = state[0]
		}
		if p.F == "add" {
			return []int64{count + p.Input.(int64)}, true
		}
		return state, p.Output == count
	}
	switch p.F {
	case "write":
		return []int64{p.Input.(int64), revisionIn(state) + 1}, true
	case "cas":
		both := p.Input.([]int64)
		if p.Unmet {
			return state, len(state) == 0 || state[0] != both[0]
		}
		return []int64{both[1], revisionIn(state) + 1}, len(state) > 0 && state[0] == both[0]
	case "append":
		return append(slices.Clone(state), p.Input.(int64)), true
	case "add":
		if e := p.Input.(int64); !slices.Contains(state, e) {
			next = append(slices.Clone(state), e)
			slices.Sort(next)
			return next, true
		}
		return state, true
	case "enqueue":
		return append(slices.Clone(state), p.Input.(int64)), true
	case "dequeue":
		return bruteDequeue(model, p, state)
	case "acquire", "release":
		return bruteLock(p, state)
	}
	switch out := p.Output.(type) {
	case nil:
		return state, len(state) == 0
	case int64:
		return state, len(state) > 0 && state[0] == out
	case []int64:
		if model == "versioned-register" { // what was told of the order is no promise
			return state, len(state) > 0 && state[0] == out[0]
		}
		if model == "set" {
			out = slices.Sorted(slices.Values(out))
		}
		return state, slices.Equal(state, out)
	}
	return state, false
}

// bruteDequeue keeps a queue in a list. A dequeue that never returned and may have taken any value takes one that is
// not known yet: taken. There must never be more of them than values.
func bruteDequeue(model string, p history.Pair, state []int64) (next []int64, fits bool) {
	const taken = -1
	unknown := 0
	for _, v := range state {
		if v == taken {
			unknown++
		}
	}
	switch {
	case p.Outcome == history.Info && len(state) == 2*unknown:
		return state, true
	case p.Outcome == history.Info && model == "queue":
		return state[1:], true
	case p.Outcome == history.Info:
		return append(slices.Clone(state), taken), true
	case p.Output == nil:
		return nil, len(state) == 2*unknown // from here on it is decided what they took
	}
	at := slices.Index(state, p.Output.(int64))
	if at < 0 || at > 0 && model == "queue" {
		return state, false
	}
	next = slices.Delete(slices.Clone(state), at, at+1)
	return next, len(next) >= 2*unknown
}

// bruteLock keeps who has a lock, and the last token.
func bruteLock(p history.Pair, state []int64) (next []int64, fits bool) {
	holder, token := int64(0), int64(0)
	if len(state) > 0 {
		holder, token = state[0], state[1]
	}
	switch me := int64(p.Process) + 1; {
	case p.F == "release":
		return []int64{0, token}, holder == me
	case p.Outcome == history.OK && p.Output == false:
		return state, holder > 0
	default:
		got, withToken := p.Output.(int64)
		if withToken {
			fits = got > token
			token = got
		}
		return []int64{me, token}, holder == 0 && (fits || !withToken)
	}
}
