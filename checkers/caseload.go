package checkers

import (
	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// caseload is a history by key: of every key the positions of its pairs. Nothing is copied.
type caseload struct {
	pairs []history.Pair
	keys  []string // in the order of first use
	from  []int32  // where the positions of each key begin, and where the last ones end
	at    []int32  // nil where there is one key: every pair is its own
	kinds []linear.Kind
	ops   int // that took part: not the failed ones, not observers without an answer
	// looked and wrote say whether an operation saw something, and whether one stored something or may have. A
	// compare-and-set that failed has not seen enough to call a history valid, but enough to call it invalid.
	looked, wrote, failed bool
}

// parted is of objects whose keys hold many that have nothing to do with each other. Each is a key of its own.
type parted interface {
	part(p *history.Pair) string
}

// group sorts a history by key. It says which pair, if any, is not for the object.
//
// Cost: two passes over the history; a byte for each pair, and eight more where there are several keys.
func group(r reader, h history.History) (*caseload, error) {
	c := &caseload{pairs: h.Pairs, kinds: make([]linear.Kind, len(h.Pairs))}
	number, sizes := map[string]int32{}, []int32{}
	var keyOf []int32 // nil as long as there is one key
	last, lastKey := int32(-1), ""
	parts, apart := r.(parted)
	for i := range h.Pairs {
		p := &h.Pairs[i]
		kind, err := r.check(p)
		if err != nil {
			return nil, err
		}
		c.kinds[i] = kind
		c.note(p, kind)
		key := p.Key
		if apart {
			key = parts.part(p)
		}
		if last < 0 || lastKey != key {
			n, known := number[key]
			if !known {
				n = int32(len(c.keys))
				number[key] = n
				c.keys, sizes = append(c.keys, key), append(sizes, 0)
			}
			if n > 0 && keyOf == nil {
				keyOf = make([]int32, len(h.Pairs))
			}
			last, lastKey = n, key
		}
		if keyOf != nil {
			keyOf[i] = last
		}
		sizes[last]++
	}
	c.place(keyOf, sizes)
	return c, nil
}

// partakes reports whether the operation can matter: it did not fail, unless that is what it saw, and is no observer
// without an answer.
func partakes(p *history.Pair, kind linear.Kind) bool {
	return kind == linear.SwapFailed || p.Outcome != history.Fail && (p.Returned() || !kind.Observes())
}

func (c *caseload) note(p *history.Pair, kind linear.Kind) {
	if !partakes(p, kind) {
		return
	}
	c.ops++
	c.wrote = c.wrote || !kind.Observes()
	c.failed = c.failed || kind == linear.SwapFailed
	c.looked = c.looked || p.Returned() && kind.Looks() && kind != linear.SwapFailed
}

func (c *caseload) place(keyOf, sizes []int32) {
	c.from = make([]int32, len(sizes)+1)
	for k, n := range sizes {
		c.from[k+1] = c.from[k] + n
	}
	if len(sizes) < 2 {
		return
	}
	next := append([]int32(nil), c.from...)
	c.at = make([]int32, len(keyOf))
	for i, k := range keyOf {
		c.at[next[k]] = int32(i)
		next[k]++
	}
}

// touch looks at some pairs of a key. They are far apart, so that each look waits for the memory: together they wait no
// longer than one alone.
func (c *caseload) touch(key, from, to int) (seen int) {
	if c.at == nil {
		return 0 // side by side
	}
	begin := int(c.from[key])
	for _, i := range c.at[begin+from : begin+to] {
		p := &c.pairs[i]
		seen += p.Index + int(c.kinds[i]) + int(p.Outcome)
		if n, whole := p.Input.(int64); whole {
			seen += int(n)
		}
		if n, whole := p.Output.(int64); whole {
			seen += int(n)
		}
	}
	return seen
}

// size is how many pairs a key has, and position is where the nth of them stands in the history.
func (c *caseload) size(key int) int { return int(c.from[key+1] - c.from[key]) }

func (c *caseload) position(key, nth int) int {
	if c.at == nil {
		return nth
	}
	return int(c.at[int(c.from[key])+nth])
}
