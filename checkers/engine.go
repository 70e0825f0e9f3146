package checkers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/capsize-dev/capsize/checkers/linear"
	"github.com/capsize-dev/capsize/harness"
)

// engine decides whether some order of operations fits an object, whatever the object is.
type engine interface {
	name() string
	// decide answers legal or illegal for good, or undecided where ctx ended or the meter ran out: then the cause is
	// [context.Cause], [linear.ErrSteps] or [linear.ErrMemory]. It keeps nothing of the object.
	decide(ctx context.Context, o *linear.Object, m linear.Model, meter *meter) (linear.Answer, error)
}

// Engines returns the names [WithEngine] knows, the default first.
func Engines() []string { return []string{searching{}.name(), porcupineEngine{}.name()} }

type engineKey struct{}

// WithEngine returns a context with which [Linearizable] decides every key by the named engine alone, without the
// special deciders and without a look for what is clear. The error says which engines there are.
func WithEngine(ctx context.Context, name string) (context.Context, error) {
	for _, e := range []engine{searching{}, porcupineEngine{}} {
		if e.name() == name {
			return context.WithValue(ctx, engineKey{}, e), nil
		}
	}
	if near := harness.Nearest(name, Engines()); near != "" {
		return nil, fmt.Errorf("unknown engine %q: did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("unknown engine %q: there are %s", name, strings.Join(Engines(), ", "))
}

// engineOf returns the engine that whoever asked for a check wants alone, or nil.
func engineOf(ctx context.Context) engine {
	e, _ := ctx.Value(engineKey{}).(engine)
	return e
}

type everyKeyKey struct{}

// WithEveryKey returns a context with which [Linearizable] searches on for an order of every key until its budget ends.
// Without it, once a violation is proven the others get no more time than it took to find it.
func WithEveryKey(ctx context.Context) context.Context {
	return context.WithValue(ctx, everyKeyKey{}, true)
}

func everyKey(ctx context.Context) bool {
	asked, _ := ctx.Value(everyKeyKey{}).(bool)
	return asked
}

// meter counts what a search uses. It is read by others while the search runs.
type meter struct {
	steps, bytes atomic.Int64
	far          atomic.Int64 // how many operations an engine without an answer had in an order at most, if it tells
	limit        int64        // of steps, which ends a search independently of the clock; 0 means none
	memory       int64        // in bytes; 0 means none
}

// left is how many steps may still be taken: none where it is negative, any number where it is 0.
func (m *meter) left() int64 {
	if m.limit == 0 {
		return 0
	}
	return cmp.Or(m.limit-m.steps.Load(), -1)
}

// searching is capsize's own engine.
type searching struct{}

func (searching) name() string { return "search" }

// decide lets a search go deep first, which finds orders fast. What it has not decided within a few steps for each
// operation is looked at for a return at which no order is left; then the search goes on.
func (searching) decide(
	ctx context.Context, o *linear.Object, m linear.Model, meter *meter,
) (linear.Answer, error) {
	before := int64(0)
	budget := func(steps int64) linear.Budget {
		before = meter.steps.Load()
		return linear.Budget{Steps: steps, Memory: meter.memory, Watch: func(steps, bytes int64) {
			meter.steps.Store(before + steps)
			meter.bytes.Store(bytes)
		}}
	}
	soon := int64(8*len(o.Ops) + 20_000)
	valued, split := m.(linear.Valued)
	if split = split && (meter.limit == 0 || soon < meter.limit); !split {
		soon = meter.limit
	}
	var s linear.Search
	r := s.Decide(ctx, o, m, budget(soon))
	if split && errors.Is(r.Cause, linear.ErrSteps) {
		at, cause := linear.Refute(ctx, o, valued, budget(meter.left()))
		switch {
		case at >= 0:
			return linear.Illegal, nil
		case ctx.Err() != nil:
			r.Cause = cause
		case meter.left() >= 0:
			r = s.Decide(ctx, o, m, budget(meter.left()))
		}
	}
	meter.far.Store(int64(r.Far))
	if r.Answer == linear.Legal {
		if err := linear.Replay(o, m, r.Order); err != nil {
			return linear.Undecided, fmt.Errorf("search: %w (%w)", errProof, err)
		}
	}
	return r.Answer, r.Cause
}
