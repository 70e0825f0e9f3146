package checkers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// stuck is an engine that finds no end of keys with more operations than an easy one, and takes memory meanwhile.
type stuck struct{ searching }

func (e stuck) decide(ctx context.Context, o *linear.Object, m linear.Model, meter *meter) (linear.Answer, error) {
	if len(o.Ops) < 10 {
		return e.searching.decide(ctx, o, m, meter)
	}
	var held [][]byte
	for ctx.Err() == nil {
		if len(held) < 300 {
			held = append(held, make([]byte, 1<<20))
			clear(held[len(held)-1])
		}
		meter.bytes.Store(int64(len(held)) << 20)
		runtime.Gosched()
	}
	runtime.KeepAlive(held)
	return linear.Undecided, context.Cause(ctx)
}

// with returns a context in which every key is decided by an engine.
func with(ctx context.Context, e engine) context.Context {
	return context.WithValue(ctx, engineKey{}, e)
}

// knot is a history of one key of more operations than stuck decides.
func knot(key string, line int) []history.Pair {
	var pairs []history.Pair
	for i := range 20 {
		pairs = append(pairs, history.Pair{
			Index: line + 2*i, End: line + 2*i + 1, F: "write", Key: key, Input: int64(7), Outcome: history.OK,
			Call: at1(line + 2*i), Return: at1(line + 2*i + 1),
		})
	}
	p := pairs[19]
	p.F, p.Input, p.Output, p.Index, p.End = "read", nil, int64(7), line+40, line+41
	return append(pairs, p)
}

const knotLines = 120

// easy is a history of one key with the given anomaly, if any.
func easy(key string, line int, stale bool) []history.Pair {
	saw := int64(2)
	if stale {
		saw = 1
	}
	var pairs []history.Pair
	for i, p := range []history.Pair{
		{F: "write", Input: int64(1)}, {F: "write", Input: int64(2)}, {F: "read", Output: int64(2)}, {F: "read", Output: saw},
		{F: "read", Output: int64(2)},
	} {
		p.Index, p.End, p.Key, p.Outcome = line+2*i, line+2*i+1, key, history.OK
		p.Call, p.Return = at1(p.Index), at1(p.End)
		pairs = append(pairs, p)
	}
	return pairs
}

func TestTimeRunsOutForSomeKeys(t *testing.T) {
	t.Parallel()
	pairs := slices.Concat(knot("hard", 0), easy("a", knotLines, false), easy("b", 2*knotLines, false))
	v := checkWith(t, with(t.Context(), stuck{}), Linearizable(Register(), harness.Budget{Time: time.Second}), pairs)
	if v.Validity != harness.Unknown || !slices.Equal(v.Undecided, []string{"hard"}) {
		t.Fatalf("%s, undecided %q: %s", v.Validity, v.Undecided, v.Reason)
	}
	if !strings.HasPrefix(v.Reason, "1 of 3 keys undecided after ") || !strings.HasSuffix(v.Reason, "(time): hard") {
		t.Fatalf("reason: %s", v.Reason)
	}
}

func TestAnAnomalyCountsAlthoughTimeRunsOut(t *testing.T) {
	t.Parallel()
	pairs := slices.Concat(knot("hard", 0), easy("bad", knotLines, true))
	v := checkWith(t, with(t.Context(), stuck{}), Linearizable(Register(), harness.Budget{Time: time.Second}), pairs)
	if v.Validity != harness.Invalid || len(v.Anomalies) != 1 || v.Anomalies[0].Key != "bad" || len(v.Undecided) != 1 {
		t.Fatalf("%s: %s, %v", v.Validity, v.Reason, v.Undecided)
	}
}

func TestMemoryRunsOut(t *testing.T) {
	pairs := slices.Concat(knot("hard", 0), easy("a", knotLines, false))
	c := Linearizable(Register(), harness.Budget{Time: time.Minute, Memory: 4 << 20})
	v := checkWith(t, with(t.Context(), stuck{}), c, pairs)
	if v.Validity != harness.Unknown || !slices.Equal(v.Undecided, []string{"hard"}) ||
		!strings.Contains(v.Reason, "(memory)") {
		t.Fatalf("%s, undecided %q: %s", v.Validity, v.Undecided, v.Reason)
	}
}

