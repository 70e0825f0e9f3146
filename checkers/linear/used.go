package linear

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

// within reports whether no more of any class are used than in another.
func (u *used) within(other *used) bool {
	for ; u != other && u != nil; u = u.next {
		for other != nil && other.class < u.class {
			other = other.next
		}
		if other == nil || other.class > u.class || other.count < u.count {
			return false
		}
	}
	return true
}
