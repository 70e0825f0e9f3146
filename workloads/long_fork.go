package workloads

import (
	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// The shape of a long fork.
const (
	forkGroup = 3  // keys that are read together
	forkLife  = 12 // calls of a group; all but one for each key are reads
)

// LongFork is the workload of forks: keys in groups of three, each key written once, by a transaction of its own, and
// groups read whole, in random order of their keys. Two reads of a group that saw two of its writes in different orders
// are a long fork, which parallel snapshot isolation allows and snapshot isolation does not. The history has txn, of
// writers [[w key 1]] and of readers [[r key value] ...].
func LongFork() harness.Workload {
	return harness.Workload{
		Name:    "long-fork",
		Doc:     "single writes to keys that are read in groups, which must be seen in one order",
		New:     newLongFork,
		Invoke:  transactions("long-fork", stepWrite, stepRead),
		Accepts: accepts[TxnClient]("long-fork"),
		Kinds:   []string{transact},
		Checker: txn.LongFork(),
	}
}

func newLongFork(load harness.Load) (calls, final harness.Generator) {
	// the ring hands out groups
	f := &forks{ring: newKeyring(keysInUse(load, 5), forkLife), unwritten: make(map[int][]int)}
	return gen.Func(f.next), finalReads(f.ring, load, 1, readGroup)
}

// forks is the state of a run's calls.
type forks struct {
	ring      *keyring
	unwritten map[int][]int // keys by group, of the groups that are in use
}

// next spreads a group's writes evenly over its calls, so that others read it meanwhile.
func (f *forks) next(ask harness.Ask) (harness.Call, bool) {
	group := f.ring.pick(ask.Rand)
	keys, begun := f.unwritten[group.number]
	if !begun {
		keys = groupKeys(group.number)
		shuffle(ask, keys)
	}
	writes := ask.Rand.IntN(group.left+1) < len(keys)
	key := -1
	if writes {
		key, keys = keys[0], keys[1:]
	}
	if f.unwritten[group.number] = keys; group.left == 0 {
		delete(f.unwritten, group.number)
	}
	if writes {
		return harness.Call{F: transact, Value: []any{step(stepWrite, keyName(key), int64(1))}}, true
	}
	keys = groupKeys(group.number)
	shuffle(ask, keys)
	return readKeys(keys), true
}

// groupKeys are the numbers of a group's keys.
func groupKeys(group int) []int {
	keys := make([]int, forkGroup)
	for i := range keys {
		keys[i] = group*forkGroup + i
	}
	return keys
}

func shuffle(ask harness.Ask, keys []int) {
	ask.Rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
}

func readKeys(keys []int) harness.Call {
	steps := make([]any, len(keys))
	for i, key := range keys {
		steps[i] = step(stepRead, keyName(key), nil)
	}
	return harness.Call{F: transact, Value: steps}
}

// readGroup is the final read of a group.
func readGroup(group int) harness.Call { return readKeys(groupKeys(group)) }
