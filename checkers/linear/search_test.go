package linear

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var searchLong = flag.Int("long-search", 0, "small objects of each sort that TestSearchLong compares with every order")

// plain hides that a model is Valued.
type plain struct{ Model }

// searchSorts are the sorts of small objects on which the search is compared with every order.
func searchSorts() []dice {
	var all []dice
	for _, values := range []int{0, 2, 5} {
		for _, pending := range []int{0, 10, 30} {
			for _, lies := range []int{0, 30} {
				all = append(all,
					dice{ops: 9, processes: 4, values: values, pending: pending, lies: lies},
					dice{ops: 9, processes: 4, values: values, pending: pending, lies: lies, swaps: true},
					dice{ops: 9, processes: 5, values: values, pending: pending, lies: lies, swaps: true, failed: true})
			}
		}
	}
	return all
}

func compareSearch(t *testing.T, each int) {
	t.Helper()
	answers := map[Answer]int{}
	var s Search
	for n, d := range searchSorts() {
		rng := rand.New(rand.NewPCG(11, uint64(n)))
		for range each {
			o := d.roll(rng)
			want := Illegal
			if brute(o) {
				want = Legal
			}
			answers[want]++
			compareRefute(t, o, want)
			for _, m := range []Model{RegisterModel(), plain{RegisterModel()}} {
				r := s.Decide(context.Background(), o, m, Budget{})
				if r.Answer != want {
					t.Fatalf("%+v, %T: %v, not %v\n%s", d, m, r.Answer, want, show(o))
				}
				if r.Answer == Legal {
					if err := Replay(o, RegisterModel(), r.Order); err != nil {
						t.Fatalf("%+v, %T: %v\n%s", d, m, err, show(o))
					}
				}
			}
		}
	}
	if answers[Legal] < each || answers[Illegal] < each {
		t.Fatalf("%d legal and %d illegal objects: too few of a kind", answers[Legal], answers[Illegal])
	}
	t.Logf("%d legal, %d illegal", answers[Legal], answers[Illegal])
}

// compareRefute: what is illegal is refuted at the first return at which it is, and nothing else.
func compareRefute(t *testing.T, o *Object, want Answer) {
	t.Helper()
	at, cause := Refute(context.Background(), o, RegisterModel(), Budget{})
	if cause != nil || (at >= 0) != (want == Illegal) {
		t.Fatalf("refuted at %d, %v, not %v\n%s", at, cause, want, show(o))
	}
	if at < 0 {
		return
	}
	whole := o.Until(o.Ops[at].Return)
	if before := o.Until(o.Ops[at].Return - 1); brute(whole) || !brute(before) {
		t.Fatalf("refuted at %d, which is not the first return at which it is illegal\n%s", at, show(o))
	}
}

func TestSearchAgainstEveryOrder(t *testing.T) {
	t.Parallel()
	compareSearch(t, 400)
}

// TestSearchLong is the same for the night: -long-search 20000 makes a million objects.
func TestSearchLong(t *testing.T) {
	if *searchLong == 0 {
		t.Skip("only with -long-search N")
	}
	compareSearch(t, *searchLong)
}

// TestSearchAgainstPorcupine takes objects that are too large for every order.
func TestSearchAgainstPorcupine(t *testing.T) {
	t.Parallel()
	var s Search
	answers := map[bool]int{}
	for n, d := range []dice{
		{ops: 40, processes: 4, values: 3, lies: 6},
		{ops: 40, processes: 4, values: 3, lies: 4, swaps: true, failed: true},
		{ops: 30, processes: 3, values: 3, pending: 5, lies: 4, swaps: true},
	} {
		rng := rand.New(rand.NewPCG(12, uint64(n)))
		for range 200 {
			o := d.roll(rng)
			want := referee(o)
			answers[want]++
			r := s.Decide(context.Background(), o, RegisterModel(), Budget{})
			if (r.Answer == Legal) != want || r.Answer == Undecided {
				t.Fatalf("%+v: %v, porcupine says %v\n%s", d, r.Answer, want, show(o))
			}
			if want && Replay(o, RegisterModel(), r.Order) != nil {
				t.Fatalf("%+v: the order does not fit\n%s", d, show(o))
			}
		}
	}
	if answers[true] < 100 || answers[false] < 100 {
		t.Fatalf("%v: too few of a kind", answers)
	}
}

// knot is an illegal object for which every search needs long: among five values everything is swapped for everything
// twice at once, and two others, which nothing leads to, for each other.
func knot() *Object {
	o := &Object{Values: 7}
	swap := func(from, to int32) {
		n := int64(len(o.Ops))
		o.Ops = append(o.Ops, Op{Call: n, Return: 100 + n, Kind: Swap, From: from, Value: to})
	}
	for i := range int32(50) {
		if from, to := i/2%5, i/10; from != to {
			swap(from, to)
		}
	}
	swap(5, 6)
	swap(6, 5)
	return o
}

func TestSearchKeepsItsBudget(t *testing.T) {
	t.Parallel()
	o := knot()
	var s Search
	r := s.Decide(context.Background(), o, RegisterModel(), Budget{Steps: 5000})
	if r.Answer != Undecided || !errors.Is(r.Cause, ErrSteps) || r.Far == 0 {
		t.Fatalf("%+v", r)
	}
	most := int64(0)
	const limit = 1 << 20
	r = s.Decide(context.Background(), o, RegisterModel(),
		Budget{Memory: limit, Watch: func(_, bytes int64) { most = max(most, bytes) }})
	if r.Answer != Undecided || !errors.Is(r.Cause, ErrMemory) || most == 0 || most > limit {
		t.Fatalf("%+v after %d bytes", r, most)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := fmt.Errorf("enough")
	cancel(why)
	if r = s.Decide(ctx, o, RegisterModel(), Budget{}); r.Answer != Undecided || !errors.Is(r.Cause, why) {
		t.Fatalf("%+v", r)
	}
}
