package checkers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

func modelNamed(t testing.TB, name string) Model {
	for _, m := range models() {
		if m.Name() == name {
			return m
		}
	}
	t.Fatalf("no model %q", name)
	return Model{}
}

func check(t testing.TB, c harness.Checker, pairs []history.Pair) harness.Verdict {
	t.Helper()
	return checkWith(t, context.Background(), c, pairs)
}

func checkWith(t testing.TB, ctx context.Context, c harness.Checker, pairs []history.Pair) harness.Verdict {
	t.Helper()
	v, err := c.Check(ctx, history.History{Pairs: pairs})
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return v
}

func show(pairs []history.Pair) string {
	out := ""
	for _, p := range pairs {
		out += fmt.Sprintf("  [%d %d] p%d %s %v -> %v %s unmet %v\n", p.Index, p.End, p.Process, p.F, p.Input, p.Output,
			p.Outcome, p.Unmet)
	}
	return out
}

// TestLinearizableAgainstEveryOrder compares verdicts with brute force on thousands of small histories, legal and not,
// and looks at every witness: brute force must find it illegal too, and nothing may be left out of it.
func TestLinearizableAgainstEveryOrder(t *testing.T) {
	const rounds = 500
	for _, m := range models() {
		model := m.Name()
		for _, pending := range []int{0, 10, 30} {
			for _, values := range []int{0, 2} {
				for _, lies := range []int{0, 25} {
					d := dice{
						model: model, ops: 7, processes: 3, pending: pending, fails: 10, values: values, lies: lies, spurious: lies,
					}
					t.Run(fmt.Sprintf("%s/pending=%d/values=%d/lies=%d", model, pending, values, lies), func(t *testing.T) {
						t.Parallel()
						againstEveryOrder(t, d, rounds)
					})
				}
			}
		}
	}
}

func againstEveryOrder(t *testing.T, d dice, rounds int) {
	rng := rand.New(rand.NewPCG(uint64(d.pending), uint64(d.values*100+d.lies)))
	c := Linearizable(modelNamed(t, d.model), harness.Budget{})
	seen, spurious := map[harness.Validity]int{}, 0
	for range rounds {
		d.ops = 4 + rng.IntN(5)
		pairs := d.roll(rng)
		v := check(t, c, pairs)
		seen[v.Validity]++
		if want := brute(d.model, pairs); v.Validity != harness.Unknown && want != (v.Validity == harness.Valid) {
			t.Fatalf("brute force says legal = %v, the checker %s (%s)\n%s", want, v.Validity, v.Reason, show(pairs))
		}
		for _, a := range v.Anomalies {
			if a.Name == SpuriousFailure {
				spurious++
			}
			checkWitness(t, d.model, c.(linearizable), pairs, a)
		}
	}
	swaps := d.model == "cas-register" || d.model == "versioned-register"
	if swaps && d.lies > 0 && d.pending == 0 && spurious == 0 {
		t.Fatal("no spurious failure was found")
	}
	if d.lies == 0 && seen[harness.Invalid] > 0 || d.lies > 0 && (seen[harness.Invalid] == 0 || seen[harness.Valid] == 0) {
		t.Fatalf("the dice are loaded: %v", seen)
	}
}

// checkWitness demands of an anomaly that it proves itself.
func checkWitness(t *testing.T, model string, c linearizable, all []history.Pair, a harness.Anomaly) {
	t.Helper()
	if brute(model, a.Witness) {
		t.Fatalf("%s: the witness is legal\n%s%s", a.Name, show(a.Witness), show(all))
	}
	if !slices.ContainsFunc(a.Witness, func(p history.Pair) bool { return p.Index == a.Impossible }) {
		t.Fatalf("%s: the impossible operation %d is not in the witness\n%s", a.Name, a.Impossible, show(a.Witness))
	}
	o := c.model.object
	keys, err := split(o, history.History{Pairs: a.Witness})
	if err != nil {
		t.Fatal(err)
	}
	ops := keys[0].ops
	for i := range ops { // what shows that the value was there stays, also where none is needed to find the rest illegal
		ops[i].surely = ops[i].kind == refused && presences(ops)[ops[i].from].certain(&ops[i])
	}
	stillIllegal := func(rest []op, what string) {
		if !brute(model, keys[0].witness(o.prune(rest))) {
			t.Fatalf("%s: illegal without %s\n%s", a.Name, what, show(a.Witness))
		}
	}
	for i := range ops {
		if ops[i].observes() {
			stillIllegal(slices.Delete(slices.Clone(ops), i, i+1), "a read")
		}
	}
	for _, v := range valuesOf(ops) {
		if rest := o.without(ops, map[value]bool{v: true}); o.whole() || len(rest) < len(ops) {
			stillIllegal(rest, "a value")
		}
	}
	for _, i := range o.idle(ops) {
		stillIllegal(slices.Delete(slices.Clone(ops), i, i+1), "an unseen write")
	}
}

