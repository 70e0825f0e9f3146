package workloads_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/workloads"
)

// each runs a test on every workload.
func each(t *testing.T, test func(*testing.T, harness.Workload)) {
	for _, w := range workloads.All() {
		t.Run(w.Name, func(t *testing.T) { test(t, w) })
	}
}

// eachKeyed runs a test on every workload that uses one key after the other: a bank has the same accounts for ever.
func eachKeyed(t *testing.T, test func(*testing.T, harness.Workload)) {
	each(t, func(t *testing.T, w harness.Workload) {
		if w.Name != "bank" {
			test(t, w)
		}
	})
}

func TestByName(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		got, err := workloads.ByName(w.Name)
		if err != nil || got.Name != w.Name || w.Doc == "" {
			t.Errorf("got %q (doc %q), %v", got.Name, got.Doc, err)
		}
	})
	_, err := workloads.ByName("regsiter")
	if err == nil || !strings.Contains(err.Error(), `did you mean "register"?`) {
		t.Errorf("a typing error got: %v", err)
	}
	if _, err := workloads.ByName("queue"); err == nil || !strings.Contains(err.Error(), "register, append, set") {
		t.Errorf("an unknown name got: %v", err)
	}
}

func TestTheSeedFixesTheCalls(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		calls := func(seed uint64) []harness.Call {
			g, _ := w.New(load(0))
			return take(t, g, seed, 3000)
		}
		if !reflect.DeepEqual(calls(1), calls(1)) {
			t.Error("one seed gave two series of calls: some state outlives the run")
		}
		if reflect.DeepEqual(calls(1), calls(2)) {
			t.Error("two seeds gave the same calls")
		}
	})
}

func TestValuesAreUniqueAndNormal(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		g, _ := w.New(load(0))
		seen := make(map[int64]bool)
		for _, call := range take(t, g, 1, 5000) {
			for _, v := range written(call) {
				if seen[v] && w.Name != "long-fork" { // there it is the keys that are written once
					t.Fatalf("%d is written twice", v)
				}
				seen[v] = true
			}
			if normal, err := history.Normalize(call.Value); err != nil || !reflect.DeepEqual(normal, call.Value) {
				t.Fatalf("%v of %s is not in normal form: %v", call.Value, call.F, err)
			}
			if !slices.Contains(w.Kinds, call.F) {
				t.Fatalf("%q is not among the kinds %q", call.F, w.Kinds)
			}
		}
	})
}

func TestKeysRotate(t *testing.T) {
	eachKeyed(t, func(t *testing.T, w harness.Workload) {
		for _, keys := range []int{0, 1, 7, 100} {
			g, _ := w.New(load(keys))
			const n = 20_000
			count, last := make(map[string]int), make(map[string]int)
			for i, call := range take(t, g, 3, n) {
				for _, key := range keysOf(call) {
					count[key]++
					last[key] = i
				}
			}
			for key, calls := range count {
				if calls > 300 {
					t.Errorf("keys %d: %s got %d calls, more than 300", keys, key, calls)
				}
			}
			if len(count) < n/300 {
				t.Errorf("keys %d: only %d keys in %d calls", keys, len(count), n)
			}
			if keys == 0 {
				keys = 5
			}
			live, born := since(last, n-1000), len(count)/20 // as many new ones as in any 1000 of 20,000 calls
			if w.Name == "long-fork" {
				keys *= 3 // that many groups
			}
			if live > keys+born+10 {
				t.Errorf("keys %d: the last 1000 calls went to %d keys, %d of them new", keys, live, born)
			}
		}
	})
}

// since counts the keys last used at or after a call.
func since(last map[string]int, call int) int {
	n := 0
	for _, at := range last {
		if at >= call {
			n++
		}
	}
	return n
}

func TestYoungAndOldKeysAreMixed(t *testing.T) {
	eachKeyed(t, func(t *testing.T, w harness.Workload) {
		g, _ := w.New(load(5))
		first := make(map[string]int)
		for i, call := range take(t, g, 5, 5000) {
			for _, key := range keysOf(call) {
				if _, ok := first[key]; !ok {
					first[key] = i
				}
			}
		}
		births := make([]int, 0, len(first))
		for _, at := range first {
			births = append(births, at)
		}
		slices.Sort(births)
		apart := 10
		switch w.Name {
		case "list-append", "rw-register": // a call uses several keys, and these live for 80 uses instead of 200
			apart = 2
		case "long-fork": // it is groups that are young or old
			apart = 0
		}
		for i := 5; i+3 < len(births); i++ {
			if births[i+3]-births[i] < apart {
				t.Errorf("four keys were born within %d calls, at %v", apart, births[i:i+4])
			}
		}
	})
}

