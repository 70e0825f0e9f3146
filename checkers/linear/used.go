package linear

import "slices"

// used is how many of each class that never returned were placed, by class. It is never changed.
type used struct {
	class, count int32
	next         *used
}

// of is how many of a class are used.
func (u *used) of(class int32) int32 {
	for ; u != nil && u.class <= class; u = u.next {
		if u.class == class {
			return u.count
		}
	}
	return 0
}

// with uses one more of a class.
func (u *used) with(class int32) *used {
	switch {
	case u == nil || u.class > class:
		return &used{class, 1, u}
	case u.class == class:
		return &used{class, u.count + 1, u.next}
	}
	return &used{u.class, u.count, u.next.with(class)}
}

// less uses fewer of a class. So many are used.
func (u *used) less(class, by int32) *used {
	switch {
	case u.class != class:
		return &used{u.class, u.count, u.next.less(class, by)}
	case u.count == by:
		return u.next
	}
	return &used{class, u.count - by, u.next}
}

// debt is how many compare-and-sets to a state are used more than in another configuration.
type debt struct{ state, more int32 }

// within reports whether no more of any class are used than in another. Of compare-and-sets that may be so where as many
// fewer of the blind writes to the same state are: later they can take their place.
func (u *used) within(other *used, waiting []idlers) bool {
	if u == other || u == nil {
		return true
	}
	var few [8]debt
	debts := few[:0]
	for u, v := u, other; u != nil; u = u.next {
		for v != nil && v.class < u.class {
			v = v.next
		}
		more := u.count
		if v != nil && v.class == u.class {
			more -= v.count
		}
		switch w := &waiting[u.class]; {
		case more <= 0:
		case w.needs == anyState || len(debts) == len(few):
			return false
		default:
			debts = append(debts, debt{w.makes, more})
		}
	}
	if len(debts) == 0 {
		return true
	}
	for v := other; v != nil; v = v.next {
		w := &waiting[v.class]
		if w.needs != anyState {
			continue
		}
		left := v.count - u.of(v.class)
		for i := range debts {
			if d := &debts[i]; d.state == w.makes {
				paid := min(d.more, left)
				d.more -= paid
				left -= paid
			}
		}
	}
	return !slices.ContainsFunc(debts, func(d debt) bool { return d.more > 0 })
}

// least is what is used by two.
func (u *used) least(v *used) *used {
	switch {
	case u == v || u == nil:
		return u
	case v == nil:
		return nil
	case u.class < v.class:
		return u.next.least(v)
	case v.class < u.class:
		return u.least(v.next)
	}
	return &used{u.class, min(u.count, v.count), u.next.least(v.next)}
}