// TestWhoDecides: every model has a special decider, and what is not for it is searched.
func TestWhoDecides(t *testing.T) {
	for _, c := range []struct{ model, text, by string }{
		{"register", "0 invoke write 1\n0 ok write\n0 invoke read\n0 ok read 1", "zones"},
		{"register", "0 invoke write 1\n0 ok write\n0 invoke write 1\n0 ok write\n0 invoke read\n0 ok read 1",
			"search"},
		{"versioned-register", "0 invoke write 1\n0 ok write 7\n0 invoke write 1\n0 ok write 8\n0 invoke read\n" +
			"0 ok read [1 8]", "ranks"},
		{"append", "0 invoke append 1\n0 ok append\n0 invoke read\n0 ok read [1]", "lists"},
		{"queue", "0 invoke enqueue 1\n0 ok enqueue\n0 invoke dequeue\n0 ok dequeue 1", "queues"},
		{"queue", "0 invoke enqueue 1\n0 ok enqueue\n0 invoke enqueue 1\n0 ok enqueue\n0 invoke dequeue\n" +
			"0 ok dequeue 1", "search"},
		{"unordered-queue", "0 invoke enqueue 1\n0 ok enqueue\n0 invoke dequeue\n0 ok dequeue nil", "queues"},
		{"lock", "0 invoke acquire\n0 ok acquire\n1 invoke acquire\n1 ok acquire", "locks"},
		{"lock", "0 invoke acquire\n0 ok acquire\n1 invoke acquire\n1 ok acquire false", "search"},
		{"fenced-lock", "0 invoke acquire\n0 ok acquire 7", "locks"},
		{"counter", "0 invoke add 1\n0 ok add\n0 invoke read\n0 ok read 1", "counters"},
		{"counter", "0 invoke add 2\n0 ok add\n0 invoke read\n0 ok read 2", "search"},
		{"member-set", "0 invoke add 2\n0 ok add\n0 invoke contains 2\n0 ok contains true", "members"},
	} {
		v := check(t, Linearizable(modelNamed(t, c.model), harness.Budget{}), parseHistory(t, c.text).Pairs)
		if by := v.Stats["keys_decided_by"].(map[string]int); v.Validity == harness.Unknown || by[c.by] != 1 {
			t.Errorf("%s: %s, decided by %v, want %s\n%s", c.model, v.Validity, by, c.by, c.text)
		}
	}
	h := parseHistory(t, "0 invoke write 1\n0 ok write\n0 invoke write 1\n0 ok write\n0 invoke read\n0 ok read 1")
	for i := range h.Pairs {
		h.Pairs[i].Revision = int64(i) + 10
	}
	v := check(t, Linearizable(Register(), harness.Budget{}), h.Pairs)
	if by := v.Stats["keys_decided_by"].(map[string]int); v.Validity != harness.Valid || by["ranks"] != 1 {
		t.Errorf("revisions of a register: %s, decided by %v", v.Validity, by)
	}
}

// split returns every key of a history as the searches want it, in the order of first use.
func split(r reader, h history.History) ([]*keyHistory, error) {
	load, err := group(r, h)
	if err != nil {
		return nil, err
	}
	d := newDesk(load, r)
	keys := make([]*keyHistory, len(load.keys))
	for i := range keys {
		d.read(i)
		keys[i] = d.file()
	}
	return keys, nil
}
