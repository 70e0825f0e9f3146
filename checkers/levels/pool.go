package levels

import "slices"

// pool hands out numbers for the questions about one history, and takes them back for the next question: they need as
// much memory as the hungriest of them and not as all together. The zero value is ready.
type pool struct{ free [][]int32 }

// crumb is the part of what is taken that is taken beyond it.
const crumb = 1 << 12

// take returns n numbers that may be anything. It takes them from what has least to spare, and leaves the rest there.
func (p *pool) take(n int) []int32 {
	best := -1
	for i, s := range p.free {
		if len(s) >= n && (best < 0 || len(s) < len(p.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]int32, n, n+n/crumb+1)
	}
	s := p.free[best]
	whole := min(n+n/crumb+1, len(s)) // for whoever needs a little more the next time
	if p.free[best] = s[whole:]; len(s) == whole {
		p.free = slices.Delete(p.free, best, best+1)
	}
	return s[:n:whole]
}

// give takes numbers back that nobody looks at any more.
func (p *pool) give(all ...[]int32) {
	for _, s := range all {
		if s = s[:cap(s)]; len(s) > 0 {
			p.free = append(p.free, s)
		}
	}
}

// unset returns n numbers that stand for nothing.
func (p *pool) unset(n int) []int32 {
	s := p.take(n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// zeros returns n zeros.
func (p *pool) zeros(n int) []int32 {
	s := p.take(n)
	clear(s)
	return s
}

// sort puts the numbers below n in the order of the groups to which they belong, and otherwise leaves them in theirs. It
// returns them, and where each of so many groups begins and the last one ends. What belongs to none, -1, is left out.
func (p *pool) sort(n, groups int, group func(i int32) int32) (all, starts []int32) {
	starts = p.zeros(groups + 1)
	total := int32(0)
	for i := range int32(n) {
		if g := group(i); g >= 0 {
			starts[g]++
			total++
		}
	}
	sum := int32(0)
	for g, count := range starts {
		starts[g], sum = sum, sum+count
	}
	all = p.take(int(total))
	for i := range int32(n) {
		if g := group(i); g >= 0 {
			all[starts[g]] = i
			starts[g]++
		}
	}
	copy(starts[1:], starts) // each stands where the next one begins
	starts[0] = 0
	return all, starts
}
