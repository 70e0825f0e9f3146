package linear

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var long = flag.Int("long", 0, "how many random objects of each sort TestLong tries")

// registers are the sorts of objects on which the zones are compared with brute force.
func registers() []dice {
	var all []dice
	for _, swaps := range []bool{false, true} {
		for _, failed := range []bool{false, true} {
			for _, pending := range []int{0, 10, 30} {
				for _, values := range []int{0, 3} {
					for _, lies := range []int{0, 25} {
						if failed && !swaps {
							continue
						}
						all = append(all, dice{swaps: swaps, failed: failed, pending: pending, values: values, lies: lies})
					}
				}
			}
		}
	}
	return all
}

// tally counts answers, so that no test passes because nothing was ever decided.
type tally map[Answer]int

// against compares a decider with brute force, or with porcupine where the object is large, and looks at every proof.
func against(t *testing.T, d dice, rng *rand.Rand, decide func(*Object) Result, seen tally) {
	t.Helper()
	o := d.roll(rng)
	r := decide(o)
	seen[r.Answer]++
	want := false
	switch {
	case r.Answer == Undecided:
		if d.values == 0 && !d.failed {
			t.Fatalf("%+v: undecided: %v\n%s", d, r.Cause, show(o))
		}
		return
	case len(o.Ops) <= 12:
		want = brute(o)
	default:
		want = referee(o)
	}
	if want != (r.Answer == Legal) {
		t.Fatalf("%+v: legal is %v, decided %d by %s (%s: %v)\n%s", d, want, r.Answer, r.By, r.Rule, r.Witness, show(o))
	}
	if r.Answer == Legal {
		if err := Replay(o, RegisterModel(), r.Order); err != nil {
			t.Fatalf("%+v: the order %v: %v\n%s", d, r.Order, err, show(o))
		}
		return
	}
	for _, proof := range append([]Result{r}, r.More...) {
		checkProof(t, o, &proof)
	}
}

// checkProof demands that a witness is illegal by itself, closed, and that its moment is the first one.
func checkProof(t *testing.T, o *Object, r *Result) {
	t.Helper()
	part := o.Part(r)
	if brute(part) {
		t.Fatalf("%s: the witness %v is legal\n%s%s", r.Rule, r.Witness, show(part), show(o))
	}
	if !slices.IsSorted(r.Witness) || r.Rule == "" || r.By == "" {
		t.Fatalf("%s: the proof is incomplete: %+v", r.Rule, r)
	}
	at, known := slices.BinarySearch(r.Witness, r.At)
	if !known {
		t.Fatalf("%s: %d is not in the witness %v\n%s", r.Rule, r.At, r.Witness, show(o))
	}
	end := part.Ops[at].Return
	if brute(part.Until(end)) || !brute(part.Until(end-1)) {
		t.Fatalf("%s: %d is not the moment\n%s", r.Rule, r.At, show(part))
	}
}

func TestRegisterAgainstEveryOrder(t *testing.T) {
	for _, d := range registers() {
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			rng, seen, zones := rand.New(rand.NewPCG(1, 2)), tally{}, new(Zones)
			for range 500 {
				d.ops, d.processes = 3+rng.IntN(8), 2+rng.IntN(3)
				against(t, d, rng, zones.Decide, seen)
			}
			if seen[Legal] == 0 || d.lies > 0 && seen[Illegal] == 0 || d.lies == 0 && seen[Illegal] > 0 {
				t.Fatalf("the dice are loaded: %v", seen)
			}
		})
	}
}

// TestRegisterAgainstPorcupine does the same with more operations at once.
func TestRegisterAgainstPorcupine(t *testing.T) {
	for _, d := range registers() {
		if d.values > 0 {
			continue
		}
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			rng, seen := rand.New(rand.NewPCG(3, 4)), tally{}
			for range 30 {
				d.ops, d.processes = 20+rng.IntN(30), 3+rng.IntN(3)
				if d.lies > 0 {
					d.lies = 3
				}
				against(t, d, rng, Register, seen)
			}
			if seen[Legal] == 0 {
				t.Fatalf("the dice are loaded: %v", seen)
			}
		})
	}
}

