package checkers

import (
	"context"
	"errors"
	"testing"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness/history"
)

// worn is a register of one key with few values, some of whose writes never returned. Where it lies, one more value is
// written in the middle, and read at the end after another was written.
func worn(lies bool) []history.Pair {
	h := load{ops: 4000, clients: 10, keys: 1, pending: 2}.history()
	for i := range h.Pairs {
		p := &h.Pairs[i]
		for _, v := range []*any{&p.Input, &p.Output} {
			if n, is := (*v).(int64); is {
				*v = n % 5
			}
		}
	}
	if !lies {
		return h.Pairs
	}
	middle := len(h.Pairs) / 2
	for h.Pairs[middle].F != "write" || h.Pairs[middle].Outcome != history.OK {
		middle++
	}
	h.Pairs[middle].Input = int64(7)
	end := 3 * len(h.Pairs)
	for i, p := range []history.Pair{{F: "write", Input: int64(1)}, {F: "read", Output: int64(7)}} {
		p.Key, p.Process, p.Outcome = "k0", -1, history.OK
		p.Index, p.End = end+2*i, end+2*i+1
		p.Call, p.Return = at1(p.Index), at1(p.End)
		h.Pairs = append(h.Pairs, p)
	}
	return h.Pairs
}

// TestWhatASearchAloneDoesNotDecide: where nothing but the whole shows that there is no order, the engine finds out
// with as many steps as a search by itself does not get far with.
func TestWhatASearchAloneDoesNotDecide(t *testing.T) {
	t.Parallel()
	const limit = 1_000_000
	for _, lies := range []bool{false, true} {
		keys, err := split(register{}, history.History{Pairs: worn(lies)})
		if err != nil {
			t.Fatal(err)
		}
		object, model := compact(keys[0].ops), register{}.sequential(keys[0].ops)
		want := linear.Legal
		if lies {
			want = linear.Illegal
			r := new(linear.Search).Decide(context.Background(), object, model, linear.Budget{Steps: limit})
			if !errors.Is(r.Cause, linear.ErrSteps) {
				t.Errorf("a search by itself is enough: %v, %v", r.Answer, r.Cause)
			}
		}
		m := &meter{limit: limit}
		if answer, cause := (searching{}).decide(context.Background(), object, model, m); answer != want {
			t.Errorf("lies %t: %v, %v after %d steps", lies, answer, cause, m.steps.Load())
		}
	}
}
