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
	revision int64
	err      error
}

var (
	_ workloads.RegisterClient = (*store)(nil)
	_ workloads.ListClient     = (*store)(nil)
	_ workloads.SetClient      = (*store)(nil)
)

func newStore() *store {
	return &store{values: make(map[string]int64), lists: make(map[string][]int64)}
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

// written returns the value that a call writes.
func written(call harness.Call) (int64, bool) {
	switch v := call.Value.(type) {
	case int64:
		return v, true
	case []int64:
		return v[1], true
	}
	return 0, false
}