// TestEveryRuleIsBroken looks at what is told of illegal registers: every rule, and never more than six operations of
// a register without compare-and-set.
func TestEveryRuleIsBroken(t *testing.T) {
	rng, broken := rand.New(rand.NewPCG(5, 6)), map[string]int{}
	for i := range 1500 {
		d := dice{swaps: i%2 == 0, ops: 30, processes: 5, pending: 10, lies: 10}
		o := d.roll(rng)
		r := Register(o)
		for _, r := range append([]Result{r}, r.More...) {
			broken[r.Rule]++
			if !d.swaps && len(r.Witness) > 6 {
				t.Fatalf("%s: %d operations\n%s", r.Rule, len(r.Witness), show(o.Part(&r)))
			}
		}
	}
	for _, rule := range []string{Nowhere, Future, Twice, Backward, Crossed} {
		if broken[rule] < 10 {
			t.Errorf("%q was broken %d times", rule, broken[rule])
		}
	}
	ring := &Object{Values: 3, Ops: []Op{
		{Call: 1, Return: 4, Kind: Swap, From: 1, Value: 2}, {Call: 2, Return: 3, Kind: Swap, From: 2, Value: 1},
	}}
	if r := Register(ring); r.Rule != Ring || len(r.Witness) != 2 {
		t.Errorf("a ring: %+v", r)
	}
}

// TestReplayRefuses spoils a good order in every way.
func TestReplayRefuses(t *testing.T) {
	o := &Object{Values: 3, Ops: []Op{
		{Call: 1, Return: 2, Kind: Write, Value: 1}, {Call: 3, Return: 6, Kind: Write, Value: 2},
		{Call: 4, Return: 5, Kind: Read, Value: 1}, {Call: 7, Return: Never, Kind: Write, Value: 1},
	}}
	for _, good := range [][]int32{{0, 2, 1}, {0, 2, 1, 3}} {
		if err := Replay(o, RegisterModel(), good); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for why, bad := range map[string][]int32{
		"missing": {0, 2}, "second time": {0, 2, 1, 2}, "when it had returned": {1, 0, 2}, "does not fit": {0, 1, 2},
		"of 4": {0, 4},
	} {
		if err := Replay(o, RegisterModel(), bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v: %v, want %s", bad, err, why)
		}
	}
}

// TestALongChainIsCut: a stale read of a value deep in a chain of compare-and-sets is told with a few of them.
func TestALongChainIsCut(t *testing.T) {
	o := &Object{Values: 1000}
	for v := range int32(999) {
		o.Ops = append(o.Ops, Op{Call: int64(2 * v), Return: int64(2*v) + 1, Kind: Swap, From: v, Value: v + 1})
	}
	o.Ops = append(o.Ops, Op{Call: 5000, Return: 5001, Kind: Read, Value: 500})
	r := Register(o)
	if r.Rule != Backward || len(r.Witness) > 4 || len(r.Blind) != 1 {
		t.Fatalf("%+v", r)
	}
	checkProof(t, o, &r)
	o.Ops[999].Value = 999
	if r := Register(o); r.Answer != Legal || Replay(o, RegisterModel(), r.Order) != nil {
		t.Fatalf("%+v", r)
	}
}

// TestNotForZones: values stored twice, also the initial one, and other operations.
func TestNotForZones(t *testing.T) {
	for _, ops := range [][]Op{
		{{Call: 1, Return: 2, Kind: Write, Value: 1}, {Call: 3, Return: 4, Kind: Write, Value: 1}},
		{{Call: 1, Return: 2, Kind: Write, Value: 0}},
		{{Call: 1, Return: 2, Kind: Append, Value: 1}},
		{{Call: 1, Return: Never, Kind: Write, Value: 1}, {Call: 3, Return: Never, Kind: Write, Value: 1},
			{Call: 5, Return: 6, Kind: Read, Value: 1}},
	} {
		if r := Register(&Object{Ops: ops, Values: 2}); r.Answer != Undecided || !errors.Is(r.Cause, ErrUnfit) {
			t.Errorf("%+v: %+v", ops, r)
		}
	}
}

// TestLong is TestRegisterAgainstEveryOrder for as many objects as -long says:
// go test ./checkers/linear -run TestLong -long 30000 -v.
func TestLong(t *testing.T) {
	if *long == 0 {
		t.Skip("takes long; go test ./checkers/linear -run TestLong -long 30000 does it")
	}
	for nth, d := range registers() {
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			t.Parallel()
			rng, seen, zones := rand.New(rand.NewPCG(7, uint64(nth))), tally{}, new(Zones)
			for range *long {
				d.ops, d.processes = 3+rng.IntN(7), 2+rng.IntN(3)
				against(t, d, rng, zones.Decide, seen)
			}
			t.Logf("%d legal, %d illegal, %d unfit", seen[Legal], seen[Illegal], seen[Undecided])
		})
	}
}
