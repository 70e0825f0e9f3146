package linear

// Model is an object as if one operation came after the other. Its states are small numbers; equal numbers are equal
// states.
type Model interface {
	Init() int32
	// Step takes the operation in the state and returns the next state, or false where what it saw does not fit. A
	// pending operation fits wherever it might have happened or have done nothing.
	Step(state int32, op *Op) (next int32, fits bool)
}

// RegisterModel is one value with compare-and-set. Its state is the value.
func RegisterModel() Valued { return cell{} }

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

func (cell) Needs(o *Op) (int32, bool) {
	switch o.Kind {
	case Read:
		return o.Value, true
	case Swap:
		return o.From, true
	}
	return 0, false
}

func (cell) Makes(o *Op) (int32, bool) { return o.Value, o.Kind == Write || o.Kind == Swap }
