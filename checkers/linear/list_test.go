package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// lists is the trade of Lists.
var lists = trade{
	name:  "list",
	open:  func(rng *rand.Rand) stall { return &listStall{twice: rng.IntN(4) == 0} },
	model: ListModel,
	step: func(o *Object, op *Op, state string) (string, bool) {
		if op.Kind == Append {
			return state + fmt.Sprintf("%d ", op.Value), true
		}
		shown := ""
		for _, e := range o.Elements[op.From:][:op.Value] {
			shown += fmt.Sprintf("%d ", e)
		}
		return state, state == shown
	},
	fits: func(o *Object) bool {
		appends := map[int32]int{}
		for i := range o.Ops {
			if o.Ops[i].Kind == Append {
				appends[o.Ops[i].Value]++
			}
		}
		return !slices.ContainsFunc(o.Elements, func(e int32) bool { return appends[e] > 1 })
	},
	decide: func() specialist { return new(Lists) },
	rules:  []string{Nowhere, Future, Repeated, Forked, Shorter, Missing, Swapped, "unfit"},
}

type listStall struct {
	twice    bool // an element in five is appended again
	fresh    int32
	state    []int32
	ever     [][]int32
	elements []int32
}

func (s *listStall) call(rng *rand.Rand, _ int32) Op {
	if rng.IntN(2) == 0 {
		return Op{Kind: Read}
	}
	if s.fresh == 0 || !s.twice || rng.IntN(5) > 0 {
		s.fresh++
	}
	return Op{Kind: Append, Value: s.fresh}
}

func (s *listStall) perform(op *Op) {
	if op.Kind == Append {
		s.state = append(s.state, op.Value)
		s.ever = append(s.ever, slices.Clone(s.state))
		return
	}
	s.show(op, s.state)
}

func (s *listStall) show(op *Op, state []int32) {
	op.From, op.Value = int32(len(s.elements)), int32(len(state))
	s.elements = append(s.elements, state...)
}

// lie shows another time's list, sometimes with an element changed, repeated or left out.
func (s *listStall) lie(rng *rand.Rand, op *Op) {
	if op.Kind != Read || len(s.ever) == 0 {
		return
	}
	state := slices.Clone(s.ever[rng.IntN(len(s.ever))])
	switch at := rng.IntN(len(state)); rng.IntN(8) {
	case 0:
		state[at] = s.fresh + rng.Int32N(3)
	case 1:
		state = append(state, state[at])
	case 2:
		state = slices.Delete(state, at, at+1)
	case 3:
		slices.Reverse(state[at:])
	}
	s.show(op, state)
}

func (*listStall) forget(*Op) {}

func (s *listStall) object(ops []Op) *Object {
	return &Object{Ops: ops, Elements: append([]int32{}, s.elements...), Values: int(s.fresh) + 3}
}

// longList is a list of so many operations, one in a hundred of which reads; the last one may miss an element.
func longList(ops int, legal bool) *Object {
	o := &Object{Elements: []int32{}}
	var state []int32
	for i := range ops {
		op := Op{Call: int64(2 * i), Return: int64(2*i + 5)} // three are open at once
		if i%2 == 1 {
			op.Return -= 4
		}
		if op.Return%2 == 0 {
			op.Return++
		}
		if i%4000 == 3999 {
			op.Kind, op.From, op.Value = Read, int32(len(o.Elements)), int32(len(state))
			o.Elements = append(o.Elements, state...)
		} else {
			op.Kind, op.Value = Append, int32(len(state))
			state = append(state, op.Value)
		}
		o.Ops = append(o.Ops, op)
	}
	o.Values = len(state)
	if last := &o.Ops[ops-1]; !legal {
		last.Value -= 10
	}
	return o
}

func BenchmarkList(b *testing.B) {
	for _, legal := range []bool{true, false} {
		b.Run(fmt.Sprintf("legal=%t", legal), func(b *testing.B) {
			o := longList(1_000_000, legal)
			judged(b, o, new(Lists), legal)
		})
	}
}
