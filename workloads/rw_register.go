package workloads

import (
	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// RWRegister is the workload of transactions on registers: one to four steps each, of which half write a value unique
// to the run and half read. A read says which write it saw, but not what came before: where a system has transactions
// on lists, [ListAppend] proves more. The history has txn, with lists of [w key value] and [r key value].
func RWRegister() harness.Workload {
	return harness.Workload{
		Name:    "rw-register",
		Doc:     "transactions that write unique values to several registers and read them",
		New:     newRWRegister,
		Invoke:  transactions("rw-register", stepWrite, stepRead),
		Accepts: accepts[TxnClient]("rw-register"),
		Kinds:   []string{transact},
		Checker: txn.RWRegister(),
	}
}

func newRWRegister(load harness.Load) (calls, final harness.Generator) {
	t := &txnCalls{write: stepWrite, ring: newKeyring(keysInUse(load, 5), txnLife)}
	return gen.Func(t.next), finalReads(t.ring, load, 1, readInTxn)
}
