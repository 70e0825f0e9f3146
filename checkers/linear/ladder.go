package linear

import "slices"

// ladder puts operations in the order that their answers dictate: each has a rank, and those of one rank are free among
// themselves.
type ladder struct {
	ranks []int32 // by operation; unranked takes no part
	steps []int32 // by rank: where its operations begin in the order
	order []int32
}

// unranked is the rank of an operation that did nothing.
const unranked = -1

// reset makes room for the ranks of so many operations.
func (l *ladder) reset(operations int) {
	l.ranks = resized(l.ranks, operations, unranked)
}

// climb sorts the operations by rank, which is below top, and calls the function with pairs that stand against real
// time: early had returned when late was called, but late has the lower rank. Every object whose ranks fit no order
// has such a pair, for of each rank the operation called last is compared with all of higher ranks.
//
// Cost: O(n + top).
func (l *ladder) climb(ops []Op, top int32, against func(late, early int32)) []int32 {
	l.steps = resized(l.steps, int(top)+1, 0)
	total := int32(0)
	for _, r := range l.ranks {
		if r != unranked {
			l.steps[r+1]++
			total++
		}
	}
	for r := int32(1); r <= top; r++ {
		l.steps[r] += l.steps[r-1]
	}
	l.order = slices.Grow(l.order[:0], int(total))[:total]
	for i, r := range l.ranks {
		if r != unranked {
			l.order[l.steps[r]] = int32(i)
			l.steps[r]++
		}
	}
	latest := int32(-1) // of the lower ranks
	for at := 0; at < len(l.order); {
		end, rank := at, l.ranks[l.order[at]]
		for ; end < len(l.order) && l.ranks[l.order[end]] == rank; end++ {
			if i := l.order[end]; latest >= 0 && ops[i].Precedes(&ops[latest]) {
				against(latest, i)
			}
		}
		last := l.order[end-1] // they are in the order of the calls
		if latest < 0 || ops[last].Call > ops[latest].Call {
			latest = last
		}
		at = end
	}
	return l.order
}
