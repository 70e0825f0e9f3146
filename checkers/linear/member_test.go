package linear

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// members is the trade of Members.
var members = trade{
	name:  "element of a set",
	open:  func(rng *rand.Rand) stall { return &memberStall{again: rng.IntN(4) == 0} },
	model: func(*Object) Model { return RegisterModel() },
	step: func(_ *Object, op *Op, state string) (string, bool) {
		in := int32(len(state))
		switch next := fmt.Sprint("x"[:op.Value]); op.Kind {
		case Read:
			return state, in == op.Value
		case Swap:
			return next, in == op.From
		default:
			return next, true
		}
	},
	fits:   func(o *Object) bool { return new(Members).gather(o) },
	decide: func() specialist { return new(Members) },
	rules:  []string{Nowhere, Future, Backward, "unfit"},
}

// memberStall is one element, which is added once and removed once, or again and again.
type memberStall struct {
	again, added, removed bool
	in                    int32
}

func (s *memberStall) call(rng *rand.Rand, _ int32) Op {
	op := Op{Kind: Read}
	switch n := rng.IntN(4); {
	case n == 0 && (!s.added || s.again):
		s.added = true
		op = Op{Kind: Write, Value: 1}
	case n == 1 && (!s.removed || s.again):
		s.removed = true
		op = Op{Kind: Write, Value: 0}
	}
	if op.Kind == Write && rng.IntN(2) == 0 {
		op.Kind, op.From = Swap, 1-op.Value
	}
	return op
}

func (s *memberStall) perform(op *Op) {
	switch {
	case op.Kind == Read:
		op.Value = s.in
	case op.Kind == Swap && s.in == op.Value:
		op.Kind, op.From = Read, 0
	default:
		s.in = op.Value
	}
}

// lie turns around what was seen, or lets an addition or a removal be told what is not so.
func (s *memberStall) lie(_ *rand.Rand, op *Op) {
	if op.Kind == Read {
		op.Value = 1 - op.Value
	}
}

// forget leaves a write of what cannot be known any more.
func (s *memberStall) forget(op *Op) {
	if op.Kind == Swap {
		op.Kind, op.From = Write, 0
	}
}

func (s *memberStall) object(ops []Op) *Object { return &Object{Ops: ops, Values: 2} }

func BenchmarkMember(b *testing.B) {
	for _, legal := range []bool{true, false} {
		b.Run(fmt.Sprintf("legal=%t", legal), func(b *testing.B) {
			o := &Object{Values: 2}
			for i := range 1_000_000 {
				op := Op{Call: int64(2 * i), Return: int64(2*i) + 7, Kind: Read}
				switch {
				case i == 250_000:
					op.Kind, op.Value = Write, 1
				case i == 750_000:
					op.Kind = Write
				case i > 250_000 && i < 750_000 && (legal || i != 600_000):
					op.Value = 1
				}
				o.Ops = append(o.Ops, op)
			}
			judged(b, o, new(Members), legal)
		})
	}
}
