package txn

import "github.com/capsize-dev/capsize/checkers/internal/values"

// numbering numbers values in the order of their first use, from 0: equal values have equal numbers.
type numbering struct {
	count  int32
	small  []int32 // of small whole numbers, plus 1
	others map[any]int32
}

// of returns the number of a value, and whether it was seen for the first time.
func (n *numbering) of(v any) (number int32, isNew bool) {
	if i, whole := v.(int64); whole {
		return n.whole(i)
	}
	return n.other(values.Identity(v))
}

func (n *numbering) whole(i int64) (number int32, isNew bool) {
	if i < 0 || i >= 1<<20 {
		return n.other(i)
	}
	for int64(len(n.small)) <= i {
		n.small = append(n.small, make([]int32, max(1024, len(n.small)))...)
	}
	if n.small[i] == 0 {
		n.count++
		n.small[i], isNew = n.count, true
	}
	return n.small[i] - 1, isNew
}

func (n *numbering) other(id any) (number int32, isNew bool) {
	number, known := n.others[id]
	if known {
		return number, false
	}
	if n.others == nil {
		n.others = map[any]int32{}
	}
	number = n.count
	n.others[id] = number
	n.count++
	return number, true
}
