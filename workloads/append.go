package workloads

import (
	"context"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// ListClient appends to lists and reads them by key. A key that was never appended to is an empty list. A revision is
// the position in the system's own order at which the call was served, 0 where it tells none.
type ListClient interface {
	// Append puts the element at the end of the list.
	Append(ctx context.Context, key string, element int64) (revision int64, err error)
	// List returns the whole list. The slice is the caller's.
	List(ctx context.Context, key string) (elements []int64, revision int64, err error)
}

// Append is the workload of lists: half appends of elements unique to the run, half reads. A list says in which order
// its elements came, so one read judges many appends. The history has append (the element) and read ([]int64).
func Append() harness.Workload {
	return harness.Workload{
		Name:    "append",
		Doc:     "append unique elements to lists and read them over rotating keys",
		New:     newAppend,
		Invoke:  invoker(invokeAppend),
		Accepts: accepts[ListClient]("append"),
		Kinds:   []string{push, read},
		Checker: checkers.Linearizable(checkers.Append(), harness.Budget{}),
	}
}

func newAppend(load harness.Load) (calls, final harness.Generator) {
	e := &elementCalls{f: push, ring: newKeyring(keysInUse(load, 5), 200)}
	return gen.Mix(gen.Func(e.add), gen.Func(e.read)), finalReads(e.ring, load, 1, readKey)
}

// elementCalls is the state of calls that add elements to something and read it whole.
type elementCalls struct {
	f     string // what adding is called
	ring  *keyring
	added int64 // the last element added; the next one is new to the run
}

func (e *elementCalls) add(ask harness.Ask) (harness.Call, bool) {
	e.added++
	return harness.Call{F: e.f, Key: e.ring.pick(ask.Rand).name(), Value: e.added}, true
}

func (e *elementCalls) read(ask harness.Ask) (harness.Call, bool) {
	return harness.Call{F: read, Key: e.ring.pick(ask.Rand).name()}, true
}

func invokeAppend(ctx context.Context, client ListClient, call harness.Call) (harness.Result, error) {
	element, isElement := call.Value.(int64)
	switch {
	case call.F == push && isElement:
		revision, err := client.Append(ctx, call.Key, element)
		return harness.Result{Revision: revision}, err
	case call.F == read && call.Value == nil:
		list, revision, err := client.List(ctx, call.Key)
		if err != nil {
			return harness.Result{}, err
		}
		return harness.Result{Value: elements(list), Revision: revision}, nil
	}
	return harness.Result{}, badCall("append", call)
}
