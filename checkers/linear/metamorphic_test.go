package linear

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// change turns an object into another whose answer is known from that of the first.
type change struct {
	name string
	do   func(rng *rand.Rand, o *Object) *Object
	same bool // the answer stays; otherwise only legal ones must
}

func changes() []change {
	return []change{
		{"later and with gaps", func(_ *rand.Rand, o *Object) *Object {
			return o.timed(func(event int64) int64 { return 1_000_003 + 97*event })
		}, true},
		{"values renamed", renamed, true},
		{"without an observer", func(rng *rand.Rand, o *Object) *Object {
			at := rng.IntN(len(o.Ops))
			if o.Ops[at].Kind.Observes() {
				o.Ops = slices.Delete(o.Ops, at, at+1)
			}
			return o
		}, false},
		{"an interval widened", func(rng *rand.Rand, o *Object) *Object {
			o = o.timed(func(event int64) int64 { return 2 * event })
			if op := &o.Ops[rng.IntN(len(o.Ops))]; !op.Pending() {
				op.Return += 2*rng.Int64N(10) + 1
			}
			return o
		}, false},
	}
}

func (o *Object) copied() *Object {
	return &Object{Ops: slices.Clone(o.Ops), Values: o.Values}
}

func (o *Object) timed(f func(int64) int64) *Object {
	for i := range o.Ops {
		op := &o.Ops[i]
		op.Call = f(op.Call)
		if !op.Pending() {
			op.Return = f(op.Return)
		}
	}
	return o
}

func renamed(rng *rand.Rand, o *Object) *Object {
	to := make([]int32, o.Values)
	for i, n := range rng.Perm(o.Values - 1) {
		to[i+1] = int32(n) + 1
	}
	for i := range o.Ops {
		op := &o.Ops[i]
		op.Value, op.From = to[op.Value], to[op.From]
	}
	return o
}

// TestChangesThatMustNotMatter holds for legal and illegal objects of every special decider. Processes need no
// permuting: no decider knows them.
func TestChangesThatMustNotMatter(t *testing.T) {
	for _, d := range []dice{
		{ops: 12, processes: 4, pending: 10, lies: 10}, {swaps: true, ops: 12, processes: 4, pending: 10, lies: 10},
		{swaps: true, failed: true, ops: 12, processes: 4, pending: 10, lies: 15},
	} {
		rng, seen := rand.New(rand.NewPCG(7, 8)), tally{}
		for range 1500 {
			o := d.roll(rng)
			if len(o.Ops) == 0 {
				continue
			}
			before := Register(o).Answer
			seen[before]++
			for _, c := range changes() {
				after := Register(c.do(rng, o.copied())).Answer
				lost := before == Legal && after == Undecided && d.failed // their place in the order is no longer clear
				if c.same && after != before || before == Legal && after != Legal && !lost {
					t.Fatalf("%s: %d became %d\n%s", c.name, before, after, show(o))
				}
			}
		}
		if seen[Legal] < 100 || seen[Illegal] < 100 {
			t.Fatalf("the dice are loaded: %v", seen)
		}
	}
}

// TestChangesOfTradesThatMustNotMatter does the same with what is not a register. Whoever holds a lock does one thing
// after the other, so that those intervals are not widened.
func TestChangesOfTradesThatMustNotMatter(t *testing.T) {
	for _, tr := range trades() {
		rng, seen, d := rand.New(rand.NewPCG(9, 10)), tally{}, tr.decide()
		for range 1000 {
			o := tr.roll(rng, crowd{ops: 12, processes: 4, pending: 10, lies: 10})
			if len(o.Ops) == 0 {
				continue
			}
			before := d.Decide(o).Answer
			seen[before]++
			for _, c := range changes() {
				if c.name == "values renamed" || c.name == "an interval widened" && o.Ops[0].Kind.Holds() {
					continue
				}
				changed := o.copied()
				changed.Elements = o.Elements
				after := d.Decide(c.do(rng, changed)).Answer
				if c.same && after != before || before == Legal && after == Illegal {
					t.Fatalf("%s, %s: %d became %d\n%s", tr.name, c.name, before, after, tr.show(o))
				}
			}
		}
		if seen[Legal] < 100 || seen[Illegal] < 50 {
			t.Fatalf("%s: the dice are loaded: %v", tr.name, seen)
		}
	}
}
