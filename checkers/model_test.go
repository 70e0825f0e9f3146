package checkers

import (
	"context"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

func TestGuessModel(t *testing.T) {
	for _, c := range []struct{ name, text, want, problem string }{
		{"register", "0 invoke write 1\n0 ok write\n1 invoke read\n1 ok read 1", "register", ""},
		{"jepsen", "0 invoke w 1\n0 ok w 1\n1 invoke r\n1 ok r 1", "register", ""},
		{"cas", "0 invoke cas [1 2]\n0 fail cas", "cas-register", ""},
		{"versions", "0 invoke write 1\n0 ok write 12\n1 invoke read\n1 ok read [1 12]", "versioned-register", ""},
		{"lists of two", "0 invoke write [1 2]\n0 ok write [1 2]\n1 invoke read\n1 ok read [1 2]", "register", ""},
		{"append", "0 invoke append 1\n0 ok append\n1 invoke read\n1 ok read [1]", "append", ""},
		{"set", "0 invoke add 1\n0 ok add\n1 invoke read\n1 ok read [1]", "set", ""},
		{"counter", "0 invoke add 1\n0 ok add\n1 invoke read\n1 ok read 1", "counter", ""},
		{"set or counter", "0 invoke add 1\n0 ok add\n1 invoke read\n1 ok read 1\n1 invoke read\n1 ok read [1]", "",
			"--model counter"},
		{"reads of lists", "1 invoke read\n1 ok read [1 2]", "", "--model append or --model set"},
		{"reads", "1 invoke read\n1 ok read 1", "register", ""},
		{"lists", "0 invoke txn [[append 1 2]]\n0 ok txn [[append 1 2]]", "list-append", ""},
		{"registers", "0 invoke txn [[w 1 2]]\n0 ok txn [[w 1 2]]", "rw-register", ""},
		{"forks", "0 invoke txn [[w 1 2]]\n1 invoke txn [[w 2 2]]\n2 invoke txn [[w 3 2]]\n3 invoke txn [[r 1 nil] [r 2 nil]]", "long-fork", ""},
		{"bank", "0 invoke transfer [0 1 5]\n0 ok transfer", "bank", ""},
		{"transactions and more", "0 invoke txn [[w 1 2]]\n0 ok txn [[w 1 2]]\n0 invoke read", "", "no model has both"},
		{"queue", "0 invoke enqueue 1\n0 ok enqueue", "queue", ""},
		{"lock", "0 invoke acquire\n0 ok acquire\n0 invoke release\n0 ok release", "lock", ""},
		{"tokens", "0 invoke acquire\n0 ok acquire 7", "fenced-lock", ""},
		{"members", "0 invoke add 1\n0 ok add\n1 invoke contains 1\n1 ok contains true", "member-set", ""},
		{"stack", "0 invoke push 1\n0 ok push", "", "push"},
		{"mixed", "0 invoke add 1\n0 ok add\n0 invoke append 1\n0 ok append", "", "fits no model"},
		{"empty", "", "", "empty"},
	} {
		name, why, err := GuessModel(parseHistory(t, c.text))
		switch {
		case c.problem != "":
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: error %v, want one about %q", c.name, err, c.problem)
			}
		case err != nil || name != c.want || why == "":
			t.Errorf("%s: guessed %q (%s), %v, want %q", c.name, name, why, err, c.want)
		}
	}
}

func TestForModel(t *testing.T) {
	for _, m := range Models() {
		if m.Doc == "" || len(m.Functions) == 0 {
			t.Errorf("%s: nothing is said about it", m.Name)
		}
		if c, err := ForModel(m.Name, harness.Budget{}); err != nil || c.Name() == "" {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if _, err := ForModel("registr", harness.Budget{}); err == nil || !strings.Contains(err.Error(), `"register"`) {
		t.Errorf("a typing error: %v", err)
	}
	if _, err := ForModel("spaceship", harness.Budget{}); err == nil || !strings.Contains(err.Error(), "cas-register") {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestNotOfThisModel: a history of another kind is an error of the user, not a violation of the system.
func TestNotOfThisModel(t *testing.T) {
	for _, c := range []struct{ model, text, problem string }{
		{"register", "0 invoke cas [1 2]\n0 ok cas", "cas-register"},
		{"cas-register", "0 invoke cas 1\n0 ok cas", "two values"},
		{"cas-register", "0 invoke enqueue 1\n0 ok enqueue", "enqueue"},
		{"append", "0 invoke read\n0 ok read 5", "not a list"},
		{"counter", "0 invoke add x\n0 ok add", "whole number"},
		{"counter", "0 invoke read\n0 ok read [1]", "whole number"},
		{"member-set", "0 invoke contains 1\n0 ok contains 1", "true or false"},
		{"member-set", "0 invoke add\n0 ok add", "element"},
		{"member-set", "0 invoke read\n0 ok read [1]", "contains"},
		{"versioned-register", "0 invoke read\n0 ok read 5", "revision"},
		{"queue", "0 invoke enqueue nil\n0 ok enqueue", "nothing"},
		{"fenced-lock", "0 invoke acquire\n0 ok acquire", "token"},
		{"set", "0 invoke read\n0 ok read 5", "list of its members"},
		{"set", "0 invoke txn\n0 ok txn", "transaction"},
	} {
		checker, err := ForModel(c.model, harness.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = checker.Check(context.Background(), parseHistory(t, c.text))
		if err == nil || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: error %v, want one about %q", c.model, err, c.problem)
		}
	}
}

// TestValuesAreKeptApart: equal means equal in type too, and a list is not the text that spells it.
func TestValuesAreKeptApart(t *testing.T) {
	k := newTable()
	values := []any{nil, false, int64(0), 0.0, "", "0", "i0;", []int64{}, []int64{0}, []any{"0"}, []any{0.0}, []any{nil},
		"[i0;]",
		[]any{"a\"", "b"}, []any{"a", "\"b"}}
	seen := map[value]any{}
	for _, v := range values {
		n := k.intern(v)
		if other, taken := seen[n]; taken {
			t.Errorf("%#v and %#v are taken for one value", v, other)
		}
		seen[n] = v
		if again := k.intern(v); again != n {
			t.Errorf("%#v is two values", v)
		}
	}
	zero := 0.0
	if k.intern(zero) != k.intern(-zero) || k.intern([]int64{1}) != k.intern([]any{int64(1)}) {
		t.Error("equal values are told apart")
	}
}

func TestHistoryIsNotChanged(t *testing.T) {
	for _, model := range []string{"register", "append", "set"} {
		pairs := manyKeys(model, 3, 30, 10)
		before := show(pairs)
		c, err := ForModel(model, harness.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Check(context.Background(), history.History{Pairs: pairs}); err != nil {
			t.Fatal(err)
		}
		if show(pairs) != before {
			t.Errorf("%s: the checker changed the history", model)
		}
	}
}
