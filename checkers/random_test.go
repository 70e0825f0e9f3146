package checkers

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/capsize-dev/capsize/harness/history"
)

// dice says what random histories look like.
type dice struct {
	model     string
	ops       int
	processes int
	pending   int // per cent of operations that never return
	fails     int // per cent that fail
	values    int // how many values are used again and again; 0 means that each is new
	lies      int // per cent of reads that return something else
	spurious  int // per cent of compare-and-sets that fail without a reason
	key       string
}

// roll makes a history by running clients against an object that is right, and then lying about some reads.
func (d dice) roll(rng *rand.Rand) []history.Pair {
	type client struct {
		at      int // its open operation, -1 where none
		effect  bool
		process int
	}
	var pairs []history.Pair
	var state, ever []int64
	clients := make([]client, d.processes)
	for i := range clients {
		clients[i] = client{at: -1, process: i}
	}
	line, fresh := 0, int64(0)
	states := [][]int64{nil}
	mine := map[int]bool{} // the processes that have the lock
	for done := 0; done < d.ops; {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case c.at < 0:
			if len(pairs) == d.ops {
				done = d.ops // the rest stays open
				break
			}
			fresh++
			p := d.call(rng, fresh, ever)
			if d.isLock() && mine[c.process] {
				p.F = "release"
			}
			p.Index, p.End, p.Process, p.Call, p.Due = line, -1, c.process, at1(line), at1(line)
			c.at, c.effect = len(pairs), false
			pairs = append(pairs, p)
			line++
		case !c.effect && pairs[c.at].F == "acquire" && len(state) > 0 && state[0] > 0 && rng.IntN(4) > 0: // it waits
		case !c.effect && (rng.IntN(2) == 0 || pairs[c.at].F == "read"):
			c.effect = true
			p := &pairs[c.at]
			p.Output, p.Outcome = d.answers(rng, p, state), history.OK
			next, fits := bruteStep(d.model, *p, state)
			spurious := p.F == "cas" && rng.IntN(100) < d.spurious
			switch p.Outcome = history.Info; {
			case p.F == "read":
			case rng.IntN(100) < d.fails || !fits || spurious:
				p.Outcome = history.Fail
				p.Unmet = spurious || p.F == "cas" && !fits && rng.IntN(8) > 0
			default:
				state, p.Outcome = next, history.OK
				states = append(states, slices.Clone(state))
				ever = append(ever, state[:min(1, len(state))]...)
			}
			if p.F == "read" {
				p.Outcome = history.OK
			}
		default:
			p := &pairs[c.at]
			if c.effect && p.Outcome == history.Fail || c.effect && rng.IntN(100) >= d.pending {
				p.End, p.Return = line, at1(line)
				line++
				mine[p.Process] = p.F == "acquire" && p.Outcome == history.OK && p.Output != false
			} else {
				p.Outcome, p.Output = history.Info, nil
				c.process += d.processes
			}
			c.at = -1
			done++
		}
	}
	for _, c := range clients {
		if c.at >= 0 {
			pairs[c.at].Outcome, pairs[c.at].Output = history.Info, nil
		}
	}
	for i := range pairs {
		pairs[i].Unmet = pairs[i].Unmet && pairs[i].Outcome == history.Fail
	}
	d.spoil(rng, pairs, states)
	return pairs
}

// spoil lies about some answers.
func (d dice) spoil(rng *rand.Rand, pairs []history.Pair, states [][]int64) {
	for i := range pairs {
		if p := &pairs[i]; d.tells(p.F) && p.Outcome == history.OK && rng.IntN(100) < d.lies {
			p.Output = d.lie(rng, states)
		}
	}
}

// unanswered makes compare-and-sets that failed say nothing.
func unanswered(pairs []history.Pair) []history.Pair {
	for i := range pairs {
		pairs[i].Unmet = false
	}
	return pairs
}

func at1(line int) time.Duration { return time.Duration(line) * time.Millisecond }

