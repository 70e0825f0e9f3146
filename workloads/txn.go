package workloads

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/capsize-dev/capsize/harness"
)

// The functions of transactions, and their steps.
const (
	transact  = "txn"
	stepRead  = "r"
	stepWrite = "w"
	// stepPush appends to a list. It has the name that an append by itself has.
	stepPush = push
)

// maxSteps is how many steps a transaction has at most.
const maxSteps = 4

// txnLife is how many steps go to a key before it retires: half of them are writes.
const txnLife = 80

// TxnClient carries out transactions.
type TxnClient interface {
	// Transact carries out a list of steps [f key value], in their order: "append" puts the value at the end of the list,
	// "w" sets the register, "r", whose value is nil, reads either. It returns the same list with what the reads saw:
	// []int64 of a list, int64 of a register, nil of a key that has neither. Within one workload a key is used as a list
	// or as a register, never as both. An error that wraps harness.ErrNotApplied says that nothing was done.
	Transact(ctx context.Context, ops []any) ([]any, error)
}

// step makes a step of a transaction.
func step(f, key string, value any) any { return []any{f, key, value} }

// txnCalls is the state of calls that read and write several keys at once.
type txnCalls struct {
	write   string // what a step that writes is called
	ring    *keyring
	written int64 // the last value written; the next one is new to the run
}

func (t *txnCalls) next(ask harness.Ask) (harness.Call, bool) {
	steps := make([]any, 1+ask.Rand.IntN(maxSteps))
	for i := range steps {
		steps[i] = t.step(ask.Rand)
	}
	return harness.Call{F: transact, Value: steps}, true
}

func (t *txnCalls) step(rng *rand.Rand) any {
	key := t.ring.pick(rng).name()
	if rng.IntN(2) == 0 {
		return step(stepRead, key, nil)
	}
	t.written++
	return step(t.write, key, t.written)
}

// readInTxn is the final read of one key.
func readInTxn(number int) harness.Call {
	return harness.Call{F: transact, Value: []any{step(stepRead, keyName(number), nil)}}
}

// transactions makes the invoker of a workload whose transactions have these steps. One that only reads has no effect,
// so where it fails it certainly has none.
func transactions(workload string, fs ...string) harness.Invoker {
	return invoker(func(ctx context.Context, client TxnClient, call harness.Call) (harness.Result, error) {
		steps, isList := call.Value.([]any)
		if call.F != transact || !isList || !areSteps(steps, fs) {
			return harness.Result{}, badCall(workload, call)
		}
		seen, err := client.Transact(ctx, steps)
		if err != nil {
			if readsOnly(steps) {
				err = failedRead{err}
			}
			return harness.Result{}, err
		}
		return harness.Result{Value: seen}, nil
	})
}

// areSteps reports whether these are steps with one of the functions.
func areSteps(steps []any, fs []string) bool {
	for _, s := range steps {
		parts, isList := s.([]any)
		if !isList || len(parts) != 3 {
			return false
		}
		f, isText := parts[0].(string)
		_, isKey := parts[1].(string)
		_, isNumber := parts[2].(int64)
		if !isText || !isKey || !slices.Contains(fs, f) || isNumber == (f == stepRead) {
			return false
		}
	}
	return len(steps) > 0
}

func readsOnly(steps []any) bool {
	return !slices.ContainsFunc(steps, func(s any) bool { return s.([]any)[0] != stepRead })
}
