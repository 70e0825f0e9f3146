package workloads

import (
	"context"
	"fmt"

	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/history"
)

// The checkers of transactions are those of checkers/txn, which is not merged yet. Until then nothing is decided.

func listAppendChecker() harness.Checker { return undecided("list-append") }

func rwRegisterChecker() harness.Checker { return undecided("rw-register") }

func bankChecker() harness.Checker {
	return undecided(fmt.Sprintf("bank of %d accounts with a total of %d", bankAccounts, bankTotal))
}

func longForkChecker() harness.Checker { return undecided("long-fork") }

func undecided(name string) harness.Checker {
	return harness.CheckerFunc(name, func(context.Context, history.History) (harness.Verdict, error) {
		return harness.Verdict{Reason: "no checker of transactions is there yet"}, nil
	})
}