func (d dice) call(rng *rand.Rand, fresh int64, ever []int64) history.Pair {
	v := fresh
	if d.values > 0 {
		v = rng.Int64N(int64(d.values)) + 1
	}
	p := history.Pair{Key: d.key, F: "read", Outcome: history.Info}
	dare := rng.IntN(100)
	switch {
	case d.isLock():
		p.F = "acquire"
	case d.model == "member-set":
		p.F, p.Input = []string{"add", "remove", "contains", "contains"}[rng.IntN(4)], rng.Int64N(2)+1
	case d.isQueue():
		if p.F = "dequeue"; dare < 50 {
			p.F, p.Input = "enqueue", v
		}
	case dare < 50:
	case d.model == "counter" && d.values == 0:
		p.F, p.Input = "add", int64(1)
	case d.model == "counter":
		p.F, p.Input = "add", []int64{1, 2, -1}[rng.IntN(3)]
	case d.model == "append":
		p.F, p.Input = "append", v
	case d.model == "set":
		p.F, p.Input = "add", v
	case (d.model == "cas-register" || d.model == "versioned-register") && dare < 75 && len(ever) > 0:
		p.F, p.Input = "cas", []int64{ever[max(0, len(ever)-1-rng.IntN(2))], v}
	default:
		p.F, p.Input = "write", v
	}
	return p
}

func (d dice) isQueue() bool { return d.model == "queue" || d.model == "unordered-queue" }

func (d dice) isLock() bool { return d.model == "lock" || d.model == "fenced-lock" }

// tells reports whether a function returns something that can be a lie.
func (d dice) tells(f string) bool {
	return f == "read" || f == "dequeue" || f == "acquire" || f == "contains"
}

// answers is what an operation returns in a state.
func (d dice) answers(rng *rand.Rand, p *history.Pair, state []int64) any {
	switch p.F {
	case "read":
		return d.answer(state)
	case "dequeue":
		switch {
		case len(state) == 0:
			return nil
		case d.model == "queue":
			return state[0]
		}
		return state[rng.IntN(len(state))]
	case "contains":
		return slices.Contains(state, p.Input.(int64))
	case "write", "cas":
		if d.model == "versioned-register" {
			return revisionIn(state) + 1
		}
	case "add", "remove":
		if d.model == "member-set" && rng.IntN(2) == 0 {
			return slices.Contains(state, p.Input.(int64)) == (p.F == "remove")
		}
	case "acquire":
		switch {
		case len(state) > 0 && state[0] > 0:
			return false
		case d.model == "lock":
			return nil
		case len(state) == 0:
			return int64(1)
		}
		return state[1] + 1 + rng.Int64N(2)
	}
	return nil
}

func (d dice) answer(state []int64) any {
	if d.model == "append" || d.model == "set" {
		return append([]int64{}, state...)
	}
	switch {
	case d.model == "counter" && len(state) == 0:
		return int64(0)
	case len(state) == 0:
		return nil
	case d.model == "versioned-register":
		return []int64{state[0], revisionIn(state)}
	}
	return state[0]
}

// lie returns a state of another time, sometimes a little changed.
func (d dice) lie(rng *rand.Rand, states [][]int64) any {
	if d.model == "member-set" {
		return rng.IntN(2) == 0
	}
	if d.isLock() {
		if d.model == "lock" {
			return []any{nil, nil, false}[rng.IntN(3)]
		}
		return []any{false, rng.Int64N(8) + 1, rng.Int64N(8) + 1}[rng.IntN(3)]
	}
	if d.isQueue() {
		return []any{nil, nil, int64(99), rng.Int64N(8) + 1, rng.Int64N(8) + 1, rng.Int64N(8) + 1}[rng.IntN(6)]
	}
	s := slices.Clone(states[rng.IntN(len(states))])
	if d.model == "counter" {
		return d.answer(s).(int64) + rng.Int64N(2)*rng.Int64N(3) - rng.Int64N(2)
	}
	if strings.HasSuffix(d.model, "register") {
		if len(s) > 0 && rng.IntN(8) == 0 {
			s[0] = 99
		}
		return d.answer(s)
	}
	if len(s) > 0 && rng.IntN(4) == 0 {
		switch i := rng.IntN(len(s)); rng.IntN(3) {
		case 0:
			s[i] = 99
		case 1:
			s = append(s, s[i])
		default:
			s = slices.Delete(s, i, i+1)
		}
	}
	return d.answer(s)
}
