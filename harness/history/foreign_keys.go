package history

import "strings"

// split takes the keys from the values of a history that was read already.
func (h *foreign) split() {
	odd, keys := 0, make(map[string]bool)
	for i := range h.b.history.Pairs {
		p := &h.b.history.Pairs[i]
		key, rest, _ := splitKey(p.Input)
		p.Key, p.Input = h.in.text([]byte(key)), rest
		keys[p.Key] = true
		if p.Output == nil {
			continue
		}
		if key, rest, ok := splitKey(p.Output); ok && key == p.Key {
			p.Output = rest
		} else {
			odd++
		}
	}
	h.b.Note("guessed that the values are [key value] of %d independent keys (%s)", len(keys), h.guess.why())
	if odd > 0 {
		h.b.Note("%d completions have a value that is not [key value], and keep it", odd)
	}
}

// keyGuess decides whether the values of a history are [key value], as jepsen.independent writes them. It says yes only
// where nothing else makes sense: every invocation has such a value, and there is a read of [key nil] or a cas of
// [key [old new]], or all of them are marked as tuples.
type keyGuess struct {
	all, pairs, tuples int
	reads, swaps       int
	against            bool
}

func (g *keyGuess) add(f string, value any, tuple bool) {
	g.all++
	if tuple {
		g.tuples++
	}
	_, rest, ok := splitKey(value)
	if !ok {
		return
	}
	g.pairs++
	two := false
	switch list := rest.(type) {
	case []int64:
		two = len(list) == 2
	case []any:
		two = len(list) == 2
	}
	switch {
	case f == "cas" && two:
		g.swaps++
	case f == "cas":
		g.against = true
	case rest == nil && strings.HasPrefix(f, "r"):
		g.reads++
	}
}

func (g *keyGuess) independent() bool {
	return g.all > 0 && g.pairs == g.all && !g.against && (g.tuples == g.all || g.reads+g.swaps > 0)
}

func (g *keyGuess) why() string {
	switch {
	case g.tuples == g.all:
		return "they are marked as tuples"
	case g.reads > 0:
		return "every one is a pair, and reads begin as [key nil]"
	}
	return "every one is a pair, and each cas is [key [old new]]"
}
