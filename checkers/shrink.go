package checkers

import (
	"context"
	"slices"
	"sort"

	"github.com/capsize-dev/capsize/checkers/linear"
)

// shrinker takes an illegal part of a history down to one from which nothing more can be taken. Each thing it leaves
// out is left out soundly (see [object]), and the engine confirms that the rest is still illegal.
type shrinker struct {
	engine engine
	object object
	left   int64 // steps of all searches together; bounded so that the result does not depend on the clock
	ended  bool  // the steps or the time ran out: the result may not be minimal
}

// Bounds of shrinking one violation, in steps of the engine.
const (
	shrinkSteps = 20_000_000
	trialSteps  = 500_000
	// refutedMemory is what porcupine may use, in bytes.
	refutedMemory = 512 << 20
)

// illegal reports whether the engine finds the operations illegal; false where it does not know.
func (s *shrinker) illegal(ctx context.Context, ops []op) bool {
	if s.over(ctx) {
		return false
	}
	pruned := s.object.tighten(s.object.prune(ops))
	m := &meter{limit: min(trialSteps, s.left)}
	a, _ := decide(ctx, s.engine, s.object, pruned, m)
	s.left -= m.steps.Load() + 1
	if a == linear.Undecided {
		s.ended = true
	}
	return a == linear.Illegal
}

// over reports whether there are no steps or no time left, and notes it.
func (s *shrinker) over(ctx context.Context) bool {
	if s.left <= 0 || ctx.Err() != nil {
		s.ended = true
		return true
	}
	return false
}

// refuted reports whether porcupine finds the operations legal as they stand, without the help of prune and tighten.
// It never should: this is the last look at a proof before it is shown.
func (s *shrinker) refuted(ctx context.Context, ops []op) bool {
	// It keeps a bit for every operation of everything it has seen.
	m := &meter{limit: min(trialSteps, int64(refutedMemory/(len(ops)/8+100)))}
	a, _ := decide(ctx, porcupineEngine{}, s.object, ops, m)
	return a == linear.Legal
}

// shrink returns the smallest part it can reach. It must be given illegal operations.
func (s *shrinker) shrink(ctx context.Context, ops []op) []op {
	ops = s.latest(ctx, s.object.prune(ops))
	for {
		before := len(ops)
		s.ended = false // what a trial of an earlier, larger part could not tell does not matter
		read := func(o op) bool { return o.observes() }
		ops = s.dropEach(ctx, ops, positions(ops, read))
		ops = s.dropValues(ctx, ops)
		ops = s.dropEach(ctx, ops, s.object.idle(ops, false))
		if len(ops) == before {
			return ops
		}
	}
}

// latest leaves out all observers but the last few, and what may then be left out because nobody looks at it: twice as
// many each time, until the rest is illegal. What proves a violation mostly happened shortly before it, and what
// happened long before may be a thousand times as much.
func (s *shrinker) latest(ctx context.Context, ops []op) []op {
	looks := positions(ops, func(o op) bool { return o.observes() })
	for few := 16; few < len(looks) && !s.over(ctx); few *= 2 {
		rest := s.object.prune(except(ops, looks[:len(looks)-few]))
		rest = s.object.prune(except(rest, s.object.idle(rest, true)))
		if s.illegal(ctx, rest) {
			return rest
		}
	}
	return ops
}

// except returns the operations without those at some positions, which are ascending.
func except(ops []op, positions []int) []op {
	rest := make([]op, 0, len(ops)-len(positions))
	for i := range ops {
		if len(positions) > 0 && positions[0] == i {
			positions = positions[1:]
			continue
		}
		rest = append(rest, ops[i])
	}
	return rest
}

// lacking returns those of some numbers that are not among others of them, all ascending.
func lacking(all, some []int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(n int) bool {
		_, among := slices.BinarySearch(some, n)
		return among
	})
}

func positions(ops []op, want func(op) bool) []int {
	var at []int
	for i, o := range ops {
		if want(o) {
			at = append(at, i)
		}
	}
	return at
}

