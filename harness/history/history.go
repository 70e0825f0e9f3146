package history

import (
	"fmt"
	"time"
)

// History is everything that was recorded of one run, or read from a file.
type History struct {
	Pairs   []Pair   // in the order of their invocations
	Strikes []Strike // the faults, in the order of their ids
	Lines   int      // how many lines the pairs were made of
	Notes   []string // what the reader had to guess or give up, a sentence each
}

// Duration is the time of the last event.
func (h History) Duration() time.Duration {
	var last time.Duration
	for i := range h.Pairs {
		last = max(last, h.Pairs[i].Call, h.Pairs[i].Return)
	}
	return last
}

// Keys returns the keys in the order of their first use.
func (h History) Keys() []string {
	seen := make(map[string]bool)
	var keys []string
	for i := range h.Pairs {
		if k := h.Pairs[i].Key; !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// ByKey groups the pairs by key. Each group keeps the order of the history. The groups are a copy, of one allocation.
func (h History) ByKey() map[string][]Pair {
	sizes := make(map[string]int)
	for i := range h.Pairs {
		sizes[h.Pairs[i].Key]++
	}
	groups, room := make(map[string][]Pair, len(sizes)), make([]Pair, len(h.Pairs))
	for key, n := range sizes {
		groups[key], room = room[:0:n], room[n:]
	}
	for i := range h.Pairs {
		key := h.Pairs[i].Key
		groups[key] = append(groups[key], h.Pairs[i])
	}
	return groups
}

// Builder pairs lines into a [History]. The zero value is ready to use.
type Builder struct {
	history History
	open    map[int]int // process -> position in Pairs
	next    int
	last    time.Duration
	look    int // how many lines there must be before expect looks again
}

// Add takes the next line. It returns an error for a line that cannot follow the ones before: a completion without an
// invocation, a second invocation of a process that is still waiting, an index or a time that goes backwards.
// A refused line leaves the builder as it was.
func (b *Builder) Add(op Op) error {
	if b.open == nil {
		b.open = make(map[int]int)
	}
	if op.Index < b.next {
		return fmt.Errorf("index %d follows index %d: indices must grow", op.Index, b.next-1)
	}
	if op.Time < b.last {
		return fmt.Errorf("time %d ns is before the line above (%d ns)", op.Time.Nanoseconds(), b.last.Nanoseconds())
	}
	at, waiting := b.open[op.Process]
	if op.Type == Invoke {
		if waiting {
			return fmt.Errorf("process %d invokes %s while its %s is still open (line of index %d)",
				op.Process, op.F, b.history.Pairs[at].F, b.history.Pairs[at].Index)
		}
		due := op.Due
		if due == 0 {
			due = op.Time
		}
		b.open[op.Process] = len(b.history.Pairs)
		b.history.Pairs = append(b.history.Pairs, Pair{
			Index: op.Index, End: -1, Process: op.Process, F: op.F, Key: op.Key, Node: op.Node, Input: op.Value,
			Outcome: Info, Call: op.Time, Due: due, Final: op.Final,
		})
	} else {
		if !waiting {
			return fmt.Errorf("process %d completes %s (%s) without having invoked it", op.Process, op.F, op.Type)
		}
		p := &b.history.Pairs[at]
		if p.F != op.F {
			return fmt.Errorf("process %d invoked %s but completes %s", op.Process, p.F, op.F)
		}
		delete(b.open, op.Process)
		p.End, p.Return, p.Outcome, p.Output = op.Index, op.Time, op.Type, op.Value
		p.Revision, p.Error, p.Hung, p.Unmet = op.Revision, op.Error, op.Hung, op.Unmet
	}
	b.next, b.last = op.Index+1, op.Time
	b.history.Lines++
	return nil
}

// Note remembers a sentence about what the reader guessed or gave up.
func (b *Builder) Note(format string, args ...any) {
	b.history.Notes = append(b.history.Notes, fmt.Sprintf(format, args...))
}

// History returns what was built. Invocations still open stay in it as info.
func (b *Builder) History() History { return b.history }

// Normalize brings a value into the normal form of [Op.Value]. It returns an error for a type that has none, and for
// lists nested deeper than [MaxDepth].
func Normalize(v any) (any, error) { return normalize(v, 0) }

func normalize(v any, depth int) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, []int64:
		if list, ok := v.([]int64); ok && list == nil {
			return []int64{}, nil
		}
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case []int:
		list := make([]int64, len(v))
		for i, n := range v {
			list[i] = int64(n)
		}
		return list, nil
	case []any:
		if depth == MaxDepth {
			return nil, fmt.Errorf("a value nested deeper than %d cannot be recorded", MaxDepth)
		}
		return normalizeList(v, depth+1)
	}
	return nil, fmt.Errorf("a value of Go type %T cannot be recorded", v)
}

func normalizeList(list []any, depth int) (any, error) {
	out, ints := make([]any, len(list)), make([]int64, 0, len(list))
	for i, e := range list {
		n, err := normalize(e, depth)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out[i] = n
		if n, ok := n.(int64); ok {
			ints = append(ints, n)
		}
	}
	if len(ints) == len(out) {
		return ints, nil
	}
	return out, nil
}