// TestTheBudgetOfWhoeverAsks gives a checker with a budget of its own another through the context: what is set there
// counts, and what is not set there leaves the checker's own.
func TestTheBudgetOfWhoeverAsks(t *testing.T) {
	t.Parallel()
	hard := history.History{Pairs: knot("hard", 0)}
	for name, c := range map[string]struct {
		own, asked harness.Budget
		cause      string
	}{
		"memory of the context": {harness.Budget{Time: time.Minute}, harness.Budget{Memory: 4 << 20}, "(memory)"},
		"time of the context":   {harness.Budget{Time: time.Hour}, harness.Budget{Time: 200 * time.Millisecond}, "(time)"},
		"its own time":          {harness.Budget{Time: 200 * time.Millisecond}, harness.Budget{Memory: 8 << 30}, "(time)"},
		"its own memory":        {harness.Budget{Memory: 4 << 20}, harness.Budget{Time: time.Minute}, "(memory)"},
	} {
		v, err := Linearizable(Register(), c.own).Check(harness.WithBudget(with(t.Context(), stuck{}), c.asked), hard)
		if err != nil || v.Validity != harness.Unknown || !strings.Contains(v.Reason, c.cause) {
			t.Errorf("%s: %v, %s: %s", name, err, v.Validity, v.Reason)
		}
	}
}

func TestInterruptEndsTheCheck(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := Linearizable(Register(), harness.Budget{Time: time.Minute, Memory: 1 << 30})
	v, err := c.Check(with(ctx, cancelling{cancel: cancel}), history.History{Pairs: knot("hard", 0)})
	if err != nil || v.Validity != harness.Unknown || !strings.Contains(v.Reason, "(interrupted)") {
		t.Fatalf("%v, %s: %s", err, v.Validity, v.Reason)
	}
}

// cancelling is an engine that is interrupted as soon as it starts.
type cancelling struct {
	cancel context.CancelFunc
	stuck
}

func (c cancelling) decide(ctx context.Context, o *linear.Object, m linear.Model, me *meter) (linear.Answer, error) {
	c.cancel()
	return c.stuck.decide(ctx, o, m, me)
}

func TestDeadlineOfTheCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	v, err := Linearizable(Register(), harness.Budget{}).Check(with(ctx, stuck{}), history.History{Pairs: knot("hard", 0)})
	if err != nil || v.Validity != harness.Unknown || !strings.Contains(v.Reason, "(time)") {
		t.Fatalf("%v, %s: %s", err, v.Validity, v.Reason)
	}
}

// TestStepsRunOut asks each engine about one write after the other, which takes more steps than it may.
func TestStepsRunOut(t *testing.T) {
	t.Parallel()
	var pairs []history.Pair
	for i := range 200 {
		pairs = append(pairs, knot("", 50*i)...)
	}
	keys, err := split(register{}, history.History{Pairs: pairs})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []engine{searching{}, porcupineEngine{}} {
		a, cause := decide(t.Context(), e, register{}, keys[0].ops, &meter{limit: 1000})
		if a != linear.Undecided || !errors.Is(cause, linear.ErrSteps) {
			t.Fatalf("%s: %v, %v", e.name(), a, cause)
		}
	}
}

