package checkers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// linesOf returns the lines that pairs were made of.
func linesOf(pairs []history.Pair) []history.Op {
	var all []history.Op
	for _, p := range pairs {
		op := history.Op{Index: p.Index, Time: p.Call, Process: p.Process, Type: history.Invoke, F: p.F, Key: p.Key, Value: p.Input}
		all = append(all, op)
		if p.End >= 0 {
			op.Index, op.Time, op.Type, op.Value = p.End, p.Return, p.Outcome, p.Output
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b history.Op) int { return a.Index - b.Index })
	return all
}

// suspects returns the keys that a stream suspects.
func suspects(t *testing.T, c harness.Checker, pairs []history.Pair) map[string]bool {
	t.Helper()
	stream := c.(harness.Streamer).Stream()
	found := map[string]bool{}
	for _, op := range linesOf(pairs) {
		if key, suspect := stream.Add(op); suspect {
			found[key] = true
		}
	}
	return found
}

// TestAStreamSuspectsWhatIsWrong compares what a stream suspects with every order of all keys.
func TestAStreamSuspectsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"register", "cas-register"} {
		c := Linearizable(modelNamed(t, model), harness.Budget{})
		rng := rand.New(rand.NewPCG(51, 51))
		wrong, fine := 0, 0
		for i := range 1500 {
			d := dice{model: model, ops: 9, processes: 3, pending: i % 3 * 10, fails: 10, lies: i % 2 * 25, key: "k"}
			pairs := unanswered(d.roll(rng)) // a stream does not ask whether a compare-and-set had reason to fail
			legal := brute(model, pairs)
			if suspects(t, c, pairs)["k"] == legal {
				t.Fatalf("%s: suspected %t, legal %t\n%s", model, !legal, legal, show(pairs))
			}
			if legal {
				fine++
			} else {
				wrong++
			}
		}
		if wrong < 150 || fine < 150 {
			t.Fatalf("%s: %d wrong, %d fine: too few of a kind", model, wrong, fine)
		}
	}
	if (Linearizable(Append(), harness.Budget{})).(harness.Streamer).Stream() != nil {
		t.Fatal("lists have a stream")
	}
}

// TestAStreamLetsGoOfKeys: a key that was not used for long is suspected when it is used again, for nothing is known of
// it; and a value that is written twice at once is more than a stream can tell.
func TestAStreamLetsGoOfKeys(t *testing.T) {
	t.Parallel()
	stream := Linearizable(Register(), harness.Budget{}).(harness.Streamer).Stream()
	line := 0
	use := func(key string, v int) bool {
		op := history.Op{Index: line, Type: history.Invoke, F: "write", Key: key, Value: int64(v)}
		_, one := stream.Add(op)
		op.Index, op.Type = line+1, history.OK
		_, other := stream.Add(op)
		line += 2
		return one || other
	}
	for i := range 2 * retireAfter {
		if key := fmt.Sprint("k", i/1000); use(key, i) {
			t.Fatalf("%s is suspected", key)
		}
	}
	if !use("k0", -1) {
		t.Fatal("the first key is still known")
	}
	twice := Linearizable(Register(), harness.Budget{}).(harness.Streamer).Stream()
	for process := range 2 {
		op := history.Op{Index: process, Process: process, Type: history.Invoke, F: "write", Key: "x", Value: int64(1)}
		if _, suspect := twice.Add(op); suspect != (process == 1) {
			t.Fatalf("process %d: suspected %t", process, suspect)
		}
	}
}