func TestShares(t *testing.T) {
	for name, want := range map[string]map[string]float64{
		"register": {"read": 0.5, "write": 0.25, "cas": 0.25},
		"append":   {"read": 0.5, "append": 0.5},
		"set":      {"read": 0.2, "add": 0.8},
		"bank":     {"read": 0.5, "transfer": 0.5},
	} {
		w, err := workloads.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		g, _ := w.New(load(0))
		count := make(map[string]float64)
		for _, call := range take(t, g, 1, 10_000) {
			count[call.F]++
		}
		for f, share := range want {
			if got := count[f] / 10_000; got < share-0.03 || got > share+0.03 {
				t.Errorf("%s: %s is %.2f of the calls, want %.2f", name, f, got, share)
			}
		}
	}
}

// TestGuessesSucceed runs the calls with so many in flight, which end in random order, and wants a fair share of the
// compare-and-sets to succeed, but not all: both outcomes have to be seen.
func TestGuessesSucceed(t *testing.T) {
	w := workloads.Register()
	for _, inFlight := range []int{1, 10} {
		for seed := range uint64(5) {
			g, _ := w.New(load(0))
			rng, client := rand.New(rand.NewPCG(seed, 9)), newStore()
			var open []harness.Call
			ok, all := 0, 0
			for _, call := range take(t, g, seed, 5000) {
				if open = append(open, call); len(open) < inFlight {
					continue
				}
				i := rng.IntN(len(open))
				_, err := w.Invoke(t.Context(), client, open[i])
				if open[i].F == "cas" {
					if all++; err == nil {
						ok++
					}
				}
				open = slices.Delete(open, i, i+1)
			}
			share := float64(ok) / float64(all)
			t.Logf("%d in flight, seed %d: %.0f %% of %d succeed", inFlight, seed, 100*share, all)
			if share < 0.25 || share > 0.9 {
				t.Errorf("%d in flight, seed %d: %.2f of the compare-and-sets succeed", inFlight, seed, share)
			}
		}
	}
}

func TestFinalReadsCoverEveryKey(t *testing.T) {
	eachKeyed(t, func(t *testing.T, w harness.Workload) {
		for _, calls := range []int{1, 500, 5000, 200_000} {
			g, final := w.New(load(0))
			used := make(map[string]bool)
			latest := make(map[string]bool)
			for i, call := range take(t, g, 1, calls) {
				for _, key := range keysOf(call) {
					used[key] = true
					if i >= calls-50 {
						latest[key] = true
					}
				}
			}
			checkFinal(t, w.Name, drain(t, final, 10), used, latest)
		}
	})
}

// checkFinal judges final reads: who reads what, and how much.
func checkFinal(t *testing.T, name string, of [][]harness.Call, used, latest map[string]bool) {
	t.Helper()
	nodes, reads := make(map[string]map[int]int), 0
	for w, calls := range of {
		for _, call := range calls {
			if !isRead(call) {
				t.Fatalf("worker %d makes the call %+v, want only reads", w, call)
			}
			for _, key := range keysOf(call) {
				if !used[key] && name != "long-fork" { // which reads whole groups
					t.Fatalf("worker %d reads %s, which was not used", w, key)
				}
				if nodes[key] == nil {
					nodes[key] = make(map[int]int)
				}
				nodes[key][w%5]++
			}
			reads++
		}
	}
	least := map[string]int{"set": 2}[name]
	for key := range used {
		if n := len(nodes[key]); n < max(least, 1) {
			t.Errorf("%s of %d keys is read by %d nodes", key, len(used), n)
		}
		for node, n := range nodes[key] {
			if n > 1 {
				t.Errorf("%s is read %d times by node %d", key, n, node)
			}
		}
	}
	for key := range latest {
		if len(nodes[key]) != 5 {
			t.Errorf("%s was in use last and is read by %d of 5 nodes", key, len(nodes[key]))
		}
	}
	if bound := 5*64 + 2000 + 2*len(used); reads > bound {
		t.Errorf("%d keys make %d final reads, more than %d", len(used), reads, bound)
	}
	share := reads/len(of) + 5
	for w, calls := range of {
		if len(calls) > 2*share {
			t.Errorf("worker %d makes %d of %d final reads: they are not spread", w, len(calls), reads)
		}
	}
}

