package workloads

import (
	"context"

	"github.com/capsize-dev/capsize/checkers/txn"
	"github.com/capsize-dev/capsize/harness"
	"github.com/capsize-dev/capsize/harness/gen"
)

// The bank that clients find.
const (
	bankAccounts = 8
	bankTotal    = 80
	maxTransfer  = 5
)

// BankClient moves money between the accounts 0 to 7. On a fresh cluster each has a balance of 10.
type BankClient interface {
	// Transfer takes an amount from one account and gives it to the other, in one step. Where the first would then hold
	// less than nothing it changes nothing and returns an error wrapping harness.ErrNotApplied, and harness.ErrUnmet
	// since that is an answer.
	Transfer(ctx context.Context, from, to, amount int64) error
	// Balances returns pairs of an account and its balance, in order of account, as they are at one moment. The slice is
	// the caller's.
	Balances(ctx context.Context) (balances [][2]int64, err error)
}

// Bank is the workload of a bank: half transfers between two of eight accounts, half reads of all balances. Whatever is
// transferred, the total stays the same, and no balance is negative. The history has transfer ([from to amount]) and
// read ([[account balance] ...]).
func Bank() harness.Workload {
	return harness.Workload{
		Name:    "bank",
		Doc:     "transfer between eight accounts and read all balances, whose total must stay the same",
		New:     newBank,
		Invoke:  invoker(invokeBank),
		Accepts: accepts[BankClient]("bank"),
		Kinds:   []string{transfer, read},
		Checker: txn.Bank(txn.BankRules{Total: bankTotal}),
	}
}

const transfer = "transfer"

func newBank(load harness.Load) (calls, final harness.Generator) {
	b := &bank{}
	final = gen.Each(func(worker int) harness.Generator {
		if !b.used || worker >= max(len(load.Nodes), 1) { // the first worker of each node
			return gen.Of()
		}
		return gen.Of(harness.Call{F: read})
	})
	return gen.Mix(gen.Func(b.transfer), gen.Func(b.read)), final
}

// bank is the state of a run's calls.
type bank struct{ used bool }

func (b *bank) transfer(ask harness.Ask) (harness.Call, bool) {
	b.used = true
	from, to := ask.Rand.Int64N(bankAccounts), ask.Rand.Int64N(bankAccounts-1)
	if to >= from {
		to++
	}
	return harness.Call{F: transfer, Value: []int64{from, to, 1 + ask.Rand.Int64N(maxTransfer)}}, true
}

func (b *bank) read(harness.Ask) (harness.Call, bool) {
	b.used = true
	return harness.Call{F: read}, true
}

func invokeBank(ctx context.Context, client BankClient, call harness.Call) (harness.Result, error) {
	move, isMove := call.Value.([]int64)
	switch {
	case call.F == transfer && isMove && len(move) == 3:
		return harness.Result{}, client.Transfer(ctx, move[0], move[1], move[2])
	case call.F == read && call.Value == nil:
		balances, err := client.Balances(ctx)
		if err != nil {
			return harness.Result{}, err
		}
		rows := make([]any, len(balances))
		for i, row := range balances {
			rows[i] = []int64{row[0], row[1]}
		}
		return harness.Result{Value: rows}, nil
	}
	return harness.Result{}, badCall("bank", call)
}
