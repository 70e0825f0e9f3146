package levels

import "slices"

// pool hands out numbers for the questions about one history, and takes them back for the next question: they need as
// much memory as the hungriest of them and not as all together. The zero value is ready.
type pool struct {
	// Pieces of memory. Behind a piece its capacity goes on, so that one can see which lies next to it.
	free, used [][]int32
}

// lend makes memory of somebody else part of the pool.
func (p *pool) lend(all ...[]int32) {
	for _, s := range all {
		if len(s) > 0 {
			p.free = append(p.free, s)
		}
	}
}

// take returns n numbers that may be anything. It takes them from what has least to spare, and leaves the rest there.
func (p *pool) take(n int) []int32 {
	if n == 0 {
		return nil
	}
	best := -1
	for i, s := range p.free {
		if len(s) >= n && (best < 0 || len(s) < len(p.free[best])) {
			best = i
		}
	}
	if best < 0 {
		p.free, best = append(p.free, make([]int32, n)), len(p.free)
	}
	s := p.free[best]
	if p.free[best] = s[n:]; len(s) == n {
		p.free = slices.Delete(p.free, best, best+1)
	}
	p.used = append(p.used, s[:n])
	return s[:n:n]
}

// give takes numbers back that nobody looks at any more.
func (p *pool) give(all ...[]int32) {
	for _, s := range all {
		p.cut(s, 0)
	}
}

// cut is give of all but the first n numbers, which it returns.
func (p *pool) cut(s []int32, n int) []int32 {
	if s = s[:cap(s)]; len(s) == n {
		return s
	}
	at := slices.IndexFunc(p.used, func(u []int32) bool { return &u[0] == &s[0] })
	back := p.used[at][n:]
	if p.used[at] = p.used[at][:n]; n == 0 {
		p.used = slices.Delete(p.used, at, at+1)
	}
	beside := func(a, b []int32) bool { return cap(a) > len(a) && &a[:len(a)+1][len(a)] == &b[0] }
	for i := 0; i < len(p.free); { // what lies next to it becomes one with it
		switch f := p.free[i]; {
		case beside(f, back):
			back = f[:len(f)+len(back)]
		case beside(back, f):
			back = back[:len(back)+len(f)]
		default:
			i++
			continue
		}
		p.free = slices.Delete(p.free, i, i+1)
	}
	p.free = append(p.free, back)
	return s[:n:n]
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
