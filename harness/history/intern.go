package history

import "slices"

// interner keeps one copy of what a history repeats: names, small values, and the lists that reads of a growing list
// return. What it hands out is shared, so nobody may change it. It forgets rather than grow without bound. The zero
// value remembers nothing.
type interner struct {
	texts map[string]string
	boxes []box // by the low bits of the integer
	slab  []int64
	grown map[string]grownList // by key
}

// box is an integer as it sits in an interface.
type box struct {
	n int64
	v any
}

// grownList is the longest list that was read of a key.
type grownList struct {
	list  []int64
	boxed any
}

// boxes are texts as they sit in an interface, so that a history has one of what it repeats. The zero value remembers
// nothing.
type boxes map[string]any

// text returns a string as a value.
func (x boxes) text(b []byte) any {
	if v, ok := x[string(b)]; ok {
		return v
	}
	text := string(b)
	return x.keep(text, text)
}

func (x boxes) keep(text string, v any) any {
	if x != nil && len(text) <= maxTextSize {
		if len(x) >= maxTexts {
			clear(x)
		}
		x[text] = v
	}
	return v
}

const (
	maxTexts    = 1 << 16
	maxTextSize = 1 << 10
	maxGrown    = 1 << 12
	boxCount    = 1 << 12
	slabSize    = 1 << 10
)

func newInterner() *interner {
	return &interner{texts: make(map[string]string), boxes: make([]box, boxCount), grown: make(map[string]grownList)}
}

// text returns b as a string.
func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := in.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= maxTextSize && in.texts != nil {
		if len(in.texts) >= maxTexts {
			clear(in.texts)
		}
		in.texts[s] = s
	}
	return s
}

// integer returns n as a value. The integers of a history come back soon, if they come back: a write's argument is what
// the next reads return.
func (in *interner) integer(n int64) any {
	if in.boxes == nil {
		return n
	}
	b := &in.boxes[uint64(n)%boxCount]
	if b.v == nil || b.n != n {
		*b = box{n, n}
	}
	return b.v
}

// ints returns a copy of a list that belongs to no key.
func (in *interner) ints(list []int64) []int64 {
	out := in.room(len(list))
	copy(out, list)
	return out
}

// room returns a list of n zeros, to be filled once.
func (in *interner) room(n int) []int64 {
	if n == 0 || n > slabSize/8 || in.boxes == nil {
		return make([]int64, n)
	}
	if n > len(in.slab) {
		in.slab = make([]int64, slabSize)
	}
	out := in.slab[:n:n]
	in.slab = in.slab[n:]
	return out
}

// listOf returns a list read of a key as a value. A list that continues the longest one so far, or is the beginning of
// it, shares its memory: reads of an append-only list would cost the square of its length otherwise.
func (in *interner) listOf(key string, list []int64) any {
	const short = 4
	if len(list) <= short || in.grown == nil {
		return in.ints(list)
	}
	g, ok := in.grown[key]
	common := min(len(g.list), len(list))
	switch {
	case !ok || !slices.Equal(g.list[:common], list[:common]):
		if len(in.grown) >= maxGrown {
			clear(in.grown)
		}
		g = grownList{list: slices.Clone(list)}
	case len(list) == len(g.list):
		return g.boxed
	case len(list) < len(g.list):
		return g.list[:len(list):len(list)]
	default:
		g.list = append(g.list, list[len(g.list):]...)
	}
	g.boxed = g.list[:len(g.list):len(g.list)]
	in.grown[key] = g
	return g.boxed
}