// TestUndecidedSaysHowFar: of values that are swapped for each other by many at once, and two that nothing leads to, no
// search tries every order; what it found is told.
func TestUndecidedSaysHowFar(t *testing.T) {
	t.Parallel()
	var pairs []history.Pair
	swap := func(from, to int) {
		n := len(pairs)
		pairs = append(pairs, history.Pair{
			Index: n, End: 1000 + n, Process: n, F: "cas", Key: "k", Input: []int64{int64(from), int64(to)},
			Outcome: history.OK, Call: at1(n), Return: at1(1000 + n),
		})
	}
	pairs = append(pairs, history.Pair{F: "write", Key: "k", Input: int64(0), End: 2000, Outcome: history.OK, Return: at1(2000)})
	for i := range 200 {
		if from, to := i/2%10, i/20; from != to {
			swap(from, to)
		}
	}
	swap(11, 12)
	swap(12, 11)
	swap(11, 12)
	ctx, err := WithEngine(t.Context(), "search")
	if err != nil {
		t.Fatal(err)
	}
	v := checkWith(t, ctx, Linearizable(CASRegister(), harness.Budget{Time: 300 * time.Millisecond}), pairs)
	if v.Validity != harness.Unknown || !strings.Contains(v.Reason, "k (an order was found of ") {
		t.Fatalf("%s: %s", v.Validity, v.Reason)
	}
}

// TestAnEngineAlone asks for each engine by name: it decides every key, and as the others do.
func TestAnEngineAlone(t *testing.T) {
	t.Parallel()
	for _, name := range Engines() {
		ctx, err := WithEngine(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, stale := range []bool{false, true} {
			v := checkWith(t, ctx, Linearizable(Register(), harness.Budget{}), easy("a", 0, stale))
			if (v.Validity == harness.Invalid) != stale || v.Stats["engine"] != name ||
				!cmp.Equal(v.Stats["keys_decided_by"], map[string]int{name: 1}) {
				t.Fatalf("%s: %s, %v", name, v.Reason, v.Stats)
			}
		}
	}
	if _, err := WithEngine(t.Context(), "porcupin"); err == nil || !strings.Contains(err.Error(), `did you mean "porcupine"?`) {
		t.Fatal(err)
	}
}

// manyKeys is a run over many keys, some of them wrong.
func manyKeys(model string, keys, ops, lies int) []history.Pair {
	rng := rand.New(rand.NewPCG(1, uint64(lies)))
	var all []history.Pair
	line := 0
	for k := range keys {
		d := dice{model: model, ops: ops, processes: 4, pending: 2, fails: 5, lies: lies, key: fmt.Sprintf("k%d", k)}
		for _, p := range d.roll(rng) {
			p.Index += line
			p.Call = at1(p.Index)
			if p.End >= 0 {
				p.End += line
				p.Return = at1(p.End)
			}
			all = append(all, p)
		}
		line += 3 * ops
	}
	return all
}

// TestVerdictDoesNotDependOnParallelism compares whole verdicts, word for word.
func TestVerdictDoesNotDependOnParallelism(t *testing.T) {
	for _, model := range []string{"register", "cas-register", "append"} {
		pairs := manyKeys(model, 40, 60, 3)
		var first string
		for _, processors := range []int{1, 2, 8} {
			before := runtime.GOMAXPROCS(processors)
			v := check(t, Linearizable(modelNamed(t, model), harness.Budget{}), pairs)
			runtime.GOMAXPROCS(before)
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = string(text)
			}
			if v.Validity != harness.Invalid || string(text) != first {
				t.Fatalf("%s on %d processors differs:\n%s", model, processors, cmp.Diff(first, string(text)))
			}
		}
	}
}

func TestProgressIsTold(t *testing.T) {
	var last, total atomic.Int64
	ctx := harness.WithProgress(context.Background(), func(done, all int) {
		last.Store(max(last.Load(), int64(done)))
		total.Store(int64(all))
	})
	pairs := manyKeys("register", 10, 20, 0)
	if _, err := Linearizable(Register(), harness.Budget{}).Check(ctx, history.History{Pairs: pairs}); err != nil {
		t.Fatal(err)
	}
	if last.Load() != 10 || total.Load() != 10 {
		t.Fatalf("told of %d of %d keys", last.Load(), total.Load())
	}
}

