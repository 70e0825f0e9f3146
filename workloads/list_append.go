package workloads

import (
	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// ListAppend is the workload of transactions on lists: one to four steps each, of which half append an element unique
// to the run and half read a whole list. A list says in which order its elements came, so what is read tells how
// transactions depend on each other (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
// Observations", 2020). The history has txn, with lists of [append key element] and [r key list].
func ListAppend() harness.Workload {
	return harness.Workload{
		Name:    "list-append",
		Doc:     "transactions that append unique elements to several lists and read them",
		New:     newListAppend,
		Invoke:  transactions("list-append", stepPush, stepRead),
		Accepts: accepts[TxnClient]("list-append"),
		Kinds:   []string{transact},
		Checker: txn.ListAppend(),
	}
}

func newListAppend(load harness.Load) (calls, final harness.Generator) {
	t := &txnCalls{write: stepPush, ring: newKeyring(keysInUse(load, 5), txnLife)}
	return gen.Func(t.next), finalReads(t.ring, load, 1, readInTxn)
}
