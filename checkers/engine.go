package checkers

import (
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
	end          atomic.Int64 // one more than the position of the operation at whose return no order was left, if told
	far          atomic.Int64 // how many operations an engine without an answer had in an order at most, if it tells
	limit        int64        // of steps, which ends a search independently of the clock; 0 means none
	memory       int64        // in bytes; 0 means none
}

// spent reports whether no more steps may be taken.
func (m *meter) spent() bool { return m.limit > 0 && m.steps.Load() >= m.limit }

// searching is capsize's own engine.
type searching struct {
	// doubts: it soon gives up looking for an order and goes on with all of them at once, and believes that there is one
	// without replaying it, or having it. Of every other object that package levels asks about there is none.
	doubts bool
}

func (searching) name() string { return "search" }

// decide lets a search go deep first, which finds orders fast. What it has not decided within a few steps for each
// operation is looked at for a return at which no order is left, for as many steps; and so on in turns, each eight times
// as long as the one before, so that what the one finds hard and the other easy is not waited for.
func (e searching) decide(
	ctx context.Context, o *linear.Object, m linear.Model, meter *meter,
) (linear.Answer, error) {
	budget := func(steps int64) linear.Budget {
		before := meter.steps.Load()
		if left := meter.limit - before; meter.limit > 0 && (steps == 0 || steps > left) {
			steps = max(left, 1)
		}
		return linear.Budget{Steps: steps, Memory: meter.memory, Watch: func(steps, bytes int64) {
			meter.steps.Store(before + steps)
			meter.bytes.Store(bytes)
		}}
	}
	valued, turns := m.(linear.Valued)
	var s linear.Search
	var r linear.Result
	turn, refuting := int64(8*len(o.Ops)+20_000), int64(1)
	if e.doubts {
		turn, refuting = int64(8*len(o.Ops)+2000), 4
	}
	for ; ; turn *= 8 {
		if !turns {
			turn = 0 // as long as it takes
		}
		r = s.Decide(ctx, o, m, budget(turn))
		if !turns || !errors.Is(r.Cause, linear.ErrSteps) || meter.spent() {
			break
		}
		at, cause := linear.Refute(ctx, o, valued, budget(refuting*turn))
		if at >= 0 {
			meter.end.Store(int64(at) + 1)
			return linear.Illegal, nil
		}
		if e.doubts && cause == nil {
			return linear.Legal, nil
		}
		if ctx.Err() != nil || meter.spent() {
			r.Cause = cause
			break
		}
		turns = errors.Is(cause, linear.ErrSteps)
	}
	meter.far.Store(int64(r.Far))
	if r.Answer == linear.Legal && !e.doubts {
		if err := linear.Replay(o, m, r.Order); err != nil {
			return linear.Undecided, fmt.Errorf("search: %w (%w)", errProof, err)
		}
	}
	return r.Answer, r.Cause
}
