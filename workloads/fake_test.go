package workloads_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/workloads"
)

// store is a client of everything, correct and in memory. Where err is set, every call fails with it.
type store struct {
	values   map[string]int64
	lists    map[string][]int64
	accounts [8]int64
	revision int64
	err      error
}

var (
	_ workloads.RegisterClient = (*store)(nil)
	_ workloads.ListClient     = (*store)(nil)
	_ workloads.SetClient      = (*store)(nil)
	_ workloads.TxnClient      = (*store)(nil)
	_ workloads.BankClient     = (*store)(nil)
)

func newStore() *store {
	return &store{
		values: make(map[string]int64), lists: make(map[string][]int64),
		accounts: [8]int64{10, 10, 10, 10, 10, 10, 10, 10},
	}
}

func (s *store) Close() error { return nil }

func (s *store) step() (int64, error) {
	s.revision++
	return s.revision, s.err
}

func (s *store) Read(_ context.Context, key string) (int64, bool, int64, error) {
	revision, err := s.step()
	value, found := s.values[key]
	return value, found, revision, err
}

func (s *store) Write(_ context.Context, key string, value int64) (int64, error) {
	revision, err := s.step()
	if err == nil {
		s.values[key] = value
	}
	return revision, err
}

func (s *store) CompareAndSet(_ context.Context, key string, old, next int64) (int64, error) {
	revision, err := s.step()
	if err != nil {
		return 0, err
	}
	if value, found := s.values[key]; !found || value != old {
		return revision, fmt.Errorf("expected %d: %w: %w", old, harness.ErrNotApplied, harness.ErrUnmet)
	}
	s.values[key] = next
	return revision, nil
}

func (s *store) Append(_ context.Context, key string, element int64) (int64, error) {
	revision, err := s.step()
	if err == nil {
		s.lists[key] = append(s.lists[key], element)
	}
	return revision, err
}

func (s *store) List(_ context.Context, key string) ([]int64, int64, error) {
	revision, err := s.step()
	return slices.Clone(s.lists[key]), revision, err
}

func (s *store) AddMember(ctx context.Context, key string, element int64) (int64, error) {
	return s.Append(ctx, key, element)
}

func (s *store) Members(ctx context.Context, key string) ([]int64, int64, error) {
	return s.List(ctx, key)
}

func (s *store) Transact(_ context.Context, ops []any) ([]any, error) {
	if _, err := s.step(); err != nil {
		return nil, err
	}
	seen := make([]any, len(ops))
	for i, op := range ops {
		parts := op.([]any)
		key := parts[1].(string)
		value := parts[2]
		switch list, isList := s.lists[key]; {
		case parts[0] == "append":
			s.lists[key] = append(list, value.(int64))
		case parts[0] == "w":
			s.values[key] = value.(int64)
		case isList:
			value = slices.Clone(list)
		default:
			if register, found := s.values[key]; found {
				value = register
			}
		}
		seen[i] = []any{parts[0], key, value}
	}
	return seen, nil
}

func (s *store) Transfer(_ context.Context, from, to, amount int64) error {
	if _, err := s.step(); err != nil {
		return err
	}
	if s.accounts[from] < amount {
		return harness.ErrUnmet
	}
	s.accounts[from] -= amount
	s.accounts[to] += amount
	return nil
}

func (s *store) Balances(context.Context) (balances [][2]int64, err error) {
	_, err = s.step()
	for account, balance := range s.accounts {
		balances = append(balances, [2]int64{int64(account), balance})
	}
	return balances, err
}

// load is a load of five nodes and twice as many workers.
func load(keys int) harness.Load {
	return harness.Load{Keys: keys, Nodes: []string{"n1", "n2", "n3", "n4", "n5"}, Workers: 10}
}

// take asks a generator for n calls of a seed, its workers taking turns.
func take(t *testing.T, g harness.Generator, seed uint64, n int) []harness.Call {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	calls := make([]harness.Call, n)
	for i := range calls {
		call, ok := g.Next(harness.Ask{Worker: i % 10, Rand: rng})
		if !ok {
			t.Fatalf("the load ended after %d calls", i)
		}
		calls[i] = call
	}
	return calls
}

// drain asks for the final calls of every worker.
func drain(t *testing.T, final harness.Generator, workers int) [][]harness.Call {
	t.Helper()
	const enough = 1_000_000
	of := make([][]harness.Call, workers)
	for w := range of {
		for {
			call, ok := final.Next(harness.Ask{Worker: w})
			if !ok {
				break
			}
			if of[w] = append(of[w], call); len(of[w]) > enough {
				t.Fatalf("the final reads of worker %d do not end", w)
			}
		}
	}
	return of
}

// written returns the values that a call writes. What a bank transfers is none.
func written(call harness.Call) (values []int64) {
	switch v := call.Value.(type) {
	case int64:
		values = append(values, v)
	case []int64:
		if call.F == "cas" {
			values = append(values, v[1])
		}
	case []any:
		for _, step := range v {
			if value, ok := step.([]any)[2].(int64); ok {
				values = append(values, value)
			}
		}
	}
	return values
}

// keysOf returns the keys of a call, as often as it uses them.
func keysOf(call harness.Call) []string {
	steps, isTxn := call.Value.([]any)
	if !isTxn {
		return []string{call.Key}
	}
	keys := make([]string, len(steps))
	for i, step := range steps {
		keys[i] = step.([]any)[1].(string)
	}
	return keys
}

// isRead reports whether a call changes nothing.
func isRead(call harness.Call) bool {
	return (call.F == "read" && call.Value == nil) || (call.F == "txn" && len(written(call)) == 0)
}