func TestFinalReadsOfOddLoads(t *testing.T) {
	eachKeyed(t, func(t *testing.T, w harness.Workload) {
		nodes := []string{"n1", "n2", "n3"}
		for _, l := range []harness.Load{{}, {Workers: 1, Nodes: nodes}, {Workers: 2, Nodes: nodes},
			{Workers: 4, Nodes: nodes}, {Workers: 7, Nodes: nodes, Keys: 90}} {
			g, final := w.New(l)
			used := make(map[string]bool)
			for _, call := range take(t, g, 1, 3000) {
				for _, key := range keysOf(call) {
					used[key] = true
				}
			}
			for _, calls := range drain(t, final, max(l.Workers, 1)+1) {
				for _, call := range calls {
					for _, key := range keysOf(call) {
						delete(used, key)
					}
				}
			}
			if len(used) > 0 {
				t.Errorf("%d workers on %d nodes: %d keys were not read", l.Workers, len(l.Nodes), len(used))
			}
		}
	})
}

func TestNothingUsedNothingRead(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		_, final := w.New(load(0))
		for _, calls := range drain(t, final, 10) {
			if len(calls) > 0 {
				t.Errorf("reads %v although no key was used", calls)
			}
		}
	})
}

// unrevised are the workloads whose clients tell no revision.
var unrevised = map[string]bool{"list-append": true, "rw-register": true, "long-fork": true, "bank": true}

func TestInvokeOnACorrectStore(t *testing.T) {
	for _, test := range []struct {
		workload harness.Workload
		call     harness.Call
		want     any
	}{
		{workloads.Register(), harness.Call{F: "read", Key: "x"}, nil},
		{workloads.Register(), harness.Call{F: "write", Key: "x", Value: int64(7)}, nil},
		{workloads.Register(), harness.Call{F: "cas", Key: "y", Value: []int64{5, 6}}, nil},
		{workloads.Register(), harness.Call{F: "read", Key: "y"}, int64(5)},
		{workloads.Append(), harness.Call{F: "read", Key: "x"}, []int64{}},
		{workloads.Append(), harness.Call{F: "append", Key: "x", Value: int64(7)}, nil},
		{workloads.Append(), harness.Call{F: "read", Key: "y"}, []int64{5}},
		{workloads.Set(), harness.Call{F: "read", Key: "x"}, []int64{}},
		{workloads.Set(), harness.Call{F: "add", Key: "x", Value: int64(7)}, nil},
		{workloads.Set(), harness.Call{F: "read", Key: "y"}, []int64{5}},
		{workloads.ListAppend(), txn(step("r", "x", nil), step("append", "y", int64(6)), step("r", "y", nil)),
			[]any{step("r", "x", nil), step("append", "y", int64(6)), step("r", "y", []int64{5, 6})}},
		{workloads.RWRegister(), txn(step("r", "x", nil), step("w", "x", int64(6)), step("r", "x", nil)),
			[]any{step("r", "x", nil), step("w", "x", int64(6)), step("r", "x", int64(6))}},
		{workloads.LongFork(), txn(step("w", "x", int64(1))), []any{step("w", "x", int64(1))}},
		{workloads.Bank(), harness.Call{F: "transfer", Value: []int64{0, 7, 5}}, nil},
		{workloads.Bank(), harness.Call{F: "read"}, []any{[]int64{0, 10}, []int64{1, 10}, []int64{2, 10},
			[]int64{3, 10}, []int64{4, 10}, []int64{5, 10}, []int64{6, 10}, []int64{7, 10}}},
	} {
		client := newStore()
		client.values["y"], client.lists["y"] = 5, []int64{5}
		result, err := test.workload.Invoke(t.Context(), client, test.call)
		revision := int64(1)
		if unrevised[test.workload.Name] {
			revision = 0
		}
		if err != nil || !reflect.DeepEqual(result.Value, test.want) || result.Revision != revision {
			t.Errorf("%s %+v: got %+v, %v, want %v at revision %d",
				test.workload.Name, test.call, result, err, test.want, revision)
		}
	}
}