// dropEach leaves out as many of the operations at the given positions as it can.
func (s *shrinker) dropEach(ctx context.Context, ops []op, candidates []int) []op {
	rest := func(kept []int) []op { return except(ops, lacking(candidates, kept)) }
	return s.object.prune(rest(s.fewest(ctx, candidates, rest)))
}

// dropValues leaves out as many values as it can.
func (s *shrinker) dropValues(ctx context.Context, ops []op) []op {
	values := valuesOf(ops)
	all := make([]int, len(values))
	for i := range all {
		all[i] = i
	}
	rest := func(kept []int) []op {
		gone := map[value]bool{}
		for _, i := range lacking(all, kept) {
			gone[values[i]] = true
		}
		return s.object.without(ops, gone)
	}
	return s.object.prune(rest(s.fewest(ctx, all, rest)))
}

// fewest takes candidates away in ever smaller chunks, down to single ones, as long as what is left is illegal
// (after Zeller's ddmin, 2002).
func (s *shrinker) fewest(ctx context.Context, candidates []int, rest func(kept []int) []op) []int {
	kept := candidates
	for size := len(kept); size >= 1; {
		removed := false
		for from := 0; from < len(kept) && !s.over(ctx); {
			fewer := slices.Concat(kept[:from], kept[min(from+size, len(kept)):])
			if s.illegal(ctx, rest(fewer)) {
				kept, removed = fewer, true
			} else {
				from += size
			}
		}
		if size == 1 && !removed {
			break
		}
		if size > 1 {
			size = (size + 1) / 2
		}
	}
	return kept
}

// firstFailing returns the first return at which the history is illegal.
func (s *shrinker) firstFailing(ctx context.Context, ops []op) int {
	if end := s.refutedAt(ctx, ops); end >= 0 {
		return end
	}
	returns := returnsOf(ops)
	low, high := 0, len(returns)-1 // the beginning up to returns[high] is illegal
	for low < high {
		middle := (low + high) / 2
		if s.illegal(ctx, until(ops, returns[middle])) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return returns[low]
}

// upTo returns the history up to a return: the operations called before it, and of the reads only those that had
// returned by then. Sound: a beginning of a legal history is legal, whatever of it was still open.
func upTo(ops []op, end int) []op {
	return dropped(ops, func(o *op) bool { return o.call > end || o.kind.Observes() && o.ret > end })
}

// refutedAt asks our own engine for the first return at which no order is left. It is -1 where that does not tell at
// once, or is not to be asked.
func (s *shrinker) refutedAt(ctx context.Context, ops []op) int {
	if _, own := s.engine.(searching); !own {
		return -1
	}
	o, model := forEngine(s.object, s.object.tighten(ops))
	valued, fits := model.(linear.Valued)
	if !fits {
		return -1
	}
	at, _ := linear.Refute(ctx, o, valued, linear.Budget{Steps: s.left, Memory: refutedMemory})
	if at < 0 {
		return -1
	}
	return ops[at].ret
}

func returnsOf(ops []op) []int {
	var returns []int
	for i := range ops {
		if !ops[i].pending {
			returns = append(returns, ops[i].ret)
		}
	}
	slices.Sort(returns)
	return returns
}

// until returns the history as it was at a time: what had not returned is pending, or left out where it is a read.
func until(ops []op, end int) []op {
	out := make([]op, 0, len(ops))
	for _, o := range ops {
		if o.call > end {
			continue
		}
		if o.ret > end {
			if o.kind.Observes() {
				continue
			}
			o.open()
		}
		out = append(out, o)
	}
	return out
}

// impossible returns the position of the operation at whose return no order is left, or -1. What is illegal at some
// time stays so.
func (s *shrinker) impossible(ctx context.Context, ops []op) int {
	returns := returnsOf(ops)
	n := sort.Search(len(returns), func(n int) bool { return s.illegal(ctx, until(ops, returns[n])) })
	if n == len(returns) {
		return -1
	}
	return slices.IndexFunc(ops, func(o op) bool { return o.ret == returns[n] })
}
