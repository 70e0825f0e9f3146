package raft

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
)

// op is a step of a transaction as a history has it.
func op(f, key string, value any) any { return []any{f, key, value} }

func TestStateCarriesOutTransactions(t *testing.T) {
	s := newState()
	got := s.Apply(entry(t, 1, command{Op: opTxn, Txn: []micro{
		{F: stepRead, Key: "x"}, {F: stepAppend, Key: "x", Value: 1}, {F: stepAppend, Key: "x", Value: 2},
		{F: stepRead, Key: "x"}, {F: stepWrite, Key: "y", Value: 0}, {F: stepRead, Key: "y"}, {F: stepRead, Key: "z"},
	}})).(applied)
	want := []any{
		op("r", "x", nil), op("append", "x", int64(1)), op("append", "x", int64(2)), op("r", "x", []int64{1, 2}),
		op("w", "y", int64(0)), op("r", "y", int64(0)), op("r", "z", nil),
	}
	if history := settle(got).history(); got.revision != 1 || !reflect.DeepEqual(history, want) {
		t.Errorf("at %d: %v\nexpected %v", got.revision, history, want)
	}
	reads := request{Op: opTxn, Txn: []micro{{F: stepRead, Key: "x"}, {F: stepRead, Key: "y"}}}
	if !reads.isRead() || (request{Op: opTxn, Txn: got.txn}).isRead() {
		t.Error("a transaction is a read if, and only if, it changes nothing")
	}
	want = []any{op("r", "x", []int64{1, 2}), op("r", "y", int64(0))}
	if history := s.read(reads).history(); !reflect.DeepEqual(history, want) {
		t.Errorf("read only: %v, expected %v", history, want)
	}
}

func TestStateTransfers(t *testing.T) {
	s := newState()
	for i, c := range []struct {
		from, to, amount int64
		refused          bool
	}{
		{0, 7, 6, false}, {0, 7, 5, true}, {0, 7, 4, false}, {0, 7, 1, true}, {7, 0, 20, false},
		{3, 3, 1, true}, {1, 2, 0, true}, {1, 2, -1, true}, {-1, 2, 1, true}, {1, 8, 1, true},
	} {
		command := command{Op: opTransfer, From: c.from, To: c.to, Value: c.amount}
		r := settle(s.Apply(entry(t, uint64(i+1), command)))
		if refused := errors.Is(r.err(), harness.ErrUnmet); refused != c.refused || (r.err() == nil) == c.refused {
			t.Errorf("%+v: %v", c, r.err())
		}
	}
	before := s.read(request{Op: opBalances}).Elements
	if want := []int64{20, 10, 10, 10, 10, 10, 10, 0}; !slices.Equal(before, want) {
		t.Errorf("the balances are %v, expected %v", before, want)
	}
	s.Apply(entry(t, 20, command{Op: opTransfer, From: 0, To: 1, Value: 1}))
	if before[0] != 20 {
		t.Error("what was read changed afterwards")
	}
}