func TestInvokeClassifiesErrors(t *testing.T) {
	unclear, rejected := errors.New("connection lost"), fmt.Errorf("no leader: %w", harness.ErrNotApplied)
	calls := map[string][]harness.Call{
		"register": {{F: "read", Key: "x"}, {F: "write", Key: "x", Value: int64(1)},
			{F: "cas", Key: "x", Value: []int64{1, 2}}},
		"append":      {{F: "read", Key: "x"}, {F: "append", Key: "x", Value: int64(1)}},
		"set":         {{F: "read", Key: "x"}, {F: "add", Key: "x", Value: int64(1)}},
		"list-append": {txn(step("r", "x", nil)), txn(step("r", "x", nil), step("append", "x", int64(1)))},
		"rw-register": {txn(step("r", "x", nil)), txn(step("r", "x", nil), step("w", "x", int64(1)))},
		"long-fork":   {txn(step("r", "x", nil)), txn(step("w", "x", int64(1)))},
		"bank":        {{F: "read"}, {F: "transfer", Value: []int64{0, 1, 2}}},
	}
	each(t, func(t *testing.T, w harness.Workload) {
		for _, call := range calls[w.Name] {
			for _, cause := range []error{unclear, rejected} {
				client := newStore()
				client.err = cause
				_, err := w.Invoke(t.Context(), client, call)
				definite := isRead(call) || cause == rejected
				if !errors.Is(err, cause) || errors.Is(err, harness.ErrNotApplied) != definite {
					t.Errorf("%s that met %q: definite is %t, want %t", call.F, cause, !definite, definite)
				}
				if err != nil && err.Error() != cause.Error() {
					t.Errorf("%s changed the client's words %q to %q", call.F, cause, err)
				}
			}
		}
	})
}

func step(f, key string, value any) any { return []any{f, key, value} }

func txn(steps ...any) harness.Call { return harness.Call{F: "txn", Value: steps} }

// The generators of transactions keep what their checkers rely on.
func TestTransactionsHaveOneToFourSteps(t *testing.T) {
	for _, w := range []harness.Workload{workloads.ListAppend(), workloads.RWRegister()} {
		g, _ := w.New(load(0))
		sizes, writes, all := make(map[int]int), make(map[string]int), 0
		for _, call := range take(t, g, 1, 10_000) {
			steps := call.Value.([]any)
			sizes[len(steps)]++
			for i, key := range keysOf(call) {
				if all++; steps[i].([]any)[2] != nil {
					writes[key]++
				}
			}
		}
		total := 0
		for key, n := range writes {
			if total += n; n > 80 {
				t.Errorf("%s: %s is written %d times", w.Name, key, n)
			}
		}
		for n := 1; n <= 4; n++ {
			if len(sizes) != 4 || sizes[n] < 2000 {
				t.Errorf("%s: the sizes are %v", w.Name, sizes)
			}
		}
		if share := float64(total) / float64(all); share < 0.45 || share > 0.55 {
			t.Errorf("%s: %.2f of the steps write", w.Name, share)
		}
	}
}

func TestTransfersAreBetweenTwoAccounts(t *testing.T) {
	g, _ := workloads.Bank().New(load(0))
	pairs, amounts := make(map[[2]int64]bool), make(map[int64]bool)
	for _, call := range take(t, g, 1, 10_000) {
		if move, ok := call.Value.([]int64); ok {
			pairs[[2]int64{move[0], move[1]}] = true
			amounts[move[2]] = true
			if move[0] == move[1] || min(move[0], move[1]) < 0 || max(move[0], move[1]) > 7 || move[2] < 1 || move[2] > 5 {
				t.Fatalf("the transfer %v", move)
			}
		}
	}
	if len(pairs) != 8*7 || len(amounts) != 5 {
		t.Errorf("%d pairs of accounts, %d amounts", len(pairs), len(amounts))
	}
}

