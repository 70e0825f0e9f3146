package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// counters is the trade of Counters.
var counters = trade{
	name:  "counter",
	open:  func(rng *rand.Rand) stall { return &counterStall{any: rng.IntN(5) == 0} },
	model: func(*Object) Model { return CounterModel() },
	step: func(_ *Object, op *Op, state string) (string, bool) {
		count, _ := strconv.ParseInt(state, 10, 64) // "" is 0
		if op.Kind == Count {
			return state, count == op.Amount()
		}
		return strconv.FormatInt(count+op.Amount(), 10), true
	},
	fits: func(o *Object) bool {
		return !slices.ContainsFunc(o.Ops, func(op Op) bool { return op.Kind == Add && op.Amount() != 1 })
	},
	decide: func() specialist { return new(Counters) },
	rules:  []string{Lower, TooHigh, TooLow, "unfit"},
}

type counterStall struct {
	any   bool    // it does not only go up by one
	small []int64 // what is added else
	count int64
	ever  []int64
}

func (s *counterStall) call(rng *rand.Rand, _ int32) Op {
	op := Op{Kind: Count}
	if rng.IntN(2) == 0 {
		op.Kind = Add
		op.SetAmount(1)
		if s.any {
			op.SetAmount([]int64{1, 2, -1, 1 << 33, -1 << 33}[rng.IntN(5)])
		}
		if s.small != nil {
			op.SetAmount(s.small[rng.IntN(len(s.small))])
		}
	}
	return op
}

func (s *counterStall) perform(op *Op) {
	if op.Kind == Count {
		op.SetAmount(s.count)
		return
	}
	s.count += op.Amount()
	s.ever = append(s.ever, s.count)
}

func (s *counterStall) lie(rng *rand.Rand, op *Op) {
	if op.Kind == Count {
		op.SetAmount(op.Amount() + rng.Int64N(5) - 2)
		if len(s.ever) > 0 && rng.IntN(2) == 0 {
			op.SetAmount(s.ever[rng.IntN(len(s.ever))])
		}
	}
}

func (*counterStall) forget(*Op) {}

func (*counterStall) object(ops []Op) *Object { return &Object{Ops: ops} }

// longCounter is a counter of so many operations, four open at once. Where it is to be illegal, a few additions near
// the end are missing from what is seen afterwards.
func longCounter(ops int, legal bool) *Object {
	o, count := &Object{}, int64(0)
	for i := range ops {
		op := Op{Call: int64(2 * i), Return: int64(2*i) + 7, Kind: Add}
		if op.SetAmount(1); i%4 == 3 {
			op.Kind = Count
			op.SetAmount(count)
		} else if legal || i < ops-10_000 || i > ops-9_980 {
			count++
		}
		o.Ops = append(o.Ops, op)
	}
	return o
}

func BenchmarkCounter(b *testing.B) {
	for _, legal := range []bool{true, false} {
		b.Run(fmt.Sprintf("legal=%t", legal), func(b *testing.B) {
			judged(b, longCounter(1_000_000, legal), new(Counters), legal)
		})
	}
}