func TestTransactionsThroughEveryNode(t *testing.T) {
	t.Parallel()
	c := start(t, "raft", 3)
	ctx := context30(t)
	for i := range c.Nodes() {
		client := connect(t, c, i)
		seen := []int64{1, 2, 3}[:i+1]
		got, err := client.Transact(ctx, []any{op("append", "x", int64(i+1)), op("r", "x", nil), op("r", "no", nil)})
		want := []any{op("append", "x", int64(i+1)), op("r", "x", seen), op("r", "no", nil)}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("node %d: %v (%v), expected %v", i, got, err, want)
		}
		if err := client.Transfer(ctx, int64(i), 7, 10); err != nil {
			t.Error(err)
		}
		if err := client.Transfer(ctx, int64(i), 7, 1); !errors.Is(err, harness.ErrNotApplied) {
			t.Errorf("a transfer of what is not there: %v", err)
		}
	}
	balances, err := connect(t, c, 0).Balances(ctx)
	want := [][2]int64{{0, 0}, {1, 0}, {2, 0}, {3, 10}, {4, 10}, {5, 10}, {6, 10}, {7, 40}}
	if err != nil || !slices.Equal(balances, want) {
		t.Errorf("the balances are %v (%v), expected %v", balances, err, want)
	}
	for _, bad := range [][]any{
		{"append"}, {op("append", "x", nil)}, {op("r", "x", int64(1))}, {op("put-list", "x", nil)}, {[]any{"r", "x"}},
		{[]any{"r", int64(1), nil}}, {op("w", "x", "1")},
	} {
		if _, err := connect(t, c, 0).Transact(ctx, bad); !errors.Is(err, harness.ErrNotApplied) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// bugged is a node without a cluster whose state holds x = [1], y = [1].
func bugged(t *testing.T, b bugs) *node {
	n := &node{state: newState()}
	n.bugs = b
	n.state.Apply(entry(t, 1, command{Op: opTxn, Txn: []micro{
		{F: stepAppend, Key: "x", Value: 1}, {F: stepAppend, Key: "y", Value: 1},
	}}))
	return n
}

// bothComputed computes two requests before either is carried out, and returns what became of them. Without a bug of
// this kind nothing is computed before.
func bothComputed(t *testing.T, n *node, requests ...request) []response {
	t.Helper()
	commands, seen := make([]command, len(requests)), make([][]micro, len(requests))
	for i, req := range requests {
		commands[i] = req.command()
		if n.bugs != (bugs{}) {
			var refusal *response
			if commands[i], seen[i], refusal = n.compute(req); refusal != nil {
				t.Fatalf("refused: %+v", refusal)
			}
		}
	}
	responses := make([]response, len(requests))
	for i, c := range commands {
		responses[i] = settle(n.state.Apply(entry(t, uint64(i+10), c)))
		if n.bugs != (bugs{}) {
			responses[i].Txn = seen[i]
		}
	}
	return responses
}

func (n *node) list(key string) []int64 { return n.state.data.Lists[key] }

func TestLostUpdateOverwritesTheOther(t *testing.T) {
	for lost, want := range map[bool][]int64{false: {1, 2, 3}, true: {1, 3}} {
		n := bugged(t, bugs{lostUpdate: lost})
		for _, r := range bothComputed(t, n, request{Op: opTxn, Txn: []micro{{F: stepAppend, Key: "x", Value: 2}}},
			request{Op: opTxn, Txn: []micro{{F: stepAppend, Key: "x", Value: 3}, {F: stepRead, Key: "x"}}}) {
			if r.Outcome != done {
				t.Errorf("lost %v: %+v", lost, r)
			}
		}
		if !slices.Equal(n.list("x"), want) {
			t.Errorf("lost %v: %v, expected %v", lost, n.list("x"), want)
		}
		bothComputed(t, n, request{Op: opTransfer, From: 0, To: 1, Value: 3},
			request{Op: opTransfer, From: 0, To: 2, Value: 4})
		total := int64(0)
		for _, balance := range n.state.read(request{Op: opBalances}).Elements {
			total += balance
		}
		if (total == bankAccounts*bankOpening) == lost {
			t.Errorf("lost %v: there is a total of %d", lost, total)
		}
	}
	n := bugged(t, bugs{lostUpdate: true})
	if _, _, refusal := n.compute(request{Op: opTransfer, From: 0, To: 1, Value: 11}); refusal == nil || !refusal.Unmet {
		t.Errorf("a transfer of too much: %+v", refusal)
	}
}

// Each reads what the other writes. One of them must see the other's write, unless both read before; but two that write
// the same key still exclude each other.
func TestWriteSkewIsSnapshotIsolation(t *testing.T) {
	crossed := []request{
		{Op: opTxn, Txn: []micro{{F: stepRead, Key: "x"}, {F: stepAppend, Key: "y", Value: 2}}},
		{Op: opTxn, Txn: []micro{{F: stepRead, Key: "y"}, {F: stepAppend, Key: "x", Value: 2}}},
	}
	for skew, want := range map[bool][]int64{false: {1, 2}, true: {1}} {
		rs := bothComputed(t, bugged(t, bugs{writeSkew: skew}), crossed...)
		if rs[0].Outcome != done || rs[1].Outcome != done || !slices.Equal(rs[1].Txn[0].Elements, want) {
			t.Errorf("skew %v: %+v, expected that the second reads %v", skew, rs, want)
		}
	}
	n := bugged(t, bugs{writeSkew: true})
	same := request{Op: opTxn, Txn: []micro{{F: stepRead, Key: "x"}, {F: stepAppend, Key: "x", Value: 3}}}
	other := request{Op: opTxn, Txn: []micro{{F: stepAppend, Key: "x", Value: 2}}}
	rs := bothComputed(t, n, other, same)
	if rs[0].Outcome != done || !rs[1].Unmet || !slices.Equal(n.list("x"), []int64{1, 2}) {
		t.Errorf("two writers of one key: %+v, and then %v", rs, n.list("x"))
	}
}

// A read that began before a transaction which changes both keys sees half of it.
func TestReadSkewSeesHalfATransaction(t *testing.T) {
	for skew, want := range map[bool][]int64{false: {1}, true: {1, 2}} {
		n := bugged(t, bugs{readSkew: skew})
		reads := request{Op: opTxn, Txn: []micro{{F: stepRead, Key: "x"}, {F: stepRead, Key: "y"}}}
		between := entry(t, 2, command{Op: opTxn, Txn: []micro{
			{F: stepAppend, Key: "x", Value: 2}, {F: stepAppend, Key: "y", Value: 2},
		}})
		var r response
		if skew {
			r = n.readApart(reads, func() { n.state.Apply(between) })
		} else {
			r = n.state.read(reads)
			n.state.Apply(between)
		}
		if !slices.Equal(r.Txn[0].Elements, []int64{1}) || !slices.Equal(r.Txn[1].Elements, want) {
			t.Errorf("skew %v: %+v, expected that the second read sees %v", skew, r.Txn, want)
		}
	}
}

// What is under way is seen, once, also when it is given up.
func TestDirtyReadSeesWhatIsGivenUp(t *testing.T) {
	n := bugged(t, bugs{dirtyRead: true})
	reads := request{Op: opTxn, Txn: []micro{{F: stepRead, Key: "x"}}}
	sees := func(when string, want ...int64) {
		t.Helper()
		if r := n.dirty.read(n.state, reads); !slices.Equal(r.Txn[0].Elements, want) {
			t.Errorf("%s: %v, expected %v", when, r.Txn[0].Elements, want)
		}
	}
	first := n.dirty.begin([]micro{{F: stepAppend, Key: "x", Value: 2}})
	second := n.dirty.begin([]micro{{F: stepAppend, Key: "x", Value: 3}})
	elsewhere := n.dirty.begin([]micro{{F: stepAppend, Key: "y", Value: 2}, {F: stepRead, Key: "x"}})
	if first.doomed || !second.doomed || elsewhere.doomed {
		t.Errorf("doomed are %v %v %v, expected the second only", first.doomed, second.doomed, elsewhere.doomed)
	}
	sees("under way", 1, 2, 3)
	if clean := n.state.read(reads); !slices.Equal(clean.Txn[0].Elements, []int64{1}) {
		t.Errorf("the clean read sees %v", clean.Txn[0].Elements)
	}
	n.state.Apply(entry(t, 2, command{Op: opTxn, Txn: first.steps}))
	sees("the first applied", 1, 2, 3)
	n.dirty.end(first)
	n.dirty.end(second)
	sees("the second given up", 1, 2)
}
