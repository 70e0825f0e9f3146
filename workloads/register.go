package workloads

import (
	"context"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// The functions of the histories.
const (
	read  = "read"
	write = "write"
	cas   = "cas"
	add   = "add"
	push  = "append"
)

// RegisterClient reads and writes single values by key. A revision is the position in the system's own order at which
// the call was served, 0 where it tells none.
type RegisterClient interface {
	// Read returns the value of the key, or found = false where it has none.
	Read(ctx context.Context, key string) (value int64, found bool, revision int64, err error)
	// Write sets the value.
	Write(ctx context.Context, key string, value int64) (revision int64, err error)
	// CompareAndSet sets the value to new if it is old, in one step. Where it is not (or there is none) it changes
	// nothing and returns an error wrapping harness.ErrNotApplied, and harness.ErrUnmet since that is an answer: it is
	// judged, as a read that saw some other value.
	CompareAndSet(ctx context.Context, key string, old, new int64) (revision int64, err error)
}

// Register is the workload of single values: half reads, a quarter writes, a quarter compare-and-sets. The history has
// read (its result nil where there was no value), write (the value) and cas ([old, new]).
//
// Which value a compare-and-set expects is guessed from what was last written to the key, so that a good share succeeds
// although a generator never sees a result.
func Register() harness.Workload {
	return harness.Workload{
		Name:    "register",
		Doc:     "read, write and compare-and-set single values over rotating keys",
		New:     newRegister,
		Invoke:  invoker(invokeRegister),
		Accepts: accepts[RegisterClient]("register"),
		Kinds:   []string{read, write, cas},
		Checker: checkers.Linearizable(checkers.CASRegister(), harness.Budget{}),
	}
}

func newRegister(load harness.Load) (calls, final harness.Generator) {
	r := &registers{ring: newKeyring(keysInUse(load, 5), 200)}
	calls = gen.Mix(gen.Weight(2, gen.Func(r.read)), gen.Func(r.write), gen.Func(r.cas))
	return calls, finalReads(r.ring, load, 1, readKey)
}

// registers is the state of a run's calls.
type registers struct {
	ring    *keyring
	written int64 // the last value written; the next one is new to the run
}

func (r *registers) read(ask harness.Ask) (harness.Call, bool) {
	return harness.Call{F: read, Key: r.ring.pick(ask.Rand).name()}, true
}

func (r *registers) write(ask harness.Ask) (harness.Call, bool) {
	return r.writeTo(r.ring.pick(ask.Rand)), true
}

func (r *registers) writeTo(k *key) harness.Call {
	r.written++
	k.remember(r.written)
	return harness.Call{F: write, Key: k.name(), Value: r.written}
}

// cas guesses the value to expect: mostly the one written last, else one of those before. A key that was never written
// has nothing to guess, so it is written.
func (r *registers) cas(ask harness.Ask) (harness.Call, bool) {
	k := r.ring.pick(ask.Rand)
	if len(k.recent) == 0 {
		return r.writeTo(k), true
	}
	guess := 0
	for guess < len(k.recent)-1 && ask.Rand.IntN(10) < 3 {
		guess++
	}
	old := k.recent[guess]
	r.written++
	if guess == 0 {
		k.remember(r.written) // the likeliest outcome
	}
	return harness.Call{F: cas, Key: k.name(), Value: []int64{old, r.written}}, true
}

func invokeRegister(ctx context.Context, client RegisterClient, call harness.Call) (harness.Result, error) {
	switch v := call.Value.(type) {
	case nil:
		if call.F == read {
			value, found, revision, err := client.Read(ctx, call.Key)
			if err != nil || !found {
				return harness.Result{Revision: revision}, err
			}
			return harness.Result{Value: value, Revision: revision}, nil
		}
	case int64:
		if call.F == write {
			revision, err := client.Write(ctx, call.Key, v)
			return harness.Result{Revision: revision}, err
		}
	case []int64:
		if call.F == cas && len(v) == 2 {
			revision, err := client.CompareAndSet(ctx, call.Key, v[0], v[1])
			return harness.Result{Revision: revision}, err
		}
	}
	return harness.Result{}, badCall("register", call)
}

func keysInUse(load harness.Load, ownChoice int) int {
	if load.Keys > 0 {
		return load.Keys
	}
	return ownChoice
}
