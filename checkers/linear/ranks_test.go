package linear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
)

// ranked makes a register with few values whose operations tell the truth about their order, with a share that never
// returned and lies about what was read.
func ranked(rng *rand.Rand, c crowd) *Object {
	s := &rankedStall{ranks: map[int64]int64{}}
	return trade{open: func(*rand.Rand) stall { return s }}.roll(rng, c)
}

type rankedStall struct {
	state    int32
	revision int64
	ever     []int32
	ranks    map[int64]int64 // by call
}

func (s *rankedStall) call(rng *rand.Rand, _ int32) Op {
	switch rng.IntN(4) {
	case 0:
		return Op{Kind: Write, Value: rng.Int32N(3) + 1}
	case 1:
		return Op{Kind: Swap, From: s.state, Value: rng.Int32N(3) + 1}
	}
	return Op{Kind: Read}
}

func (s *rankedStall) perform(op *Op) {
	switch {
	case op.Kind == Read:
		op.Value = s.state
	case op.Kind == Swap && op.From != s.state:
		op.Kind = SwapFailed
	default:
		s.state = op.Value
		s.ever = append(s.ever, s.state)
		s.revision++
	}
	s.ranks[op.Call] = s.revision
}

func (s *rankedStall) lie(rng *rand.Rand, op *Op) {
	if op.Kind == Read && len(s.ever) > 0 {
		op.Value = s.ever[rng.IntN(len(s.ever))]
	}
}

func (*rankedStall) forget(op *Op) {
	if op.Kind == SwapFailed {
		op.Kind = Swap
	}
}

func (s *rankedStall) object(ops []Op) *Object {
	o := &Object{Ops: ops, Values: 4, Ranks: make([]int64, len(ops))}
	for i := range ops {
		if !ops[i].Pending() {
			o.Ranks[i] = s.ranks[ops[i].Call]
		}
	}
	return o
}

// TestRanks: where the system tells the truth and everything returned, its order is found; and every order that is
// found fits, which the search has to see too.
func TestRanks(t *testing.T) {
	rng, d, found, s := rand.New(rand.NewPCG(8, 8)), new(Ranks), map[string]int{}, new(Search)
	for range 4000 {
		c := crowd{ops: 5 + rng.IntN(40), processes: 4, pending: rng.IntN(3) * 10, lies: rng.IntN(3) * 5}
		o := ranked(rng, c)
		r := d.Decide(o)
		if r.Answer == Undecided {
			if c.pending == 0 && c.lies == 0 {
				t.Fatalf("%+v: not found\n%s", c, show(o))
			}
			found["not"]++
			continue
		}
		found[fmt.Sprintf("pending %d lies %d", c.pending, c.lies)]++
		if err := Replay(o, RegisterModel(), r.Order); err != nil || r.Answer != Legal {
			t.Fatalf("%+v: %d, %v\n%s", c, r.Answer, err, show(o))
		}
		if by := s.Decide(context.Background(), o, RegisterModel(), Budget{Steps: 10_000}); by.Answer == Illegal {
			t.Fatalf("%+v: the search says illegal\n%s", c, show(o))
		}
	}
	if found["pending 20 lies 0"] < 100 || found["pending 0 lies 10"] < 10 || found["not"] < 100 {
		t.Fatalf("the dice are loaded: %v", found)
	}
	t.Log(found)
}

func BenchmarkRanks(b *testing.B) {
	o := busy(1_000_000, 20, 1, true, true)
	order := Register(o).Order
	o.Ranks = make([]int64, len(o.Ops))
	rank := int64(1)
	for _, i := range order {
		if o.Ops[i].stores() {
			rank++
		}
		o.Ranks[i] = rank
	}
	o = worn(o, 5, true)
	for _, i := range order { // values wear out, ranks do not
		if o.Ops[i].Pending() {
			o.Ranks[i] = 0
		}
	}
	judged(b, o, new(Ranks), true)
}