func TestTheBankIsReadAtEveryNodeInTheEnd(t *testing.T) {
	g, final := workloads.Bank().New(load(0))
	take(t, g, 1, 1)
	for worker, calls := range drain(t, final, 10) {
		if want := worker < 5; (len(calls) == 1) != want || len(calls) > 1 {
			t.Errorf("worker %d of five nodes makes the final calls %v", worker, calls)
		}
	}
}

func TestForksWriteEachKeyOnceAndReadWholeGroups(t *testing.T) {
	g, _ := workloads.LongFork().New(load(0))
	group := func(key string) int {
		number, err := strconv.Atoi(key[1:])
		if err != nil {
			t.Fatal(err)
		}
		return number / 3
	}
	written, between, orders := make(map[string]bool), 0, make(map[string]bool)
	for _, call := range take(t, g, 1, 10_000) {
		keys := keysOf(call)
		if !isRead(call) {
			if len(keys) != 1 || written[keys[0]] {
				t.Fatalf("%v writes several keys, or one again", call.Value)
			}
			written[keys[0]] = true
			continue
		}
		some, order := 0, ""
		for _, key := range keys {
			if group(key) != group(keys[0]) {
				t.Fatalf("%v reads several groups", keys)
			}
			if written[key] {
				some++
			}
			number, _ := strconv.Atoi(key[1:])
			order += strconv.Itoa(number % 3)
		}
		if orders[order] = true; len(keys) != 3 {
			t.Fatalf("%v is not a group", keys)
		}
		if some == 1 || some == 2 {
			between++
		}
	}
	if len(orders) != 6 || between < 3000 {
		t.Errorf("%d orders of a group, %d reads between two writes", len(orders), between)
	}
}

func TestAMismatchIsDefinite(t *testing.T) {
	call := harness.Call{F: "cas", Key: "x", Value: []int64{1, 2}}
	_, err := workloads.Register().Invoke(t.Context(), newStore(), call)
	if !errors.Is(err, harness.ErrNotApplied) || !errors.Is(err, harness.ErrUnmet) {
		t.Errorf("got %v", err)
	}
}

func TestACallOfAnotherKindIsNotSent(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		for _, call := range []harness.Call{{F: "delete"}, {F: "write", Value: "x"}, {F: "cas", Value: []int64{1}},
			{F: "append"}, {F: "add", Value: []int64{1}}, {F: "read", Value: int64(3)}, {}, {F: "transfer"},
			{F: "transfer", Value: []int64{1, 2}}, {F: "txn"}, txn(), txn("r"), txn(step("r", "x", int64(1))),
			txn(step("w", "x", nil)), txn(step("append", "x", "1")), txn(step("cas", "x", int64(1))),
			txn(step("w", "x", int64(1)), step("append", "x", int64(1)))} {
			client := newStore()
			_, err := w.Invoke(t.Context(), client, call)
			if !errors.Is(err, harness.ErrNotApplied) || client.revision != 0 {
				t.Errorf("%+v: got %v after %d steps of the store", call, err, client.revision)
			}
		}
		if _, err := w.Invoke(t.Context(), poor{}, harness.Call{F: "read"}); !errors.Is(err, harness.ErrNotApplied) {
			t.Errorf("a client without the methods: got %v", err)
		}
	})
}

// poor is a client with one method too few and one that is wrong.
type poor struct{}

func (poor) Close() error { return nil }

func (poor) Read(context.Context, string) (int64, bool, int64, error) { return 0, false, 0, nil }

func (poor) Write(context.Context, string, string) (int64, error) { return 0, nil }

func TestAcceptsNamesWhatIsMissing(t *testing.T) {
	each(t, func(t *testing.T, w harness.Workload) {
		if err := w.Accepts(newStore()); err != nil {
			t.Errorf("a client with every method: %v", err)
		}
		if err := w.Accepts(poor{}); err == nil || !strings.Contains(err.Error(), w.Name) {
			t.Errorf("a poor client: %v", err)
		}
	})
	err := workloads.Register().Accepts(poor{})
	want := `client workloads_test.poor cannot serve workload "register": it lacks ` +
		`CompareAndSet(context.Context, string, int64, int64) (int64, error) and ` +
		`Write(context.Context, string, int64) (int64, error) (its Write has another signature)`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := workloads.Set().Accepts(nil); err == nil {
		t.Error("no client at all was accepted")
	}
}
