package checkers

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// theirs is a register as a user of porcupine writes it.
func theirs() PorcupineModel {
	type input struct {
		write bool
		value any
	}
	return PorcupineModel{
		Name: "a register of mine",
		Model: porcupine.Model{
			Init: func() any { return nil },
			Step: func(state, in, out any) (bool, any) {
				if i := in.(input); i.write {
					return true, i.value
				}
				return out == state, state
			},
		},
		Operation: func(p history.Pair) (in, out any, takesPart bool) {
			if p.Outcome == history.Fail || p.F == "read" && p.Outcome != history.OK {
				return nil, nil, false
			}
			return input{p.F == "write", p.Input}, p.Output, true
		},
	}
}

func TestAModelOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := Porcupine(theirs(), harness.Budget{})
	rng := rand.New(rand.NewPCG(61, 61))
	wrong, fine := 0, 0
	for i := range 800 {
		d := dice{model: "register", ops: 8, processes: 3, pending: 10, fails: 10, lies: i % 2 * 25, key: "k"}
		pairs := d.roll(rng)
		v := check(t, c, pairs)
		legal := brute("register", pairs)
		if (v.Validity == harness.Valid) != legal {
			t.Fatalf("%s: %s, legal %t\n%s", v.Validity, v.Reason, legal, show(pairs))
		}
		if legal {
			fine++
			continue
		}
		wrong++
		a := v.Anomalies[0]
		if brute("register", a.Witness) || check(t, c, a.Witness).Validity != harness.Invalid || a.Impossible < 0 {
			t.Fatalf("the witness does not stand alone, or says nothing: %+v\n%s", a, show(pairs))
		}
	}
	if wrong < 50 || fine < 50 {
		t.Fatalf("%d wrong, %d fine: too few of a kind", wrong, fine)
	}
}

func TestAModelOfTheirOwnWithoutTimeOrOperations(t *testing.T) {
	t.Parallel()
	v := check(t, Porcupine(theirs(), harness.Budget{Time: time.Nanosecond}), easy("a", 0, true))
	if v.Validity != harness.Unknown || len(v.Undecided) != 1 {
		t.Fatalf("%s: %s", v.Validity, v.Reason)
	}
	if v = check(t, Porcupine(theirs(), harness.Budget{}), nil); v.Validity != harness.Unknown || v.Reason == "" {
		t.Fatalf("%s: %s", v.Validity, v.Reason)
	}
}
