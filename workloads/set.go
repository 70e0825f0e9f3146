package workloads

import (
	"context"

	"github.com/capsize-dev/capsize/checkers"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// SetClient adds members to sets and reads them by key. A key that nothing was added to is an empty set. A revision is
// the position in the system's own order at which the call was served, 0 where it tells none.
type SetClient interface {
	// AddMember puts the element into the set.
	AddMember(ctx context.Context, key string, element int64) (revision int64, err error)
	// Members returns every element, in any order, each as often as the system holds it. The slice is the caller's.
	Members(ctx context.Context, key string) (elements []int64, revision int64, err error)
}

// Set is the workload of sets: four adds of elements unique to the run to one read, and after the last heal reads of
// every set from at least two nodes. It asks little of a system and shows plainly what was lost. The history has add
// (the element) and read ([]int64).
func Set() harness.Workload {
	return harness.Workload{
		Name:    "set",
		Doc:     "add unique elements to sets and look for them, above all after the last heal",
		New:     newSet,
		Invoke:  invoker(invokeSet),
		Accepts: accepts[SetClient]("set"),
		Kinds:   []string{add, read},
		Checker: checkers.Set(),
	}
}

func newSet(load harness.Load) (calls, final harness.Generator) {
	e := &elementCalls{f: add, ring: newKeyring(keysInUse(load, 3), 300)}
	return gen.Mix(gen.Weight(4, gen.Func(e.add)), gen.Func(e.read)), finalReads(e.ring, load, 2, readKey)
}

func invokeSet(ctx context.Context, client SetClient, call harness.Call) (harness.Result, error) {
	element, isElement := call.Value.(int64)
	switch {
	case call.F == add && isElement:
		revision, err := client.AddMember(ctx, call.Key, element)
		return harness.Result{Revision: revision}, err
	case call.F == read && call.Value == nil:
		members, revision, err := client.Members(ctx, call.Key)
		if err != nil {
			return harness.Result{}, err
		}
		return harness.Result{Value: elements(members), Revision: revision}, nil
	}
	return harness.Result{}, badCall("set", call)
}
