package linear

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// locks are the trades of Locks: without tokens and with.
func locks() []trade {
	var all []trade
	for _, fenced := range []bool{false, true} {
		t := trade{
			name:  fmt.Sprintf("lock, with tokens %t", fenced),
			open:  func(rng *rand.Rand) stall { return &lockStall{fenced: fenced, tries: rng.IntN(4) == 0} },
			model: func(*Object) Model { return LockModel(fenced) },
			step:  func(_ *Object, op *Op, state string) (string, bool) { return lockStep(fenced, op, state) },
			fits: func(o *Object) bool {
				return !slices.ContainsFunc(o.Ops, func(op Op) bool { return op.Kind == Busy })
			},
			decide: func() specialist { return NewLocks(fenced) },
			rules:  []string{Shared, NotHeld, "unfit"},
		}
		if fenced {
			t.rules = append(t.rules, TokenTwice, TokenDown)
		}
		all = append(all, t)
	}
	return all
}

func lockStep(fenced bool, op *Op, state string) (string, bool) {
	holder, token := int32(0), int32(0)
	if state != "" {
		if _, err := fmt.Sscan(state, &holder, &token); err != nil {
			panic(err)
		}
	}
	next := func() string { return fmt.Sprint(holder, " ", token) }
	switch op.Kind {
	case Busy:
		return state, holder != 0
	case Release:
		fits := holder == op.From
		holder = 0
		return next(), fits
	}
	fits := holder == 0 && (!fenced || op.Pending() || op.Value > token)
	holder = op.From
	if !op.Pending() {
		token = op.Value
	}
	return next(), fits
}

type lockStall struct {
	fenced, tries bool
	holder, token int32
	mine          [200]bool // by process: whether it believes that it has the lock
}

func (s *lockStall) call(_ *rand.Rand, process int32) Op {
	if s.mine[process] {
		return Op{Kind: Release, From: process}
	}
	return Op{Kind: Acquire, From: process}
}

func (s *lockStall) perform(op *Op) {
	switch {
	case op.Kind == Release:
		s.mine[op.From] = false
		if s.holder == op.From {
			s.holder = 0
		}
	case s.holder == 0:
		s.holder = op.From
		s.take(op)
	default:
		op.Kind = Busy
	}
}

func (s *lockStall) take(op *Op) {
	op.Kind, s.mine[op.From] = Acquire, true
	if s.fenced {
		s.token++
		op.Value = s.token
	}
}

// lie lets in who was to wait, lets somebody give back what he does not have, and gives out older tokens.
func (s *lockStall) lie(rng *rand.Rand, op *Op) {
	switch {
	case op.Kind == Busy && rng.IntN(3) == 0:
		op.Kind = Release
	case op.Kind == Busy:
		s.take(op)
	case op.Kind == Acquire && s.fenced:
		op.Value = max(1, op.Value-rng.Int32N(3))
	}
}

func (s *lockStall) forget(op *Op) {
	if op.Kind == Busy {
		op.Kind = Acquire
	}
	op.forget()
}

func (s *lockStall) object(ops []Op) *Object {
	if !s.tries {
		ops = slices.DeleteFunc(ops, func(op Op) bool { return op.Kind == Busy })
	}
	return &Object{Ops: ops, Values: 200}
}

func BenchmarkLock(b *testing.B) {
	for _, fenced := range []bool{false, true} {
		for _, legal := range []bool{true, false} {
			b.Run(fmt.Sprintf("fenced=%t/legal=%t", fenced, legal), func(b *testing.B) {
				o := &Object{Values: 1_000_000}
				for i := range 500_000 { // the next waits already when the lock is given back
					n, at := int32(i%5)+1, int64(4*i)
					o.Ops = append(o.Ops, Op{Call: at, Return: at + 5, Kind: Acquire, From: n, Value: int32(i) + 1},
						Op{Call: at + 6, Return: at + 7, Kind: Release, From: n})
				}
				for i := range o.Ops[1:] {
					if o.Ops[i].Kind == Release {
						o.Ops[i].Return = o.Ops[i].Call + 3
					}
				}
				slices.SortFunc(o.Ops, func(a, b Op) int { return int(a.Call - b.Call) })
				if !legal {
					late := o.Ops[900_000:]
					op := &late[slices.IndexFunc(late, func(op Op) bool { return op.Kind == Acquire })]
					op.Return = op.Call + 1
				}
				judged(b, o, NewLocks(fenced), legal)
			})
		}
	}
}
