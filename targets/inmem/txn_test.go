package inmem_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
	"github.com/capsize-dev/capsize/targets/inmem"
	"github.com/capsize-dev/capsize/workloads"
)

var (
	_ workloads.TxnClient  = (*inmem.Client)(nil)
	_ workloads.BankClient = (*inmem.Client)(nil)
)

func op(f, key string, value any) any { return []any{f, key, value} }

func TestTransactions(t *testing.T) {
	for _, o := range []inmem.Options{{}, {Instant: true}, {Bug: inmem.EarlyAck}} {
		synctest.Test(t, func(t *testing.T) {
			r := started(t, 3, 1, o)
			c := r.dial("n2")
			got, err := c.Transact(r.within(), []any{
				op("r", "x", nil), op("append", "x", int64(1)), op("r", "x", nil), op("w", "y", int64(0)), op("r", "y", nil),
			})
			r.must(err)
			want := []any{
				op("r", "x", nil), op("append", "x", int64(1)), op("r", "x", []int64{1}), op("w", "y", int64(0)),
				op("r", "y", int64(0)),
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			for _, bad := range []any{"r", op("r", "x", int64(1)), op("w", "x", nil), op("cas", "x", int64(1)), []any{}} {
				if _, err := c.Transact(r.within(), []any{bad}); !errors.Is(err, harness.ErrNotApplied) {
					t.Errorf("the step %v: %v, want an error that wraps ErrNotApplied", bad, err)
				}
			}
			r.must(c.Transfer(r.within(), 0, 7, 10))
			for _, refused := range [][3]int64{{0, 7, 1}, {1, 1, 1}, {1, 2, 0}, {1, 8, 1}, {-1, 1, 1}} {
				if err := c.Transfer(r.within(), refused[0], refused[1], refused[2]); !errors.Is(err, harness.ErrUnmet) {
					t.Errorf("the transfer %v: %v, want an error that wraps ErrUnmet", refused, err)
				}
			}
			balances, err := c.Balances(r.within())
			r.must(err)
			accounts := [][2]int64{{0, 0}, {1, 10}, {2, 10}, {3, 10}, {4, 10}, {5, 10}, {6, 10}, {7, 20}}
			if !slices.Equal(balances, accounts) {
				t.Errorf("the balances are %v, want %v", balances, accounts)
			}
		})
	}
}

// recorded is what a clean run under faults left.
func recorded(t *testing.T, workload harness.Workload) []history.Pair {
	t.Helper()
	r := simulated(t, harness.Test{
		Workload: workload, Seed: 1, OpTimeout: time.Second, TimeLimit: 20 * time.Second,
		Nemesis: lanes(t, "partition:leader,pause:one,kill:minority"), Target: inmem.Target{},
	})
	if r.Recorded == nil || r.Ops.OK < 1000 {
		t.Fatalf("%s: %d ok", workload.Name, r.Ops.OK)
	}
	return r.Recorded.History.Pairs
}

func TestTheTotalStaysTheSame(t *testing.T) {
	for _, p := range recorded(t, workloads.Bank()) {
		if p.F != "read" || p.Outcome != history.OK {
			continue
		}
		total := int64(0)
		for _, row := range p.Output.([]any) {
			total += row.([]int64)[1]
		}
		if total != 80 {
			t.Fatalf("a total of %d: %v", total, p.Output)
		}
	}
}

// All reads of a list are prefixes of the longest: nothing is lost, and nothing comes between.
func TestListsOnlyGrow(t *testing.T) {
	longest := make(map[string][]int64)
	pairs := recorded(t, workloads.ListAppend())
	reads := func(do func(key string, list []int64)) {
		for _, p := range pairs {
			if p.Outcome != history.OK {
				continue
			}
			for _, s := range p.Output.([]any) {
				step := s.([]any)
				if list, isRead := step[2].([]int64); isRead {
					do(step[1].(string), list)
				}
			}
		}
	}
	reads(func(key string, list []int64) {
		if len(list) > len(longest[key]) {
			longest[key] = list
		}
	})
	reads(func(key string, list []int64) {
		if !slices.Equal(list, longest[key][:len(list)]) {
			t.Errorf("%s was %v and %v", key, list, longest[key])
		}
	})
	if len(longest) < 10 {
		t.Errorf("only %d lists were read", len(longest))
	}
}