// TestPruningKeepsTheVerdict decides with and without the pre-pass.
func TestPruningKeepsTheVerdict(t *testing.T) {
	for _, m := range models() {
		model := m.Name()
		o := modelNamed(t, model).object
		rng := rand.New(rand.NewPCG(5, 5))
		dropped := 0
		for i := range 2000 {
			d := dice{model: model, ops: 8, processes: 3, pending: 30, fails: 5, values: i % 2 * 3, lies: i % 3 * 15}
			pairs := d.roll(rng)
			keys, err := split(o, history.History{Pairs: pairs})
			if err != nil || len(keys) == 0 {
				t.Fatal(err)
			}
			answer := func(ops []op) linear.Answer {
				a, _ := decide(context.Background(), porcupineEngine{}, o, ops, &meter{})
				return a
			}
			ops := keys[0].ops
			raw := answer(ops)
			pruned := o.prune(ops)
			dropped += len(ops) - len(pruned)
			if a := answer(pruned); a != raw {
				t.Fatalf("%s: pruning turns %d into %d\n%s", model, raw, a, show(pairs))
			}
			if a := answer(o.tighten(pruned)); a != raw {
				t.Fatalf("%s: tightening turns %d into %d\n%s", model, raw, a, show(pairs))
			}
			for _, part := range o.suspicions(keys[0], pruned) {
				if answer(part) == linear.Illegal && raw == linear.Legal {
					t.Fatalf("%s: a part of a legal history is illegal\n%s", model, show(pairs))
				}
			}
		}
		if dropped == 0 {
			t.Fatalf("%s: nothing was ever dropped", model)
		}
	}
}

// TestPlainViolationsNeedNoSearch: with unique values the suspicions find whatever is wrong, but for
// compare-and-sets that failed.
func TestPlainViolationsNeedNoSearch(t *testing.T) {
	for _, model := range []string{"register", "cas-register", "append"} {
		o := modelNamed(t, model).object
		rng := rand.New(rand.NewPCG(6, 6))
		bad := 0
		for range 2000 {
			d := dice{model: model, ops: 10, processes: 4, pending: 10, fails: 5, lies: 15}
			keys, err := split(o, history.History{Pairs: unanswered(d.roll(rng))})
			if err != nil {
				t.Fatal(err)
			}
			ops := o.prune(keys[0].ops)
			a, _ := decide(context.Background(), porcupineEngine{}, o, ops, &meter{})
			if a != linear.Illegal {
				continue
			}
			bad++
			confirmed := slices.ContainsFunc(o.suspicions(keys[0], ops), func(part []op) bool {
				a, _ := decide(context.Background(), porcupineEngine{}, o, part, &meter{})
				return a == linear.Illegal
			})
			if !confirmed {
				t.Fatalf("%s: no suspicion\n%s", model, show(pairsOf(keys[0])))
			}
		}
		if bad < 100 {
			t.Fatalf("%s: only %d illegal histories", model, bad)
		}
	}
}

// TestOneViolationIsEnough has a key that is never decided beside one that is not linearizable: it is searched for as
// long as there is time only where every key was asked for.
func TestOneViolationIsEnough(t *testing.T) {
	t.Parallel()
	pairs := slices.Concat(knot("hard", 0), easy("bad", knotLines, true))
	c := Linearizable(Register(), harness.Budget{Time: time.Second})
	for _, every := range []bool{false, true} {
		ctx, cause := with(t.Context(), stuck{}), errEnough
		if every {
			ctx, cause = WithEveryKey(ctx), errTime
		}
		v := checkWith(t, ctx, c, pairs)
		if v.Validity != harness.Invalid || !slices.Equal(v.Undecided, []string{"hard"}) {
			t.Fatalf("%s, undecided %q: %s", v.Validity, v.Undecided, v.Reason)
		}
		if !strings.HasSuffix(v.Reason, "("+cause.Error()+"): hard") {
			t.Errorf("every key %t: %s", every, v.Reason)
		}
	}
	sound := slices.Concat(knot("hard", 0), easy("good", knotLines, false))
	if v := checkWith(t, with(t.Context(), stuck{}), c, sound); !strings.HasSuffix(v.Reason, "("+errTime.Error()+"): hard") {
		t.Errorf("without a violation: %s", v.Reason)
	}
}
