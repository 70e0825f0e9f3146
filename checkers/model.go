package checkers

import (
	"fmt"
	"strings"

	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// Model is a kind of object whose histories [Linearizable] judges. The models are [Register], [CASRegister],
// [VersionedRegister], [Append], [Queue], [UnorderedQueue], [Lock], [FencedLock],
// [Counter] and [MemberSet].
type Model struct {
	info   ModelInfo
	object object
}

// ModelInfo is what a catalogue says about a model.
type ModelInfo struct {
	Name      string
	Doc       string   // one line
	Functions []string // what its histories may call, in our words; Jepsen's r and w are understood too
}

// Name is what the user types.
func (m Model) Name() string { return m.info.Name }

// Register is a single value per key: read and write.
func Register() Model {
	return Model{ModelInfo{"register", "one value per key: read and write", []string{"read", "write"}}, register{}}
}

// CASRegister is a single value per key with compare-and-set, whose argument is the list of the old value and the new.
// One that failed and is marked as unmet saw that the value is not the old one; any other that failed says nothing.
func CASRegister() Model {
	return Model{
		ModelInfo{"cas-register", "one value per key: read, write and cas [old new]", []string{"read", "write", "cas"}},
		register{swaps: true},
	}
}

// VersionedRegister is a register whose answers carry a revision: a read returns the list of the value and its
// revision, a write or a compare-and-set the revision that it made.
func VersionedRegister() Model {
	return Model{
		ModelInfo{"versioned-register", "one value per key: read returns [value revision], write and cas a revision",
			[]string{"read", "write", "cas"}},
		versioned{register{swaps: true}},
	}
}

// Append is a list per key: append an element, read the whole list.
func Append() Model {
	return Model{
		ModelInfo{"append", "a list per key: append an element, read the whole list", []string{"append", "read"}},
		list{},
	}
}

// Queue is a queue per key, first in first out, whose dequeue returns nil where it found nothing.
func Queue() Model {
	return Model{
		ModelInfo{"queue", "a queue per key, first in first out: enqueue, dequeue, which returns nil for nothing",
			[]string{"enqueue", "dequeue"}},
		queue{fifo: true},
	}
}

// UnorderedQueue is a queue per key whose values may come out in any order.
func UnorderedQueue() Model {
	return Model{
		ModelInfo{"unordered-queue", "a queue per key whose values come out in any order: enqueue, dequeue",
			[]string{"enqueue", "dequeue"}},
		queue{},
	}
}

// Lock is a lock per key that a process takes and gives back. An acquire that returns false was told that somebody has
// it.
func Lock() Model {
	return Model{
		ModelInfo{"lock", "a lock per key: acquire, which returns false where the lock is taken, and release",
			[]string{"acquire", "release"}},
		lock{},
	}
}

// FencedLock is a lock per key whose acquire returns a token: a whole number above all earlier ones.
func FencedLock() Model {
	return Model{
		ModelInfo{"fenced-lock", "a lock per key with tokens that go up: acquire, which returns a token, and release",
			[]string{"acquire", "release"}},
		lock{fenced: true},
	}
}

// Counter is a number per key, 0 at first, to which whole numbers are added, also negative ones.
func Counter() Model {
	return Model{
		ModelInfo{"counter", "a number per key, 0 at first: add a whole number, read", []string{"add", "read"}},
		counter{},
	}
}

// MemberSet is a set per key: elements are added, removed and asked for one by one. An add or a remove may return
// whether there was something to do.
func MemberSet() Model {
	return Model{
		ModelInfo{"member-set", "a set per key by element: add and remove, which may return whether they did, contains",
			[]string{"add", "remove", "contains"}},
		memberSet{},
	}
}

// models are those of Linearizable, in the order in which they are listed.
func models() []Model {
	return []Model{
		Register(), CASRegister(), VersionedRegister(), Append(), Queue(), UnorderedQueue(), Lock(), FencedLock(),
		Counter(), MemberSet(),
	}
}

func setInfo() ModelInfo {
	return ModelInfo{"set", "a set per key that only grows: add an element, read all members", []string{"add", "read"}}
}

// transactional are the models of transactions, with their checkers.
func transactional() []struct {
	info    ModelInfo
	checker harness.Checker
} {
	micro := []string{"txn"}
	return []struct {
		info    ModelInfo
		checker harness.Checker
	}{
		{ModelInfo{"list-append", "transactions over lists: [append key element] and [r key list]", micro}, txn.ListAppend()},
		{ModelInfo{"rw-register", "transactions over registers: [w key value] and [r key value]", micro}, txn.RWRegister()},
		{ModelInfo{"read-committed", "the same as rw-register, for this level alone", micro}, txn.Weak(harness.ReadCommitted)},
		{ModelInfo{"read-atomic", "the same as rw-register, for this level alone", micro}, txn.Weak(harness.ReadAtomic)},
		{ModelInfo{"causal", "the same as rw-register, for this level alone", micro}, txn.Weak(harness.Causal)},
		{ModelInfo{"long-fork", "transactions that write one key, once, or read several", micro}, txn.LongFork()},
		{
			ModelInfo{"bank", "accounts whose sum stays: transfer [from to amount], read all balances", []string{"transfer", "read"}},
			txn.Bank(txn.BankRules{}),
		},
	}
}

// Models returns what [ForModel] knows, in the order in which it is listed.
func Models() []ModelInfo {
	var all []ModelInfo
	for _, m := range models() {
		all = append(all, m.info)
	}
	all = append(all, setInfo())
	for _, t := range transactional() {
		all = append(all, t.info)
	}
	return all
}

// ForModel returns the checker of a model by its name. The error says which models there are.
func ForModel(name string, budget harness.Budget) (harness.Checker, error) {
	for _, m := range models() {
		if m.info.Name == name {
			return Linearizable(m, budget), nil
		}
	}
	if name == setInfo().Name {
		return Set(), nil
	}
	for _, t := range transactional() {
		if t.info.Name == name {
			return t.checker, nil
		}
	}
	var names []string
	for _, m := range Models() {
		names = append(names, m.Name)
	}
	if near := harness.Nearest(name, names); near != "" {
		return nil, fmt.Errorf("unknown model %q: did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("unknown model %q: there are %s", name, strings.Join(names, ", "))
}

// function returns our word for a function of a history: Jepsen's short forms and the usual long ones are understood.
func function(f string) string {
	switch f {
	case "r", "get":
		return "read"
	case "w", "put":
		return "write"
	case "lock":
		return "acquire"
	case "unlock":
		return "release"
	case "compare-and-set", "compare-and-swap":
		return "cas"
	}
	return f
}

func unknownFunction(p history.Pair) error {
	if p.F == "txn" {
		return fmt.Errorf("operation %d is a transaction (txn), which this model does not have: try list-append or rw-register",
			p.Index)
	}
	var known []string
	for _, m := range Models() {
		known = append(known, fmt.Sprintf("%s (%s)", m.Name, strings.Join(m.Functions, ", ")))
	}
	return fmt.Errorf("operation %d calls %q, which this model does not have: the models are %s",
		p.Index, p.F, strings.Join(known, ", "))
}
