package linear

// pool is configurations none of which is as good as another of the same state, with the same effects.
type pool struct {
	all    []configuration
	change uint64  // the positions of those that do not only observe
	stays  bool    // what is in it stays, for somebody walks through it
	next   []int32 // of each the next of the same state and effects, plus one
	first  map[position]int32
}

type position struct {
	state  int32
	placed uint64
}

// fewConfigurations are looked through one by one.
const fewConfigurations = 16

func (p *pool) reset(change uint64) {
	if len(p.first) > 0 {
		clear(p.first)
	}
	p.all, p.next, p.change = p.all[:0], p.next[:0], change
}

func (p *pool) position(n *configuration) position { return position{n.state, n.placed & p.change} }

// add takes a configuration in, unless there is one that is as good.
func (p *pool) add(n configuration) {
	at := p.position(&n)
	if len(p.all) < fewConfigurations {
		for i := range p.all {
			if p.position(&p.all[i]) == at && p.settled(i, &n) {
				return
			}
		}
		p.all = append(p.all, n)
		if len(p.all) == fewConfigurations {
			p.index()
		}
		return
	}
	for i := p.first[at]; i > 0; i = p.next[i-1] {
		if p.settled(int(i-1), &n) {
			return
		}
	}
	p.all = append(p.all, n)
	p.link(len(p.all) - 1)
}

// settled reports whether of two of the same state and effects one is enough, and keeps that one.
func (p *pool) settled(i int, n *configuration) bool {
	switch {
	case p.all[i].covers(n):
	case !p.stays && n.covers(&p.all[i]):
		p.all[i] = *n
	default:
		return false
	}
	return true
}

func (p *pool) index() {
	if p.first == nil {
		p.first = map[position]int32{}
	}
	p.next = p.next[:0]
	for i := range p.all {
		p.link(i)
	}
}

func (p *pool) link(i int) {
	at := p.position(&p.all[i])
	p.next = append(p.next, p.first[at])
	p.first[at] = int32(i + 1)
}

// covers reports whether whatever comes of another of the same state and effects comes of this one too.
func (n *configuration) covers(other *configuration) bool {
	return n.placed&other.placed == other.placed && n.free&other.free == other.free && n.used.within(other.used)
}

// used is how many of a class that never returned were placed. It is never changed.
type used struct {
	class, count int32
	next         *used
}

// of is how many of a class are used.
func (u *used) of(class int32) int32 {
	for ; u != nil; u = u.next {
		if u.class == class {
			return u.count
		}
	}
	return 0
}

// with uses one more of a class.
func (u *used) with(class int32) *used { return u.less(class, -1) }

func (u *used) less(class, by int32) *used {
	switch {
	case u == nil && by < 0:
		return &used{class: class, count: -by}
	case u == nil:
		return nil
	case u.class != class:
		return &used{u.class, u.count, u.next.less(class, by)}
	case u.count == by:
		return u.next
	}
	return &used{class, u.count - by, u.next}
}

// within reports whether no more of any class are used than in another.
func (u *used) within(other *used) bool {
	if u == other {
		return true
	}
	for ; u != nil; u = u.next {
		if u.count > other.of(u.class) {
			return false
		}
	}
	return true
}
