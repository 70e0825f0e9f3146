package linear

import "slices"

// Model is an object as if one operation came after the other. Its states are small numbers; equal numbers are equal
// states.
type Model interface {
	Init() int32
	// Step takes the operation in the state and returns the next state, or false where what it saw does not fit. A
	// pending operation fits wherever it might have happened or have done nothing.
	Step(state int32, op *Op) (next int32, fits bool)
}

// RegisterModel is one value with compare-and-set. Its state is the value.
func RegisterModel() Model { return cell{} }

type cell struct{}

func (cell) Init() int32 { return 0 }

func (cell) Step(state int32, o *Op) (int32, bool) {
	switch o.Kind {
	case Read:
		return state, state == o.Value
	case SwapFailed:
		return state, state != o.From
	case Swap:
		if state != o.From {
			return state, o.Pending() // it may have failed
		}
	}
	return o.Value, true
}

// ListModel is a list to whose end elements are put, seen through the longest read of the object. Its state is how much
// of that read is there, and one state for everything longer.
//
// That is exact: as long as the list is shorter than the longest read, that read is still to come, and since a list
// only grows, every element must be the one that it shows. Once the list is longer no read is to come, and it does not
// matter by what.
func ListModel(o *Object) Model {
	l := stretch{object: o}
	for i := range o.Ops {
		if op := &o.Ops[i]; op.Kind == Read && int(op.Value) > len(l.longest) {
			l.longest = o.Seen(i)
		}
	}
	return l
}

type stretch struct {
	object  *Object
	longest []int32
}

func (stretch) Init() int32 { return 0 }

func (l stretch) Step(state int32, o *Op) (int32, bool) {
	n := int(state)
	switch {
	case o.Kind == Read:
		seen := l.object.Elements[o.From:][:o.Value]
		return state, len(seen) == n && slices.Equal(seen, l.longest[:n])
	case n < len(l.longest):
		return state + 1, l.longest[n] == o.Value
	}
	return int32(len(l.longest)) + 1, true
}
